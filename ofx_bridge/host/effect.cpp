// SPDX-License-Identifier: Apache-2.0
#include "host/effect.hpp"

#include <algorithm>
#include <random>
#include <sstream>

#include "host/property_catalog.hpp"

namespace sparkvsr::host {

// ---- abort

bool AbortScript::poll() const {
  const std::lock_guard lock(mutex_);
  ++polls_;
  if (firedAt_) return true;
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double, std::milli> elapsed = now - start;
  const bool late = afterMs && elapsed.count() >= *afterMs;
  const bool enough = afterPolls && polls_ > *afterPolls;
  if (!late && !enough && !(external != nullptr && external->load())) return false;
  firedAt_ = now;
  if (late)
    firedAt_ = start + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                           std::chrono::duration<double, std::milli>(*afterMs));
  return true;
}

bool AbortScript::fired() const {
  const std::lock_guard lock(mutex_);
  return firedAt_.has_value();
}

double AbortScript::sinceFired() const {
  const std::lock_guard lock(mutex_);
  if (!firedAt_) return 0;
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - *firedAt_).count();
}

// ---- record

std::size_t Record::gotoCount() {
  const std::lock_guard lock(mutex);
  return gotoTimes.size();
}

std::size_t Record::messageCount() {
  const std::lock_guard lock(mutex);
  return messages.size();
}

std::vector<std::string> Record::textsSince(std::size_t first) {
  const std::lock_guard lock(mutex);
  std::vector<std::string> texts;
  for (std::size_t i = first; i < messages.size(); ++i) texts.push_back(messages[i].text);
  return texts;
}

// ---- effect

Effect::Effect(HostContext& host, const std::string& bundlePath) : host_(host), properties_("EffectDescriptor") {
  properties_.define(effectDescriptorProperties());
  properties_.set(kOfxPluginPropFilePath, bundlePath);
}

Effect::Effect(HostContext& host, const Effect& descriptor, std::shared_ptr<Record> record)
    : host_(host), record_(std::move(record)), properties_("EffectInstance") {
  properties_.define(effectInstanceProperties(host.personality));
  properties_.copyValuesFrom(descriptor.properties_);
  properties_.set(kOfxPropType, std::string(kOfxTypeImageEffectInstance));
  properties_.set(kOfxPropIsInteractive, host.personality.interactive ? 1 : 0);
  params_.instantiate(descriptor.params_, host.personality);
  for (const auto& clip : descriptor.clips_) clips_.push_back(std::make_unique<Clip>(*this, *clip));
}

Clip* Effect::clip(const std::string& name) const {
  const auto found = std::find_if(clips_.begin(), clips_.end(), [&](const auto& clip) { return clip->name() == name; });
  return found == clips_.end() ? nullptr : found->get();
}

Clip& Effect::addClip(const std::string& name) {
  clips_.push_back(std::make_unique<Clip>(*this, name));
  return *clips_.back();
}

double Effect::timeOffset() const {
  if (!host_.personality.zeroBased) return 0;
  const Clip* source = clip(kOfxImageEffectSimpleSourceClipName);
  return source != nullptr && source->input() != nullptr ? source->input()->first : 0;
}

OfxRectD Effect::project() const {
  const double x = properties_.getDouble(kOfxImageEffectPropProjectOffset, 0);
  const double y = properties_.getDouble(kOfxImageEffectPropProjectOffset, 1);
  return {x, y, x + properties_.getDouble(kOfxImageEffectPropProjectSize, 0),
          y + properties_.getDouble(kOfxImageEffectPropProjectSize, 1)};
}

void Effect::setProject(const OfxRectD& r, double pixelAspect) {
  properties_.set(kOfxImageEffectPropProjectOffset, {r.x1, r.y1});
  properties_.set(kOfxImageEffectPropProjectSize, {r.x2 - r.x1, r.y2 - r.y1});
  properties_.set(kOfxImageEffectPropProjectExtent, {r.x2, r.y2});
  properties_.set(kOfxImageEffectPropProjectPixelAspectRatio, pixelAspect);
}

// ---- images of input clips

