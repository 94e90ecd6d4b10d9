// SPDX-License-Identifier: Apache-2.0
// A bound on nesting: the decoder recurses, and a megabyte of array openers would eat the host thread's stack.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sparkvsr::wire {

inline constexpr std::size_t kMaxNesting = 32;

/// True when `data` is one complete MessagePack value, without trailing bytes, nested at most kMaxNesting deep.
[[nodiscard]] bool withinNesting(const std::uint8_t* data, std::size_t bytes) noexcept;

}  // namespace sparkvsr::wire
