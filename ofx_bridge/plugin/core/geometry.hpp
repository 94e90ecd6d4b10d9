// SPDX-License-Identifier: Apache-2.0
// Where pictures lie: pixel and canonical rectangles. Pure arithmetic, nothing allocated.
//
// Pixel rectangles are those of OpenFX: x to the right, y upwards, x2 and y2 exclusive. Canonical = square pixels at
// full scale: x_pixel = x_canonical * scale.x / PAR, y_pixel = y_canonical * scale.y.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace sparkvsr {

struct PixelRect {
  int x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  [[nodiscard]] int width() const { return x2 - x1; }
  [[nodiscard]] int height() const { return y2 - y1; }
  [[nodiscard]] bool empty() const { return x2 <= x1 || y2 <= y1; }
  [[nodiscard]] bool contains(const PixelRect& r) const { return r.x1 >= x1 && r.y1 >= y1 && r.x2 <= x2 && r.y2 <= y2; }
  [[nodiscard]] PixelRect intersected(const PixelRect& r) const {
    return {std::max(x1, r.x1), std::max(y1, r.y1), std::min(x2, r.x2), std::min(y2, r.y2)};
  }
  friend bool operator==(const PixelRect& a, const PixelRect& b) {
    return a.x1 == b.x1 && a.y1 == b.y1 && a.x2 == b.x2 && a.y2 == b.y2;
  }
  friend bool operator!=(const PixelRect& a, const PixelRect& b) { return !(a == b); }
};

struct CanonicalRect {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  [[nodiscard]] bool empty() const { return !(x2 > x1 && y2 > y1); }
};

struct RenderScale {
  double x = 1, y = 1;
};

/// Beyond this many pixels on a side a region counts as infinite (generators have such regions).
constexpr double kLargestSide = 65536;

/// Scaled about the origin, so that source pixel i covers output pixels f*i .. f*(i+1).
[[nodiscard]] CanonicalRect scaledAboutOrigin(const CanonicalRect& rect, double factor);

/// False for an empty, infinite or absurdly large region.
[[nodiscard]] bool isUsable(const CanonicalRect& rect);

/// The smallest pixel rectangle around a canonical one; a millionth of a pixel is forgiven. `par` <= 0 counts as 1.
[[nodiscard]] PixelRect toPixels(const CanonicalRect& rect, RenderScale scale, double par);

/// What a host says about an image and its clip.
struct ImagePlace {
  PixelRect bounds;                         // the pixels that are there
  PixelRect imageRegion;                    // the image's own region of definition, in pixels; may be empty or wrong
  std::optional<CanonicalRect> clipRegion;  // the clip's region of definition
  RenderScale imageScale;                   // as the image says
  RenderScale renderScale;                  // as the action's arguments say
  double par = 1;
};

/// The pixel rectangle of the whole picture that an input image shows. Hosts disagree about scales (some pass one scale
/// and deliver another), so the bounds decide where they fit any of the claims; an image smaller than its region is a
/// data window.
[[nodiscard]] PixelRect sourceFrame(const ImagePlace& place);

/// The pixel rectangle of the whole output picture; `place.clipRegion` is the region we answered. An image smaller than
/// that is a render window; what a larger one has around it belongs to nobody.
[[nodiscard]] PixelRect outputFrame(const ImagePlace& place);

/// Pixels of a frame at full size that are no picture, on each side.
struct Margins {
  int left = 0, right = 0, top = 0, bottom = 0;
  [[nodiscard]] bool none() const { return left == 0 && right == 0 && top == 0 && bottom == 0; }
};

/// What the margins leave of `frame`, which is `scale` times its full size; may be empty.
[[nodiscard]] PixelRect insideMargins(const PixelRect& frame, const Margins& margins, RenderScale scale);

/// By how much `frame` is smaller than at full size, `region` being its canonical one.
[[nodiscard]] RenderScale scaleOf(const PixelRect& frame, const std::optional<CanonicalRect>& region, double par,
                                  RenderScale otherwise);

/// The largest rectangle inside `frame`, in its middle, with the aspect ratio of `shape`; `frame` itself where the two
/// agree within 1 %. Neither is empty.
[[nodiscard]] PixelRect fittedInto(const PixelRect& frame, const PixelRect& shape);

/// Where `part`, in pixels of the source, lies in a `picture` that shows the source's `whole`. All of `picture` where
/// it has another aspect than `whole` (more than 1 %): then it does not show just that.
[[nodiscard]] PixelRect samePart(const PixelRect& picture, const PixelRect& whole, const PixelRect& part);

/// `window` in pixels from the top left corner of `frame`, y downwards: x1, y1, x2, y2.
[[nodiscard]] std::array<int, 4> windowFromTop(const PixelRect& frame, const PixelRect& window);

/// The nearest frame number; halves go up.
[[nodiscard]] std::int64_t nearestFrame(double time);

}  // namespace sparkvsr
