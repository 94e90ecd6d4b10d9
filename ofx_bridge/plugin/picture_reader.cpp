// SPDX-License-Identifier: Apache-2.0
#include "picture_reader.hpp"

#include <cmath>
#include <utility>

#include "core/reduce.hpp"

namespace sparkvsr::plugin {
namespace {

using identity::OutputMode;

Margins marginsOf(const Params& params) {
  return {params.activeLeft, params.activeRight, params.activeTop, params.activeBottom};
}

std::string size(int width, int height) { return std::to_string(width) + "x" + std::to_string(height); }

Error emptyArea(const PixelRect& frame) {
  return {"ActiveAreaEmpty", "the margins leave nothing of the frame",
          "margins smaller than " + size(frame.width(), frame.height()) + " pixels", "none left"};
}

/// A stated size at the scale of a proxy.
int proxied(int pixels, double scale) { return std::max(1, static_cast<int>(std::lround(pixels * scale))); }

}  // namespace

ClipPicture::ClipPicture(HostImage image, const PixelRect& rect, int width, int height)
    : image_(std::move(image)), crop_(image_, rect), view_(crop_.view()) {
  if (width == 0 || (width == rect.width() && height == rect.height())) return;
  PixelFormat format = view_.format;
  format.width = width;
  format.height = height;
  const std::size_t packed = packedRowBytes(format);
  reduced_.resize(packed * static_cast<std::size_t>(height));
  reduceByArea(crop_.view(), {format, reduced_.data(), static_cast<std::ptrdiff_t>(packed)});
  view_ = {format, reduced_.data(), static_cast<std::ptrdiff_t>(packed)};
}

OfxImageClipHandle PictureReader::handleOf(InputClip clip) const {
  return clip == InputClip::Source ? instance_.clips.source : instance_.clips.keyframes;
}

Result<std::optional<ClipPicture>> PictureReader::read(InputClip clip, std::int64_t time) {
  auto fetched = fetchImage(instance_, handleOf(clip), static_cast<double>(time), scale_);
  if (auto* error = std::get_if<Error>(&fetched)) return std::move(*error);
  auto& image = std::get<std::optional<HostImage>>(fetched);
  if (!image) return std::optional<ClipPicture>();
  const PixelRect whole = wholeOf(clip, *image, time);
  if (clip == InputClip::Keyframes) {
    if (isBlank(*image)) return std::optional<ClipPicture>();  // some hosts' way to say that nothing is connected
    return std::optional<ClipPicture>(ClipPicture(std::move(*image), keyframePart(whole, time), 0, 0));
  }
  wholes_[time] = whole;
  if (!part_) {
    auto part = sourcePart(*image, whole, time);
    if (auto* error = std::get_if<Error>(&part)) return std::move(*error);
    part_ = std::get<Part>(part);
    sourceDepth_ = image->format.depth;
  }
  return std::optional<ClipPicture>(ClipPicture(std::move(*image), part_->rect, part_->width, part_->height));
}

PixelRect PictureReader::wholeOf(InputClip clip, const HostImage& image, std::int64_t time) const {
  const auto region = clipRegion(instance_.suites(), handleOf(clip), static_cast<double>(time));
  return sourceFrame({image.bounds, image.region, region, image.scale, scale_, image.par});
}

/// Where the own frame covers another region than the keyframe's source frame (a data window that changes), the
/// keyframe's picture is cut to the same part.
PixelRect PictureReader::keyframePart(const PixelRect& picture, std::int64_t time) const {
  const auto whole = wholes_.find(time);
  if (!part_ || takesPart(params_) || whole == wholes_.end()) return picture;
  return samePart(picture, whole->second, part_->rect);
}

Result<PictureReader::Part> PictureReader::sourcePart(const HostImage& image, const PixelRect& frame,
                                                      std::int64_t time) const {
  const auto region = clipRegion(instance_.suites(), instance_.clips.source, static_cast<double>(time));
  if (!takesPart(params_)) return Part{frame, 0, 0};
  auto inside = pictureInside(params_, frame, region, image.par, image.scale);
  if (auto* error = std::get_if<Error>(&inside)) return std::move(*error);
  const auto& rect = std::get<PixelRect>(inside);
  if (params_.outputMode == OutputMode::ActiveArea) return Part{rect, 0, 0};
  const RenderScale scale = scaleOf(frame, region, image.par, image.scale);
  const int width = proxied(params_.sourceWidth, scale.x), height = proxied(params_.sourceHeight, scale.y);
  if (width > rect.width() || height > rect.height()) {
    return Error{"BadSourceSize", "the source cannot have been larger than what the host shows of it",
                 "a width and height of at most " + size(rect.width(), rect.height()), size(width, height)};
  }
  return Part{rect, width, height};
}

bool takesPart(const Params& params) {
  return params.outputMode == OutputMode::ActiveArea || params.outputMode == OutputMode::UndoHostUpscale;
}

std::optional<Error> missingNumbers(const Params& params) {
  if (params.outputMode == OutputMode::ActiveArea && marginsOf(params).none()) {
    return Error{"ActiveAreaUnset", "the output mode Active area needs to know which part of the frame is picture",
                 "a margin above 0 on one side", "0 on all sides"};
  }
  if (params.outputMode == OutputMode::UndoHostUpscale && (params.sourceWidth == 0 || params.sourceHeight == 0)) {
    return Error{"SourceSizeUnset",
                 "the output mode Undo host upscale needs the size that the source had before the host enlarged it",
                 "a width and height above 0 in Orig. width and Orig. height",
                 size(params.sourceWidth, params.sourceHeight)};
  }
  return std::nullopt;
}

Result<PixelRect> pictureInside(const Params& params, const PixelRect& frame,
                                const std::optional<CanonicalRect>& region, double par, RenderScale otherwise) {
  const PixelRect inside = insideMargins(frame, marginsOf(params), scaleOf(frame, region, par, otherwise));
  if (inside.empty()) return emptyArea(frame);
  return inside;
}

}  // namespace sparkvsr::plugin
