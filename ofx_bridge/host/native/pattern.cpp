// SPDX-License-Identifier: Apache-2.0
#include "host/native/pattern.hpp"

#include <cmath>

namespace sparkvsr::host::native {
namespace {

/// A triangle wave of period 1 between 0 and 1: no libm, hence no difference between machines.
float triangle(double x) { return static_cast<float>(2 * std::abs(x - std::floor(x + 0.5))); }

}  // namespace

Picture pattern(double frame, int width, int height, int enlargement, int components, Depth depth) {
  const int columns = width * enlargement;
  const int rows = height * enlargement;
  PictureBuilder built(columns, rows, components, depth);
  std::vector<float> row(4 * static_cast<std::size_t>(columns));
  for (int y = 0; y < rows; ++y) {
    const double v = (y + 0.5) / enlargement;
    for (int x = 0; x < columns; ++x) {
      const double u = (x + 0.5) / enlargement - frame;
      float* pixel = row.data() + 4 * static_cast<std::size_t>(x);
      pixel[0] = triangle(u / 16);
      pixel[1] = triangle(v / 12);
      pixel[2] = triangle((u + v) / 8);
      pixel[3] = 1;
    }
    writeRow(row, columns, components, depth, built.row(y));
  }
  return built.finish();
}

std::uint64_t checksum(const Picture& picture) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (int y = 0; y < picture.height; ++y) {
    const std::byte* row = picture.row(y);
    for (std::size_t i = 0; i < picture.packedRow(); ++i) {
      hash = (hash ^ static_cast<std::uint64_t>(row[i])) * 0x100000001B3U;
    }
  }
  return hash;
}

}  // namespace sparkvsr::host::native
