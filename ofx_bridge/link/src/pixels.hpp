// SPDX-License-Identifier: Apache-2.0
// Moving pixels between a host's picture (any stride, bottom row first) and a carrier (packed, top row first).
#pragma once

#include <cstddef>
#include <optional>

#include "sparkvsr/link.hpp"

namespace sparkvsr::detail {

/// Bytes of a packed picture.
[[nodiscard]] std::size_t packedBytes(const PixelFormat& format) noexcept;

/// Whether the numbers of a format are within the protocol's bounds.
[[nodiscard]] bool validFormat(const PixelFormat& format) noexcept;

[[nodiscard]] bool sameFormat(const PixelFormat& a, const PixelFormat& b) noexcept;

/// Host to carrier: `packed` receives the rows from the top down.
void copyIn(const ConstImageView& image, void* packed) noexcept;

/// The same, hashing every row while it is in the processor's cache.
[[nodiscard]] Fingerprint copyInHashed(const ConstImageView& image, void* packed) noexcept;

/// Carrier (rows from the top down, `rowBytes` apart) to host.
void copyOut(const void* rows, std::size_t rowBytes, const ImageView& image) noexcept;

}  // namespace sparkvsr::detail
