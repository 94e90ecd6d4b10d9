// SPDX-License-Identifier: Apache-2.0
#include "images.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace sparkvsr::plugin {
namespace {

std::string text(const PixelRect& r) {
  return "(" + std::to_string(r.x1) + ", " + std::to_string(r.y1) + ")-(" + std::to_string(r.x2) + ", " +
         std::to_string(r.y2) + ")";
}

Error badImage(const std::string& expected, const std::string& found) {
  return {"BadHostImage", "the host gave an image that cannot be used", expected, found};
}

// Vegas' words, in no published header.
constexpr const char* kByteBgr = "OfxBitDepthByteBGR";
constexpr const char* kFloatBgr = "OfxBitDepthFloatBGR";
constexpr const char* kPixelOrder = "OfxImageEffectPropPixelOrder";
constexpr const char* kPixelOrderBgra = "OfxImagePixelOrderBGRA";

std::optional<Depth> depthOf(const std::string& name) {
  if (name == kByteBgr) return Depth::Byte;
  if (name == kFloatBgr) return Depth::Float;
  if (name == kOfxBitDepthByte) return Depth::Byte;
  if (name == kOfxBitDepthShort) return Depth::Short;
  if (name == kOfxBitDepthHalf) return Depth::Half;
  if (name == kOfxBitDepthFloat) return Depth::Float;
  return std::nullopt;
}

int componentsOf(const std::string& name) {
  if (name == kOfxImageComponentRGBA) return 4;
  return name == kOfxImageComponentRGB ? 3 : 0;
}

/// The image says it, else its clip; without a word, alpha is premultiplied, as OpenFX takes it.
Premultiplication premultiplicationOf(const Props& image, const Props& clip, int components) {
  if (components == 3) return Premultiplication::Opaque;
  std::string name = image.getString(kOfxImageEffectPropPreMultiplication);
  if (name.empty()) name = clip.getString(kOfxImageEffectPropPreMultiplication);
  if (name == kOfxImageUnPreMultiplied) return Premultiplication::Straight;
  return name == kOfxImageOpaque ? Premultiplication::Opaque : Premultiplication::Premultiplied;
}

std::size_t pixelBytes(const PixelFormat& format) {
  return sampleBytes(format.depth) * static_cast<std::size_t>(format.components);
}

char* pixelAt(const HostImage& image, int x, int y) {
  return image.bottom + (y - image.bounds.y1) * image.rowBytes +
         (x - image.bounds.x1) * static_cast<std::ptrdiff_t>(pixelBytes(image.format));
}

PixelFormat resized(PixelFormat format, const PixelRect& rect) {
  format.width = rect.width();
  format.height = rect.height();
  return format;
}

/// Single fields cannot be enlarged like frames.
std::optional<Error> checkField(const Props& image) {
  const std::string field = image.getString(kOfxImagePropField);
  if (field.empty() || field == kOfxImageFieldNone || field == kOfxImageFieldBoth) return std::nullopt;
  return Error{"FieldsUnsupported", "interlaced pictures must be deinterlaced first", "whole frames", field};
}

std::optional<Error> readFormat(HostImage& image, const Props& clip) {
  const Props props = image.props();
  const std::string depth = props.getString(kOfxImageEffectPropPixelDepth);
  const std::string components = props.getString(kOfxImageEffectPropComponents);
  if (!depthOf(depth)) return badImage("a depth of byte, short, half or float", depth.empty() ? "no depth" : depth);
  image.format.components = componentsOf(components);
  if (image.format.components == 0) return badImage("RGBA or RGB", components.empty() ? "no components" : components);
  image.blueFirst = depth == kByteBgr || depth == kFloatBgr || props.getString(kPixelOrder) == kPixelOrderBgra;
  image.format.depth = *depthOf(depth);
  image.format.premultiplication = premultiplicationOf(props, clip, image.format.components);
  return std::nullopt;
}

std::optional<Error> readPlace(HostImage& image, RenderScale renderScale) {
  const Props props = image.props();
  const auto bounds = props.getRect(kOfxImagePropBounds);
  if (!bounds || bounds->empty()) return badImage("bounds with pixels in them", bounds ? text(*bounds) : "no bounds");
  image.bounds = *bounds;
  image.region = props.getRect(kOfxImagePropRegionOfDefinition).value_or(PixelRect{});
  image.scale = props.getScale(kOfxImageEffectPropRenderScale).value_or(renderScale);
  image.par = props.getDouble(kOfxImagePropPixelAspectRatio).value_or(1.0);
  image.format = resized(image.format, image.bounds);
  image.identifier = props.getString(kOfxImagePropUniqueIdentifier);
  return std::nullopt;
}

std::optional<Error> readRows(HostImage& image) {
  const int rowBytes = image.props().getInt(kOfxImagePropRowBytes).value_or(0);
  const std::size_t needed = packedRowBytes(image.format);
  if (image.format.height > 1 && static_cast<std::size_t>(std::abs(static_cast<long>(rowBytes))) < needed) {
    return badImage("rows at least " + std::to_string(needed) + " bytes apart", std::to_string(rowBytes));
  }
  image.rowBytes = rowBytes;
  return std::nullopt;
}

std::optional<Error> readImage(HostImage& image, const Props& clip, RenderScale renderScale) {
  if (auto error = checkField(image.props())) return error;
  if (auto error = readFormat(image, clip)) return error;
  if (auto error = readPlace(image, renderScale)) return error;
  return readRows(image);
}

template <typename Sample>
void exchangeRedAndBlue(char* row, int width, int components) {
  Sample pixel[4];
  const std::size_t bytes = sizeof(Sample) * static_cast<std::size_t>(components);
  for (int x = 0; x < width; ++x, row += bytes) {
    std::memcpy(pixel, row, bytes);
    std::swap(pixel[0], pixel[2]);
    std::memcpy(row, pixel, bytes);
  }
}

void exchangeRedAndBlue(const PixelFormat& format, char* row) {
  switch (sampleBytes(format.depth)) {
    case 1:
      return exchangeRedAndBlue<std::uint8_t>(row, format.width, format.components);
    case 2:
      return exchangeRedAndBlue<std::uint16_t>(row, format.width, format.components);
    default:
      return exchangeRedAndBlue<std::uint32_t>(row, format.width, format.components);
  }
}

}  // namespace

