// SPDX-License-Identifier: Apache-2.0
#include "host/clip.hpp"

#include <atomic>
#include <cmath>

#include "host/property_catalog.hpp"

namespace sparkvsr::host {
namespace {

constexpr std::size_t kKept = 8;

}  // namespace

std::uint64_t ClipInput::nextSerial() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

std::optional<Picture> ClipInput::picture(double frame) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = recent_.find(frame);
    if (found != recent_.end()) return found->second;
  }
  std::optional<Picture> made = frames(frame);  // unlocked: the source may be slow, or wait for another thread
  const std::lock_guard lock(mutex_);
  if (recent_.size() >= kKept) recent_.erase(recent_.begin());
  return recent_.emplace(frame, std::move(made)).first->second;
}

Clip::Clip(Effect& owner, std::string name) : owner_(owner), name_(std::move(name)), properties_("ClipDescriptor") {
  properties_.define(clipDescriptorProperties(name_));
}

Clip::Clip(Effect& owner, const Clip& descriptor)
    : owner_(owner), name_(descriptor.name_), properties_("ClipInstance") {
  properties_.define(clipDescriptorProperties(name_));
  properties_.copyValuesFrom(descriptor.properties_);
  properties_.makeHostOwned();
  properties_.define(clipInstanceProperties());
}

OfxRectI toPixels(const OfxRectD& canonical, const OfxPointD& scale, double pixelAspect) {
  constexpr double kTolerance = 1e-6;  // so that 1920.0000001 does not become 1921
  const double x = scale.x / pixelAspect;
  return {static_cast<int>(std::floor(canonical.x1 * x + kTolerance)),
          static_cast<int>(std::floor(canonical.y1 * scale.y + kTolerance)),
          static_cast<int>(std::ceil(canonical.x2 * x - kTolerance)),
          static_cast<int>(std::ceil(canonical.y2 * scale.y - kTolerance))};
}

}  // namespace sparkvsr::host
