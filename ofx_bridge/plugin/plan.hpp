// SPDX-License-Identifier: Apache-2.0
// Which frames one render needs. No pixels, no backend: GetFramesNeeded and Render ask the same function.
#pragma once

#include <variant>

#include "core/chunks.hpp"
#include "instance.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::plugin {

struct FramePlan {
  std::int64_t time = 0;    // the frame to be made
  Chunk window;             // the frames that the engine looks at, the frame itself among them
  FrameNumbers keyframes;   // used for it, ascending
  std::size_t flagged = 0;  // keyframes of the whole clip
  FrameNumbers cuts;        // in host time
  FrameSpan range;          // of the source
};

/// First and last frame of the source; no ends where the host is blind to time: it knows nothing of the clip's length.
[[nodiscard]] FrameSpan sourceRange(const Instance& instance);

/// First and last frame of a clip that can be worked on as a whole: HostBlindToTime, SourceMissing, ClipLengthUnknown.
[[nodiscard]] Result<Chunk> wholeClip(const Instance& instance);

/// BadFrameList when a typed list cannot be read.
[[nodiscard]] Result<FramePlan> planFrames(Instance& instance, const Params& params, double time);

/// Every keyframe in host time, ascending: flags and typed list, inside the clip's range (a frame that the clip does
/// not have has no source to compare a picture with; hosts would return a held one).
[[nodiscard]] Result<FrameNumbers> allKeyframes(Instance& instance, const Params& params, std::int64_t time,
                                                const FrameSpan& range);

/// First frames of shots in host time, as typed.
[[nodiscard]] Result<FrameNumbers> allCuts(Instance& instance, const Params& params);

/// False for views that keyframes do not enter.
[[nodiscard]] bool usesKeyframes(const Params& params);

/// Stride of the chunk grid of the engine chosen; 0 where it has none, or the host shows one frame only.
[[nodiscard]] std::int64_t chunkGrid(const Instance& instance, const Params& params);

/// By how much the output is larger than the source.
[[nodiscard]] double outputFactor(const Instance& instance, const Params& params);

}  // namespace sparkvsr::plugin
