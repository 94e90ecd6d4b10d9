// SPDX-License-Identifier: Apache-2.0
// Bounds the memory of pictures that were handed to libzmq and are not on the wire yet.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "waiting.hpp"

namespace sparkvsr::detail {

class InlineBudget {
 public:
  explicit InlineBudget(std::size_t limit) : limit_(limit) {}

  /// Waits until `bytes` may be added; a picture larger than the limit goes alone.
  Woken take(std::size_t bytes, Patience& patience) {
    std::unique_lock<std::mutex> lock(mutex_);
    const Woken woken = patience.wait(lock, changed_, [&] { return closed_ || used_ == 0 || used_ + bytes <= limit_; });
    if (woken == Woken::Ready) used_ += bytes;
    return woken;
  }

  void giveBack(std::size_t bytes) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    used_ -= bytes;
    changed_.notify_all();
  }

  /// The connection is over: nobody shall wait for it any more.
  void close() noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::size_t limit_;
  std::size_t used_ = 0;
  bool closed_ = false;
};

}  // namespace sparkvsr::detail
