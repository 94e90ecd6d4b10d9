// SPDX-License-Identifier: Apache-2.0
#include "changes.hpp"

#include <algorithm>
#include <utility>

#include "keyframe_picture.hpp"
#include "plan.hpp"
#include "recovery.hpp"

namespace sparkvsr::plugin {
namespace {

using identity::Param;

constexpr std::size_t kListedFrames = 12;

const OfxParameterSuiteV1& parameters(const ActionCall& call) { return *call.instance.suites().parameter; }

bool is(const std::string& name, Param param) { return name == identity::face(param).name; }

/// One of Vegas' habits: a new instance is sent one bracket in which every parameter is said to be edited by the user.
/// A real edit is the first of its bracket, or comes without one.
bool isRealEdit(Instance& instance) {
  const std::lock_guard lock(instance.mutex);
  return !instance.inBracket || !std::exchange(instance.actedInBracket, true);
}

void setBracket(Instance& instance, bool open) {
  const std::lock_guard lock(instance.mutex);
  instance.inBracket = open;
  instance.actedInBracket = false;
}

/// Returns true when `name` is a button, and has done its work.
bool pressButton(const ActionCall& call, const std::string& name) {
  if (!is(name, Param::FlagKeyframe) && !is(name, Param::UnflagKeyframe)) return false;
  const auto time = call.in.getDouble(kOfxPropTime);
  if (!time) return true;  // no frame to flag: better nothing than a wrong one
  const OfxParamHandle keyframe = call.instance.params[Param::Keyframe];
  const bool flags = is(name, Param::FlagKeyframe);
  OfxParamSetHandle set = nullptr;
  if (call.instance.suites().effect->getParamSet(call.instance.effect, &set) != kOfxStatOK) return true;
  parameters(call).paramEditBegin(set, flags ? "Flag keyframe" : "Unflag keyframe");
  flags ? flagFrame(parameters(call), keyframe, nearestFrame(*time))
        : unflagFrame(parameters(call), keyframe, nearestFrame(*time));
  parameters(call).paramEditEnd(set);
  return true;
}

/// Stand-in pictures that the host has kept are forgotten once the backend works again.
void bumpGeneration(const ActionCall& call) {
  Instance& instance = call.instance;
  const OfxParamHandle handle = instance.params[Param::Generation];
  {
    const std::lock_guard lock(instance.mutex);
    if (handle == nullptr || !recoveryLedger().recoveredSince(instance.standInsSeen)) return;
    instance.standInsSeen = recoveryLedger().standIns();
  }
  const int generation = intValue(instance.suites(), instance.params, Param::Generation, 0);
  const bool atEnd = generation >= static_cast<int>(identity::face(Param::Generation).maximum);
  parameters(call).paramSetValue(handle, atEnd ? 0 : generation + 1);
}

std::string listed(const FrameNumbers& frames, int frameOffset) {
  if (frames.empty()) return "No keyframes.";
  std::string text = frames.size() == 1 ? "Keyframe" : "Keyframes";
  for (std::size_t n = 0; n < frames.size() && n < kListedFrames; ++n)
    text += " " + std::to_string(frames[n] + frameOffset);
  if (frames.size() > kListedFrames) text += " … (" + std::to_string(frames.size()) + " in all)";
  return text + ".";
}

/// The keyframes, and what is wrong with their list or with the pattern of their files.
std::string statusOf(const Result<FrameNumbers>& keyframes, const Params& params) {
  if (const auto* error = std::get_if<Error>(&keyframes)) return error->text();
  const auto& frames = std::get<FrameNumbers>(keyframes);
  const auto pattern = picturePattern(params.keyframeFiles, frames.size());
  const auto* error = std::get_if<Error>(&pattern);
  return listed(frames, params.frameOffset) + (error ? " " + error->text() : "");
}

/// Which frames fit, where the frame shown is a keyframe that the engine has no exact place for.
std::string placeAdvice(Instance& instance, const Params& params, double time, const FrameNumbers& keyframes) {
  const std::int64_t grid = chunkGrid(instance, params), frame = nearestFrame(time);
  if (grid == 0 || !std::binary_search(keyframes.begin(), keyframes.end(), frame)) return {};
  const auto planned = planFrames(instance, params, time);
  const auto* plan = std::get_if<FramePlan>(&planned);
  if (plan == nullptr || !plan->range.contains(frame)) return {};
  const auto chunks = chunksAt(frame, grid, plan->cuts, plan->range);
  if (fitsExactly(frame, chunks)) return {};
  const std::int64_t before = frame - (frame - chunks.back().first) % kChunkPhase + params.frameOffset;
  return " Frame " + std::to_string(frame + params.frameOffset) + " is moved to its place by measured motion; " +
         std::to_string(before) + " and " + std::to_string(before + kChunkPhase) + " fit exactly.";
}

std::string describeStatus(const ActionCall& call) {
  Instance& instance = call.instance;
  const double time = call.time();
  const Params params = readParams(instance.suites(), instance.params, time);
  FrameSpan range;
  if (instance.host->facts.temporalAccess) range = frameRange(instance.suites(), instance.clips.source);
  const auto keyframes = allKeyframes(instance, params, nearestFrame(time), range);
  std::string text = statusOf(keyframes, params);
  if (const auto* frames = std::get_if<FrameNumbers>(&keyframes)) text += placeAdvice(instance, params, time, *frames);
  const std::lock_guard lock(instance.mutex);
  return instance.lastOutcome.empty() ? text : text + " " + instance.lastOutcome;
}

void writeStatus(const ActionCall& call) {
  Instance& instance = call.instance;
  const OfxParamHandle handle = instance.params[Param::Status];
  std::string text = describeStatus(call);
  {
    const std::lock_guard lock(instance.mutex);
    if (handle == nullptr || text == instance.status) return;
    instance.status = std::move(text);
  }
  parameters(call).paramSetValue(handle, instance.status.c_str());
}

}  // namespace

OfxStatus beginInstanceChanged(const ActionCall& call) {
  setBracket(call.instance, true);
  return kOfxStatOK;
}

OfxStatus endInstanceChanged(const ActionCall& call) {
  setBracket(call.instance, false);
  return kOfxStatOK;
}

OfxStatus instanceChanged(const ActionCall& call) {
  Instance& instance = call.instance;
  const OfxParamHandle keyframe = instance.params[Param::Keyframe];
  const std::string name = call.in.getString(kOfxPropName);
  const bool byUser = call.in.getString(kOfxPropChangeReason) == kOfxChangeUserEdited;
  const bool acts = byUser && !is(name, Param::Status) && isRealEdit(instance);
  if (acts) pressButton(call, name);
  instance.flags.refresh(parameters(call), keyframe);
  if (!acts) return kOfxStatOK;
  bumpGeneration(call);
  writeStatus(call);
  return kOfxStatOK;
}

}  // namespace sparkvsr::plugin
