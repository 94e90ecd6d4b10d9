// SPDX-License-Identifier: Apache-2.0
#include "pixels.hpp"

#include <cstring>

#include "fingerprint.hpp"
#include "protocol.hpp"
#include "streaming_copy.hpp"

namespace sparkvsr::detail {
namespace {

using Bytes = unsigned char*;
using ConstBytes = const unsigned char*;

/// One direction of a copy as rows: row i of `count` goes from `from + i * fromStep` to `to + i * toStep`.
struct RowCopy {
  ConstBytes from = nullptr;
  std::ptrdiff_t fromStep = 0;
  Bytes to = nullptr;
  std::ptrdiff_t toStep = 0;
  std::size_t rowBytes = 0;
  int count = 0;
  bool streaming = false;

  [[nodiscard]] ConstBytes source(int i) const noexcept { return from + i * fromStep; }
  [[nodiscard]] Bytes target(int i) const noexcept { return to + i * toStep; }

  /// `look(part, bytes)` sees the rows in order, part by part. One thread copies: memory is the limit, and a second one
  /// would have to be woken first.
  template <typename Look>
  void runLooking(Look look) const noexcept {
    for (int i = 0; i < count; ++i) {
      if (streaming) {
        (void)native::streamLooking(target(i), source(i), rowBytes, look);
      } else {
        (void)look(source(i), rowBytes);
        std::memcpy(target(i), source(i), rowBytes);
      }
    }
    if (streaming) native::finishStreaming();
  }

  void run() const noexcept {
    runLooking([](ConstBytes, std::size_t) noexcept { return true; });
  }
};

RowCopy planIn(const ConstImageView& image, void* packed) noexcept {
  const std::size_t bytes = packedRowBytes(image.format);
  const auto step = static_cast<std::ptrdiff_t>(bytes);
  Bytes last = static_cast<Bytes>(packed) + step * (image.format.height - 1);
  return {static_cast<ConstBytes>(image.bottom),           image.rowBytes, last, -step, bytes, image.format.height,
          packedBytes(image.format) >= native::kStreamFrom};
}

RowCopy planOut(const void* rows, std::size_t rowBytes, const ImageView& image) noexcept {
  const auto step = static_cast<std::ptrdiff_t>(rowBytes);
  ConstBytes last = static_cast<ConstBytes>(rows) + step * (image.format.height - 1);
  return {last,
          -step,
          static_cast<Bytes>(image.bottom),
          image.rowBytes,
          packedRowBytes(image.format),
          image.format.height,
          packedBytes(image.format) >= native::kStreamFrom};
}

}  // namespace

std::size_t packedBytes(const PixelFormat& format) noexcept {
  return packedRowBytes(format) * static_cast<std::size_t>(format.height);
}

bool validFormat(const PixelFormat& format) noexcept {
  const auto inRange = [](int size) { return size >= 1 && size <= protocol::kMaxDimension; };
  const auto premultiplication = static_cast<int>(format.premultiplication);
  return inRange(format.width) && inRange(format.height) && (format.components == 3 || format.components == 4) &&
         sampleBytes(format.depth) != 0 && premultiplication >= 1 && premultiplication <= 3;
}

bool sameFormat(const PixelFormat& a, const PixelFormat& b) noexcept {
  return a.width == b.width && a.height == b.height && a.components == b.components && a.depth == b.depth &&
         a.premultiplication == b.premultiplication;
}

void copyIn(const ConstImageView& image, void* packed) noexcept { planIn(image, packed).run(); }

Fingerprint copyInHashed(const ConstImageView& image, void* packed) noexcept {
  Fingerprinter hasher(image.format);
  planIn(image, packed).runLooking([&hasher](ConstBytes part, std::size_t bytes) noexcept {
    hasher.row(part, bytes);
    return true;
  });
  return hasher.finish();
}

void copyOut(const void* rows, std::size_t rowBytes, const ImageView& image) noexcept {
  planOut(rows, rowBytes, image).run();
}

}  // namespace sparkvsr::detail
