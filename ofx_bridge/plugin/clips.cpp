// SPDX-License-Identifier: Apache-2.0
#include "clips.hpp"

#include <cmath>

#include "identity.hpp"

namespace sparkvsr::plugin {
namespace {

OfxImageClipHandle clipHandle(const Suites& suites, OfxImageEffectHandle effect, const char* name) {
  OfxImageClipHandle clip = nullptr;
  return suites.effect->clipGetHandle(effect, name, &clip, nullptr) == kOfxStatOK ? clip : nullptr;
}

}  // namespace

ClipHandles clipHandles(const Suites& suites, OfxImageEffectHandle effect) {
  return {clipHandle(suites, effect, identity::kSourceClip), clipHandle(suites, effect, identity::kKeyframesClip),
          clipHandle(suites, effect, identity::kOutputClip)};
}

bool isConnected(const Suites& suites, OfxImageClipHandle clip) {
  return propsOf(suites, clip).getInt(kOfxImageClipPropConnected).value_or(0) != 0;
}

std::optional<CanonicalRect> clipRegion(const Suites& suites, OfxImageClipHandle clip, double time) {
  OfxRectD region{};
  if (clip == nullptr || suites.effect->clipGetRegionOfDefinition(clip, time, &region) != kOfxStatOK)
    return std::nullopt;
  const CanonicalRect rect{region.x1, region.y1, region.x2, region.y2};
  return isUsable(rect) ? std::optional(rect) : std::nullopt;
}

FrameSpan frameRange(const Suites& suites, OfxImageClipHandle clip) {
  const Props props = propsOf(suites, clip);
  const auto first = props.getDouble(kOfxImageEffectPropFrameRange, 0);
  const auto last = props.getDouble(kOfxImageEffectPropFrameRange, 1);
  constexpr double kEndless = 1e9;  // what some hosts say of generators
  if (!first || !last || *first < -kEndless || *last > kEndless || *last - *first < 1) return {};
  return {static_cast<std::int64_t>(std::ceil(*first)), static_cast<std::int64_t>(std::floor(*last))};
}

}  // namespace sparkvsr::plugin
