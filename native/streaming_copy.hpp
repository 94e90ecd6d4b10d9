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

#if defined(__SSE2__)

inline constexpr std::size_t kLine = 64;
inline constexpr std::size_t kPage = 4096;

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

/// Copies past the caches. Call `finishStreaming` before another thread or process is told of it.
///
/// Shared memory has small pages, and finding each one takes longer than copying a part of it: it is looked up one page
/// ahead. Looking beyond the end does no harm.
inline void streamBytes(void* target, const void* source, std::size_t bytes) noexcept {
  auto* to = static_cast<unsigned char*>(target);
  const auto* from = static_cast<const unsigned char*>(source);
  const std::size_t head = std::min(bytes, (kLine - reinterpret_cast<std::uintptr_t>(to) % kLine) % kLine);
  std::memcpy(to, from, head);
  std::size_t at = head;
  while (bytes - at >= kLine) {
    _mm_prefetch(reinterpret_cast<const char*>(from + at + kPage), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(to + at + kPage), _MM_HINT_T0);
    const std::size_t end = at + std::min(kPage, (bytes - at) / kLine * kLine);
    for (; at < end; at += kLine) streamLine(to + at, from + at);
  }
  std::memcpy(to + at, from + at, bytes - at);
}

inline void finishStreaming() noexcept { _mm_sfence(); }

#else

inline void streamBytes(void* target, const void* source, std::size_t bytes) noexcept {
  std::memcpy(target, source, bytes);
}
inline void finishStreaming() noexcept {}

#endif

}  // namespace sparkvsr::native
