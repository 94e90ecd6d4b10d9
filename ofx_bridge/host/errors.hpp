// SPDX-License-Identifier: Apache-2.0
// What the headless host throws at its caller (never at the plugin).
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace sparkvsr::host {

/// The name of a status code: "kOfxStatFailed" for 1; "status 77" for a number that the standard does not know.
[[nodiscard]] std::string statusName(int status);
/// True for the codes of the standard.
[[nodiscard]] bool isKnownStatus(int status) noexcept;
/// OK or ReplyDefault.
[[nodiscard]] bool worked(int status) noexcept;

/// The host refuses, or was used wrongly. `name` says which rule.
class HostError : public std::runtime_error {
 public:
  HostError(std::string errorName, const std::string& text)
      : std::runtime_error(errorName + ": " + text), name(std::move(errorName)) {}
  std::string name;
};

/// The binary cannot be loaded or is no OpenFX image effect.
class LoadFailed : public HostError {
 public:
  explicit LoadFailed(const std::string& text) : HostError("LoadFailed", text) {}
};

/// An action answered with a failure. `messages` are what the plugin said through the message suites meanwhile.
class ActionFailed : public HostError {
 public:
  ActionFailed(std::string errorName, std::string actionName, int code, std::vector<std::string> said);
  std::string action;
  int status;
  std::vector<std::string> messages;
};

class RenderFailed : public ActionFailed {
 public:
  RenderFailed(int code, std::vector<std::string> said)
      : ActionFailed("RenderFailed", "OfxImageEffectActionRender", code, std::move(said)) {}

 protected:
  using ActionFailed::ActionFailed;
};

/// The host said abort. `latencyMs`: from the moment abort() began to answer 1 until the render action returned.
class RenderAborted : public RenderFailed {
 public:
  RenderAborted(int code, std::vector<std::string> said, double latency)
      : RenderFailed("RenderAborted", "OfxImageEffectActionRender", code, std::move(said)), latencyMs(latency) {}
  double latencyMs;
};

/// One broken rule. `rule` is a stable name (docs: violations.hpp), `action` the action during which it was broken.
struct Violation {
  std::string rule;
  std::string action;
  std::string text;
};

/// The plugin broke rules of the standard (or of this personality).
class PluginViolated : public HostError {
 public:
  explicit PluginViolated(std::vector<Violation> found);
  std::vector<Violation> violations;
};

}  // namespace sparkvsr::host
