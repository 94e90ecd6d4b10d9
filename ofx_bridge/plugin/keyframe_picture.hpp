// SPDX-License-Identifier: Apache-2.0
// Where a keyframe's picture comes from, as far as files go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sparkvsr::plugin {

/// The absolute path of the picture file of frame `number`, if there is such a file. `pattern` as in
/// core/picture_files.hpp.
[[nodiscard]] std::optional<std::string> existingPictureFile(const std::string& pattern, std::int64_t number);

}  // namespace sparkvsr::plugin
