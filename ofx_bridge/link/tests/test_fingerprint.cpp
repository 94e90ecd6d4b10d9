// SPDX-License-Identifier: Apache-2.0
// Fingerprints against numbers from another implementation (Python's xxhash), for every kernel and layout.
#include <cstdint>
#include <vector>

#include "check.hpp"
#include "fingerprint.hpp"
#include "pixels.hpp"

namespace {

using namespace sparkvsr;

struct Vector {
  PixelFormat format;
  const char* expected;
};

const Vector kVectors[] = {
    {{1, 1, 3, Depth::Byte, Premultiplication::Straight}, "dddee9e6d6125f562b1e26d3f74d5c23"},
    {{3, 2, 4, Depth::Float, Premultiplication::Premultiplied}, "a10e6ca06d7225a5836d9cc12378fe02"},
    {{64, 33, 4, Depth::Half, Premultiplication::Straight}, "4ceb49b5f367bd8d38eb996781095000"},
    {{1000, 17, 3, Depth::Short, Premultiplication::Opaque}, "1d9d863e6cb1c4b94cc123dfe9c9f154"},
};

/// Byte i of the packed rows from the bottom up is (7 i + 3) mod 251.
std::vector<std::uint8_t> bottomUp(const PixelFormat& format) {
  std::vector<std::uint8_t> out(detail::packedBytes(format));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>((i * 7 + 3) % 251);
  return out;
}

std::string hex(const Fingerprint& print) {
  std::string out;
  for (const std::uint8_t byte : print) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

}  // namespace

TEST(fingerprint_equals_pythons_xxhash) {
  for (const Vector& vector : kVectors) {
    const auto pixels = bottomUp(vector.format);
    const auto stride = static_cast<std::ptrdiff_t>(packedRowBytes(vector.format));
    CHECK_EQUAL(hex(fingerprint({vector.format, pixels.data(), stride})), vector.expected);
  }
}

TEST(every_kernel_gives_the_same_fingerprint) {
  for (const Vector& vector : kVectors) {
    const auto pixels = bottomUp(vector.format);
    for (const auto* kernel : {&xxh3::baselineKernel(), &detail::fastestKernel()}) {
      xxh3::State state;
      kernel->reset(&state, detail::formatSeed(vector.format));
      kernel->update(&state, pixels.data(), pixels.size());
      Fingerprint print;
      kernel->digest(&state, print.data());
      CHECK_EQUAL(hex(print), vector.expected);
    }
  }
}

TEST(stride_and_its_sign_never_count) {
  for (const Vector& vector : kVectors) {
    const auto packed = bottomUp(vector.format);
    const std::size_t row = packedRowBytes(vector.format);
    const std::size_t padded = row + 48;
    const auto height = static_cast<std::size_t>(vector.format.height);
    std::vector<std::uint8_t> topDown(padded * height, 0xee);
    for (std::size_t y = 0; y < height; ++y) {
      std::copy_n(packed.begin() + static_cast<std::ptrdiff_t>(y * row), row,
                  topDown.begin() + static_cast<std::ptrdiff_t>((height - 1 - y) * padded));
    }
    const std::uint8_t* bottom = topDown.data() + (height - 1) * padded;
    CHECK_EQUAL(hex(fingerprint({vector.format, bottom, -static_cast<std::ptrdiff_t>(padded)})), vector.expected);
  }
}

TEST(format_counts) {
  const PixelFormat straight{3, 2, 4, Depth::Float, Premultiplication::Straight};
  PixelFormat opaque = straight;
  opaque.premultiplication = Premultiplication::Opaque;
  const auto pixels = bottomUp(straight);
  CHECK(fingerprint({straight, pixels.data(), 48}) != fingerprint({opaque, pixels.data(), 48}));
}

TEST(copy_in_turns_rows_and_fingerprints_alike) {
  for (const int width : {1, 7, 33, 2000}) {
    const PixelFormat format{width, 301, 4, Depth::Float, Premultiplication::Straight};
    const auto source = bottomUp(format);
    const std::size_t row = packedRowBytes(format);
    const ConstImageView view{format, source.data(), static_cast<std::ptrdiff_t>(row)};
    std::vector<std::uint8_t> plain(source.size());
    std::vector<std::uint8_t> hashed(source.size());
    detail::copyIn(view, plain.data());
    CHECK(detail::copyInHashed(view, hashed.data()) == fingerprint(view));
    CHECK(plain == hashed);
    for (std::size_t y = 0; y < 301; ++y)
      CHECK(std::equal(&source[y * row], &source[y * row] + row, &plain[(300 - y) * row]));
  }
}

TEST(copy_out_is_the_way_back_into_padded_rows_of_either_sign) {
  for (const PixelFormat& format : {PixelFormat{5, 4, 3, Depth::Byte, Premultiplication::Opaque},
                                    PixelFormat{1920, 1200, 4, Depth::Float, Premultiplication::Straight}}) {
    const auto source = bottomUp(format);
    const std::size_t row = packedRowBytes(format);
    const std::size_t padded = row + 13;
    const auto height = static_cast<std::size_t>(format.height);
    std::vector<std::uint8_t> carrier(source.size());
    detail::copyIn({format, source.data(), static_cast<std::ptrdiff_t>(row)}, carrier.data());
    std::vector<std::uint8_t> host(padded * height, 0xee);
    detail::copyOut(carrier.data(), row,
                    {format, host.data() + (height - 1) * padded, -static_cast<std::ptrdiff_t>(padded)});
    for (std::size_t y = 0; y < height; ++y) {
      CHECK(std::equal(&source[y * row], &source[y * row] + row, &host[(height - 1 - y) * padded]));
      CHECK_EQUAL(static_cast<int>(host[(height - 1 - y) * padded + row]), 0xee);
    }
  }
}
