// SPDX-License-Identifier: Apache-2.0
#include "host/pixels.hpp"

#include <ofxImageEffect.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "host/errors.hpp"

namespace sparkvsr::host {
namespace {

struct DepthNames {
  Depth depth;
  const char* name;
  const char* ofx;
  std::size_t bytes;
};
constexpr DepthNames kDepths[] = {{Depth::Byte, "byte", kOfxBitDepthByte, 1},
                                  {Depth::Short, "short", kOfxBitDepthShort, 2},
                                  {Depth::Half, "half", kOfxBitDepthHalf, 2},
                                  {Depth::Float, "float", kOfxBitDepthFloat, 4}};

const DepthNames& names(Depth depth) noexcept { return kDepths[static_cast<int>(depth)]; }

float readSample(const std::byte* at, Depth depth) noexcept {
  std::uint16_t bits = 0;
  float value = 0;
  switch (depth) {
    case Depth::Byte:
      return static_cast<float>(std::to_integer<int>(*at)) / 255.0F;
    case Depth::Short:
      std::memcpy(&bits, at, 2);
      return static_cast<float>(bits) / 65535.0F;
    case Depth::Half:
      std::memcpy(&bits, at, 2);
      return halfToFloat(bits);
    case Depth::Float:
      std::memcpy(&value, at, 4);
      return value;
  }
  return value;
}

float quantised(float value, float maximum) noexcept {
  const float clamped = value > 0.0F ? std::min(value, 1.0F) : 0.0F;  // NaN becomes 0
  return std::floor(clamped * maximum + 0.5F);
}

void writeSample(float value, Depth depth, std::byte* at) noexcept {
  std::uint16_t bits = 0;
  switch (depth) {
    case Depth::Byte:
      *at = static_cast<std::byte>(static_cast<int>(quantised(value, 255.0F)));
      return;
    case Depth::Short:
      bits = static_cast<std::uint16_t>(quantised(value, 65535.0F));
      break;
    case Depth::Half:
      bits = floatToHalf(value);
      break;
    case Depth::Float:
      std::memcpy(at, &value, 4);
      return;
  }
  std::memcpy(at, &bits, 2);
}

/// How much each source position weighs in one target position.
struct Tap {
  int first;
  std::vector<float> weights;
};

std::vector<Tap> boxTaps(int from, int to) {
  std::vector<Tap> taps;
  const double ratio = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i) {
    const double begin = i * ratio;
    const double end = begin + ratio;
    Tap tap{static_cast<int>(begin), {}};
    for (int j = tap.first; j < std::min(from, static_cast<int>(std::ceil(end - 1e-9))); ++j) {
      const double covered = std::min(end, j + 1.0) - std::max(begin, static_cast<double>(j));
      tap.weights.push_back(static_cast<float>(covered / ratio));
    }
    taps.push_back(std::move(tap));
  }
  return taps;
}

std::vector<Tap> linearTaps(int from, int to) {
  std::vector<Tap> taps;
  for (int i = 0; i < to; ++i) {
    const double centre = std::clamp((i + 0.5) * from / to - 0.5, 0.0, from - 1.0);
    const int first = std::min(static_cast<int>(centre), std::max(0, from - 2));
    const auto part = static_cast<float>(centre - first);
    taps.push_back({first, from > 1 ? std::vector<float>{1.0F - part, part} : std::vector<float>{1.0F}});
  }
  return taps;
}

std::vector<Tap> tapsFor(int from, int to) { return to < from ? boxTaps(from, to) : linearTaps(from, to); }

void addRow(const std::vector<float>& row, const std::vector<Tap>& columns, float weight, std::vector<float>& sum) {
  for (std::size_t x = 0; x < columns.size(); ++x) {
    for (std::size_t k = 0; k < columns[x].weights.size(); ++k) {
      const float factor = weight * columns[x].weights[k];
      const float* pixel = row.data() + 4 * (static_cast<std::size_t>(columns[x].first) + k);
      for (std::size_t c = 0; c < 4; ++c) sum[4 * x + c] += factor * pixel[c];
    }
  }
}

}  // namespace

std::size_t sampleBytes(Depth depth) noexcept { return names(depth).bytes; }
const char* depthName(Depth depth) noexcept { return names(depth).name; }
const char* depthToOfx(Depth depth) noexcept { return names(depth).ofx; }

Depth depthFromName(const std::string& name) {
  for (const DepthNames& one : kDepths) {
    if (name == one.name) return one.depth;
  }
  throw HostError("BadDepth", "expected byte, short, half or float, found " + name);
}

Depth depthFromOfx(const std::string& name) {
  for (const DepthNames& one : kDepths) {
    if (name == one.ofx) return one.depth;
  }
  throw HostError("BadDepth", "expected an OfxBitDepth of byte, short, half or float, found " + name);
}

int componentsFromOfx(const std::string& name) {
  if (name == kOfxImageComponentRGBA) return 4;
  if (name == kOfxImageComponentRGB) return 3;
  throw HostError("BadComponents", "expected RGB or RGBA, found " + name);
}

const char* componentsToOfx(int components) {
  if (components == 4) return kOfxImageComponentRGBA;
  if (components == 3) return kOfxImageComponentRGB;
  throw HostError("BadComponents", "expected 3 or 4 components, found " + std::to_string(components));
}

