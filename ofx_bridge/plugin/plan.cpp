// SPDX-License-Identifier: Apache-2.0
#include "plan.hpp"

#include <algorithm>

namespace sparkvsr::plugin {
namespace {

using identity::OutputMode;
using identity::View;

/// Where keys cannot be read, flags are looked for this far around a frame.
constexpr std::int64_t kSampledFrames = 10'000;

/// A typed list in host time.
Result<FrameNumbers> typedFrames(FrameListStore& store, const std::string& text, int frameOffset, const char* what) {
  const auto parsed = store.parsed(text);
  if (const auto* error = std::get_if<FrameListError>(parsed.get())) {
    return Error{"BadFrameList", std::string("the list of ") + what + " cannot be read", error->expected, error->found};
  }
  FrameNumbers frames = std::get<FrameNumbers>(*parsed);
  for (auto& frame : frames) frame -= frameOffset;
  return frames;
}

std::string resolvePage(const Instance& instance) {
  return propsOf(instance.suites(), instance.effect).getString("OfxImageEffectPropResolvePage");
}

/// The stride that an engine with a grid has when its options say so.
constexpr const char* kLongChunkOption = "chunk=49";
constexpr int kLongChunkGrid = 40;

/// Whether the engine options, items between commas, have the one for long chunks; the backend reads all of them.
bool asksForLongChunks(const std::string& options) {
  for (std::size_t start = 0; start <= options.size();) {
    const std::size_t end = std::min(options.find(',', start), options.size());
    const std::size_t first = options.find_first_not_of(' ', start);
    const std::size_t last = options.find_last_not_of(' ', end == 0 ? 0 : end - 1);
    if (first < end && options.compare(first, last - first + 1, kLongChunkOption) == 0) return true;
    start = end + 1;
  }
  return false;
}

}  // namespace

Result<FrameNumbers> allKeyframes(Instance& instance, const Params& params, std::int64_t time, const FrameSpan& range) {
  auto typed = typedFrames(instance.typedKeyframes, params.keyframeList, params.frameOffset, "keyframes");
  if (std::holds_alternative<Error>(typed)) return typed;
  FrameNumbers frames = std::get<FrameNumbers>(std::move(typed));
  const auto first = std::max(time - kSampledFrames, range.first.value_or(time - kSampledFrames));
  const auto last = std::min(time + kSampledFrames, range.last.value_or(time + kSampledFrames));
  const auto flagged =
      instance.flags.frames(*instance.suites().parameter, instance.params[identity::Param::Keyframe], first, last);
  frames.insert(frames.end(), flagged.begin(), flagged.end());
  frames.erase(std::remove_if(frames.begin(), frames.end(), [&](auto frame) { return !range.contains(frame); }),
               frames.end());
  std::sort(frames.begin(), frames.end());
  frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
  return frames;
}

FrameSpan sourceRange(const Instance& instance) {
  return instance.host->facts.temporalAccess ? frameRange(instance.suites(), instance.clips.source) : FrameSpan{};
}

Result<Chunk> wholeClip(const Instance& instance) {
  if (!instance.host->facts.temporalAccess) {
    return Error{"HostBlindToTime", "this host shows the plugin one frame at a time", "temporal access", "none"};
  }
  if (!isConnected(instance.suites(), instance.clips.source))
    return Error{"SourceMissing", "there is nothing to look at", "a connected Source clip", "none"};
  const FrameSpan range = sourceRange(instance);
  if (range.first && range.last) return Chunk{*range.first, *range.last};
  return Error{"ClipLengthUnknown", "the host does not say how long the clip is", "a clip of two frames or more",
               "none"};
}

Result<FrameNumbers> allCuts(Instance& instance, const Params& params) {
  return typedFrames(instance.typedCuts, params.cuts, params.frameOffset, "cuts");
}

Result<FramePlan> planFrames(Instance& instance, const Params& params, double time) {
  FramePlan plan;
  plan.time = nearestFrame(time);
  plan.range = sourceRange(instance);
  auto cuts = allCuts(instance, params);
  if (auto* error = std::get_if<Error>(&cuts)) return std::move(*error);
  plan.cuts = std::get<FrameNumbers>(std::move(cuts));
  auto keyframes = allKeyframes(instance, params, plan.time, plan.range);
  if (auto* error = std::get_if<Error>(&keyframes)) return std::move(*error);
  const auto& flagged = std::get<FrameNumbers>(keyframes);
  plan.flagged = flagged.size();
  plan.window = {plan.time, plan.time};
  const auto radius = params.keyframeRadius > 0 ? std::optional<std::int64_t>(params.keyframeRadius) : std::nullopt;
  const std::int64_t grid = chunkGrid(instance, params);
  if (grid > 0 && params.view != View::Source && plan.range.contains(plan.time)) {
    const auto chunks = chunksAt(plan.time, grid, plan.cuts, plan.range);
    plan.window = {chunks.front().first, chunks.back().last};
    if (usesKeyframes(params)) plan.keyframes = keyframesOfChunks(chunks, flagged, plan.cuts, radius);
  } else if (usesKeyframes(params)) {
    const Reach reach = keyframesInReach(plan.time, flagged, plan.cuts, radius);
    plan.keyframes.assign(reach.begin(), reach.end());
  }
  return plan;
}

std::int64_t chunkGrid(const Instance& instance, const Params& params) {
  if (!instance.host->facts.temporalAccess) return 0;
  const int usual = identity::kEngineGrids[params.engine];
  return usual > 0 && asksForLongChunks(params.engineOptions) ? kLongChunkGrid : usual;
}

bool usesKeyframes(const Params& params) { return params.view != View::Source && params.view != View::Blind; }

double outputFactor(const Instance& instance, const Params& params) {
  const bool mayGrow = params.outputMode == OutputMode::Auto || params.outputMode == OutputMode::Resize;
  return mayGrow && canResize(instance.host->facts, resolvePage(instance)) ? params.scale : 1;
}

}  // namespace sparkvsr::plugin
