// SPDX-License-Identifier: Apache-2.0
// Patterns of keyframe pictures: "fixed/key.%04d.exr", "key.####.png", or one file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sparkvsr {

/// True where the pattern names a file for each frame.
[[nodiscard]] bool namesFrames(const std::string& pattern);

/// The file of frame `number`: every `%d`, `%04d` or run of `#` becomes the number, padded with zeros to the width
/// given (a minus sign counts as in printf), and `%%` a percent sign. Nothing where a `%` is followed by anything else.
[[nodiscard]] std::optional<std::string> pictureFile(const std::string& pattern, std::int64_t number);

}  // namespace sparkvsr
