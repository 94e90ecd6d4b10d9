// SPDX-License-Identifier: Apache-2.0
#include "survey.hpp"

#include <algorithm>

#include "backend_request.hpp"

namespace sparkvsr::plugin {
namespace {

constexpr std::int64_t kMostFrames = 16384;  // of one question
constexpr double kLooked = 0.3;              // of the bar

Error cancelled() { return {"Aborted", "cancelled", "", ""}; }

Result<Chunk> framesToLookAt(const Instance& instance) {
  auto clip = wholeClip(instance);
  if (std::holds_alternative<Error>(clip)) return clip;
  const auto [first, last] = std::get<Chunk>(clip);
  if (last - first < kMostFrames) return clip;
  return Error{"ClipTooLong", "the clip is too long to be looked through at once",
               "at most " + std::to_string(kMostFrames) + " frames", std::to_string(last - first + 1)};
}

}  // namespace

Survey::Survey(Instance& instance, const Params& params, RenderScale scale, ProgressBar& bar)
    : instance_(instance), params_(params), reader_(instance, params, scale), bar_(bar) {}

Result<FrameNumbers> Survey::ask(AnalysisRequest request) {
  if (auto missing = missingNumbers(params_)) return std::move(*missing);
  if (auto failure = look()) return std::move(*failure);
  FramePlan plan;
  plan.time = frames_.front().time;
  request.frames = frames_;
  request.settings = settingsOf(instance_, params_, plan, reader_.sourceDepth(), false);
  link_ = linkOf(instance_, params_);
  const auto progress = [&](double fraction, const std::string&) { bar_.update(kLooked + (1 - kLooked) * fraction); };
  // Each answer Need is followed by frames that the backend did not have: it ends.
  for (std::size_t rounds = 0; rounds <= 2 * frames_.size(); ++rounds) {
    auto outcome = link_->analyse(request, bar_.abortPoll(), progress);
    if (auto* error = std::get_if<Error>(&outcome)) return std::move(*error);
    if (auto* found = std::get_if<Analysed>(&outcome)) return std::move(found->frames);
    if (auto failure = send(std::get<Need>(outcome).fingerprints)) return std::move(*failure);
  }
  return Error{"EngineFailed", "the backend keeps forgetting the frames it was sent", "an answer", "NEED again"};
}

Survey::Failure Survey::look() {
  const auto length = framesToLookAt(instance_);
  if (const auto* error = std::get_if<Error>(&length)) return *error;
  const auto [first, last] = std::get<Chunk>(length);
  for (std::int64_t time = first; time <= last; ++time) {
    if (bar_.update(kLooked * static_cast<double>(time - first) / static_cast<double>(last - first + 1)))
      return cancelled();
    if (auto failure = lookAt(time)) return failure;
  }
  if (frames_.empty()) return Error{"SourceMissing", "the Source clip is connected but empty", "pictures", "none"};
  return std::nullopt;
}

/// A frame that the host does not have is passed over.
Survey::Failure Survey::lookAt(std::int64_t time) {
  auto read = reader_.read(InputClip::Source, time);
  if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
  const auto& picture = std::get<std::optional<ClipPicture>>(read);
  if (picture) frames_.push_back({time, fingerprint(picture->view())});
  return std::nullopt;
}

Survey::Failure Survey::send(const std::vector<Fingerprint>& needed) {
  for (const Fingerprint& print : needed) {
    if (bar_.update(0)) return cancelled();
    if (auto failure = sendOne(print)) return failure;
  }
  return std::nullopt;
}

Survey::Failure Survey::sendOne(const Fingerprint& needed) {
  const auto frame =
      std::find_if(frames_.begin(), frames_.end(), [&](const auto& f) { return f.fingerprint == needed; });
  if (frame == frames_.end()) return Error{"BadMessage", "the backend needs a frame", "one of those named", "another"};
  auto read = reader_.read(InputClip::Source, frame->time);
  if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
  const auto& picture = std::get<std::optional<ClipPicture>>(read);
  if (!picture)
    return Error{"BadHostImage", "a frame went away while it was looked at", "the same pixels twice", "none"};
  auto put = link_->put(picture->view(), true, true, bar_.abortPoll());
  if (auto* error = std::get_if<Error>(&put)) return std::move(*error);
  if (std::get<Fingerprint>(put) != needed)
    return Error{"BadHostImage", "a frame changed while it was looked at", "the same pixels twice", "others"};
  return std::nullopt;
}

}  // namespace sparkvsr::plugin
