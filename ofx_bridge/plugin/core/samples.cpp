// SPDX-License-Identifier: Apache-2.0
#include "samples.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace sparkvsr {
namespace {

template <typename T>
T loadAs(const void* row, std::size_t index) noexcept {
  T value;
  std::memcpy(&value, static_cast<const char*>(row) + index * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
void storeAs(void* row, std::size_t index, T value) noexcept {
  std::memcpy(static_cast<char*>(row) + index * sizeof(T), &value, sizeof(T));
}

/// NaN becomes 0: the comparison is false for it.
float unitClamped(float value) noexcept { return value > 0.0F ? std::min(value, 1.0F) : 0.0F; }

std::uint32_t bitsOf(float value) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// `mantissa` without its lowest `shift` bits, to nearest, ties to even.
std::uint32_t roundedShift(std::uint32_t mantissa, unsigned shift) noexcept {
  const std::uint32_t kept = mantissa >> shift;
  const std::uint32_t lost = mantissa & ((1U << shift) - 1U);
  const std::uint32_t half = 1U << (shift - 1U);
  return kept + ((lost > half || (lost == half && (kept & 1U))) ? 1U : 0U);
}

}  // namespace

float halfToFloat(std::uint16_t half) noexcept {
  const float sign = (half & 0x8000U) != 0 ? -1.0F : 1.0F;
  const int exponent = (half >> 10) & 0x1F;
  const int mantissa = half & 0x3FF;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  if (exponent == 31) return mantissa == 0 ? sign * INFINITY : NAN;
  return sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
}

std::uint16_t floatToHalf(float value) noexcept {
  const std::uint32_t bits = bitsOf(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const int exponent = static_cast<int>((bits >> 23) & 0xFFU) - 127;
  const std::uint32_t mantissa = bits & 0x7FFFFFU;
  if (exponent == 128) return static_cast<std::uint16_t>(sign | 0x7C00U | (mantissa != 0 ? 0x200U : 0U));
  if (exponent > 15) return static_cast<std::uint16_t>(sign | 0x7C00U);
  if (exponent < -25) return sign;
  const std::uint32_t rounded =
      exponent >= -14 ? (static_cast<std::uint32_t>(exponent + 14) << 10) + roundedShift(mantissa | 0x800000U, 13)
                      : roundedShift(mantissa | 0x800000U, static_cast<unsigned>(-exponent - 1));
  return static_cast<std::uint16_t>(sign | rounded);  // a carry into the exponent is what rounding up means
}

float loadSample(const void* row, std::size_t index, Depth depth) noexcept {
  switch (depth) {
    case Depth::Byte:
      return static_cast<float>(loadAs<std::uint8_t>(row, index)) / 255.0F;
    case Depth::Short:
      return static_cast<float>(loadAs<std::uint16_t>(row, index)) / 65535.0F;
    case Depth::Half:
      return halfToFloat(loadAs<std::uint16_t>(row, index));
    case Depth::Float:
      return loadAs<float>(row, index);
  }
  return 0.0F;
}

void storeSample(void* row, std::size_t index, Depth depth, float value) noexcept {
  switch (depth) {
    case Depth::Byte:
      return storeAs(row, index, static_cast<std::uint8_t>(unitClamped(value) * 255.0F + 0.5F));
    case Depth::Short:
      return storeAs(row, index, static_cast<std::uint16_t>(unitClamped(value) * 65535.0F + 0.5F));
    case Depth::Half:
      return storeAs(row, index, floatToHalf(value));
    case Depth::Float:
      return storeAs(row, index, value);
  }
}

}  // namespace sparkvsr
