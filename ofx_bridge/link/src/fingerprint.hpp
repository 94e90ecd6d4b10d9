// SPDX-License-Identifier: Apache-2.0
// The fingerprint of docs/protocol.md, section 4, row by row.
#pragma once

#include "sparkvsr/link.hpp"
#include "xxh3_kernel.hpp"

namespace sparkvsr::detail {

/// Feed the packed rows of one picture from the bottom up, then take the fingerprint.
class Fingerprinter {
 public:
  explicit Fingerprinter(const PixelFormat& format) noexcept;
  void row(const void* pixels, std::size_t bytes) noexcept { kernel_.update(&state_, pixels, bytes); }
  [[nodiscard]] Fingerprint finish() const noexcept;

 private:
  const xxh3::Kernel& kernel_;
  xxh3::State state_;
};

/// The fastest kernel this processor can run, and whether a named one exists (for tests).
[[nodiscard]] const xxh3::Kernel& fastestKernel() noexcept;

/// Seed of a format: pictures of equal bytes but other meaning never share a fingerprint.
[[nodiscard]] std::uint64_t formatSeed(const PixelFormat& format) noexcept;

}  // namespace sparkvsr::detail
