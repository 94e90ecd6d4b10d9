// SPDX-License-Identifier: Apache-2.0
#include "chunks.hpp"

#include <algorithm>

namespace sparkvsr {
namespace {

/// Place in a grid anchored at 0; negative times count on.
std::int64_t phaseOf(std::int64_t t, std::int64_t grid) { return ((t % grid) + grid) % grid; }

Chunk clipped(Chunk chunk, const FrameSpan& bound) {
  if (bound.first) chunk.first = std::max(chunk.first, *bound.first);
  if (bound.last) chunk.last = std::min(chunk.last, *bound.last);
  return chunk;
}

FrameNumbers keyframesOf(const Chunk& chunk, const FrameNumbers& keyframes, const FrameNumbers& cuts,
                         std::optional<std::int64_t> radius) {
  const FrameSpan shot = shotOf(chunk.first, cuts);
  FrameNumbers inside;
  std::optional<std::int64_t> before, after;
  for (const std::int64_t k : keyframes) {
    if (!shot.contains(k)) continue;
    if (k < chunk.first) {
      before = std::max(before.value_or(k), k);
    } else if (k > chunk.last) {
      after = std::min(after.value_or(k), k);
    } else {
      inside.push_back(k);
    }
  }
  if (!inside.empty()) return inside;
  if (before && (!radius || chunk.first - *before <= *radius)) inside.push_back(*before);
  if (after && (!radius || *after - chunk.last <= *radius)) inside.push_back(*after);
  return inside;
}

}  // namespace

std::vector<Chunk> chunksAt(std::int64_t t, std::int64_t grid, const FrameNumbers& cuts, const FrameSpan& range) {
  const std::int64_t start = t - phaseOf(t, grid);
  const FrameSpan shot = shotOf(t, cuts);
  const auto from = [&](std::int64_t first) {
    return clipped(clipped({first, first + grid + kChunkOverlap - 1}, shot), range);
  };
  const Chunk earlier = from(start - grid), later = from(start);
  if (earlier.last < t || earlier.first >= later.first) return {later};
  if (later.last <= earlier.last) return {earlier};
  return {earlier, later};
}

FrameNumbers keyframesOfChunks(const std::vector<Chunk>& chunks, const FrameNumbers& keyframes,
                               const FrameNumbers& cuts, std::optional<std::int64_t> radius) {
  FrameNumbers used;
  for (const Chunk& chunk : chunks) {
    const FrameNumbers own = keyframesOf(chunk, keyframes, cuts, radius);
    used.insert(used.end(), own.begin(), own.end());
  }
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  return used;
}

bool fitsExactly(std::int64_t t, const std::vector<Chunk>& chunks) {
  return std::all_of(chunks.begin(), chunks.end(), [&](const Chunk& chunk) {
    return t < chunk.first || t > chunk.last || (t - chunk.first) % kChunkPhase == 0;
  });
}

}  // namespace sparkvsr
