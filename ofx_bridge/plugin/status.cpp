// SPDX-License-Identifier: Apache-2.0
#include "status.hpp"

#include <algorithm>

#include "keyframe_picture.hpp"
#include "messages.hpp"
#include "param_writer.hpp"
#include "plan.hpp"

namespace sparkvsr::plugin {
namespace {

using identity::Param;

constexpr std::size_t kListedFrames = 12;
constexpr std::size_t kCheckedFiles = 256;  // at every edit, and folders may be far away

std::string numbers(const FrameNumbers& frames, int frameOffset) {
  std::string text;
  for (std::size_t n = 0; n < frames.size() && n < kListedFrames; ++n)
    text += " " + std::to_string(frames[n] + frameOffset);
  if (frames.size() > kListedFrames) text += " … (" + std::to_string(frames.size()) + " in all)";
  return text;
}

std::string listed(const FrameNumbers& frames, int frameOffset) {
  if (frames.empty()) return "No keyframes.";
  return (frames.size() == 1 ? "Keyframe" : "Keyframes") + numbers(frames, frameOffset) + ".";
}

/// Those that can have no picture, as far as it can be told without fetching any.
FrameNumbers withoutPicture(const Instance& instance, const Params& params, const FrameNumbers& keyframes,
                            const std::optional<PicturePattern>& pattern) {
  const bool seesTime = instance.host->facts.temporalAccess;
  if (seesTime && params.keyframeSource == identity::KeyframeSource::Auto) return {};
  if (seesTime && isConnected(instance.suites(), instance.clips.keyframes)) return {};
  FrameNumbers without;
  if (!pattern) return keyframes;
  for (std::size_t n = 0; n < keyframes.size() && n < kCheckedFiles; ++n) {
    if (!existingPictureFile(*pattern, keyframes[n] + params.frameOffset)) without.push_back(keyframes[n]);
  }
  return without;
}

/// The keyframes and where they come from; `warning`: what an artist should put right.
struct Report {
  std::string text;
  std::string warning;
};

Report reportOf(const Instance& instance, const Params& params, const Result<FrameNumbers>& keyframes) {
  if (const auto* error = std::get_if<Error>(&keyframes)) return {error->text(), ""};
  const auto& frames = std::get<FrameNumbers>(keyframes);
  const std::string list = listed(frames, params.frameOffset);
  const auto read = picturePattern(params.keyframeFiles, frames.size());
  if (const auto* error = std::get_if<Error>(&read)) return {list + " " + error->text(), ""};
  const auto without = withoutPicture(instance, params, frames, std::get<std::optional<PicturePattern>>(read));
  if (without.empty()) return {list, ""};
  const std::string warning = "No picture for keyframe" + std::string(without.size() == 1 ? "" : "s") +
                              numbers(without, params.frameOffset) +
                              ": give it one (Pictures, or the Keyframes clip), or unflag it.";
  return {list + " " + warning, "SparkVSR: KeyframeWithoutPicture: " + warning};
}

/// Which keyframes the frame shown uses, where it uses any.
std::string inUse(const FramePlan& plan, const Params& params) {
  if (plan.keyframes.empty()) return {};
  return " Frame " + std::to_string(plan.time + params.frameOffset) + " uses" +
         numbers(plan.keyframes, params.frameOffset) + ".";
}

/// Which frames fit, where the frame shown is a keyframe that the engine has no exact place for.
std::string placeAdvice(const Instance& instance, const Params& params, const FramePlan& plan,
                        const FrameNumbers& keyframes) {
  const std::int64_t grid = chunkGrid(instance, params), frame = plan.time;
  if (grid == 0 || !std::binary_search(keyframes.begin(), keyframes.end(), frame)) return {};
  if (!plan.range.contains(frame)) return {};
  const auto chunks = chunksAt(frame, grid, plan.cuts, plan.range);
  if (fitsExactly(frame, chunks)) return {};
  const std::int64_t before = frame - (frame - chunks.back().first) % kChunkPhase + params.frameOffset;
  return " Frame " + std::to_string(frame + params.frameOffset) + " is moved to its place by measured motion; " +
         std::to_string(before) + " and " + std::to_string(before + kChunkPhase) + " fit exactly.";
}

Report describeStatus(const ActionCall& call) {
  Instance& instance = call.instance;
  const double time = call.time();
  const Params params = readParams(instance.suites(), instance.params, time);
  const auto keyframes = allKeyframes(instance, params, nearestFrame(time), sourceRange(instance));
  Report report = reportOf(instance, params, keyframes);
  const auto planned = planFrames(instance, params, time);
  if (const auto* plan = std::get_if<FramePlan>(&planned)) {
    report.text += inUse(*plan, params);
    report.text += placeAdvice(instance, params, *plan, std::get<FrameNumbers>(keyframes));
  }
  const std::lock_guard lock(instance.mutex);
  if (!instance.lastOutcome.empty()) report.text += " " + instance.lastOutcome;
  return report;
}

}  // namespace

void writeStatus(const ActionCall& call) {
  Instance& instance = call.instance;
  const Report report = describeStatus(call);
  setWarning(instance, report.warning);
  {
    const std::lock_guard lock(instance.mutex);
    if (report.text == instance.status) return;
    instance.status = report.text;
  }
  (void)writeText(instance, Param::Status, report.text);
}

}  // namespace sparkvsr::plugin
