// SPDX-License-Identifier: Apache-2.0
// Flag here, Unflag, Previous, Next.
#include <algorithm>

#include "buttons.hpp"
#include "messages.hpp"
#include "param_writer.hpp"
#include "plan.hpp"

namespace sparkvsr::plugin {
namespace {

using identity::Param;

/// The frame that the action is about. Nothing where the host does not say: better no keyframe than a wrong one.
std::optional<std::int64_t> frameOf(const ActionCall& call) {
  const auto time = call.in.getDouble(kOfxPropTime);
  if (time) return nearestFrame(*time);
  answerButton(call.instance, Error{"HostWithoutTime", "the host does not say at which frame it is", "a time", "none"});
  return std::nullopt;
}

/// The nearest keyframe on one side of `frame`.
std::optional<std::int64_t> neighbour(const FrameNumbers& keyframes, std::int64_t frame, bool after) {
  const auto later = std::upper_bound(keyframes.begin(), keyframes.end(), frame);
  if (after) return later == keyframes.end() ? std::nullopt : std::optional(*later);
  const auto own = std::lower_bound(keyframes.begin(), keyframes.end(), frame);
  return own == keyframes.begin() ? std::nullopt : std::optional(*(own - 1));
}

void moveTo(Instance& instance, std::int64_t frame, const std::string& label) {
  const auto* timeLine = instance.suites().timeLine;
  const bool can = timeLine != nullptr && timeLine->gotoTime != nullptr;
  void* effect = instance.effect;
  if (can && timeLine->gotoTime(effect, static_cast<double>(frame)) == kOfxStatOK) return;
  answerButton(instance,
               Error{"TimelineUnavailable", "this host does not let plugins move its time; go to frame " + label,
                     "the timeline suite", can ? "a refusal" : "none"});
}

void goToNeighbour(const ActionCall& call, bool after) {
  Instance& instance = call.instance;
  const auto frame = frameOf(call);
  if (!frame) return;
  const Params params = readParams(instance.suites(), instance.params, call.time());
  const auto keyframes = allKeyframes(instance, params, *frame, sourceRange(instance));
  if (const auto* error = std::get_if<Error>(&keyframes)) return answerButton(instance, *error);
  const auto found = neighbour(std::get<FrameNumbers>(keyframes), *frame, after);
  const auto label = [&](std::int64_t number) { return std::to_string(number + params.frameOffset); };
  if (found) return moveTo(instance, *found, label(*found));
  answerButton(instance,
               std::string("there is no keyframe ") + (after ? "after" : "before") + " frame " + label(*frame));
}

}  // namespace

void flagKeyframe(const ActionCall& call) {
  const auto frame = frameOf(call);
  if (!frame) return;
  const EditBlock step(call.instance, "Flag keyframe");
  flagFrame(*call.instance.suites().parameter, call.instance.params[Param::Keyframe], *frame);
}

void unflagKeyframe(const ActionCall& call) {
  const auto frame = frameOf(call);
  if (!frame) return;
  const EditBlock step(call.instance, "Unflag keyframe");
  unflagFrame(*call.instance.suites().parameter, call.instance.params[Param::Keyframe], *frame);
}

void previousKeyframe(const ActionCall& call) { goToNeighbour(call, false); }
void nextKeyframe(const ActionCall& call) { goToNeighbour(call, true); }

}  // namespace sparkvsr::plugin
