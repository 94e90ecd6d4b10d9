// SPDX-License-Identifier: Apache-2.0
#include "keyframe_picture.hpp"

#include <filesystem>

#include "core/picture_files.hpp"

namespace sparkvsr::plugin {

std::optional<std::string> existingPictureFile(const std::string& pattern, std::int64_t number) {
  if (pattern.empty()) return std::nullopt;
  const auto file = pictureFile(pattern, number);
  std::error_code failed;
  if (!file || !std::filesystem::is_regular_file(*file, failed)) return std::nullopt;
  // The backend has another working directory.
  const auto path = std::filesystem::absolute(*file, failed);
  return failed ? std::nullopt : std::optional(path.string());
}

}  // namespace sparkvsr::plugin