namespace {

/// The frame that a request for `time` gets, or nothing.
std::optional<double> frameFor(Clip& clip, double time) {
  const Personality& traits = clip.owner().host().personality;
  const ActionScope* scope = currentScope();
  if (traits.timeBlind && scope != nullptr && scope->time) time = *scope->time;
  const double frame = time + clip.owner().timeOffset();
  const ClipInput& input = *clip.input();
  if (frame >= input.first && frame <= input.last) return frame;
  if (traits.range == RangePolicy::Clamp) return std::clamp(frame, input.first, input.last);
  if (traits.range == RangePolicy::Black) return frame;
  return std::nullopt;
}

std::optional<Picture> pictureFor(Clip& clip, double frame) {
  const ClipInput& input = *clip.input();
  if (input.nullImages) return std::nullopt;
  if (frame >= input.first && frame <= input.last) return input.picture(frame);
  const std::optional<Picture> first = input.picture(input.first);
  if (!first) return std::nullopt;
  return blackPicture(first->width, first->height, first->components, first->depth);
}

OfxRectD regionOfPicture(const Clip& clip, const Picture& picture) {
  const ClipInput& input = *clip.input();
  const double x = input.origin.x;
  const double y = input.origin.y;
  return {x * input.pixelAspect, y, (x + picture.width) * input.pixelAspect, y + picture.height};
}

/// What the clip claims, where a test says so, else what its picture covers.
OfxRectD claimedRegion(const Clip& clip, const Picture& picture) {
  return clip.input()->region.value_or(regionOfPicture(clip, picture));
}

std::string identifierOf(const Clip& clip, double frame, const OfxPointD& scale, bool random) {
  std::ostringstream text;
  text << clip.name() << ':' << clip.input()->serial << ':' << frame << ':' << scale.x;
  if (random) text << ':' << std::random_device{}();
  return text.str();
}

ImageFacts factsOf(Clip& clip, double time, double frame, const OfxRectD& region, const OfxPointD& scale) {
  const Personality& traits = clip.owner().host().personality;
  ImageFacts facts;
  facts.clip = clip.name();
  facts.time = time;
  facts.bounds = toPixels(region, scale, clip.input()->pixelAspect);
  facts.regionOfDefinition = facts.bounds;
  if (clip.input()->region) facts.regionOfDefinition = toPixels(*clip.input()->region, scale, facts.pixelAspect);
  facts.field = clip.input()->field;
  facts.blueFirst = traits.blueFirst;
  facts.scale = traits.imageScaleLies ? OfxPointD{1, 1} : scale;
  facts.pixelAspect = clip.input()->pixelAspect;
  facts.premultiplication = clip.properties().getString(kOfxImageEffectPropPreMultiplication);
  facts.identifier = identifierOf(clip, frame, scale, traits.randomImageIds);
  return facts;
}

}  // namespace

std::optional<OfxRectD> regionOf(Clip& clip, double time) {
  if (clip.input() == nullptr) return std::nullopt;
  if (!clip.owner().host().personality.multiResolution) return clip.owner().project();
  const std::optional<double> frame = frameFor(clip, time);
  const ClipInput& input = *clip.input();
  const std::optional<Picture> picture =
      input.picture(std::clamp(frame.value_or(input.first), input.first, input.last));
  if (!picture) return std::nullopt;
  return claimedRegion(clip, *picture);
}

/// Some hosts hand out black where nothing is connected.
static std::optional<Fetched> blackImage(Clip& clip, double time, const OfxPointD& scale) {
  if (clip.owner().host().personality.unconnected != UnconnectedPolicy::Black) return std::nullopt;
  ImageFacts facts;
  facts.clip = clip.name();
  facts.time = time;
  facts.bounds = toPixels(clip.owner().project(), scale, 1);
  facts.regionOfDefinition = facts.bounds;
  facts.scale = scale;
  facts.premultiplication = kOfxImagePreMultiplied;
  const Depth depth = depthFromOfx(clip.properties().getString(kOfxImageEffectPropPixelDepth));
  return Fetched{blackPicture(facts.bounds.x2 - facts.bounds.x1, facts.bounds.y2 - facts.bounds.y1, 4, depth), facts};
}

std::optional<Fetched> fetchImage(Clip& clip, double time, const OfxPointD& scale) {
  if (clip.input() == nullptr) return blackImage(clip, time, scale);
  const std::optional<double> frame = frameFor(clip, time);
  if (!frame) return std::nullopt;
  const std::optional<Picture> picture = pictureFor(clip, *frame);
  if (!picture) return std::nullopt;
  const Personality& traits = clip.owner().host().personality;
  const OfxRectD region = traits.multiResolution ? regionOfPicture(clip, *picture) : clip.owner().project();
  const ImageFacts facts = factsOf(clip, time, *frame, region, scale);
  const Depth depth = depthFromOfx(clip.properties().getString(kOfxImageEffectPropPixelDepth));
  const int components = componentsFromOfx(clip.properties().getString(kOfxImageEffectPropComponents));
  const OfxRectI& bounds = facts.bounds;
  Picture shown = converted(resized(*picture, bounds.x2 - bounds.x1, bounds.y2 - bounds.y1), components, depth);
  if (traits.through16Bit) shown = through16Bit(shown);
  if (traits.blueFirst) shown = redAndBlueExchanged(shown);
  return Fetched{std::move(shown), facts};
}

}  // namespace sparkvsr::host
