// SPDX-License-Identifier: Apache-2.0
// The message suites, versions 1 and 2.
#include <ofxMessage.h>

#include <cstdarg>
#include <cstdio>
#include <set>

#include "host/effect.hpp"
#include "host/suites.hpp"

namespace sparkvsr::host {
namespace {

std::string formatted(const char* format, va_list arguments) {
  if (format == nullptr) return {};
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, arguments);
  std::vector<char> text(static_cast<std::size_t>(length < 0 ? 0 : length) + 1);
  std::vsnprintf(text.data(), text.size(), format, again);
  va_end(again);
  return text.data();
}

void checkType(const char* type) {
  static const std::set<std::string> known = {kOfxMessageFatal,   kOfxMessageError, kOfxMessageWarning,
                                              kOfxMessageMessage, kOfxMessageLog,   kOfxMessageQuestion};
  const std::string name = type != nullptr ? type : "NULL";
  if (known.count(name) == 0) report("BadMessageType", "there is no message type " + name);
  if (name == kOfxMessageQuestion && !currentHost()->personality.interactive) {
    report("QuestionWithoutArtist", "a question was asked although nobody is there");
  }
}

Message messageOf(const char* type, const char* id, const char* format, va_list arguments) {
  checkType(type);
  return {type != nullptr ? type : "", id != nullptr ? id : "", formatted(format, arguments)};
}

void keep(void* handle, const Message& message) {
  Effect* effect = Effect::find(handle);
  if (effect != nullptr && effect->isInstance()) {
    const std::lock_guard lock(effect->record().mutex);
    effect->record().messages.push_back(message);
    return;
  }
  if (handle != nullptr && effect == nullptr) report("BadHandle", "message: not a living effect");
  HostContext& host = *currentHost();
  const std::lock_guard lock(host.messagesMutex);
  host.messages.push_back(message);
}

OfxStatus message(void* handle, const char* type, const char* id, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const OfxStatus status = guarded("message", [&] {
    const Message said = messageOf(type, id, format, arguments);
    keep(handle, said);
    return said.kind == kOfxMessageQuestion ? kOfxStatReplyNo : kOfxStatOK;
  });
  va_end(arguments);
  return status;
}

OfxStatus setPersistent(void* handle, const char* type, const char* id, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const OfxStatus status = guarded("setPersistentMessage", [&] {
    const Message said = messageOf(type, id, format, arguments);
    Effect* effect = Effect::find(handle);
    if (effect == nullptr || !effect->isInstance()) {
      report("BadHandle", "setPersistentMessage: not a living instance");
      return static_cast<OfxStatus>(kOfxStatErrBadHandle);
    }
    const std::lock_guard lock(effect->record().mutex);
    effect->record().persistent = said;
    effect->record().messages.push_back({"persistent:" + said.kind, said.id, said.text});
    return static_cast<OfxStatus>(kOfxStatOK);
  });
  va_end(arguments);
  return status;
}

OfxStatus clearPersistent(void* handle) {
  return guarded("clearPersistentMessage", [&] {
    Effect* effect = Effect::find(handle);
    if (effect == nullptr || !effect->isInstance()) return static_cast<OfxStatus>(kOfxStatErrBadHandle);
    const std::lock_guard lock(effect->record().mutex);
    effect->record().persistent.reset();
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

const OfxMessageSuiteV1 kV1 = {message};
const OfxMessageSuiteV2 kV2 = {message, setPersistent, clearPersistent};

}  // namespace

const void* messageSuiteV1() { return &kV1; }
const void* messageSuiteV2() { return &kV2; }

}  // namespace sparkvsr::host
