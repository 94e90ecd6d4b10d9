// SPDX-License-Identifier: Apache-2.0
#include "render_job.hpp"

#include <unistd.h>

#include <algorithm>

#include "backend_request.hpp"
#include "core/bicubic.hpp"
#include "seen_frames.hpp"

namespace sparkvsr::plugin {
namespace {

using identity::OutputMode;

constexpr int kMostAttempts = 4;  // the backend may forget a frame between PUT and RENDER, but not for ever

Error aborted_() { return {"Aborted", "the host asked to stop", "", ""}; }

Failure checkField(const std::string& field) {
  if (field != kOfxImageFieldLower && field != kOfxImageFieldUpper) return std::nullopt;
  return Error{"FieldsUnsupported", "interlaced pictures must be deinterlaced first", "whole frames", field};
}

}  // namespace

RenderJob::RenderJob(Instance& instance, RenderTask task)
    : instance_(instance),
      task_(std::move(task)),
      params_(readParams(instance_.suites(), instance_.params, task_.time)),
      reader_(instance_, params_, task_.scale) {}

bool RenderJob::aborted() const { return task_.abort && task_.abort(); }

Failure RenderJob::run() {
  using Step = Failure (RenderJob::*)();
  constexpr Step kSteps[] = {&RenderJob::refuseWhatCannotBe, &RenderJob::planTheFrames,   &RenderJob::readPattern,
                             &RenderJob::openOutput,         &RenderJob::sendOwnFrame,    &RenderJob::sendWindow,
                             &RenderJob::sendKeyframes,      &RenderJob::requestUntilDone};
  for (const Step step : kSteps) {
    if (aborted()) return aborted_();
    if (auto failure = (this->*step)()) return failure;
  }
  return std::nullopt;
}

Failure RenderJob::refuseWhatCannotBe() {
  if (auto failure = checkField(task_.field)) return failure;
  return missingNumbers(params_);
}

Failure RenderJob::planTheFrames() {
  auto planned = planFrames(instance_, params_, task_.time);
  if (auto* error = std::get_if<Error>(&planned)) return std::move(*error);
  plan_ = std::get<FramePlan>(std::move(planned));
  return std::nullopt;
}

Failure RenderJob::readPattern() {
  if (plan_.keyframes.empty()) return std::nullopt;
  auto read = picturePattern(params_.keyframeFiles, plan_.flagged);
  if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
  pattern_ = std::get<std::optional<PicturePattern>>(std::move(read));
  return std::nullopt;
}

Failure RenderJob::openOutput() {
  if (auto failure = task_.forHost ? openHostOutput() : openOwnOutput()) return failure;
  window_ = task_.window.value_or(output_.bounds).intersected(output_.bounds);
  if (window_.empty())
    return Error{"BadHostImage", "there is nothing to render", "a render window inside the Output image", "none"};
  return layOutTarget();
}

Failure RenderJob::openHostOutput() {
  auto fetched = fetchImage(instance_, instance_.clips.output, task_.time, task_.scale);
  if (auto* error = std::get_if<Error>(&fetched)) return std::move(*error);
  auto& image = std::get<std::optional<HostImage>>(fetched);
  if (!image) return Error{"BadHostImage", "there is nothing to render into", "an image of the Output clip", "none"};
  output_ = std::move(*image);
  return std::nullopt;
}

/// The picture that the host will ask for, as far as its clips tell.
Failure RenderJob::openOwnOutput() {
  auto expected = expectedOutput(instance_, outputFactor(instance_, params_), task_.time, task_.scale);
  if (auto* error = std::get_if<Error>(&expected)) return std::move(*error);
  output_ = std::get<HostImage>(std::move(expected));
  const std::size_t packed = packedRowBytes(output_.format);
  ownOutput_.resize(packed * static_cast<std::size_t>(output_.format.height));
  output_.bottom = ownOutput_.data();
  output_.rowBytes = static_cast<std::ptrdiff_t>(packed);
  return std::nullopt;
}

Failure RenderJob::layOutTarget() {
  const auto frame = static_cast<double>(nearestFrame(task_.time));
  auto region = clipRegion(instance_.suites(), instance_.clips.source, frame);
  if (region) region = scaledAboutOrigin(*region, outputFactor(instance_, params_));
  frame_ = outputFrame({output_.bounds, output_.region, region, output_.scale, task_.scale, output_.par});
  if (takesPart(params_)) {
    auto inside = pictureInside(params_, frame_, region, output_.par, task_.scale);
    if (auto* error = std::get_if<Error>(&inside)) return std::move(*error);
    const auto& part = std::get<PixelRect>(inside);
    frame_ = params_.outputMode == OutputMode::ActiveArea ? fittedInto(frame_, part) : part;
  }
  target_ = {frame_.width(), frame_.height(), windowFromTop(frame_, window_.intersected(frame_))};
  return std::nullopt;
}

Result<std::optional<Fingerprint>> RenderJob::send(InputClip clip, std::int64_t time, bool force) {
  if (aborted()) return aborted_();
  const auto known =
      std::find_if(sent_.begin(), sent_.end(), [&](const auto& s) { return s.clip == clip && s.time == time; });
  if (known != sent_.end() && !force) return std::optional(known->fingerprint);
  auto read = reader_.read(clip, time);
  if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
  const auto& picture = std::get<std::optional<ClipPicture>>(read);
  if (!picture) return std::optional<Fingerprint>();
  const bool likelyKnown = force || seenFrames().seenBefore(reader_.handleOf(clip), time, picture->identifier());
  auto put = link_->put(picture->view(), likelyKnown, force, task_.abort);
  if (auto* error = std::get_if<Error>(&put)) return std::move(*error);
  const auto fingerprint = std::get<Fingerprint>(put);
  if (known == sent_.end()) sent_.push_back({clip, time, fingerprint});
  return std::optional(fingerprint);
}

Failure RenderJob::sendOwnFrame() {
  link_ = linkOf(instance_, params_);
  if (!isConnected(instance_.suites(), instance_.clips.source)) {
    return Error{"SourceMissing", "there is nothing to enlarge", "a connected Source clip", "none"};
  }
  if (const MemoryBudget wish{params_.vramBudget, params_.ramBudget}; !(wish == MemoryBudget{})) {
    auto told = link_->wishBudget(wish, false, task_.abort);
    if (auto* error = std::get_if<Error>(&told)) return std::move(*error);
  }
  auto sent = send(InputClip::Source, plan_.time, false);
  if (auto* error = std::get_if<Error>(&sent)) return std::move(*error);
  const auto& fingerprint = std::get<std::optional<Fingerprint>>(sent);
  const std::string frame = std::to_string(labelOf(plan_.time));
  if (!fingerprint)
    return Error{"SourceMissing", "the Source clip is connected but empty", "a picture at frame " + frame, "none"};
  own_ = *fingerprint;
  return std::nullopt;
}

Failure RenderJob::sendWindow() {
  for (std::int64_t time = plan_.window.first; time <= plan_.window.last; ++time) {
    auto sent = send(InputClip::Source, time, false);
    if (auto* error = std::get_if<Error>(&sent)) return std::move(*error);
    // A frame that the host does not have ends the chunk, as the end of the clip does.
    if (const auto& known = std::get<std::optional<Fingerprint>>(sent)) windowFrames_.push_back({time, *known});
  }
  return std::nullopt;
}

Failure RenderJob::sendKeyframes() {
  for (const std::int64_t time : plan_.keyframes) {
    auto use = keyframeUse(time);
    if (auto* error = std::get_if<Error>(&use)) return std::move(*error);
    keyframes_.push_back(std::get<KeyframeUse>(std::move(use)));
  }
  return std::nullopt;
}

Result<KeyframeUse> RenderJob::keyframeUse(std::int64_t time) {
  KeyframeUse use;
  use.time = time;
  use.label = labelOf(time);
  use.strength =
      doubleValue(instance_.suites(), instance_.params, identity::Param::KeyframeStrength, static_cast<double>(time));
  if (instance_.host->facts.temporalAccess) {
    auto source = send(InputClip::Source, time, false);
    if (auto* error = std::get_if<Error>(&source)) return std::move(*error);
    use.source = std::get<std::optional<Fingerprint>>(source);
    const std::string frame = std::to_string(use.label.value());
    if (!use.source)
      return Error{"SourceMissing", "a keyframe has no source frame", "a picture of the Source clip at frame " + frame,
                   "none"};
  }
  if (auto failure = findPicture(use)) return std::move(*failure);
  return use;
}

/// A file comes before the clip, and the clip before the image model.
Failure RenderJob::findPicture(KeyframeUse& use) {
  if (auto file = pattern_ ? existingPictureFile(*pattern_, labelOf(use.time)) : std::nullopt) {
    use.picture = PictureFile{std::move(*file), identity::kTransferNames[params_.keyframeTransfer]};
    return std::nullopt;
  }
  const bool seesTime = instance_.host->facts.temporalAccess;
  if (seesTime && isConnected(instance_.suites(), instance_.clips.keyframes)) {
    auto picture = send(InputClip::Keyframes, use.time, false);
    if (auto* error = std::get_if<Error>(&picture)) return std::move(*error);
    if (const auto& fingerprint = std::get<std::optional<Fingerprint>>(picture)) {
      use.picture = *fingerprint;
      return std::nullopt;
    }
  }
  const bool made = params_.keyframeSource == identity::KeyframeSource::Auto;
  if (!made || !seesTime) return keyframeWithoutPicture(labelOf(use.time), pattern_, seesTime, made);
  if (params_.keyframeModel.empty()) return imageModelMissing(labelOf(use.time));
  use.picture = PictureModel{params_.keyframeModel};
  return std::nullopt;
}

Failure RenderJob::requestUntilDone() {
  const PixelRect shown = window_.intersected(frame_);
  clearOutside(output_, window_, frame_);
  if (shown.empty()) return std::nullopt;
  const ImageView view = writableView(output_, shown);
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    auto outcome = link_->render(request(), view, task_.abort, task_.progress);
    if (auto* error = std::get_if<Error>(&outcome)) return std::move(*error);
    if (auto* done = std::get_if<Done>(&outcome)) {
      finishPixels(output_, shown);
      notices_ = std::move(done->notices);
      return std::nullopt;
    }
    if (auto failure = sendAgain(std::get<Need>(outcome).fingerprints)) return failure;
  }
  return Error{"EngineFailed", "the backend keeps forgetting the frames it was sent", "frames that stay for one render",
               "NEED again"};
}

