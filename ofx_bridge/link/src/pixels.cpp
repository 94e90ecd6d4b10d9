// SPDX-License-Identifier: Apache-2.0
#include "pixels.hpp"

#include <cstdint>
#include <cstring>
#include <system_error>
#include <thread>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "fingerprint.hpp"
#include "protocol.hpp"

namespace sparkvsr::detail {
namespace {

using Bytes = unsigned char*;
using ConstBytes = const unsigned char*;

// From here on a picture does not stay in the cache anyway: writing past it saves reading every destination line first.
constexpr std::size_t kStreamFrom = std::size_t{4} << 20;
// From here on a second thread pays for its start (about 30 us).
constexpr std::size_t kSplitFrom = std::size_t{16} << 20;

#if defined(__SSE2__)
void streamRow(Bytes to, ConstBytes from, std::size_t bytes) noexcept {
  const std::size_t head = (16 - reinterpret_cast<std::uintptr_t>(to) % 16) % 16;
  if (bytes < 128) {
    std::memcpy(to, from, bytes);
    return;
  }
  std::memcpy(to, from, head);
  std::size_t at = head;
  for (; at + 64 <= bytes; at += 64) {
    const auto* source = reinterpret_cast<const __m128i*>(static_cast<const void*>(from + at));
    auto* target = reinterpret_cast<__m128i*>(static_cast<void*>(to + at));
    const __m128i a = _mm_loadu_si128(source);
    const __m128i b = _mm_loadu_si128(source + 1);
    const __m128i c = _mm_loadu_si128(source + 2);
    const __m128i d = _mm_loadu_si128(source + 3);
    _mm_stream_si128(target, a);
    _mm_stream_si128(target + 1, b);
    _mm_stream_si128(target + 2, c);
    _mm_stream_si128(target + 3, d);
  }
  std::memcpy(to + at, from + at, bytes - at);
}
void finishStreaming() noexcept { _mm_sfence(); }
#else
void streamRow(Bytes to, ConstBytes from, std::size_t bytes) noexcept { std::memcpy(to, from, bytes); }
void finishStreaming() noexcept {}
#endif

/// One direction of a copy as rows: row i of `count` goes from `from + i * fromStep` to `to + i * toStep`.
struct RowCopy {
  ConstBytes from = nullptr;
  std::ptrdiff_t fromStep = 0;
  Bytes to = nullptr;
  std::ptrdiff_t toStep = 0;
  std::size_t rowBytes = 0;
  int count = 0;
  bool streaming = false;

  void row(int i) const noexcept {
    ConstBytes source = from + i * fromStep;
    Bytes target = to + i * toStep;
    if (streaming) {
      streamRow(target, source, rowBytes);
    } else {
      std::memcpy(target, source, rowBytes);
    }
  }

  void rows(int first, int last) const noexcept {
    for (int i = first; i < last; ++i) row(i);
    if (streaming) finishStreaming();
  }
};

RowCopy planIn(const ConstImageView& image, void* packed) noexcept {
  const std::size_t bytes = packedRowBytes(image.format);
  const auto step = static_cast<std::ptrdiff_t>(bytes);
  Bytes last = static_cast<Bytes>(packed) + step * (image.format.height - 1);
  return {static_cast<ConstBytes>(image.bottom),   image.rowBytes, last, -step, bytes, image.format.height,
          packedBytes(image.format) >= kStreamFrom};
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
          packedBytes(image.format) >= kStreamFrom};
}

/// Copies with a second thread where the picture is big enough and a thread can be had.
void runCopy(const RowCopy& copy) noexcept {
  const std::size_t bytes = copy.rowBytes * static_cast<std::size_t>(copy.count);
  if (bytes < kSplitFrom || std::thread::hardware_concurrency() < 2) return copy.rows(0, copy.count);
  const int middle = copy.count / 2;
  try {
    std::thread second([&copy, middle] { copy.rows(middle, copy.count); });
    copy.rows(0, middle);
    second.join();
  } catch (const std::system_error&) {  // no thread to be had: nothing was copied yet
    copy.rows(0, copy.count);
  }
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

void copyIn(const ConstImageView& image, void* packed) noexcept { runCopy(planIn(image, packed)); }

Fingerprint copyInHashed(const ConstImageView& image, void* packed) noexcept {
  const RowCopy copy = planIn(image, packed);
  Fingerprinter hasher(image.format);
  for (int y = 0; y < copy.count; ++y) {
    hasher.row(copy.from + y * copy.fromStep, copy.rowBytes);
    copy.row(y);
  }
  if (copy.streaming) finishStreaming();
  return hasher.finish();
}

void copyOut(const void* rows, std::size_t rowBytes, const ImageView& image) noexcept {
  runCopy(planOut(rows, rowBytes, image));
}

}  // namespace sparkvsr::detail
