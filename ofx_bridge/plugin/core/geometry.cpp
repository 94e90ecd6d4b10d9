// SPDX-License-Identifier: Apache-2.0
#include "geometry.hpp"

#include <cmath>

namespace sparkvsr {
namespace {

constexpr double kSameAspect = 0.01;

constexpr double kForgiven = 1e-6;
constexpr double kLargestCoordinate = 1e9;

int clampedInt(double value) {
  return static_cast<int>(std::min(std::max(value, -kLargestCoordinate), kLargestCoordinate));
}

int lowerEdge(double value) { return clampedInt(std::floor(value + kForgiven)); }
int upperEdge(double value) { return clampedInt(std::ceil(value - kForgiven)); }

bool sameScale(RenderScale a, RenderScale b) {
  return std::abs(a.x - b.x) < kForgiven && std::abs(a.y - b.y) < kForgiven;
}

/// Hosts round the edges of proxies up or down; an edge that lies on a whole pixel leaves no choice.
bool edgeAgrees(int edge, double exact) { return std::abs(edge - exact) < 1 - kForgiven; }

bool covers(const PixelRect& bounds, const CanonicalRect& region, RenderScale scale, double par) {
  const double sx = scale.x / (par > 0 ? par : 1);
  return edgeAgrees(bounds.x1, region.x1 * sx) && edgeAgrees(bounds.x2, region.x2 * sx) &&
         edgeAgrees(bounds.y1, region.y1 * scale.y) && edgeAgrees(bounds.y2, region.y2 * scale.y);
}

/// True where the bounds are the clip's whole region at one of the scales that the host may have meant.
bool boundsAreWhole(const ImagePlace& place) {
  return covers(place.bounds, *place.clipRegion, place.imageScale, place.par) ||
         covers(place.bounds, *place.clipRegion, place.renderScale, place.par) ||
         covers(place.bounds, *place.clipRegion, RenderScale{}, place.par);
}

bool hasClipRegion(const ImagePlace& place) { return place.clipRegion && isUsable(*place.clipRegion); }

}  // namespace

CanonicalRect scaledAboutOrigin(const CanonicalRect& rect, double factor) {
  return {rect.x1 * factor, rect.y1 * factor, rect.x2 * factor, rect.y2 * factor};
}

bool isUsable(const CanonicalRect& rect) {
  return !rect.empty() && rect.x2 - rect.x1 <= kLargestSide && rect.y2 - rect.y1 <= kLargestSide;
}

PixelRect toPixels(const CanonicalRect& rect, RenderScale scale, double par) {
  const double sx = scale.x / (par > 0 ? par : 1);
  return {lowerEdge(rect.x1 * sx), lowerEdge(rect.y1 * scale.y), upperEdge(rect.x2 * sx), upperEdge(rect.y2 * scale.y)};
}

PixelRect sourceFrame(const ImagePlace& place) {
  const bool regionSpeaks = !place.imageRegion.empty() && !place.imageRegion.intersected(place.bounds).empty();
  if (!hasClipRegion(place)) return regionSpeaks ? place.imageRegion : place.bounds;
  if (boundsAreWhole(place)) return place.bounds;
  const PixelRect expected = toPixels(*place.clipRegion, place.imageScale, place.par);
  const bool scalesAgree = sameScale(place.imageScale, place.renderScale);
  if (place.imageRegion == expected || (scalesAgree && !expected.intersected(place.bounds).empty())) return expected;
  return regionSpeaks ? place.imageRegion : place.bounds;
}

PixelRect outputFrame(const ImagePlace& place) {
  const bool regionHolds = !place.imageRegion.empty() && place.imageRegion.contains(place.bounds);
  const PixelRect claimed = regionHolds ? place.imageRegion : place.bounds;
  if (!hasClipRegion(place)) return claimed;
  const PixelRect expected = toPixels(*place.clipRegion, place.renderScale, place.par);
  if (place.imageRegion == expected) return expected;
  if (boundsAreWhole(place)) return place.bounds;
  return expected.intersected(place.bounds).empty() ? claimed : expected;
}

PixelRect insideMargins(const PixelRect& frame, const Margins& margins, RenderScale scale) {
  const auto pixels = [](int margin, double factor) { return static_cast<int>(std::lround(margin * factor)); };
  return {frame.x1 + pixels(margins.left, scale.x), frame.y1 + pixels(margins.bottom, scale.y),
          frame.x2 - pixels(margins.right, scale.x), frame.y2 - pixels(margins.top, scale.y)};
}

RenderScale scaleOf(const PixelRect& frame, const std::optional<CanonicalRect>& region, double par,
                    RenderScale otherwise) {
  if (!region || !isUsable(*region)) return otherwise;
  const PixelRect whole = toPixels(*region, {}, par);
  return {static_cast<double>(frame.width()) / whole.width(), static_cast<double>(frame.height()) / whole.height()};
}

PixelRect fittedInto(const PixelRect& frame, const PixelRect& shape) {
  const double across = static_cast<double>(frame.width()) / shape.width();
  const double up = static_cast<double>(frame.height()) / shape.height();
  if (std::abs(across / up - 1) < kSameAspect) return frame;
  const double factor = std::min(across, up);
  const int width = std::min(frame.width(), std::max(1, static_cast<int>(std::lround(shape.width() * factor))));
  const int height = std::min(frame.height(), std::max(1, static_cast<int>(std::lround(shape.height() * factor))));
  const int x1 = frame.x1 + (frame.width() - width) / 2, y1 = frame.y1 + (frame.height() - height) / 2;
  return {x1, y1, x1 + width, y1 + height};
}

PixelRect samePart(const PixelRect& picture, const PixelRect& whole, const PixelRect& part) {
  if (part == whole || whole.empty()) return picture;
  const double fx = static_cast<double>(picture.width()) / whole.width();
  const double fy = static_cast<double>(picture.height()) / whole.height();
  if (std::abs(fx / fy - 1) > kSameAspect) return picture;
  const auto scaled = [](int start, int offset, double factor) {
    return start + static_cast<int>(std::lround(offset * factor));
  };
  const PixelRect rect{scaled(picture.x1, part.x1 - whole.x1, fx), scaled(picture.y1, part.y1 - whole.y1, fy),
                       scaled(picture.x1, part.x2 - whole.x1, fx), scaled(picture.y1, part.y2 - whole.y1, fy)};
  return rect.empty() ? picture : rect;
}

std::array<int, 4> windowFromTop(const PixelRect& frame, const PixelRect& window) {
  return {window.x1 - frame.x1, frame.y2 - window.y2, window.x2 - frame.x1, frame.y2 - window.y1};
}

std::int64_t nearestFrame(double time) { return static_cast<std::int64_t>(std::floor(time + 0.5)); }

}  // namespace sparkvsr