Failure RenderJob::sendAgain(const std::vector<Fingerprint>& needed) {
  for (const Fingerprint& fingerprint : needed) {
    const auto lost =
        std::find_if(sent_.begin(), sent_.end(), [&](const auto& s) { return s.fingerprint == fingerprint; });
    if (lost == sent_.end()) return Error{"BadMessage", "the backend needs a frame", "one of those sent", "another"};
    auto again = send(lost->clip, lost->time, true);
    if (auto* error = std::get_if<Error>(&again)) return std::move(*error);
    if (std::get<std::optional<Fingerprint>>(again) != std::optional(fingerprint)) {
      return Error{"BadHostImage", "a frame changed while it was rendered", "the same pixels twice", "others"};
    }
  }
  return std::nullopt;
}

RenderRequest RenderJob::request() const {
  RenderRequest request;
  request.session = "ofx-" + std::to_string(getpid());
  request.priority = task_.priority;
  request.time = plan_.time;
  request.settings =
      settingsOf(instance_, params_, plan_, reader_.sourceDepth(), isDraft(params_.quality, task_.purpose));
  request.window = windowFrames_;
  request.keyframes = keyframes_;
  request.range = {plan_.range.first.value_or(plan_.time), plan_.range.last.value_or(plan_.time)};
  request.target = target_;
  return request;
}

Failure RenderJob::standIn() {
  if (output_.bottom == nullptr) {
    if (auto failure = openOutput()) return failure;
  }
  auto read = reader_.read(InputClip::Source, nearestFrame(task_.time));
  if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
  const auto& picture = std::get<std::optional<ClipPicture>>(read);
  if (!picture) return Error{"SourceMissing", "there is nothing to enlarge", "a picture of the Source clip", "none"};
  clearOutside(output_, window_, frame_);
  const PixelRect shown = window_.intersected(frame_);
  if (shown.empty()) return std::nullopt;
  bicubicStandIn(picture->view(), target_, writableView(output_, shown));
  finishPixels(output_, shown);
  return std::nullopt;
}

}  // namespace sparkvsr::plugin
