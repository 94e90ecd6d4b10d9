// SPDX-License-Identifier: Apache-2.0
// Deadlines and budgets of one link. The defaults are what a host gets; tests and benchmarks make links of their own.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "sparkvsr/link.hpp"

namespace sparkvsr {

struct LinkTuning {
  std::chrono::milliseconds ping{500};
  std::chrono::milliseconds silence{10000};
  std::chrono::milliseconds handshake{10000};    // from connect to WELCOME
  std::chrono::milliseconds start{120000};       // from spawn to WELCOME: importing torch from a cold disk takes long
  std::chrono::milliseconds slotWait{10000};     // then the inline carrier takes the frame
  std::chrono::milliseconds growAfter{100};      // how long to wait for a busy slot before adding one to several others
  std::chrono::milliseconds idleSegment{60000};  // unused this long: given back to the system
  std::chrono::milliseconds noSpaceRest{10000};  // after /dev/shm was full: how long not to try again
  std::size_t sharedMemoryBytes = std::size_t{2} << 30;
  std::size_t inlineBytesInFlight = std::size_t{512} << 20;
};

/// A link of one's own, shared with nobody. Hosts use Link::process().
[[nodiscard]] std::shared_ptr<Link> makeLink(const LinkOptions& options, const LinkTuning& tuning);

}  // namespace sparkvsr
