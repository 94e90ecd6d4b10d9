// SPDX-License-Identifier: Apache-2.0
// The pictures of the input clips as the backend gets them: the whole picture of a frame, or the part of it that the
// output mode says, at the size that it says.
#pragma once

#include <map>
#include <vector>

#include "images.hpp"

namespace sparkvsr::plugin {

enum class InputClip { Source, Keyframes };

/// Holds the host's image until destruction; must not outlive the action.
class ClipPicture {
 public:
  /// `rect` of `image`; reduced to `width` × `height` where these are not 0.
  ClipPicture(HostImage image, const PixelRect& rect, int width, int height);

  [[nodiscard]] const ConstImageView& view() const { return view_; }
  [[nodiscard]] const std::string& identifier() const { return image_.identifier; }

 private:
  HostImage image_;
  CroppedView crop_;
  std::vector<char> reduced_;
  ConstImageView view_;
};

class PictureReader {
 public:
  PictureReader(const Instance& instance, const Params& params, RenderScale scale)
      : instance_(instance), params_(params), scale_(scale) {}

  /// Nothing where the host has no picture. ActiveAreaEmpty, BadSourceSize, and what fetchImage finds.
  [[nodiscard]] Result<std::optional<ClipPicture>> read(InputClip clip, std::int64_t time);

  [[nodiscard]] OfxImageClipHandle handleOf(InputClip clip) const;
  /// Of the source frames read so far.
  [[nodiscard]] Depth sourceDepth() const { return sourceDepth_; }

 private:
  /// What is taken of an image of Source, and at which size; 0: its own.
  struct Part {
    PixelRect rect;
    int width = 0, height = 0;
  };

  [[nodiscard]] PixelRect wholeOf(InputClip clip, const HostImage& image, std::int64_t time) const;
  [[nodiscard]] Result<Part> sourcePart(const HostImage& image, const PixelRect& frame, std::int64_t time) const;
  [[nodiscard]] PixelRect keyframePart(const PixelRect& picture, std::int64_t time) const;

  const Instance& instance_;
  const Params& params_;
  RenderScale scale_;
  std::optional<Part> part_;                  // of the first source frame; its companions are cut to it
  std::map<std::int64_t, PixelRect> wholes_;  // what the source covers at the times read
  Depth sourceDepth_ = Depth::Float;
};

/// Whether the output mode takes a part of the frame, or reduces it.
[[nodiscard]] bool takesPart(const Params& params);

/// ActiveAreaUnset, SourceSizeUnset: the output mode needs numbers that are not stated.
[[nodiscard]] std::optional<Error> missingNumbers(const Params& params);

/// Where the picture lies in `frame`, the whole output picture, whose full size is that of `region`. ActiveAreaEmpty.
[[nodiscard]] Result<PixelRect> pictureInside(const Params& params, const PixelRect& frame,
                                              const std::optional<CanonicalRect>& region, double par,
                                              RenderScale otherwise);

}  // namespace sparkvsr::plugin
