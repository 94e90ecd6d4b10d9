// SPDX-License-Identifier: Apache-2.0
// The small value types of link.hpp.
#include "sparkvsr/link.hpp"

namespace sparkvsr {

std::size_t sampleBytes(Depth depth) noexcept {
  switch (depth) {
    case Depth::Byte:
      return 1;
    case Depth::Short:
    case Depth::Half:
      return 2;
    case Depth::Float:
      return 4;
  }
  return 0;
}

std::size_t packedRowBytes(const PixelFormat& format) noexcept {
  return static_cast<std::size_t>(format.width) * static_cast<std::size_t>(format.components) *
         sampleBytes(format.depth);
}

std::string Error::text() const {
  std::string out = name + ": " + message;
  if (expected.empty() && found.empty()) return out;
  return out + " (expected " + (expected.empty() ? "nothing" : expected) + ", found " +
         (found.empty() ? "nothing" : found) + ")";
}

}  // namespace sparkvsr
