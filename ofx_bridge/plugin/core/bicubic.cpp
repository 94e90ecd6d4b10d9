// SPDX-License-Identifier: Apache-2.0
#include "bicubic.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "samples.hpp"

namespace sparkvsr {
namespace {

constexpr int kChannels = 4;  // premultiplied RGBA

struct Tap {
  std::array<int, 4> at{};
  std::array<float, 4> weight{};
};

float cubic(float distance) {
  const float d = std::abs(distance);
  if (d < 1.0F) return (1.5F * d - 2.5F) * d * d + 1.0F;
  return d < 2.0F ? ((-0.5F * d + 2.5F) * d - 4.0F) * d + 2.0F : 0.0F;
}

/// Where output sample `position` of `outputSize` reads from `sourceSize` samples.
Tap tapAt(int position, int outputSize, int sourceSize) {
  const double centre = (position + 0.5) * sourceSize / outputSize - 0.5;
  const int first = static_cast<int>(std::floor(centre)) - 1;
  Tap tap;
  for (int n = 0; n < 4; ++n) {
    const auto index = static_cast<std::size_t>(n);
    tap.at[index] = std::clamp(first + n, 0, sourceSize - 1);
    tap.weight[index] = cubic(static_cast<float>(centre - (first + n)));
  }
  return tap;
}

std::vector<Tap> tapsOf(int first, int last, int outputSize, int sourceSize) {
  std::vector<Tap> taps;
  taps.reserve(static_cast<std::size_t>(last - first));
  for (int position = first; position < last; ++position) taps.push_back(tapAt(position, outputSize, sourceSize));
  return taps;
}

/// Row `y` from the bottom as premultiplied RGBA.
void loadRow(const ConstImageView& source, int y, std::vector<float>& row) {
  const void* samples = static_cast<const char*>(source.bottom) + y * source.rowBytes;
  const auto components = static_cast<std::size_t>(source.format.components);
  const bool hasAlpha = components == 4 && source.format.premultiplication != Premultiplication::Opaque;
  const bool straight = hasAlpha && source.format.premultiplication == Premultiplication::Straight;
  for (std::size_t x = 0; x < static_cast<std::size_t>(source.format.width); ++x) {
    const float alpha = hasAlpha ? loadSample(samples, x * components + 3, source.format.depth) : 1.0F;
    for (std::size_t c = 0; c < 3; ++c) {
      row[x * kChannels + c] = loadSample(samples, x * components + c, source.format.depth) * (straight ? alpha : 1.0F);
    }
    row[x * kChannels + 3] = alpha;
  }
}

void storeRow(const std::vector<float>& row, const ImageView& output, int y) {
  void* samples = static_cast<char*>(output.bottom) + y * output.rowBytes;
  const auto components = static_cast<std::size_t>(output.format.components);
  const bool straight = components == 4 && output.format.premultiplication == Premultiplication::Straight;
  const bool opaque = output.format.premultiplication == Premultiplication::Opaque;
  for (std::size_t x = 0; x < static_cast<std::size_t>(output.format.width); ++x) {
    const float alpha = row[x * kChannels + 3];
    const float factor = straight && alpha > 0.0F ? 1.0F / alpha : 1.0F;
    for (std::size_t c = 0; c < 3; ++c) {
      storeSample(samples, x * components + c, output.format.depth, row[x * kChannels + c] * factor);
    }
    if (components == 4) storeSample(samples, x * components + 3, output.format.depth, opaque ? 1.0F : alpha);
  }
}

std::vector<float> squeezed(const std::vector<float>& row, const std::vector<Tap>& columns) {
  std::vector<float> result(columns.size() * kChannels, 0.0F);
  for (std::size_t x = 0; x < columns.size(); ++x) {
    for (std::size_t n = 0; n < 4; ++n) {
      const float* pixel = &row[static_cast<std::size_t>(columns[x].at[n]) * kChannels];
      for (std::size_t c = 0; c < kChannels; ++c) result[x * kChannels + c] += columns[x].weight[n] * pixel[c];
    }
  }
  return result;
}

/// Source rows, already resized horizontally; keeps the few that neighbouring output rows share.
class RowStore {
 public:
  RowStore(const ConstImageView& source, std::vector<Tap> columns)
      : source_(source),
        columns_(std::move(columns)),
        loaded_(static_cast<std::size_t>(source.format.width) * kChannels) {}

  const std::vector<float>& row(int y) {
    Kept& kept = kept_[static_cast<std::size_t>(y) % kept_.size()];
    if (kept.y != y) {
      loadRow(source_, y, loaded_);
      kept = {y, squeezed(loaded_, columns_)};
    }
    return kept.samples;
  }

 private:
  struct Kept {
    int y = -1;
    std::vector<float> samples;
  };
  const ConstImageView& source_;
  std::vector<Tap> columns_;
  std::vector<float> loaded_;
  std::array<Kept, 4> kept_;
};

}  // namespace

void bicubicStandIn(const ConstImageView& source, const Target& target, const ImageView& output) {
  const auto [x1, top, x2, bottom] = target.window;
  RowStore rows(source, tapsOf(x1, x2, target.width, source.format.width));
  std::vector<float> mixed(static_cast<std::size_t>(x2 - x1) * kChannels);
  for (int y = 0; y < bottom - top; ++y) {
    const Tap tap = tapAt(target.height - bottom + y, target.height, source.format.height);
    std::fill(mixed.begin(), mixed.end(), 0.0F);
    for (std::size_t n = 0; n < 4; ++n) {
      const auto& row = rows.row(tap.at[n]);
      for (std::size_t i = 0; i < mixed.size(); ++i) mixed[i] += tap.weight[n] * row[i];
    }
    storeRow(mixed, output, y);
  }
}

}  // namespace sparkvsr
