// SPDX-License-Identifier: Apache-2.0
#include "picture_files.hpp"

#include <algorithm>

namespace sparkvsr {
namespace {

constexpr std::size_t kMaxWidth = 32;

std::string padded(std::int64_t number, std::size_t width) {
  const std::string digits = std::to_string(number < 0 ? -number : number);
  const std::size_t sign = number < 0 ? 1 : 0;
  const std::size_t zeros = width > digits.size() + sign ? width - digits.size() - sign : 0;
  return std::string(sign, '-') + std::string(zeros, '0') + digits;
}

struct Field {
  std::size_t length = 0;  // characters of the pattern; 0: no field here
  std::size_t width = 0;
};

/// "%d" or "%04d" at `at`.
Field printfField(const std::string& pattern, std::size_t at) {
  std::size_t end = at + 1;
  std::size_t width = 0;
  while (end < pattern.size() && pattern[end] >= '0' && pattern[end] <= '9' && width <= kMaxWidth) {
    width = width * 10 + static_cast<std::size_t>(pattern[end++] - '0');
  }
  const bool padsWithZeros = end == at + 1 || pattern[at + 1] == '0';
  if (end >= pattern.size() || pattern[end] != 'd' || !padsWithZeros || width > kMaxWidth) return {};
  return {end + 1 - at, width};
}

Field hashField(const std::string& pattern, std::size_t at) {
  const std::size_t end = std::min(pattern.find_first_not_of('#', at), pattern.size());
  return {end - at, end - at};
}

}  // namespace

bool namesFrames(const std::string& pattern) {
  const auto first = pictureFile(pattern, 0);
  return first && first != pictureFile(pattern, 1);
}

std::optional<std::string> pictureFile(const std::string& pattern, std::int64_t number) {
  std::string file;
  for (std::size_t at = 0; at < pattern.size();) {
    if (pattern.compare(at, 2, "%%") == 0) {
      file += '%';
      at += 2;
    } else if (pattern[at] == '%' || pattern[at] == '#') {
      const Field field = pattern[at] == '%' ? printfField(pattern, at) : hashField(pattern, at);
      if (field.length == 0) return std::nullopt;
      file += padded(number, field.width);
      at += field.length;
    } else {
      file += pattern[at++];
    }
  }
  return file;
}

}  // namespace sparkvsr
