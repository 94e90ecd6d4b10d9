// SPDX-License-Identifier: Apache-2.0
#include "messages.hpp"

namespace sparkvsr::plugin {
namespace {

const char* typeOf(Severity severity) { return severity == Severity::Error ? kOfxMessageError : kOfxMessageWarning; }

/// Every member may be NULL, whatever the version says. Without persistent messages a warning goes to the log only: a
/// dialog for each frame helps nobody.
void post(const Instance& instance, Severity severity, const char* name, const char* text) {
  const auto* persistent = instance.suites().persistentMessage;
  const auto* plain = instance.suites().message;
  void* effect = instance.effect;
  if (persistent != nullptr && persistent->setPersistentMessage != nullptr) {
    persistent->setPersistentMessage(effect, typeOf(severity), name, "%s", text);
  } else if (plain != nullptr && plain->message != nullptr) {
    plain->message(effect, severity == Severity::Error ? kOfxMessageError : kOfxMessageLog, name, "%s", text);
  }
}

}  // namespace

void showMessage(Instance& instance, Severity severity, const std::string& name, const std::string& text) {
  {
    const std::lock_guard lock(instance.mutex);
    instance.lastOutcome = text;
    if (instance.shownMessage == text) return;
    instance.shownMessage = text;
  }
  post(instance, severity, name.c_str(), text.c_str());
}

void clearMessage(Instance& instance) {
  {
    const std::lock_guard lock(instance.mutex);
    instance.lastOutcome.clear();
    if (instance.shownMessage.empty()) return;
    instance.shownMessage.clear();
  }
  const auto* persistent = instance.suites().persistentMessage;
  void* effect = instance.effect;
  if (persistent != nullptr && persistent->clearPersistentMessage != nullptr)
    persistent->clearPersistentMessage(effect);
}

void showError(Instance& instance, const Error& error) {
  showMessage(instance, Severity::Error, error.name, "SparkVSR: " + error.text());
}

}  // namespace sparkvsr::plugin
