// SPDX-License-Identifier: Apache-2.0
// Remembers what a typed list of frames means, so that hosts may ask for frames needed as often as they like.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <variant>

#include "core/frame_list.hpp"

namespace sparkvsr::plugin {

using ParsedFrames = std::variant<FrameNumbers, FrameListError>;

class FrameListStore {
 public:
  /// What `text` means; parsed anew only when it has changed. Thread-safe.
  [[nodiscard]] std::shared_ptr<const ParsedFrames> parsed(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (!parsed_ || text != text_) {
      parsed_ = std::make_shared<const ParsedFrames>(parseFrameList(text));
      text_ = text;
    }
    return parsed_;
  }

 private:
  std::mutex mutex_;
  std::string text_;
  std::shared_ptr<const ParsedFrames> parsed_;
};

}  // namespace sparkvsr::plugin
