// SPDX-License-Identifier: Apache-2.0
// Mapped files of others can shrink, and touching a page that is gone ends a process by SIGBUS. A watched region gets
// zeros in the place of what is gone, and is marked; the process lives on.
#pragma once

#include <cstddef>

namespace sparkvsr::guard {

constexpr int kMostRegions = 4096;
constexpr int kNoRegion = -1;

/// Watches `bytes` bytes from `base` on, both multiples of a page. kNoRegion when there are kMostRegions already, or
/// the signal's handler cannot be set. Any thread.
[[nodiscard]] int watch(void* base, std::size_t bytes) noexcept;

/// Ends it: to be called before the region is unmapped, since another mapping may take its place.
void release(int region) noexcept;

/// Whether a page of a watched region was gone when it was touched. From then on the whole region is private memory.
[[nodiscard]] bool shrank(int region) noexcept;

}  // namespace sparkvsr::guard
