// SPDX-License-Identifier: Apache-2.0
// A moving pattern to render from, the same on every machine, and a number to know pictures again by.
#pragma once

#include <cstdint>

#include "host/pixels.hpp"

namespace sparkvsr::host::native {

/// The pattern at `frame`, `enlargement` times as large as `width` x `height`; values within 0..1.
[[nodiscard]] Picture pattern(double frame, int width, int height, int enlargement, int components, Depth depth);
/// FNV-1a, 64 bits, of the pixels from the top down.
[[nodiscard]] std::uint64_t checksum(const Picture& picture);

}  // namespace sparkvsr::host::native
