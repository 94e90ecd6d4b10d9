// SPDX-License-Identifier: Apache-2.0
// Which pictures the backend is believed to hold.
#pragma once

#include <cstring>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>

#include "sparkvsr/link.hpp"

namespace sparkvsr::detail {

/// Bounded, least recently used out first; valid for one backend process. A wrong belief costs one NEED, never a wrong
/// picture.
class KnownFrames {
 public:
  explicit KnownFrames(std::size_t limit = 65536) : limit_(limit) {}

  /// Another backend process: nothing is known.
  void begin(const std::string& instance) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (instance == instance_) return;
    instance_ = instance;
    order_.clear();
    places_.clear();
  }

  void clear() {
    const std::lock_guard<std::mutex> lock(mutex_);
    order_.clear();
    places_.clear();
  }

  /// True when it is known; then it counts as used.
  [[nodiscard]] bool contains(const Fingerprint& frame) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return touch(frame);
  }

  /// Remembers it; false when it was known already.
  bool insert(const Fingerprint& frame) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (touch(frame)) return false;
    order_.push_front(frame);
    places_[frame] = order_.begin();
    if (places_.size() > limit_) {
      places_.erase(order_.back());
      order_.pop_back();
    }
    return true;
  }

  void forget(const Fingerprint& frame) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto place = places_.find(frame);
    if (place == places_.end()) return;
    order_.erase(place->second);
    places_.erase(place);
  }

  [[nodiscard]] std::size_t size() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return places_.size();
  }

 private:
  struct Hash {
    std::size_t operator()(const Fingerprint& frame) const noexcept {
      std::size_t out = 0;
      std::memcpy(&out, frame.data(), sizeof out);  // a fingerprint is a hash already
      return out;
    }
  };

  bool touch(const Fingerprint& frame) {
    const auto place = places_.find(frame);
    if (place == places_.end()) return false;
    order_.splice(order_.begin(), order_, place->second);
    return true;
  }

  mutable std::mutex mutex_;
  const std::size_t limit_;
  std::string instance_;
  std::list<Fingerprint> order_;
  std::unordered_map<Fingerprint, std::list<Fingerprint>::iterator, Hash> places_;
};

}  // namespace sparkvsr::detail
