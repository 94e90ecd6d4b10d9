// SPDX-License-Identifier: Apache-2.0
#include "messages.hpp"

namespace sparkvsr::plugin {
namespace {

const char* typeOf(Severity severity) { return severity == Severity::Error ? kOfxMessageError : kOfxMessageWarning; }

/// The text is the format, with its percent signs doubled: some hosts lose the arguments on their way.
std::string asFormat(const std::string& text) {
  std::string format;
  for (const char character : text) format.append(character == '%' ? 2 : 1, character);
  return format;
}

/// Every member may be NULL, whatever the version says. Without persistent messages a warning goes to the log only: a
/// dialog for each frame helps nobody.
void post(const Instance& instance, Severity severity, const char* name, const std::string& text) {
  const auto* persistent = instance.suites().persistentMessage;
  const auto* plain = instance.suites().message;
  void* effect = instance.effect;
  const std::string format = asFormat(text);
  if (persistent != nullptr && persistent->setPersistentMessage != nullptr) {
    persistent->setPersistentMessage(effect, typeOf(severity), name, format.c_str());
  } else if (plain != nullptr && plain->message != nullptr) {
    plain->message(effect, severity == Severity::Error ? kOfxMessageError : kOfxMessageLog, name, format.c_str());
  }
}

/// A message that needs no taking back.
void say(const Instance& instance, const char* type, const char* name, const std::string& text) {
  const auto* newer = instance.suites().persistentMessage;
  const auto* older = instance.suites().message;
  void* effect = instance.effect;
  const std::string format = asFormat(text);
  if (newer != nullptr && newer->message != nullptr) {
    newer->message(effect, type, name, format.c_str());
  } else if (older != nullptr && older->message != nullptr) {
    older->message(effect, type, name, format.c_str());
  }
}

void answer(Instance& instance, const char* type, const char* name, const std::string& text) {
  {
    const std::lock_guard lock(instance.mutex);
    instance.lastOutcome = text;
  }
  say(instance, instance.host->facts.background ? kOfxMessageLog : type, name, text);
}

constexpr const char* kWarningName = "KeyframeWithoutPicture";

}  // namespace

void answerButton(Instance& instance, const std::string& text) {
  answer(instance, kOfxMessageMessage, "SparkVSR", "SparkVSR: " + text);
}

void answerButton(Instance& instance, const Error& error) {
  answer(instance, kOfxMessageError, error.name.c_str(), "SparkVSR: " + error.text());
}

void setWarning(Instance& instance, const std::string& text) {
  bool wasShown = false;
  {
    const std::lock_guard lock(instance.mutex);
    if (instance.warning == text) return;
    wasShown = !instance.warning.empty() && instance.shownMessage == instance.warning;
    instance.warning = text;
    if (!text.empty()) instance.shownMessage = text;
  }
  if (!text.empty()) return post(instance, Severity::Warning, kWarningName, text);
  if (wasShown) clearMessage(instance);  // what was shown is no warning any more
}

void showMessage(Instance& instance, Severity severity, const std::string& name, const std::string& text) {
  {
    const std::lock_guard lock(instance.mutex);
    instance.lastOutcome = text;
    if (instance.shownMessage == text) return;
    instance.shownMessage = text;
  }
  post(instance, severity, name.c_str(), text);
}

void clearMessage(Instance& instance) {
  std::string warning;
  {
    const std::lock_guard lock(instance.mutex);
    instance.lastOutcome.clear();
    if (instance.shownMessage == instance.warning) return;
    warning = instance.warning;
    instance.shownMessage = warning;
  }
  if (!warning.empty()) return post(instance, Severity::Warning, kWarningName, warning);
  const auto* persistent = instance.suites().persistentMessage;
  void* effect = instance.effect;
  if (persistent != nullptr && persistent->clearPersistentMessage != nullptr)
    persistent->clearPersistentMessage(effect);
}

void showError(Instance& instance, const Error& error) {
  showMessage(instance, Severity::Error, error.name, "SparkVSR: " + error.text());
}

}  // namespace sparkvsr::plugin