float halfToFloat(std::uint16_t bits) noexcept {
  const auto sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  const std::uint32_t mantissa = bits & 0x3FFU;
  float value = 0;
  if (exponent == 0) {
    value = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -value : value;
  }
  const std::uint32_t word = sign | (exponent == 31 ? 0x7F800000U : (exponent + 112) << 23) | (mantissa << 13);
  std::memcpy(&value, &word, 4);
  return value;
}

std::uint16_t floatToHalf(float value) noexcept {
  std::uint32_t word = 0;
  std::memcpy(&word, &value, 4);
  const std::uint32_t sign = (word >> 16) & 0x8000U;
  const std::uint32_t magnitude = word & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<std::uint16_t>(sign | 0x7E00U);
  if (magnitude >= 0x477FF000U) return static_cast<std::uint16_t>(sign | 0x7C00U);  // 65520 and more round to infinity
  if (magnitude < 0x38800000U) {                                                    // subnormal: steps of 2^-24
    const float steps = std::nearbyint(std::ldexp(std::fabs(value), 24));
    return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(steps));
  }
  const std::uint32_t odd = (magnitude >> 13) & 1U;
  return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000U + 0xFFFU + odd) >> 13));
}

PictureBuilder::PictureBuilder(int width, int height, int components, Depth depth) {
  picture_ = Picture{width, height, components, depth, nullptr, 0, nullptr};
  packedRow_ = picture_.packedRow();
  memory_ = std::make_shared<std::vector<std::byte>>(packedRow_ * static_cast<std::size_t>(height));
}

Picture PictureBuilder::finish() const {
  Picture done = picture_;
  done.top = memory_->data();
  done.rowBytes = static_cast<std::ptrdiff_t>(packedRow_);
  done.owner = memory_;
  return done;
}

void readRow(const Picture& picture, int y, std::vector<float>& rgba) {
  const std::size_t step = sampleBytes(picture.depth);
  const auto components = static_cast<std::size_t>(picture.components);
  rgba.assign(4 * static_cast<std::size_t>(picture.width), 1.0F);
  const std::byte* row = picture.row(y);
  for (std::size_t x = 0; x < static_cast<std::size_t>(picture.width); ++x) {
    for (std::size_t c = 0; c < components; ++c) {
      rgba[4 * x + c] = readSample(row + (x * components + c) * step, picture.depth);
    }
  }
}

void writeRow(const std::vector<float>& rgba, int width, int components, Depth depth, std::byte* row) {
  const std::size_t step = sampleBytes(depth);
  const auto count = static_cast<std::size_t>(components);
  for (std::size_t x = 0; x < static_cast<std::size_t>(width); ++x) {
    for (std::size_t c = 0; c < count; ++c) writeSample(rgba[4 * x + c], depth, row + (x * count + c) * step);
  }
}

Picture converted(const Picture& picture, int components, Depth depth) {
  if (picture.components == components && picture.depth == depth) return picture;
  PictureBuilder built(picture.width, picture.height, components, depth);
  std::vector<float> rgba;
  for (int y = 0; y < picture.height; ++y) {
    readRow(picture, y, rgba);
    writeRow(rgba, picture.width, components, depth, built.row(y));
  }
  return built.finish();
}

Picture resized(const Picture& picture, int width, int height) {
  if (picture.width == width && picture.height == height) return picture;
  const std::vector<Tap> columns = tapsFor(picture.width, width);
  const std::vector<Tap> rows = tapsFor(picture.height, height);
  PictureBuilder built(width, height, picture.components, picture.depth);
  std::vector<float> source;
  for (int y = 0; y < height; ++y) {
    const Tap& tap = rows[static_cast<std::size_t>(y)];
    std::vector<float> sum(4 * static_cast<std::size_t>(width), 0.0F);
    for (std::size_t k = 0; k < tap.weights.size(); ++k) {
      readRow(picture, tap.first + static_cast<int>(k), source);
      addRow(source, columns, tap.weights[k], sum);
    }
    writeRow(sum, width, picture.components, picture.depth, built.row(y));
  }
  return built.finish();
}

Picture through16Bit(const Picture& picture) {
  return converted(converted(picture, picture.components, Depth::Short), picture.components, picture.depth);
}

Picture cropped(const Picture& picture, int x1, int y1, int x2, int y2) {
  Picture part = picture;
  part.width = x2 - x1;
  part.height = y2 - y1;
  part.top = picture.row(y1) + static_cast<std::ptrdiff_t>(picture.pixelBytes()) * x1;
  return part;
}

Picture redAndBlueExchanged(const Picture& picture) {
  PictureBuilder built(picture.width, picture.height, picture.components, picture.depth);
  const std::size_t sample = sampleBytes(picture.depth);
  for (int y = 0; y < picture.height; ++y) {
    std::byte* row = built.row(y);
    std::memcpy(row, picture.row(y), picture.packedRow());
    for (int x = 0; x < picture.width; ++x, row += picture.pixelBytes())
      std::swap_ranges(row, row + sample, row + 2 * sample);
  }
  return built.finish();
}

Picture blackPicture(int width, int height, int components, Depth depth) {
  return PictureBuilder(width, height, components, depth).finish();
}

}  // namespace sparkvsr::host
