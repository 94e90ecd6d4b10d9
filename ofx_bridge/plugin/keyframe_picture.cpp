// SPDX-License-Identifier: Apache-2.0
#include "keyframe_picture.hpp"

#include <filesystem>

namespace sparkvsr::plugin {

Result<std::optional<PicturePattern>> picturePattern(const std::string& text, std::size_t keyframes) {
  if (text.empty()) return std::optional<PicturePattern>();
  auto parsed = parsePicturePattern(text);
  if (auto* error = std::get_if<PatternError>(&parsed)) {
    return Error{"BadPattern", "the pattern of the keyframes' pictures cannot be read", std::move(error->expected),
                 std::move(error->found)};
  }
  auto& pattern = std::get<PicturePattern>(parsed);
  if (keyframes > 1 && !pattern.namesFrames()) {
    return Error{"BadPattern", "one file cannot be the picture of " + std::to_string(keyframes) + " keyframes",
                 "a frame number in the file name, as %04d or ####", text};
  }
  return std::optional(std::move(pattern));
}

std::optional<std::string> existingPictureFile(const PicturePattern& pattern, std::int64_t number) {
  const std::string file = pattern.file(number);
  std::error_code failed;
  if (!std::filesystem::is_regular_file(file, failed)) return std::nullopt;
  // The backend has another working directory.
  const auto path = std::filesystem::absolute(file, failed);
  return failed ? std::nullopt : std::optional(path.string());
}

Error keyframeWithoutPicture(std::int64_t number, const std::optional<PicturePattern>& pattern, bool seesTime,
                             bool made) {
  std::string expected = pattern ? "the file " + pattern->file(number) : "a file named in Pictures";
  if (seesTime) expected += ", or a picture at that frame in the Keyframes clip";
  const std::string found =
      made ? "none, and this host shows no source frame that an image model could make one of" : "none";
  return {"KeyframeWithoutPicture",
          "frame " + std::to_string(number) +
              " is a keyframe but has no picture; give it one, correct the frame offset, or unflag it",
          expected, found};
}

Error imageModelMissing(std::int64_t number) {
  return {"ImageModelMissing",
          "the picture of keyframe " + std::to_string(number) + " is to be made, but nothing says by what",
          "in Image model: blind, the absolute path of a weights file, or a name of image_models.json", "nothing"};
}

}  // namespace sparkvsr::plugin
