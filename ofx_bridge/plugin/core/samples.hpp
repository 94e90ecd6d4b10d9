// SPDX-License-Identifier: Apache-2.0
// Samples of host pictures as floats, 1.0 = white.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sparkvsr/link.hpp"

namespace sparkvsr {

[[nodiscard]] float halfToFloat(std::uint16_t half) noexcept;
/// Rounds to nearest, ties to even; too large becomes infinite.
[[nodiscard]] std::uint16_t floatToHalf(float value) noexcept;

/// Sample `index` of a row.
[[nodiscard]] float loadSample(const void* row, std::size_t index, Depth depth) noexcept;
/// Integers are rounded and clamped to 0..1 first.
void storeSample(void* row, std::size_t index, Depth depth, float value) noexcept;

}  // namespace sparkvsr
