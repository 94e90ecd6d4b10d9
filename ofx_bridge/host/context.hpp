// SPDX-License-Identifier: Apache-2.0
// What every suite call needs to know: which host it belongs to, which action it runs inside, and where to report.
#pragma once

#include <ofxCore.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/errors.hpp"
#include "host/personality.hpp"

namespace sparkvsr::host {

class Effect;
class HostImage;
struct AbortScript;

/// Violations in the order found. Thread-safe.
class ViolationLog {
 public:
  void add(Violation violation);
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::vector<Violation> since(std::size_t first) const;
  void clear();

 private:
  mutable std::mutex mutex_;
  std::vector<Violation> all_;
};

/// One message of a plugin. `kind`: its type, or "persistent:<type>"; effectless messages belong to the host.
struct Message {
  std::string kind;
  std::string id;
  std::string text;
};

/// One host: personality, faults, and the bill of what the plugin still holds.
struct HostContext {
  Personality personality;
  Faults faults;
  ViolationLog violations;

  std::mutex mutex;
  std::map<std::string, int> calls;     // suite calls by function name
  std::map<void*, std::size_t> memory;  // memorySuite blocks
  std::atomic<int> mutexes{0};
  std::atomic<int> imageMemories{0};
  std::mutex messagesMutex;
  std::vector<Message> messages;  // messages without an instance

  /// The injected failure of this call of `function`, if any; counts the call.
  [[nodiscard]] std::optional<int> injected(const std::string& function);
};

/// An interval of times that GetFramesNeeded declared, both ends included.
struct TimeRange {
  double first;
  double last;
};
using DeclaredFrames = std::map<std::string, std::vector<TimeRange>>;

/// The action that a host thread is inside of. Worker threads of multiThread share their parent's.
struct ActionScope {
  HostContext* host = nullptr;
  Effect* effect = nullptr;
  std::string action;
  std::optional<double> time;
  bool userEdited = false;
  const DeclaredFrames* declared = nullptr;  // null: nothing was declared, nothing is checked
  const AbortScript* abort = nullptr;
  HostImage* output = nullptr;  // the picture that clipGetImage("Output") hands out
  int outputHeld = 0;
  int progressOpen = 0;  // progress bars started and not ended
  OfxPointD scale{1, 1};

  double now = 0;             // the timeline's time, where the action has none
  bool pushedValues = false;  // parameters are those of `time`, whatever time is asked for

  std::mutex mutex;
  std::vector<std::unique_ptr<HostImage>> images;  // got and not yet released
  std::set<std::string> written;                   // parameters that the plugin wrote

  ActionScope();
  ~ActionScope();
  ActionScope(const ActionScope&) = delete;
  ActionScope& operator=(const ActionScope&) = delete;
};

/// The scope of this thread, or nullptr on a thread that no action runs on.
[[nodiscard]] ActionScope* currentScope() noexcept;
/// The host of the scope, or (on a foreign thread) the host that was made last; may be nullptr.
[[nodiscard]] HostContext* currentHost() noexcept;
void setLatestHost(HostContext* host) noexcept;
void forgetHost(HostContext* host) noexcept;

/// Makes `scope` the one of this thread.
class ScopeEntry {
 public:
  explicit ScopeEntry(ActionScope* scope) noexcept;
  ~ScopeEntry();
  ScopeEntry(const ScopeEntry&) = delete;
  ScopeEntry& operator=(const ScopeEntry&) = delete;

 private:
  ActionScope* before_;
};

/// Records a violation at the current host.
void report(const std::string& rule, const std::string& text);

/// The frame of every suite function: injected failures, foreign threads, and no exception across the C boundary.
template <typename Body>
int guarded(const char* function, Body&& body) noexcept;

/// Lends a string to the plugin. In hosts with short strings it dies (scribbled over) at the next call that lends or
/// writes.
[[nodiscard]] char* lend(const std::string& stored);
/// Ends the life of this thread's lent strings where the host says so.
void expireLentStrings();

namespace detail {
[[nodiscard]] std::optional<int> beforeCall(const char* function);
void reportHostBug(const char* function, const char* what) noexcept;
}  // namespace detail

template <typename Body>
int guarded(const char* function, Body&& body) noexcept {
  try {
    if (const std::optional<int> status = detail::beforeCall(function)) return *status;
    return body();
  } catch (const std::exception& error) {
    detail::reportHostBug(function, error.what());
  } catch (...) {
    detail::reportHostBug(function, "unknown exception");
  }
  return 2;  // kOfxStatErrFatal
}

}  // namespace sparkvsr::host
