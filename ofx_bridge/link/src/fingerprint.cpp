// SPDX-License-Identifier: Apache-2.0
#include "fingerprint.hpp"

#include <xxhash.h>

namespace sparkvsr::detail {
namespace {

void putLittleEndian32(unsigned char* out, std::uint32_t value) noexcept {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<unsigned char>(value >> (8 * i));
}

const xxh3::Kernel& chooseKernel() noexcept {
#if defined(SPARKVSR_XXH3_WITH_AVX2)
  if (__builtin_cpu_supports("avx2")) return xxh3::avx2Kernel();
#endif
  return xxh3::baselineKernel();
}

}  // namespace

const xxh3::Kernel& fastestKernel() noexcept {
  static const xxh3::Kernel& kernel = chooseKernel();
  return kernel;
}

std::uint64_t formatSeed(const PixelFormat& format) noexcept {
  unsigned char key[12] = {};
  putLittleEndian32(key, static_cast<std::uint32_t>(format.width));
  putLittleEndian32(key + 4, static_cast<std::uint32_t>(format.height));
  key[8] = static_cast<unsigned char>(format.depth);
  key[9] = static_cast<unsigned char>(format.components);
  key[10] = static_cast<unsigned char>(format.premultiplication);
  return XXH3_64bits(key, sizeof key);
}

Fingerprinter::Fingerprinter(const PixelFormat& format) noexcept : kernel_(fastestKernel()) {
  kernel_.reset(&state_, formatSeed(format));
}

Fingerprint Fingerprinter::finish() const noexcept {
  Fingerprint out;
  kernel_.digest(&state_, out.data());
  return out;
}

}  // namespace sparkvsr::detail

namespace sparkvsr {

Fingerprint fingerprint(const ConstImageView& image) noexcept {
  detail::Fingerprinter hasher(image.format);
  const std::size_t bytes = packedRowBytes(image.format);
  const auto* bottom = static_cast<const unsigned char*>(image.bottom);
  for (int y = 0; y < image.format.height; ++y) hasher.row(bottom + y * image.rowBytes, bytes);
  return hasher.finish();
}

}  // namespace sparkvsr
