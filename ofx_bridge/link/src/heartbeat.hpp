// SPDX-License-Identifier: Apache-2.0
// When to ask whether the backend lives, and when to give it up. Pure: time comes in as a number.
#pragma once

#include <algorithm>
#include <optional>

#include "tuning.hpp"
#include "waiting.hpp"

namespace sparkvsr::detail {

class Heartbeat {
 public:
  enum class Verdict { Fine, Ping, Silent };

  explicit Heartbeat(const Tuning& tuning) : ping_(tuning.ping), silence_(tuning.silence) {}

  void heard(Clock::time_point now) noexcept { heard_ = now; }

  /// `busy`: someone waits for the backend. Silence counts from then on, and not while this process itself stood still.
  Verdict tick(bool busy, Clock::time_point now) noexcept {
    const bool stoodStill = now - std::exchange(ticked_, now) > 4 * ping_;
    if (!busy) {
      since_.reset();
      return Verdict::Fine;
    }
    if (!since_ || stoodStill) {
      since_ = now;
      pinged_ = now;
    }
    if (now - std::max(*since_, heard_) >= silence_) return Verdict::Silent;
    if (now - pinged_ < ping_) return Verdict::Fine;
    pinged_ = now;
    return Verdict::Ping;
  }

 private:
  const Milliseconds ping_;
  const Milliseconds silence_;
  Clock::time_point heard_;
  Clock::time_point ticked_;
  Clock::time_point pinged_;
  std::optional<Clock::time_point> since_;
};

}  // namespace sparkvsr::detail
