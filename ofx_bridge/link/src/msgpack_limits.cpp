// SPDX-License-Identifier: Apache-2.0
#include "msgpack_limits.hpp"

#include <array>
#include <optional>

namespace sparkvsr::wire {
namespace {

/// One value's opener: bytes to skip beyond the first one, and how many values follow inside.
struct Opener {
  std::uint64_t skip = 0;
  std::uint64_t children = 0;
};

class Scanner {
 public:
  Scanner(const std::uint8_t* data, std::size_t bytes) noexcept : data_(data), bytes_(bytes) {}

  bool run() noexcept {
    std::size_t depth = 0;
    left_[0] = 1;
    for (;;) {
      while (left_[depth] == 0) {
        if (depth-- == 0) return at_ == bytes_;
      }
      --left_[depth];
      const std::optional<Opener> opener = next();
      if (!opener || opener->skip > bytes_ - at_) return false;
      at_ += static_cast<std::size_t>(opener->skip);
      if (opener->children == 0) continue;
      if (++depth == left_.size()) return false;
      left_[depth] = opener->children;
    }
  }

 private:
  std::optional<std::uint64_t> bigEndian(std::size_t width) noexcept {
    if (bytes_ - at_ < width) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | data_[at_++];
    return value;
  }

  /// A length field of `width` bytes, then `extra` + length bytes of content.
  std::optional<Opener> sized(std::size_t width, std::uint64_t extra) noexcept {
    const auto length = bigEndian(width);
    if (!length) return std::nullopt;
    return Opener{*length + extra, 0};
  }

  std::optional<Opener> container(std::size_t width, std::uint64_t perEntry) noexcept {
    const auto entries = bigEndian(width);
    if (!entries) return std::nullopt;
    return Opener{0, *entries * perEntry};
  }

  std::optional<Opener> next() noexcept {
    if (at_ == bytes_) return std::nullopt;
    const std::uint8_t code = data_[at_++];
    if (code <= 0x7f || code >= 0xe0) return Opener{};
    if (code <= 0x8f) return Opener{0, (code & 0x0fU) * 2U};
    if (code <= 0x9f) return Opener{0, code & 0x0fU};
    if (code <= 0xbf) return Opener{code & 0x1fU, 0};
    return wide(code);
  }

  std::optional<Opener> wide(std::uint8_t code) noexcept {
    const auto power = [code](std::uint8_t first) { return std::size_t{1} << (code - first); };
    if (code == 0xc1) return std::nullopt;
    if (code <= 0xc3) return Opener{};                                    // nil, false, true
    if (code <= 0xc6) return sized(power(0xc4), 0);                       // bin 8/16/32
    if (code <= 0xc9) return sized(power(0xc7), 1);                       // ext 8/16/32
    if (code <= 0xcb) return Opener{std::size_t{4} << (code - 0xca), 0};  // float 32/64
    if (code <= 0xcf) return Opener{power(0xcc), 0};                      // uint
    if (code <= 0xd3) return Opener{power(0xd0), 0};                      // int
    if (code <= 0xd8) return Opener{power(0xd4) + 1, 0};                  // fixext
    if (code <= 0xdb) return sized(power(0xd9), 0);                       // str
    if (code <= 0xdd) return container(std::size_t{2} << (code - 0xdc), 1);
    return container(std::size_t{2} << (code - 0xde), 2);
  }

  const std::uint8_t* data_;
  std::size_t bytes_;
  std::size_t at_ = 0;
  std::array<std::uint64_t, kMaxNesting + 1> left_{};
};

}  // namespace

bool withinNesting(const std::uint8_t* data, std::size_t bytes) noexcept { return Scanner(data, bytes).run(); }

}  // namespace sparkvsr::wire
