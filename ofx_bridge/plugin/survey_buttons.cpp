// SPDX-License-Identifier: Apache-2.0
// Suggest, Find cuts.
#include <algorithm>

#include "buttons.hpp"
#include "messages.hpp"
#include "param_writer.hpp"
#include "survey.hpp"

namespace sparkvsr::plugin {
namespace {

using identity::Param;

RenderScale scaleOf(const ActionCall& call) {
  return call.in.getScale(kOfxImageEffectPropRenderScale).value_or(RenderScale{});
}

std::string labels(const FrameNumbers& frames, int frameOffset) {
  std::string text;
  for (const std::int64_t frame : frames) text += (text.empty() ? "" : " ") + std::to_string(frame + frameOffset);
  return text;
}

void answerFailure(Instance& instance, const Error& error) {
  if (error.name == "Aborted") return answerButton(instance, std::string("cancelled"));
  answerButton(instance, error);
}

/// As keys; where the host takes none, in the typed list.
bool flagAll(Instance& instance, const Params& params, const FrameNumbers& frames) {
  const OfxParamHandle keyframe = instance.params[Param::Keyframe];
  const EditBlock step(instance, "Suggest keyframes");
  FrameNumbers refused;
  for (const std::int64_t frame : frames) {
    if (flagFrame(*instance.suites().parameter, keyframe, frame) != kOfxStatOK) refused.push_back(frame);
  }
  if (refused.empty()) return true;
  const std::string list = params.keyframeList + (params.keyframeList.empty() ? "" : " ");
  return writeText(instance, Param::KeyframeList, list + labels(refused, params.frameOffset));
}

Error notWritten(const char* what, const std::string& text) {
  return {"HostRefusedEdit", std::string("this host does not let the plugin write ") + what + "; they are " + text,
          "a parameter that takes them", "a refusal"};
}

}  // namespace

void suggestKeyframes(const ActionCall& call) {
  Instance& instance = call.instance;
  const Params params = readParams(instance.suites(), instance.params, call.time());
  const auto keyframes = allKeyframes(instance, params, nearestFrame(call.time()), sourceRange(instance));
  if (const auto* error = std::get_if<Error>(&keyframes)) return answerButton(instance, *error);
  auto cuts = allCuts(instance, params);
  if (const auto* error = std::get_if<Error>(&cuts)) return answerButton(instance, *error);
  AnalysisRequest request;
  request.kind = "suggest";
  request.keyframes = std::get<FrameNumbers>(keyframes);
  request.cuts = std::get<FrameNumbers>(std::move(cuts));
  request.count = intValue(instance.suites(), instance.params, Param::SuggestCount, call.time());
  Result<FrameNumbers> found = FrameNumbers();
  {
    ProgressBar bar(instance, "SparkVSR: looking for keyframes");
    found = Survey(instance, params, scaleOf(call), bar).ask(std::move(request));
  }
  if (const auto* error = std::get_if<Error>(&found)) return answerFailure(instance, *error);
  const auto& frames = std::get<FrameNumbers>(found);
  const std::string text = labels(frames, params.frameOffset);
  if (!flagAll(instance, params, frames)) return answerButton(instance, notWritten("keyframes", text));
  answerButton(instance, "flagged " + text + "; they need pictures");
}

void findCuts(const ActionCall& call) {
  Instance& instance = call.instance;
  const Params params = readParams(instance.suites(), instance.params, call.time());
  AnalysisRequest request;
  request.kind = "cuts";
  Result<FrameNumbers> found = FrameNumbers();
  {
    ProgressBar bar(instance, "SparkVSR: looking for cuts");
    found = Survey(instance, params, scaleOf(call), bar).ask(std::move(request));
  }
  if (const auto* error = std::get_if<Error>(&found)) return answerFailure(instance, *error);
  const std::string text = labels(std::get<FrameNumbers>(found), params.frameOffset);
  if (!writeText(instance, Param::Cuts, text)) return answerButton(instance, notWritten("cuts", text));
  answerButton(instance, text.empty() ? "no cuts found" : "cuts at " + text);
}

}  // namespace sparkvsr::plugin
