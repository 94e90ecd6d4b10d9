// SPDX-License-Identifier: Apache-2.0
// Waiting on a condition variable while the host is asked whether it still wants the answer.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

#include "sparkvsr/link.hpp"

namespace sparkvsr::detail {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

inline constexpr Milliseconds kAbortPollInterval{20};

enum class Woken { Ready, Aborted, Late };

/// One call's patience: its deadline, and its host's abort, asked every 20 ms however often the call is woken.
class Patience {
 public:
  Patience(Clock::time_point deadline, const AbortPoll& abort)
      : deadline_(deadline), abort_(abort), nextPoll_(Clock::now() + kAbortPollInterval) {}

  /// Returns as soon as `ready()` (asked under the lock) holds, the host gives up (asked without it), or the deadline
  /// passes.
  template <typename Ready>
  Woken wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, Ready ready) {
    for (;;) {
      const Clock::time_point now = Clock::now();
      if (now >= nextPoll_ && withdrawn(lock, now)) return Woken::Aborted;
      if (ready()) return Woken::Ready;
      if (now >= deadline_) return Woken::Late;
      changed.wait_until(lock, std::min(deadline_, nextPoll_));
    }
  }

  [[nodiscard]] const AbortPoll& abort() const noexcept { return abort_; }

 private:
  bool withdrawn(std::unique_lock<std::mutex>& lock, Clock::time_point now) {
    nextPoll_ = now + kAbortPollInterval;
    if (!abort_) return false;
    lock.unlock();
    const bool stop = abort_();
    lock.lock();
    return stop;
  }

  const Clock::time_point deadline_;
  const AbortPoll& abort_;
  Clock::time_point nextPoll_;
};

[[nodiscard]] inline Error aborted(const std::string& during) {
  return {"Aborted", "the host withdrew the request while " + during, "", ""};
}

}  // namespace sparkvsr::detail
