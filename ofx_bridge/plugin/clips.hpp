// SPDX-License-Identifier: Apache-2.0
// What clips say about themselves; no pixels.
#pragma once

#include "core/reach.hpp"
#include "ofx_helpers.hpp"

namespace sparkvsr::plugin {

struct ClipHandles {
  OfxImageClipHandle source = nullptr;
  OfxImageClipHandle keyframes = nullptr;
  OfxImageClipHandle output = nullptr;
};

[[nodiscard]] ClipHandles clipHandles(const Suites& suites, OfxImageEffectHandle effect);

/// The only test of "is there an input" that holds in all hosts; pixels may be missing all the same.
[[nodiscard]] bool isConnected(const Suites& suites, OfxImageClipHandle clip);

/// Nothing for an empty or infinite region.
[[nodiscard]] std::optional<CanonicalRect> clipRegion(const Suites& suites, OfxImageClipHandle clip, double time);

/// First and last frame. No ends where the clip has one frame or fewer: stills are held, and some hosts always say
/// 0..0.
[[nodiscard]] FrameSpan frameRange(const Suites& suites, OfxImageClipHandle clip);

}  // namespace sparkvsr::plugin
