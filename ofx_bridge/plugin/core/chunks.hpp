// SPDX-License-Identifier: Apache-2.0
// Chunks of engines that work on many frames at once: pure functions of numbers, twins of sparkvsr.propagation.
#pragma once

#include <vector>

#include "reach.hpp"

namespace sparkvsr {

/// Frames that a chunk goes on into the next cell of its grid.
constexpr std::int64_t kChunkOverlap = 9;
/// A keyframe fits a chunk exactly where it lies a multiple of so many frames after the chunk's first.
constexpr std::int64_t kChunkPhase = 4;

/// Frames `first` .. `last`, both inclusive.
struct Chunk {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// The one or two chunks that hold `t`, earlier first: cells of `grid` frames and the overlap after them, clipped at
/// the shot and at the clip. `grid` is more than the overlap, `t` inside `range`.
[[nodiscard]] std::vector<Chunk> chunksAt(std::int64_t t, std::int64_t grid, const FrameNumbers& cuts,
                                          const FrameSpan& range);

/// The keyframes that these chunks can use, ascending: of each chunk all inside it; where none is, the nearest before
/// and after it in its shot, at most `radius` frames away from the chunk (none: any distance).
[[nodiscard]] FrameNumbers keyframesOfChunks(const std::vector<Chunk>& chunks, const FrameNumbers& keyframes,
                                             const FrameNumbers& cuts,
                                             std::optional<std::int64_t> radius = std::nullopt);

/// Whether a keyframe at `t` lies in the phase of every one of the chunks that hold it.
[[nodiscard]] bool fitsExactly(std::int64_t t, const std::vector<Chunk>& chunks);

}  // namespace sparkvsr
