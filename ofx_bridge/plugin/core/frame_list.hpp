// SPDX-License-Identifier: Apache-2.0
// Typed lists of frames: "1 24 48-60x4". The C++ twin of sparkvsr.propagation.parse_frame_list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sparkvsr {

using FrameNumbers = std::vector<std::int64_t>;

/// A typed list that cannot be read.
struct FrameListError {
  std::string expected;
  std::string found;
};

constexpr std::int64_t kMaxListedFrames = 1'000'000;

/// Frames ascending, each once. Items, separated by any run of spaces, tabs, line ends and commas: N, or A-B (A at most
/// B), or A-BxS (every S-th from A on, S at least 1); numbers may be negative and have at most 18 digits.
[[nodiscard]] std::variant<FrameNumbers, FrameListError> parseFrameList(std::string_view text);

}  // namespace sparkvsr
