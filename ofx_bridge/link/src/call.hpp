// SPDX-License-Identifier: Apache-2.0
// One request in flight: the I/O thread answers it, the caller's thread waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <variant>

#include "waiting.hpp"
#include "wire.hpp"
#include "zmq_socket.hpp"

namespace sparkvsr::detail {

/// DONE and the pixels that may have come with it.
struct Delivered {
  wire::Finished header;
  Message parts;
};

using Answer = std::variant<wire::Pong, wire::NeedFrames, wire::StatusReply, wire::AnalysedFrames, Delivered, Error>;

class Call {
 public:
  explicit Call(std::uint64_t id) : id_(id) {}

  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

  void answer(Answer answer) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!answer_) answer_.emplace(std::move(answer));
    changed_.notify_all();
  }

  void report(wire::Progress progress) {
    const std::lock_guard<std::mutex> lock(mutex_);
    progress_ = std::move(progress);
    changed_.notify_all();
  }

  /// Waits for the answer, passing progress on. Error Aborted when the host gives up, BackendSilent at the deadline.
  Answer wait(Clock::time_point deadline, const AbortPoll& abort, const ProgressReport& report) {
    std::unique_lock<std::mutex> lock(mutex_);
    Patience patience(deadline, abort);
    for (;;) {
      const Woken woken = patience.wait(lock, changed_, [this] { return answer_ || progress_; });
      if (woken == Woken::Aborted) return aborted("the backend worked on it");
      if (woken == Woken::Late)
        return Error{"BackendSilent", "the backend did not answer in time", "an answer", "none"};
      if (answer_) return std::move(*answer_);
      passOn(lock, report);
    }
  }

 private:
  void passOn(std::unique_lock<std::mutex>& lock, const ProgressReport& report) {
    const wire::Progress progress = std::move(*progress_);
    progress_.reset();
    if (!report) return;
    lock.unlock();
    report(progress.fraction, progress.stage);
    lock.lock();
  }

  const std::uint64_t id_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Answer> answer_;
  std::optional<wire::Progress> progress_;
};

}  // namespace sparkvsr::detail
