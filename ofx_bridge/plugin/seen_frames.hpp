// SPDX-License-Identifier: Apache-2.0
// A guess at whether the backend knows a frame already: only the order of work depends on it (fingerprint first, or
// copy at once).
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_set>

namespace sparkvsr::plugin {

class SeenFrames {
 public:
  /// True when the same clip, time and host name of the content were here before; remembers them.
  [[nodiscard]] bool seenBefore(const void* clip, std::int64_t time, const std::string& identifier) {
    std::size_t key = std::hash<std::string>{}(identifier);
    key = key * kMix + std::hash<const void*>{}(identifier.empty() ? clip : nullptr);
    key = key * kMix + std::hash<std::int64_t>{}(time);
    const std::lock_guard lock(mutex_);
    if (keys_.size() >= kMost) keys_.clear();
    return !keys_.insert(key).second;
  }

 private:
  static constexpr std::size_t kMix = 0x9E3779B97F4A7C15ULL;
  static constexpr std::size_t kMost = 65536;
  std::mutex mutex_;
  std::unordered_set<std::size_t> keys_;
};

[[nodiscard]] inline SeenFrames& seenFrames() {
  static auto* const frames = new SeenFrames;
  return *frames;
}

}  // namespace sparkvsr::plugin
