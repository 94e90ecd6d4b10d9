// SPDX-License-Identifier: Apache-2.0
#include "actions.hpp"

#include "plan.hpp"

namespace sparkvsr::plugin {
namespace {

constexpr const char* kThumbnail = "OfxImageEffectPropThumbnailRender";  // a string, of OpenFX 1.5
constexpr const char* kFormatProperty = "OfxImageClipPropFormat";        // read by Natron, in no published header

Params paramsAt(const ActionCall& call) {
  return readParams(call.instance.suites(), call.instance.params, call.time());
}

std::optional<CanonicalRect> sourceRegion(const ActionCall& call) {
  const auto frame = static_cast<double>(nearestFrame(call.time()));
  return clipRegion(call.instance.suites(), call.instance.clips.source, frame);
}

std::string perClip(const char* prefix, const char* clip) { return std::string(prefix) + clip; }

/// The whole clip: a picture is made from all of its source.
bool wantWhole(const ActionCall& call, OfxImageClipHandle clip, const char* name) {
  const auto frame = static_cast<double>(nearestFrame(call.time()));
  const auto region = clipRegion(call.instance.suites(), clip, frame);
  if (region) call.out.set(perClip("OfxImageClipPropRoI_", name).c_str(), *region);
  return region.has_value();
}

/// Ranges of frames, both ends inclusive.
void wantFrames(const ActionCall& call, const char* clip, const std::vector<Chunk>& ranges) {
  const std::string property = perClip("OfxImageClipPropFrameRange_", clip);
  int index = 0;
  for (const Chunk& range : ranges) {
    call.out.set(property.c_str(), static_cast<double>(range.first), index++);
    call.out.set(property.c_str(), static_cast<double>(range.last), index++);
  }
}

/// Nothing would be changed: the source is shown at its own size, or enlarged once with no detail added.
bool changesNothing(const Instance& instance, const Params& params) {
  const bool ownSize = outputFactor(instance, params) == 1;
  const bool asIs = params.outputMode == identity::OutputMode::Auto ||
                    params.outputMode == identity::OutputMode::Resize ||
                    params.outputMode == identity::OutputMode::RestoreInPlace;
  const bool blindAtOne =
      params.view == identity::View::Blind || (params.view == identity::View::Result && params.guidance == 0);
  const bool lite = std::string(identity::kEngineNames[params.engine]) == "lite";
  const bool unfinished = params.sharpness == 0 && params.grain == 0;
  return asIs && ownSize &&
         (params.view == identity::View::Source || (params.scale == 1 && blindAtOne && lite && unfinished));
}

/// A host's picture for its bins and timelines, at its own size: nobody waits for a network there.
bool isThumbnail(const ActionCall& call, const Params& params) {
  return call.in.getString(kThumbnail) == "true" && outputFactor(call.instance, params) == 1;
}

std::optional<PixelRect> regionOfFirstFrame(const Instance& instance, const Props& source) {
  const auto first = frameRange(instance.suites(), instance.clips.source).first.value_or(0);
  const auto region = clipRegion(instance.suites(), instance.clips.source, static_cast<double>(first));
  if (!region) return std::nullopt;
  return toPixels(*region, {}, source.getDouble(kOfxImagePropPixelAspectRatio).value_or(1));
}

/// Natron makes the node's output format of this, else it keeps the project's, and writers crop.
void growFormat(const ActionCall& call, const Props& source, double factor) {
  auto format = source.getRect(kFormatProperty);
  if (!format || format->empty()) format = call.out.getRect(kFormatProperty);  // set to the input's beforehand
  if (!format || format->empty()) format = regionOfFirstFrame(call.instance, source);
  if (!format) return;
  const int edges[] = {format->x1, format->y1, format->x2, format->y2};
  for (int n = 0; n < 4; ++n) call.out.set(kFormatProperty, static_cast<int>(edges[n] * factor), n);
}

}  // namespace

OfxStatus regionOfDefinition(const ActionCall& call) {
  if (!isConnected(call.instance.suites(), call.instance.clips.source)) return kOfxStatReplyDefault;
  const auto region = sourceRegion(call);
  if (!region) return kOfxStatReplyDefault;
  const double factor = outputFactor(call.instance, paramsAt(call));
  call.out.set(kOfxImageEffectPropRegionOfDefinition, scaledAboutOrigin(*region, factor));
  return kOfxStatOK;
}

OfxStatus regionsOfInterest(const ActionCall& call) {
  const bool source = wantWhole(call, call.instance.clips.source, identity::kSourceClip);
  const bool keyframes = isConnected(call.instance.suites(), call.instance.clips.keyframes) &&
                         wantWhole(call, call.instance.clips.keyframes, identity::kKeyframesClip);
  return source || keyframes ? kOfxStatOK : kOfxStatReplyDefault;
}

OfxStatus framesNeeded(const ActionCall& call) {
  if (!call.instance.host->facts.temporalAccess) return kOfxStatReplyDefault;
  const auto planned = planFrames(call.instance, paramsAt(call), call.time());
  const auto* plan = std::get_if<FramePlan>(&planned);
  if (plan == nullptr) return kOfxStatReplyDefault;  // render says what is wrong
  std::vector<Chunk> frames{plan->window}, pictures;
  for (const std::int64_t keyframe : plan->keyframes) {
    pictures.push_back({keyframe, keyframe});
    if (keyframe < plan->window.first || keyframe > plan->window.last) frames.push_back(pictures.back());
  }
  wantFrames(call, identity::kSourceClip, frames);
  wantFrames(call, identity::kKeyframesClip, pictures);
  return kOfxStatOK;
}

OfxStatus isIdentity(const ActionCall& call) {
  const bool connected = isConnected(call.instance.suites(), call.instance.clips.source);
  const Params params = paramsAt(call);
  if (!connected || !(changesNothing(call.instance, params) || isThumbnail(call, params))) return kOfxStatReplyDefault;
  call.out.set(kOfxPropName, identity::kSourceClip);
  call.out.set(kOfxPropTime, static_cast<double>(nearestFrame(call.time())));
  return kOfxStatOK;
}

OfxStatus clipPreferences(const ActionCall& call) {
  const Instance& instance = call.instance;
  call.out.set(kOfxImageEffectFrameVarying, 0);
  call.out.set(kOfxImageClipPropContinuousSamples, 0);
  if (!isConnected(instance.suites(), instance.clips.source)) return kOfxStatOK;
  const Props source = propsOf(instance.suites(), instance.clips.source);
  // Literals, since hosts keep what they are given.
  const std::string components = source.getString(kOfxImageEffectPropComponents);
  const std::string property = perClip("OfxImageClipPropComponents_", identity::kOutputClip);
  if (components == kOfxImageComponentRGBA) call.out.set(property.c_str(), kOfxImageComponentRGBA);
  if (components == kOfxImageComponentRGB) call.out.set(property.c_str(), kOfxImageComponentRGB);
  const Params params = readParams(instance.suites(), instance.params, 0);
  if (instance.host->traits->takesOutputFormat) growFormat(call, source, outputFactor(instance, params));
  return kOfxStatOK;
}

OfxStatus beginSequenceRender(const ActionCall& call) {
  Instance& instance = call.instance;
  instance.flags.refresh(*instance.suites().parameter, instance.params[identity::Param::Keyframe]);
  return kOfxStatOK;
}

}  // namespace sparkvsr::plugin
