// SPDX-License-Identifier: Apache-2.0
// The host's progress bar: modal in many hosts, so only for what an artist has asked for by a button.
#pragma once

#include "instance.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::plugin {

class ProgressBar {
 public:
  ProgressBar(const Instance& instance, const char* label);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// False where the host has no progress bars; the others then do nothing.
  [[nodiscard]] bool shown() const { return shown_; }
  /// 0..1, never backwards. Returns whether the artist has cancelled.
  bool update(double fraction);
  [[nodiscard]] bool cancelled() const { return cancelled_; }
  /// Asks the host anew, without moving the bar.
  [[nodiscard]] AbortPoll abortPoll();

 private:
  const Instance& instance_;
  bool newer_ = false;
  bool shown_ = false;
  bool cancelled_ = false;
  double fraction_ = 0;
};

}  // namespace sparkvsr::plugin
