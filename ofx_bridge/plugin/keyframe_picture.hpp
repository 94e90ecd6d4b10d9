// SPDX-License-Identifier: Apache-2.0
// Where a keyframe's picture comes from, as far as files go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/picture_files.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::plugin {

/// The pattern of the `keyframeFiles` parameter, nothing where it is empty. BadPattern when it cannot be read, or names
/// one file while there are `keyframes` > 1 of them.
[[nodiscard]] Result<std::optional<PicturePattern>> picturePattern(const std::string& text, std::size_t keyframes);

/// The absolute path of the picture file of frame `number`, if there is such a file.
[[nodiscard]] std::optional<std::string> existingPictureFile(const PicturePattern& pattern, std::int64_t number);

/// Why a keyframe cannot be used. `made`: the artist wants an image model to make its picture, which a host that is
/// blind to time rules out. The advice is part of it: an artist must be able to act on it.
[[nodiscard]] Error keyframeWithoutPicture(std::int64_t number, const std::optional<PicturePattern>& pattern,
                                           bool seesTime, bool made);
[[nodiscard]] Error imageModelMissing(std::int64_t number);

}  // namespace sparkvsr::plugin
