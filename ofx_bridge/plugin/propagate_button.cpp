// SPDX-License-Identifier: Apache-2.0
// Propagate: every frame of this shot made ahead, for the backend's caches.
#include <algorithm>

#include "buttons.hpp"
#include "messages.hpp"
#include "progress_bar.hpp"
#include "render_job.hpp"

namespace sparkvsr::plugin {
namespace {

/// The frames of the clip in the shot of `time`.
Result<Chunk> shotFrames(Instance& instance, const Params& params, std::int64_t time) {
  const auto clip = wholeClip(instance);
  if (std::holds_alternative<Error>(clip)) return clip;
  const auto [first, last] = std::get<Chunk>(clip);
  const auto cuts = allCuts(instance, params);
  if (const auto* error = std::get_if<Error>(&cuts)) return *error;
  const FrameSpan shot = shotOf(time, std::get<FrameNumbers>(cuts));
  const Chunk frames{std::max(first, shot.first.value_or(first)), std::min(last, shot.last.value_or(last))};
  if (frames.first > frames.last)
    return Error{"ClipLengthUnknown", "the shot at this frame has no frame of the clip", "a frame of the clip", "none"};
  return frames;
}

RenderTask taskFor(const ActionCall& call, std::int64_t time, ProgressBar& bar, double done, double share) {
  RenderTask task;
  task.time = static_cast<double>(time);
  task.scale = call.in.getScale(kOfxImageEffectPropRenderScale).value_or(RenderScale{});
  task.priority = Priority::Batch;
  task.forHost = false;
  task.abort = bar.abortPoll();
  task.progress = [&bar, done, share](double fraction, const std::string&) { bar.update(done + share * fraction); };
  return task;
}

/// How many frames were made, and why not more.
struct Outcome {
  std::int64_t made = 0;
  std::optional<Error> failure;
  bool cancelled = false;
};

Outcome makeAll(const ActionCall& call, const Chunk& frames, ProgressBar& bar) {
  Outcome outcome;
  const double share = 1.0 / static_cast<double>(frames.last - frames.first + 1);
  for (std::int64_t time = frames.first; time <= frames.last; ++time) {
    const double done = share * static_cast<double>(outcome.made);
    if (bar.update(done)) return outcome;
    outcome.failure = RenderJob(call.instance, taskFor(call, time, bar, done, share)).run();
    if (outcome.failure) return outcome;
    ++outcome.made;
  }
  bar.update(1);
  return outcome;
}

Error noProgressBar() {
  return {"ProgressUnavailable",
          "this host has no progress bar, so that nothing could be seen or cancelled; render the shot instead, or let "
          "the host cache it",
          "the progress suite", "none"};
}

}  // namespace

void propagateRange(const ActionCall& call) {
  Instance& instance = call.instance;
  const Params params = readParams(instance.suites(), instance.params, call.time());
  const auto shot = shotFrames(instance, params, nearestFrame(call.time()));
  if (const auto* error = std::get_if<Error>(&shot)) return answerButton(instance, *error);
  const auto& frames = std::get<Chunk>(shot);
  Outcome outcome;
  {
    ProgressBar bar(instance, "SparkVSR: propagating");
    if (!bar.shown()) return answerButton(instance, noProgressBar());
    outcome = makeAll(call, frames, bar);
    outcome.cancelled = bar.cancelled();
  }
  const std::string count =
      std::to_string(outcome.made) + " of " + std::to_string(frames.last - frames.first + 1) + " frames made";
  if (outcome.cancelled) return answerButton(instance, "cancelled, " + count);
  if (outcome.failure) {
    Error error = *outcome.failure;
    error.message += " (" + count + ")";
    return answerButton(instance, error);
  }
  answerButton(instance, count);
}

}  // namespace sparkvsr::plugin
