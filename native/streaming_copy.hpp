// SPDX-License-Identifier: Apache-2.0
// Copies of pictures too large for the caches. Shared by the link and by the backend; knows nothing of either.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sparkvsr::native {

/// From here on a picture does not stay in the cache anyway: writing past it saves reading every destination line
/// first.
inline constexpr std::size_t kStreamFrom = std::size_t{4} << 20;

/// What is looked at and then copied at once: it stays in the first cache for as long, and so does the piece after it.
inline constexpr std::size_t kPiece = 4096;

#if defined(__SSE2__)

inline constexpr std::size_t kLine = 64;

inline void streamLine(unsigned char* to, const unsigned char* from) noexcept {
  const auto* source = reinterpret_cast<const __m128i*>(static_cast<const void*>(from));
  auto* target = reinterpret_cast<__m128i*>(static_cast<void*>(to));
  const __m128i a = _mm_loadu_si128(source);
  const __m128i b = _mm_loadu_si128(source + 1);
  const __m128i c = _mm_loadu_si128(source + 2);
  const __m128i d = _mm_loadu_si128(source + 3);
  _mm_stream_si128(target, a);
  _mm_stream_si128(target + 1, b);
  _mm_stream_si128(target + 2, c);
  _mm_stream_si128(target + 3, d);
}

/// Bytes from `target` on up to the first whole line.
inline std::size_t bytesBeforeLine(const void* target, std::size_t bytes) noexcept {
  return std::min(bytes, (kLine - reinterpret_cast<std::uintptr_t>(target) % kLine) % kLine);
}

/// At most a piece of whole lines. While they are written, the piece after it is fetched: what looks at that next finds
/// it in the first cache, instead of standing still while nothing is written. Shared memory has small pages, and
/// finding each one takes longer than copying a part of it: the target's is looked up ahead as well. Looking beyond the
/// end does no harm.
inline void streamPiece(unsigned char* to, const unsigned char* from, std::size_t bytes) noexcept {
  _mm_prefetch(reinterpret_cast<const char*>(to + kPiece), _MM_HINT_T0);
  for (std::size_t at = 0; at < bytes; at += kLine) {
    _mm_prefetch(reinterpret_cast<const char*>(from + at + kPiece), _MM_HINT_T0);
    streamLine(to + at, from + at);
  }
}

/// Copies past the caches, and has `look(part, bytes)` see every part of the source, in order, just before it is
/// copied. Where that returns false the copy ends at once and is not complete: false. Call `finishStreaming` before
/// another thread or process is told of it.
template <typename Look>
bool streamLooking(void* target, const void* source, std::size_t bytes, Look look) noexcept {
  auto* to = static_cast<unsigned char*>(target);
  const auto* from = static_cast<const unsigned char*>(source);
  std::size_t at = bytesBeforeLine(target, bytes);
  if (at > 0 && !look(from, at)) return false;
  std::memcpy(to, from, at);
  for (std::size_t piece = 0; bytes - at >= kLine; at += piece) {
    piece = std::min(kPiece, (bytes - at) / kLine * kLine);
    if (!look(from + at, piece)) return false;
    streamPiece(to + at, from + at, piece);
  }
  if (at < bytes && !look(from + at, bytes - at)) return false;
  std::memcpy(to + at, from + at, bytes - at);
  return true;
}

inline void finishStreaming() noexcept { _mm_sfence(); }

#else

template <typename Look>
bool streamLooking(void* target, const void* source, std::size_t bytes, Look look) noexcept {
  for (std::size_t at = 0; at < bytes; at += kPiece) {
    const std::size_t piece = std::min(kPiece, bytes - at);
    const auto* from = static_cast<const unsigned char*>(source) + at;
    if (!look(from, piece)) return false;
    std::memcpy(static_cast<unsigned char*>(target) + at, from, piece);
  }
  return true;
}
inline void finishStreaming() noexcept {}

#endif

/// Copies past the caches. Call `finishStreaming` before another thread or process is told of it.
inline void streamBytes(void* target, const void* source, std::size_t bytes) noexcept {
  (void)streamLooking(target, source, bytes, [](const unsigned char*, std::size_t) noexcept { return true; });
}

}  // namespace sparkvsr::native
