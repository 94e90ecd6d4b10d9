// SPDX-License-Identifier: Apache-2.0
// Which frames are flagged on the host's timeline. flagged(t) = a key of `keyframe` at t with value 1; where keys
// cannot be read, a rise from 0 at t-1 to 1 at t.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "core/frame_list.hpp"
#include "ofx_helpers.hpp"

namespace sparkvsr::plugin {

/// Frames of the keys with value 1, ascending; nothing where the host does not let its keys be read.
[[nodiscard]] std::optional<FrameNumbers> readFlagKeys(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe);

/// Frames first..last where the parameter rises.
[[nodiscard]] FrameNumbers sampleRises(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe, std::int64_t first,
                                       std::int64_t last);

/// The keys as they were when the host last allowed reading them. Thread-safe: renders read while the artist edits.
class FlagSnapshot {
 public:
  /// To be called where reading keys is allowed: InstanceChanged, BeginSequenceRender.
  void refresh(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe);

  /// Flagged frames; where keys cannot be read, those in first..last. Refreshes when that never happened.
  [[nodiscard]] FrameNumbers frames(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe, std::int64_t first,
                                    std::int64_t last);

 private:
  std::mutex mutex_;
  bool taken_ = false;
  std::optional<FrameNumbers> keys_;
};

/// Makes frame `time` a keyframe, or not. Only where parameters may be written: InstanceChanged.
OfxStatus flagFrame(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe, std::int64_t time);
OfxStatus unflagFrame(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe, std::int64_t time);

}  // namespace sparkvsr::plugin
