// SPDX-License-Identifier: Apache-2.0
// Deadlines and budgets of one link. The defaults are what a host gets; tests shorten them.
#pragma once

#include <chrono>
#include <cstddef>

#include "protocol.hpp"

namespace sparkvsr::detail {

struct Tuning {
  std::chrono::milliseconds ping{protocol::kPingIntervalMs};
  std::chrono::milliseconds silence{protocol::kSilenceLimitMs};
  std::chrono::milliseconds handshake{10000};    // from connect to WELCOME
  std::chrono::milliseconds start{120000};       // from spawn to WELCOME: importing torch on a cold disk takes long
  std::chrono::milliseconds slotWait{10000};     // then the inline carrier takes the frame
  std::chrono::milliseconds growAfter{100};      // how long to wait for a busy slot before adding one to several others
  std::chrono::milliseconds idleSegment{60000};  // unused this long: given back to the system
  std::chrono::milliseconds noSpaceRest{10000};  // after /dev/shm was full, how long not to try again
  std::size_t sharedMemoryBytes = std::size_t{2} << 30;
  std::size_t inlineBytesInFlight = std::size_t{512} << 20;
};

}  // namespace sparkvsr::detail
