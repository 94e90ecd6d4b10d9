// SPDX-License-Identifier: Apache-2.0
#include "host/image.hpp"

#include <ofxImageEffect.h>

#include <algorithm>
#include <cstring>

#include "host/context.hpp"
#include "host/property_catalog.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace sparkvsr::host {
namespace {

constexpr std::size_t kGuard = 256;
constexpr std::byte kSentinel{0xFE};  // a NaN in half, enormous in float

std::uint32_t mixed(std::uint32_t x) noexcept {
  x ^= x >> 16;
  x *= 0x7FEB352DU;
  x ^= x >> 15;
  x *= 0x846CA68BU;
  return x ^ (x >> 16);
}

/// One sample of the poison: noise, but always a quiet NaN where the depth has NaNs.
void poisonSample(std::uint32_t seed, Depth depth, std::byte* at) noexcept {
  std::uint32_t word = mixed(seed);
  if (depth == Depth::Float) word = (word & 0x803FFFFFU) | 0x7FC00000U;
  auto half = static_cast<std::uint16_t>(word);
  if (depth == Depth::Half) half = static_cast<std::uint16_t>((half & 0x81FFU) | 0x7E00U);
  if (depth == Depth::Float) std::memcpy(at, &word, 4);
  if (depth == Depth::Half || depth == Depth::Short) std::memcpy(at, &half, 2);
  if (depth == Depth::Byte) *at = static_cast<std::byte>(word & 0xFFU);
}

bool allSentinel(const std::byte* begin, const std::byte* end) {
  return std::all_of(begin, end, [](std::byte b) { return b == kSentinel; });
}

}  // namespace

// ---- memory

PixelMemory::PixelMemory(int width, int height, int components, Depth depth, MemoryLayout layout)
    : width_(width), height_(height), components_(components), depth_(depth), layout_(layout) {
  stride_ = packedRow() + layout.padding;
  bytes_.assign(2 * kGuard + stride_ * static_cast<std::size_t>(height), kSentinel);
  protect(true);
}

PixelMemory::~PixelMemory() { protect(false); }

std::size_t PixelMemory::packedRow() const noexcept {
  return static_cast<std::size_t>(width_) * static_cast<std::size_t>(components_) * sampleBytes(depth_);
}

/// Under AddressSanitizer a plugin may not even read the padding.
void PixelMemory::protect([[maybe_unused]] bool on) noexcept {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(bytes_.data(), bytes_.size());
  if (!on) return;
  ASAN_POISON_MEMORY_REGION(bytes_.data(), kGuard);
  ASAN_POISON_MEMORY_REGION(bytes_.data() + bytes_.size() - kGuard, kGuard);
  for (int y = 0; y < height_ && layout_.padding != 0; ++y) {
    ASAN_POISON_MEMORY_REGION(bytes_.data() + kGuard + static_cast<std::size_t>(y) * stride_ + packedRow(),
                              layout_.padding);
  }
#endif
}

std::ptrdiff_t PixelMemory::rowBytes() const noexcept {
  const auto stride = static_cast<std::ptrdiff_t>(stride_);
  return layout_.negativeRowBytes ? -stride : stride;
}

std::byte* PixelMemory::bottomRow(int rowsFromBottom) noexcept {
  const int row = layout_.negativeRowBytes ? height_ - 1 - rowsFromBottom : rowsFromBottom;
  return bytes_.data() + kGuard + static_cast<std::size_t>(row) * stride_;
}

void PixelMemory::fill(const Picture& picture) {
  for (int y = 0; y < height_; ++y) std::memcpy(bottomRow(height_ - 1 - y), picture.row(y), packedRow());
}

std::vector<std::byte> PixelMemory::poisonRow(int y) const {
  std::vector<std::byte> row(packedRow());
  const std::size_t step = sampleBytes(depth_);
  const auto salt = static_cast<std::uint32_t>(y) * 0x9E3779B9U;
  for (std::size_t i = 0; i * step < row.size(); ++i) {
    poisonSample(salt + static_cast<std::uint32_t>(i), depth_, row.data() + i * step);
  }
  return row;
}

void PixelMemory::poison() {
  for (int y = 0; y < height_; ++y) {
    const std::vector<std::byte> row = poisonRow(y);
    std::memcpy(bottomRow(y), row.data(), row.size());
  }
}

bool PixelMemory::guardsIntact() {
  protect(false);
  const std::byte* begin = bytes_.data();
  const std::byte* end = begin + bytes_.size();
  bool intact = allSentinel(begin, begin + kGuard) && allSentinel(end - kGuard, end);
  for (int y = 0; y < height_ && intact; ++y) {
    const std::byte* padding = bottomRow(y) + packedRow();
    intact = allSentinel(padding, padding + layout_.padding);
  }
  protect(true);
  return intact;
}

bool PixelMemory::isPoison(int x, int y) {
  const std::size_t step = sampleBytes(depth_);
  const std::size_t pixel = step * static_cast<std::size_t>(components_);
  const auto salt = static_cast<std::uint32_t>(y) * 0x9E3779B9U;
  const std::byte* at = bottomRow(y) + static_cast<std::size_t>(x) * pixel;
  for (int c = 0; c < components_; ++c) {
    std::byte expected[4] = {};
    poisonSample(salt + static_cast<std::uint32_t>(x * components_ + c), depth_, expected);
    if (std::memcmp(at + static_cast<std::size_t>(c) * step, expected, step) != 0) return false;
  }
  return true;
}

