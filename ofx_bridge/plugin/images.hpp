// SPDX-License-Identifier: Apache-2.0
// Pixels of the host: fetched, checked (no host is trusted), and released at once.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "instance.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::plugin {

/// An image of a clip, held until destruction; must not outlive the action.
class HostImage {
 public:
  HostImage() = default;
  HostImage(const Suites* suites, OfxPropertySetHandle handle) : suites_(suites), handle_(handle) {}
  ~HostImage() { release(); }
  HostImage(HostImage&& other) noexcept { *this = std::move(other); }
  HostImage& operator=(HostImage&& other) noexcept;
  HostImage(const HostImage&) = delete;
  HostImage& operator=(const HostImage&) = delete;

  [[nodiscard]] Props props() const { return suites_ ? Props(suites_->property, handle_) : Props(); }
  void release() noexcept;

  PixelRect bounds;
  PixelRect region;  // the image's own region of definition; may be empty
  RenderScale scale;
  double par = 1;
  PixelFormat format;           // of the bounds
  char* bottom = nullptr;       // pixel (bounds.x1, bounds.y1)
  std::ptrdiff_t rowBytes = 0;  // one row up
  std::string identifier;       // the host's name of the content; "" where it has none
  bool blueFirst = false;       // BGRA in memory

 private:
  const Suites* suites_ = nullptr;
  OfxPropertySetHandle handle_ = nullptr;
};

/// The image of `clip` at `time`. Nothing where the host has none (a clip may be connected and still be empty there);
/// BadHostImage or FieldsUnsupported where it cannot be used. `renderScale` stands in for a scale that the image does
/// not tell.
[[nodiscard]] Result<std::optional<HostImage>> fetchImage(const Instance& instance, OfxImageClipHandle clip,
                                                          double time, RenderScale renderScale);

/// The image of the Output clip that the host is going to give at `time`, without memory, as far as the clips tell: as
/// large as the source times `factor`. BadHostImage where they do not tell enough.
[[nodiscard]] Result<HostImage> expectedOutput(const Instance& instance, double factor, double time,
                                               RenderScale renderScale);

/// A rectangle of an image, red first; what lies outside the image's bounds is transparent black (a data window).
/// Points into the image where it can, else into its own copy.
class CroppedView {
 public:
  CroppedView(const HostImage& image, const PixelRect& rect);
  [[nodiscard]] const ConstImageView& view() const { return view_; }

 private:
  std::vector<char> copy_;
  ConstImageView view_;
};

/// True where every byte is 0: what some hosts hand out for a clip that nothing is connected to.
[[nodiscard]] bool isBlank(const HostImage& image);

/// The part of an output image to write into, red first; `rect` lies within its bounds. finishPixels() must follow.
[[nodiscard]] ImageView writableView(const HostImage& image, const PixelRect& rect);

/// What was written red first becomes what the host wants.
void finishPixels(const HostImage& image, const PixelRect& rect);

/// Transparent black in the part of `window` that lies outside `frame`.
void clearOutside(const HostImage& image, const PixelRect& window, const PixelRect& frame);

}  // namespace sparkvsr::plugin