HostImage& HostImage::operator=(HostImage&& other) noexcept {
  if (this == &other) return *this;
  release();
  bounds = other.bounds;
  region = other.region;
  scale = other.scale;
  par = other.par;
  format = other.format;
  bottom = other.bottom;
  rowBytes = other.rowBytes;
  identifier = std::move(other.identifier);
  blueFirst = other.blueFirst;
  suites_ = other.suites_;
  handle_ = std::exchange(other.handle_, nullptr);
  return *this;
}

void HostImage::release() noexcept {
  if (handle_ != nullptr) suites_->effect->clipReleaseImage(std::exchange(handle_, nullptr));
}

Result<std::optional<HostImage>> fetchImage(const Instance& instance, OfxImageClipHandle clip, double time,
                                            RenderScale renderScale) {
  const Suites& suites = instance.suites();
  OfxPropertySetHandle handle = nullptr;
  if (clip == nullptr || suites.effect->clipGetImage(clip, time, nullptr, &handle) != kOfxStatOK || handle == nullptr) {
    return std::optional<HostImage>();
  }
  HostImage image(&suites, handle);
  image.bottom = static_cast<char*>(image.props().getPointer(kOfxImagePropData));
  if (image.bottom == nullptr) return std::optional<HostImage>();
  if (auto error = readImage(image, propsOf(suites, clip), renderScale)) return std::move(*error);
  return std::optional<HostImage>(std::move(image));
}

