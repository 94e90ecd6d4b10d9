// SPDX-License-Identifier: Apache-2.0
// Which keyframes a frame uses: pure functions of numbers, twins of sparkvsr.propagation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "frame_list.hpp"

namespace sparkvsr {

/// Frames `first` .. `last`, both inclusive; empty optional: no end on that side.
struct FrameSpan {
  std::optional<std::int64_t> first;
  std::optional<std::int64_t> last;
  [[nodiscard]] bool contains(std::int64_t t) const { return (!first || t >= *first) && (!last || t <= *last); }
};

/// At most two keyframes, ascending; nothing is allocated.
struct Reach {
  std::array<std::int64_t, 2> times{};
  std::size_t count = 0;
  [[nodiscard]] const std::int64_t* begin() const { return times.data(); }
  [[nodiscard]] const std::int64_t* end() const { return times.data() + count; }
};

/// The shot that holds `t`; `cuts` are first frames of shots, in any order.
[[nodiscard]] FrameSpan shotOf(std::int64_t t, const FrameNumbers& cuts);

/// The keyframes that the frame at `t` uses: the nearest at or before it and the nearest after it, in the shot of `t`
/// and at most `radius` frames away (none: any distance). A keyframe at `t` is used alone. Any order of `keyframes`
/// will do.
[[nodiscard]] Reach keyframesInReach(std::int64_t t, const FrameNumbers& keyframes, const FrameNumbers& cuts,
                                     std::optional<std::int64_t> radius = std::nullopt);

}  // namespace sparkvsr
