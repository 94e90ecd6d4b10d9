// SPDX-License-Identifier: Apache-2.0
#include "render_job.hpp"

#include <unistd.h>

#include <algorithm>

#include "bundle.hpp"
#include "core/bicubic.hpp"
#include "seen_frames.hpp"

namespace sparkvsr::plugin {
namespace {

using identity::OutputMode;

constexpr int kMostAttempts = 4;  // the backend may forget a frame between PUT and RENDER, but not for ever

LinkOptions linkOptions(const HostFacts& host, const std::string& address) {
  LinkOptions options;
  options.address = address;
  options.bundleResources = bundleResources();
  if (!host.name.empty()) options.hostName = host.name;
  if (!host.version.empty()) options.hostVersion = host.version;
  return options;
}

/// The advice is part of it: an artist must be able to act on it.
Error keyframeWithoutPicture(std::int64_t number, const std::optional<PicturePattern>& pattern, bool seesTime) {
  std::string expected = pattern ? "the file " + pattern->file(number) : "a file named in Pictures";
  if (seesTime) expected += ", or a picture at that frame in the Keyframes clip";
  return {"KeyframeWithoutPicture",
          "frame " + std::to_string(number) +
              " is a keyframe but has no picture; give it one, correct the frame offset, or unflag it",
          expected, "none"};
}

Error aborted_() { return {"Aborted", "the host asked to stop", "", ""}; }

/// Farms render in batches; what an artist waits for comes first.
Priority priorityOf(const ActionCall& call) {
  if (call.instance.host->facts.background) return Priority::Batch;
  const bool interactive = call.in.getInt(kOfxImageEffectPropInteractiveRenderStatus).value_or(1) != 0;
  return interactive ? Priority::Interactive : Priority::Batch;
}

/// Options are part of the name of an engine that has any: those with a chunk grid.
std::string engineName(const Params& params) {
  const std::string name = identity::kEngineNames[params.engine];
  const bool takesOptions = identity::kEngineGrids[params.engine] > 0 && !params.engineOptions.empty();
  return takesOptions ? name + "?" + params.engineOptions : name;
}

Failure checkField(const ActionCall& call) {
  const std::string field = call.in.getString(kOfxImageEffectPropFieldToRender);
  if (field != kOfxImageFieldLower && field != kOfxImageFieldUpper) return std::nullopt;
  return Error{"FieldsUnsupported", "interlaced pictures must be deinterlaced first", "whole frames", field};
}

}  // namespace

RenderJob::RenderJob(const ActionCall& call)
    : call_(call),
      instance_(call.instance),
      params_(readParams(instance_.suites(), instance_.params, call.time())),
      scale_(call.in.getScale(kOfxImageEffectPropRenderScale).value_or(RenderScale{})),
      abort_([this] { return aborted(); }) {}

bool RenderJob::aborted() const { return instance_.suites().effect->abort(instance_.effect) != 0; }

Failure RenderJob::run() {
  using Step = Failure (RenderJob::*)();
  constexpr Step kSteps[] = {&RenderJob::refuseWhatIsNotBuilt, &RenderJob::planTheFrames,   &RenderJob::readPattern,
                             &RenderJob::openOutput,           &RenderJob::sendOwnFrame,    &RenderJob::sendWindow,
                             &RenderJob::sendKeyframes,        &RenderJob::requestUntilDone};
  for (const Step step : kSteps) {
    if (aborted()) return aborted_();
    if (auto failure = (this->*step)()) return failure;
  }
  return std::nullopt;
}

Failure RenderJob::refuseWhatIsNotBuilt() {
  if (auto failure = checkField(call_)) return failure;
  const auto mode = params_.outputMode;
  if (mode == OutputMode::ActiveArea || mode == OutputMode::UndoHostUpscale) {
    return Error{"UnsupportedSetting", "this output mode is not built yet", "Auto, Resize or Restore in place",
                 identity::kOutputModeOptions[static_cast<int>(mode)]};
  }
  return std::nullopt;
}

Failure RenderJob::planTheFrames() {
  auto planned = planFrames(instance_, params_, call_.time());
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
  auto fetched = fetchImage(instance_, instance_.clips.output, call_.time(), scale_);
  if (auto* error = std::get_if<Error>(&fetched)) return std::move(*error);
  auto& image = std::get<std::optional<HostImage>>(fetched);
  if (!image) return Error{"BadHostImage", "there is nothing to render into", "an image of the Output clip", "none"};
  output_ = std::move(*image);
  window_ = call_.in.getRect(kOfxImageEffectPropRenderWindow).value_or(output_.bounds).intersected(output_.bounds);
  if (window_.empty())
    return Error{"BadHostImage", "there is nothing to render", "a render window inside the Output image", "none"};
  layOutTarget();
  return std::nullopt;
}

void RenderJob::layOutTarget() {
  const auto frame = static_cast<double>(nearestFrame(call_.time()));
  auto region = clipRegion(instance_.suites(), instance_.clips.source, frame);
  if (region) region = scaledAboutOrigin(*region, outputFactor(instance_, params_));
  frame_ = outputFrame({output_.bounds, output_.region, region, output_.scale, scale_, output_.par});
  target_ = {frame_.width(), frame_.height(), windowFromTop(frame_, window_.intersected(frame_))};
}

OfxImageClipHandle RenderJob::handleOf(Clip clip) const {
  return clip == Clip::Source ? instance_.clips.source : instance_.clips.keyframes;
}

Result<std::optional<HostImage>> RenderJob::fetch(Clip clip, std::int64_t time) {
  return fetchImage(instance_, handleOf(clip), static_cast<double>(time), scale_);
}

PixelRect RenderJob::wantedRect(Clip clip, std::int64_t time, const HostImage& image) {
  if (clip == Clip::Source && sourceRect_) return *sourceRect_;
  const auto region = clipRegion(instance_.suites(), handleOf(clip), static_cast<double>(time));
  const PixelRect rect = sourceFrame({image.bounds, image.region, region, image.scale, scale_, image.par});
  if (clip == Clip::Source) {
    sourceRect_ = rect;
    sourceDepth_ = image.format.depth;
  }
  return rect;
}

Result<std::optional<Fingerprint>> RenderJob::send(Clip clip, std::int64_t time, bool force) {
  if (aborted()) return aborted_();
  const auto known =
      std::find_if(sent_.begin(), sent_.end(), [&](const auto& s) { return s.clip == clip && s.time == time; });
  if (known != sent_.end() && !force) return std::optional(known->fingerprint);
  auto fetched = fetch(clip, time);
  if (auto* error = std::get_if<Error>(&fetched)) return std::move(*error);
  const auto& image = std::get<std::optional<HostImage>>(fetched);
  if (!image) return std::optional<Fingerprint>();
  const CroppedView crop(*image, wantedRect(clip, time, *image));
  const bool likelyKnown = force || seenFrames().seenBefore(handleOf(clip), time, image->identifier);
  auto put = link_->put(crop.view(), likelyKnown, force, abort_);
  if (auto* error = std::get_if<Error>(&put)) return std::move(*error);
  const auto fingerprint = std::get<Fingerprint>(put);
  if (known == sent_.end()) sent_.push_back({clip, time, fingerprint});
  return std::optional(fingerprint);
}

Failure RenderJob::sendOwnFrame() {
  link_ = Link::process(linkOptions(instance_.host->facts, params_.backend));
  if (!isConnected(instance_.suites(), instance_.clips.source)) {
    return Error{"SourceMissing", "there is nothing to enlarge", "a connected Source clip", "none"};
  }
  auto sent = send(Clip::Source, plan_.time, false);
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
    auto sent = send(Clip::Source, time, false);
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
  const bool seesTime = instance_.host->facts.temporalAccess;
  KeyframeUse use;
  use.time = time;
  use.label = labelOf(time);
  if (seesTime) {
    auto source = send(Clip::Source, time, false);
    if (auto* error = std::get_if<Error>(&source)) return std::move(*error);
    use.source = std::get<std::optional<Fingerprint>>(source);
    const std::string frame = std::to_string(use.label.value());
    if (!use.source)
      return Error{"SourceMissing", "a keyframe has no source frame", "a picture of the Source clip at frame " + frame,
                   "none"};
  }
  if (auto file = pattern_ ? existingPictureFile(*pattern_, labelOf(time)) : std::nullopt) {
    use.picture = std::move(*file);
    return use;
  }
  if (seesTime && isConnected(instance_.suites(), instance_.clips.keyframes)) {
    auto picture = send(Clip::Keyframes, time, false);
    if (auto* error = std::get_if<Error>(&picture)) return std::move(*error);
    if (const auto& fingerprint = std::get<std::optional<Fingerprint>>(picture)) {
      use.picture = *fingerprint;
      return use;
    }
  }
  return keyframeWithoutPicture(labelOf(time), pattern_, seesTime);
}

Failure RenderJob::requestUntilDone() {
  const PixelRect shown = window_.intersected(frame_);
  clearOutside(output_, window_, frame_);
  if (shown.empty()) return std::nullopt;
  const ImageView view = writableView(output_, shown);
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    auto outcome = link_->render(request(), view, abort_, [](double, const std::string&) {});
    if (auto* error = std::get_if<Error>(&outcome)) return std::move(*error);
    if (auto* done = std::get_if<Done>(&outcome)) {
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
  request.priority = priorityOf(call_);
  request.time = plan_.time;
  request.settings = settings();
  request.window = windowFrames_;
  request.keyframes = keyframes_;
  request.range = {plan_.range.first.value_or(plan_.time), plan_.range.last.value_or(plan_.time)};
  request.target = target_;
  return request;
}

Settings RenderJob::settings() const {
  Settings settings;
  settings.engine = engineName(params_);
  settings.scale = params_.scale;
  settings.guidance = params_.guidance;
  settings.trust = params_.trust;
  settings.view = identity::kViewNames[static_cast<int>(params_.view)];
  const bool linear =
      instance_.host->traits->linearFloats && (sourceDepth_ == Depth::Half || sourceDepth_ == Depth::Float);
  const char* automatic = linear ? "linear" : "srgb";
  settings.transfer = params_.inputTransfer == 0 ? automatic : identity::kTransferNames[params_.inputTransfer];
  // The ends of this shot say all about cuts that this frame can depend on; lists may be long.
  const FrameSpan shot = shotOf(plan_.time, plan_.cuts);
  if (shot.first) settings.cuts.push_back(*shot.first);
  if (shot.last) settings.cuts.push_back(*shot.last + 1);
  settings.grid = chunkGrid(instance_, params_);
  settings.split = params_.splitPosition;
  settings.generation = params_.generation;
  return settings;
}

Failure RenderJob::standIn() {
  if (output_.bottom == nullptr) {
    if (auto failure = openOutput()) return failure;
  }
  const std::int64_t time = nearestFrame(call_.time());
  auto fetched = fetch(Clip::Source, time);
  if (auto* error = std::get_if<Error>(&fetched)) return std::move(*error);
  const auto& image = std::get<std::optional<HostImage>>(fetched);
  if (!image) return Error{"SourceMissing", "there is nothing to enlarge", "a picture of the Source clip", "none"};
  clearOutside(output_, window_, frame_);
  const PixelRect shown = window_.intersected(frame_);
  if (shown.empty()) return std::nullopt;
  const CroppedView crop(*image, wantedRect(Clip::Source, time, *image));
  bicubicStandIn(crop.view(), target_, writableView(output_, shown));
  return std::nullopt;
}

}  // namespace sparkvsr::plugin