Result<HostImage> expectedOutput(const Instance& instance, double factor, double time, RenderScale renderScale) {
  const Suites& suites = instance.suites();
  const Props output = propsOf(suites, instance.clips.output);
  const auto region = clipRegion(suites, instance.clips.source, std::floor(time + 0.5));
  if (!region) return badImage("a Source clip that has a size", "none");
  HostImage image;
  image.par = output.getDouble(kOfxImagePropPixelAspectRatio).value_or(1.0);
  image.scale = renderScale;
  image.bounds = toPixels(scaledAboutOrigin(*region, factor), renderScale, image.par);
  image.region = image.bounds;
  const auto depth = depthOf(output.getString(kOfxImageEffectPropPixelDepth));
  const int components = componentsOf(output.getString(kOfxImageEffectPropComponents));
  if (!depth || components == 0) return badImage("an Output clip of RGBA or RGB and a known depth", "another");
  image.format.depth = *depth;
  image.format.components = components;
  image.format.premultiplication = premultiplicationOf({}, output, components);
  image.format = resized(image.format, image.bounds);
  return image;
}

CroppedView::CroppedView(const HostImage& image, const PixelRect& rect) {
  view_.format = resized(image.format, rect);
  if (image.bounds.contains(rect) && !image.blueFirst) {
    view_.bottom = pixelAt(image, rect.x1, rect.y1);
    view_.rowBytes = image.rowBytes;
    return;
  }
  const std::size_t packed = packedRowBytes(view_.format);
  copy_.assign(packed * static_cast<std::size_t>(rect.height()), 0);
  view_.bottom = copy_.data();
  view_.rowBytes = static_cast<std::ptrdiff_t>(packed);
  const PixelRect shared = rect.intersected(image.bounds);
  if (shared.empty()) return;
  const std::size_t bytes = pixelBytes(image.format) * static_cast<std::size_t>(shared.width());
  const std::size_t indent = pixelBytes(image.format) * static_cast<std::size_t>(shared.x1 - rect.x1);
  for (int y = shared.y1; y < shared.y2; ++y) {
    char* row = &copy_[packed * static_cast<std::size_t>(y - rect.y1) + indent];
    std::memcpy(row, pixelAt(image, shared.x1, y), bytes);
    if (image.blueFirst) exchangeRedAndBlue(resized(image.format, shared), row);
  }
}

bool isBlank(const HostImage& image) {
  const std::size_t bytes = packedRowBytes(image.format);
  for (int y = image.bounds.y1; y < image.bounds.y2; ++y) {
    const char* row = pixelAt(image, image.bounds.x1, y);
    if (row[0] != 0 || std::memcmp(row, row + 1, bytes - 1) != 0) return false;
  }
  return true;
}

ImageView writableView(const HostImage& image, const PixelRect& rect) {
  return {resized(image.format, rect), pixelAt(image, rect.x1, rect.y1), image.rowBytes};
}

void finishPixels(const HostImage& image, const PixelRect& rect) {
  for (int y = rect.y1; image.blueFirst && y < rect.y2; ++y)
    exchangeRedAndBlue(resized(image.format, rect), pixelAt(image, rect.x1, y));
}

void clearOutside(const HostImage& image, const PixelRect& window, const PixelRect& frame) {
  const PixelRect kept = window.intersected(frame);
  const std::size_t pixel = pixelBytes(image.format);
  const auto clear = [&](int y, int from, int to) {
    if (to > from) std::memset(pixelAt(image, from, y), 0, pixel * static_cast<std::size_t>(to - from));
  };
  for (int y = window.y1; y < window.y2; ++y) {
    const bool inside = !kept.empty() && y >= kept.y1 && y < kept.y2;
    clear(y, window.x1, inside ? kept.x1 : window.x2);
    if (inside) clear(y, kept.x2, window.x2);
  }
}

}  // namespace sparkvsr::plugin