bool PixelMemory::holds(const Picture& picture) {
  for (int y = 0; y < height_; ++y) {
    if (std::memcmp(bottomRow(height_ - 1 - y), picture.row(y), packedRow()) != 0) return false;
  }
  return true;
}

Picture PixelMemory::copy(const OfxRectI& r) {
  PictureBuilder built(r.x2 - r.x1, r.y2 - r.y1, components_, depth_);
  const std::size_t pixel = sampleBytes(depth_) * static_cast<std::size_t>(components_);
  for (int y = r.y1; y < r.y2; ++y) {
    const std::byte* from = bottomRow(y) + static_cast<std::size_t>(r.x1) * pixel;
    std::memcpy(built.row(r.y2 - 1 - y), from, static_cast<std::size_t>(r.x2 - r.x1) * pixel);
  }
  return built.finish();
}

// ---- image

HostImage::HostImage(const ImageFacts& facts, const Picture& picture, MemoryLayout layout)
    : facts_(facts),
      output_(false),
      original_(picture),
      memory_(picture.width, picture.height, picture.components, picture.depth, layout) {
  memory_.fill(picture);
  describe(picture.components, picture.depth);
}

HostImage::HostImage(const ImageFacts& facts, int components, Depth depth, MemoryLayout layout)
    : facts_(facts),
      output_(true),
      memory_(facts.bounds.x2 - facts.bounds.x1, facts.bounds.y2 - facts.bounds.y1, components, depth, layout) {
  memory_.poison();
  describe(components, depth);
}

void HostImage::describe(int components, Depth depth) {
  const auto rectangle = [](const OfxRectI& r) { return std::vector<Scalar>{r.x1, r.y1, r.x2, r.y2}; };
  properties_.define(imageProperties());
  properties_.set(kOfxImageEffectPropPixelDepth, std::string(depthToOfx(depth)));
  properties_.set(kOfxImageEffectPropComponents, std::string(componentsToOfx(components)));
  properties_.set(kOfxImageEffectPropPreMultiplication, facts_.premultiplication);
  properties_.set(kOfxImageEffectPropRenderScale, {facts_.scale.x, facts_.scale.y});
  properties_.set(kOfxImagePropPixelAspectRatio, facts_.pixelAspect);
  properties_.set(kOfxImagePropData, memory_.bottom());
  properties_.set(kOfxImagePropBounds, rectangle(facts_.bounds));
  properties_.set(kOfxImagePropRegionOfDefinition, rectangle(facts_.regionOfDefinition));
  properties_.set(kOfxImagePropRowBytes, static_cast<int>(memory_.rowBytes()));
  properties_.set(kOfxImagePropUniqueIdentifier, facts_.identifier);
  if (!facts_.field.empty()) properties_.set(kOfxImagePropField, facts_.field);
  if (facts_.blueFirst) {
    properties_.define({"OfxImageEffectPropPixelOrder",
                        PropertyType::String,
                        1,
                        Writer::Host,
                        {std::string("OfxImagePixelOrderBGRA")}});
  }
}

void HostImage::check() {
  const std::string what = facts_.clip + " at " + std::to_string(facts_.time);
  if (!memory_.guardsIntact()) report("WroteOutsideImage", what + ": bytes around the pixels were overwritten");
  if (!output_ && !memory_.holds(original_)) report("InputModified", what + ": an input image was written to");
}

void HostImage::checkWritten(const OfxRectI& window) {
  const OfxRectI& bounds = facts_.bounds;
  std::size_t unwritten = 0;
  std::size_t strayed = 0;
  OfxPointI first{0, 0};
  for (int y = bounds.y1; y < bounds.y2; ++y) {
    for (int x = bounds.x1; x < bounds.x2; ++x) {
      const bool inside = x >= window.x1 && x < window.x2 && y >= window.y1 && y < window.y2;
      const bool poison = memory_.isPoison(x - bounds.x1, y - bounds.y1);
      if (inside && poison && unwritten++ == 0) first = {x, y};
      if (!inside && !poison) ++strayed;
    }
  }
  // Two or three byte samples may equal their poison by chance.
  const bool isByte = properties_.getString(kOfxImageEffectPropPixelDepth) == kOfxBitDepthByte;
  const std::size_t tolerated = isByte ? 2 : 0;
  if (unwritten > tolerated) {
    report("UnwrittenPixels", std::to_string(unwritten) +
                                  " pixels of the render window were not written, the first at (" +
                                  std::to_string(first.x) + ", " + std::to_string(first.y) + ")");
  }
  if (strayed > 0)
    report("WroteOutsideWindow", std::to_string(strayed) + " pixels outside the render window were written");
}

Picture HostImage::copy(const OfxRectI& window) {
  const OfxRectI& bounds = facts_.bounds;
  const Picture whole =
      memory_.copy({window.x1 - bounds.x1, window.y1 - bounds.y1, window.x2 - bounds.x1, window.y2 - bounds.y1});
  return facts_.blueFirst ? redAndBlueExchanged(whole) : whole;
}

}  // namespace sparkvsr::host
