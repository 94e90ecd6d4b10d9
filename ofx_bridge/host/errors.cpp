// SPDX-License-Identifier: Apache-2.0
#include "host/errors.hpp"

#include <ofxGPURender.h>
#include <ofxImageEffect.h>

#include <map>

namespace sparkvsr::host {
namespace {

const std::map<int, const char*>& statusNames() {
  static const std::map<int, const char*> names = {
      {kOfxStatOK, "kOfxStatOK"},
      {kOfxStatFailed, "kOfxStatFailed"},
      {kOfxStatErrFatal, "kOfxStatErrFatal"},
      {kOfxStatErrUnknown, "kOfxStatErrUnknown"},
      {kOfxStatErrMissingHostFeature, "kOfxStatErrMissingHostFeature"},
      {kOfxStatErrUnsupported, "kOfxStatErrUnsupported"},
      {kOfxStatErrExists, "kOfxStatErrExists"},
      {kOfxStatErrFormat, "kOfxStatErrFormat"},
      {kOfxStatErrMemory, "kOfxStatErrMemory"},
      {kOfxStatErrBadHandle, "kOfxStatErrBadHandle"},
      {kOfxStatErrBadIndex, "kOfxStatErrBadIndex"},
      {kOfxStatErrValue, "kOfxStatErrValue"},
      {kOfxStatReplyYes, "kOfxStatReplyYes"},
      {kOfxStatReplyNo, "kOfxStatReplyNo"},
      {kOfxStatReplyDefault, "kOfxStatReplyDefault"},
      {kOfxStatErrImageFormat, "kOfxStatErrImageFormat"},
      {kOfxStatGPUOutOfMemory, "kOfxStatGPUOutOfMemory"},
      {kOfxStatGPURenderFailed, "kOfxStatGPURenderFailed"},
  };
  return names;
}

std::string describeFailure(const std::string& action, int status, const std::vector<std::string>& said) {
  std::string text = action + " returned " + statusName(status);
  for (const std::string& line : said) text += "\n  " + line;
  return text;
}

std::string describeViolations(const std::vector<Violation>& found) {
  std::string text = std::to_string(found.size()) + " violation(s)";
  for (const Violation& one : found) text += "\n  " + one.rule + " in " + one.action + ": " + one.text;
  return text;
}

}  // namespace

std::string statusName(int status) {
  const auto found = statusNames().find(status);
  return found == statusNames().end() ? "status " + std::to_string(status) : found->second;
}

bool worked(int status) noexcept { return status == kOfxStatOK || status == kOfxStatReplyDefault; }

bool isKnownStatus(int status) noexcept { return statusNames().count(status) != 0; }

ActionFailed::ActionFailed(std::string errorName, std::string actionName, int code, std::vector<std::string> said)
    : HostError(std::move(errorName), describeFailure(actionName, code, said)),
      action(std::move(actionName)),
      status(code),
      messages(std::move(said)) {}

PluginViolated::PluginViolated(std::vector<Violation> found)
    : HostError("PluginViolated", describeViolations(found)), violations(std::move(found)) {}

}  // namespace sparkvsr::host
