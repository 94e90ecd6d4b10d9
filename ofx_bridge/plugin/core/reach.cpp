// SPDX-License-Identifier: Apache-2.0
#include "reach.hpp"

#include <algorithm>

namespace sparkvsr {

FrameSpan shotOf(std::int64_t t, const FrameNumbers& cuts) {
  FrameSpan shot;
  for (const std::int64_t cut : cuts) {
    if (cut <= t) shot.first = shot.first ? std::max(*shot.first, cut) : cut;
    if (cut > t) shot.last = shot.last ? std::min(*shot.last, cut - 1) : cut - 1;
  }
  return shot;
}

Reach keyframesInReach(std::int64_t t, const FrameNumbers& keyframes, const FrameNumbers& cuts,
                       std::optional<std::int64_t> radius) {
  const FrameSpan shot = shotOf(t, cuts);
  std::optional<std::int64_t> before, after;
  for (const std::int64_t k : keyframes) {
    const std::int64_t distance = k < t ? t - k : k - t;
    if (!shot.contains(k) || (radius && distance > *radius)) continue;
    if (k == t) return Reach{{t, 0}, 1};
    auto& nearest = k < t ? before : after;
    if (!nearest || distance < (k < t ? t - *nearest : *nearest - t)) nearest = k;
  }
  Reach reach;
  for (const auto& found : {before, after}) {
    if (found) reach.times[reach.count++] = *found;
  }
  return reach;
}

}  // namespace sparkvsr
