// SPDX-License-Identifier: Apache-2.0
#include "reduce.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "samples.hpp"

namespace sparkvsr {
namespace {

/// Which source samples an output sample covers, and how much of each; the weights sum to 1.
struct Cover {
  std::size_t first = 0;
  std::vector<double> weights;
};

std::vector<Cover> coversOf(int smaller, int source) {
  std::vector<Cover> covers(static_cast<std::size_t>(smaller));
  const double step = static_cast<double>(source) / smaller;
  for (std::size_t n = 0; n < covers.size(); ++n) {
    const double from = static_cast<double>(n) * step, to = from + step;
    const auto first = static_cast<int>(from);
    covers[n].first = static_cast<std::size_t>(first);
    for (int at = first; at < source && at < to; ++at) {
      const double share = std::min(to, at + 1.0) - std::max(from, static_cast<double>(at));
      if (share > 1e-9 || covers[n].weights.empty()) covers[n].weights.push_back(share / step);
    }
  }
  return covers;
}

bool isStraight(const PixelFormat& format) {
  return format.components == 4 && format.premultiplication == Premultiplication::Straight;
}

/// Sums per pixel: the components as they are; of straight pixels also the colours times their alpha.
std::size_t sumsOf(const PixelFormat& format) {
  return static_cast<std::size_t>(format.components) + (isStraight(format) ? 3 : 0);
}

void loadRow(const ConstImageView& source, int y, std::vector<double>& row) {
  const void* samples = static_cast<const char*>(source.bottom) + y * source.rowBytes;
  const auto components = static_cast<std::size_t>(source.format.components);
  const std::size_t sums = sumsOf(source.format);
  for (std::size_t x = 0; x < static_cast<std::size_t>(source.format.width); ++x) {
    double* pixel = &row[x * sums];
    for (std::size_t c = 0; c < components; ++c)
      pixel[c] = static_cast<double>(loadSample(samples, x * components + c, source.format.depth));
    for (std::size_t c = components; c < sums; ++c) pixel[c] = pixel[c - components] * pixel[3];
  }
}

void addAcross(const std::vector<double>& row, const std::vector<Cover>& across, std::size_t sums, double weight,
               std::vector<double>& total) {
  for (std::size_t x = 0; x < across.size(); ++x) {
    const Cover& cover = across[x];
    for (std::size_t n = 0; n < cover.weights.size(); ++n) {
      const double share = weight * cover.weights[n];
      const double* pixel = &row[(cover.first + n) * sums];
      for (std::size_t c = 0; c < sums; ++c) total[x * sums + c] += share * pixel[c];
    }
  }
}

void storeRow(const std::vector<double>& total, const ImageView& smaller, int y) {
  void* samples = static_cast<char*>(smaller.bottom) + y * smaller.rowBytes;
  const auto components = static_cast<std::size_t>(smaller.format.components);
  const std::size_t sums = sumsOf(smaller.format);
  for (std::size_t x = 0; x < static_cast<std::size_t>(smaller.format.width); ++x) {
    const double* pixel = &total[x * sums];
    const bool weighed = sums > components && pixel[3] > 0;
    for (std::size_t c = 0; c < components; ++c) {
      const double value = weighed && c < 3 ? pixel[components + c] / pixel[3] : pixel[c];
      storeSample(samples, x * components + c, smaller.format.depth, static_cast<float>(value));
    }
  }
}

}  // namespace

void reduceByArea(const ConstImageView& source, const ImageView& smaller) {
  const std::size_t sums = sumsOf(source.format);
  const auto across = coversOf(smaller.format.width, source.format.width);
  const auto down = coversOf(smaller.format.height, source.format.height);
  std::vector<double> row(static_cast<std::size_t>(source.format.width) * sums);
  std::vector<double> total(across.size() * sums);
  for (std::size_t y = 0; y < down.size(); ++y) {
    std::fill(total.begin(), total.end(), 0.0);
    for (std::size_t n = 0; n < down[y].weights.size(); ++n) {
      loadRow(source, static_cast<int>(down[y].first + n), row);
      addAcross(row, across, sums, down[y].weights[n], total);
    }
    storeRow(total, smaller, static_cast<int>(y));
  }
}

}  // namespace sparkvsr
