// SPDX-License-Identifier: Apache-2.0
// Patterns of keyframe pictures: "fixed/key.%04d.exr", "key.####.png", or one file. The C++ twin of
// sparkvsr.media.patterns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

namespace sparkvsr {

/// A path whose file name holds a frame number, or a path alone.
struct PicturePattern {
  std::string before;
  std::string after;
  std::size_t digits = 0;  // of the number, at least, zeros in front, a minus sign counted as in printf; 0: no number

  [[nodiscard]] bool namesFrames() const { return digits > 0; }

  /// The file of frame `number`; without a number in the pattern the same for all.
  [[nodiscard]] std::string file(std::int64_t number) const;
};

/// A pattern that cannot be read.
struct PatternError {
  std::string expected;
  std::string found;
};

constexpr std::size_t kMaxNumberDigits = 32;

/// The number is one `%d`, `%04d` or run of `#`, and stands in the file name: what follows the last slash. `%%` is a
/// percent sign; any other `%` in the file name is an error, in a folder it stands for itself.
[[nodiscard]] std::variant<PicturePattern, PatternError> parsePicturePattern(const std::string& text);

}  // namespace sparkvsr
