// SPDX-License-Identifier: Apache-2.0
#include "host/live_effect.hpp"

#include <ofxGPURender.h>

#include <algorithm>
#include <cmath>

namespace sparkvsr::host {
namespace {

PropertySpec doubles(const std::string& name, std::vector<double> values, Writer writer, int dimension = -1) {
  std::vector<Scalar> all(values.begin(), values.end());
  return {name, PropertyType::Double, dimension < 0 ? static_cast<int>(all.size()) : dimension, writer, std::move(all)};
}

PropertySpec integer(const std::string& name, int value) { return {name, PropertyType::Int, 1, Writer::Host, {value}}; }

PropertySpec text(const std::string& name, const std::string& value) {
  return {name, PropertyType::String, 1, Writer::Host, {value}};
}

PropertySpec timeOf(const Moment& moment) { return doubles(kOfxPropTime, {moment.time}, Writer::Host); }

PropertySpec scaleOf(const OfxPointD& scale) {
  return doubles(kOfxImageEffectPropRenderScale, {scale.x, scale.y}, Writer::Host);
}

PropertySpec windowOf(const OfxRectI& w) {
  return {kOfxImageEffectPropRenderWindow, PropertyType::Int, 4, Writer::Host, {w.x1, w.y1, w.x2, w.y2}};
}

OfxRectD rectangle(const PropertySet& set, const std::string& name) {
  return {set.getDouble(name, 0), set.getDouble(name, 1), set.getDouble(name, 2), set.getDouble(name, 3)};
}

bool isSane(const OfxRectD& r) {
  const bool finite = std::isfinite(r.x1) && std::isfinite(r.y1) && std::isfinite(r.x2) && std::isfinite(r.y2);
  return finite && r.x1 <= r.x2 && r.y1 <= r.y2;
}

std::string shown(const OfxRectD& r) {
  return "(" + std::to_string(r.x1) + ", " + std::to_string(r.y1) + ", " + std::to_string(r.x2) + ", " +
         std::to_string(r.y2) + ")";
}

OfxRectD joined(const OfxRectD& a, const OfxRectD& b) {
  return {std::min(a.x1, b.x1), std::min(a.y1, b.y1), std::max(a.x2, b.x2), std::max(a.y2, b.y2)};
}

constexpr const char* kDraft = "OfxImageEffectPropRenderQualityDraft";

}  // namespace

LiveEffect::LiveEffect(Host& host, const Effect& descriptor, const std::string& contextName,
                       std::shared_ptr<Record> record, const std::function<void(Effect&)>& prepare)
    : host_(host), effect_(host.context(), descriptor, std::move(record)) {
  effect_.properties().set(kOfxImageEffectPropContext, contextName);
  effect_.properties().set(kOfxImageEffectPropPluginHandle,
                           const_cast<void*>(static_cast<const void*>(&host.plugin())));
  prepare(effect_);
  ActionScope scope;
  prepareScope(scope, kOfxActionCreateInstance);
  runOrThrow(scope, nullptr, nullptr, "CreateInstanceFailed");
}

LiveEffect::~LiveEffect() {
  ActionScope scope;
  prepareScope(scope, kOfxActionDestroyInstance);
  const OfxStatus status = run(scope, nullptr, nullptr);
  if (!worked(status)) complain("DestroyFailed", scope.action, statusName(status));
}

void LiveEffect::prepareScope(ActionScope& scope, const std::string& action) const {
  scope.host = &host_.context();
  scope.effect = const_cast<Effect*>(&effect_);
  scope.action = action;
}

void LiveEffect::prepareScope(ActionScope& scope, const std::string& action, const Moment& moment) const {
  prepareScope(scope, action);
  scope.time = moment.time;
  scope.now = moment.now;
  scope.scale = moment.scale;
  scope.pushedValues = host_.personality().valuesPushedPerFrame;
}

OfxStatus LiveEffect::run(ActionScope& scope, PropertySet* in, PropertySet* out) {
  return host_.call(scope, effect_.handle(), in, out);
}

OfxStatus LiveEffect::runOrThrow(ActionScope& scope, PropertySet* in, PropertySet* out, const std::string& errorName) {
  const std::size_t said = effect_.record().messageCount();
  const OfxStatus status = run(scope, in, out);
  if (!worked(status)) throw ActionFailed(errorName, scope.action, status, effect_.record().textsSince(said));
  return status;
}

void LiveEffect::complain(const std::string& rule, const std::string& action, const std::string& what) {
  host_.context().violations.add({rule, action, what});
}

void LiveEffect::clipsChanged() {
  const std::lock_guard lock(preferencesMutex_);
  preferences_.reset();
}

const ClipPreferences& LiveEffect::preferences() {
  const std::lock_guard lock(preferencesMutex_);
  if (!preferences_) {
    describeInputs(host_, effect_);
    preferences_ = askClipPreferences(host_, effect_);
  }
  return *preferences_;
}

// ---- regions and frames

OfxRectD LiveEffect::defaultRegion(const Moment& moment) {
  std::optional<OfxRectD> all;
  for (const auto& clip : effect_.clips()) {
    if (clip->isOutput() || clip->isOptional()) continue;
    if (const std::optional<OfxRectD> one = regionOf(*clip, moment.time)) all = all ? joined(*all, *one) : *one;
  }
  return all.value_or(effect_.project());
}

OfxRectD LiveEffect::regionOfDefinition(const Moment& moment) {
  const OfxRectD start = host_.personality().multiResolution ? defaultRegion(moment) : effect_.project();
  if (host_.personality().region == RegionPolicy::NotCalled) return start;
  PropertySet in("GetRegionOfDefinition.inArgs");
  in.define({timeOf(moment), scaleOf(moment.scale)});
  PropertySet out("GetRegionOfDefinition.outArgs");
  out.define(doubles(kOfxImageEffectPropRegionOfDefinition, {start.x1, start.y1, start.x2, start.y2}, Writer::Plugin));
  ActionScope scope;
  prepareScope(scope, kOfxImageEffectActionGetRegionOfDefinition, moment);
  runOrThrow(scope, &in, &out);
  const OfxRectD region = rectangle(out, kOfxImageEffectPropRegionOfDefinition);
  if (!isSane(region)) {
    complain("BadRegion", scope.action, shown(region));
    return start;
  }
  return region;
}

namespace {

DeclaredFrames readRanges(const PropertySet& out, const Effect& effect, std::vector<std::string>& faults) {
  DeclaredFrames all;
  for (const auto& clip : effect.clips()) {
    if (clip->isOutput()) continue;
    const std::vector<double> values = out.getDoubles("OfxImageClipPropFrameRange_" + clip->name());
    if (values.size() % 2 != 0) faults.push_back(clip->name() + ": an odd number of values");
    for (std::size_t i = 0; i + 1 < values.size(); i += 2) {
      if (!(values[i] <= values[i + 1])) faults.push_back(clip->name() + ": a range that ends before it begins");
      all[clip->name()].push_back({values[i], values[i + 1]});
    }
  }
  return all;
}

}  // namespace

DeclaredFrames LiveEffect::framesNeeded(const Moment& moment) {
  DeclaredFrames start;
  PropertySet out("GetFramesNeeded.outArgs");
  for (const auto& clip : effect_.clips()) {
    if (clip->isOutput()) continue;
    start[clip->name()] = {{moment.time, moment.time}};
    out.define(doubles("OfxImageClipPropFrameRange_" + clip->name(), {moment.time, moment.time}, Writer::Plugin, 0));
  }
  const std::string contextName = effect_.properties().getString(kOfxImageEffectPropContext);
  const bool temporal = host_.descriptor(contextName).properties().getInt(kOfxImageEffectPropTemporalClipAccess) != 0;
  if (!temporal || !host_.personality().callsFramesNeeded) return start;
  PropertySet in("GetFramesNeeded.inArgs");
  in.define(timeOf(moment));
  ActionScope scope;
  prepareScope(scope, kOfxImageEffectActionGetFramesNeeded, moment);
  runOrThrow(scope, &in, &out);
  std::vector<std::string> faults;
  DeclaredFrames ranges = readRanges(out, effect_, faults);
  for (const std::string& fault : faults) complain("BadFrameRange", scope.action, fault);
  return ranges;
}

std::map<std::string, OfxRectD> LiveEffect::regionsOfInterest(const Moment& moment, const OfxRectD& region) {
  PropertySet in("GetRegionsOfInterest.inArgs");
  in.define({timeOf(moment), scaleOf(moment.scale)});
  in.define(doubles(kOfxImageEffectPropRegionOfInterest, {region.x1, region.y1, region.x2, region.y2}, Writer::Host));
  PropertySet out("GetRegionsOfInterest.outArgs");
  for (const auto& clip : effect_.clips()) {
    if (clip->isOutput()) continue;
    out.define(
        doubles("OfxImageClipPropRoI_" + clip->name(), {region.x1, region.y1, region.x2, region.y2}, Writer::Plugin));
  }
  ActionScope scope;
  prepareScope(scope, kOfxImageEffectActionGetRegionsOfInterest, moment);
  runOrThrow(scope, &in, &out);
  std::map<std::string, OfxRectD> all;
  for (const auto& clip : effect_.clips()) {
    if (clip->isOutput()) continue;
    all[clip->name()] = rectangle(out, "OfxImageClipPropRoI_" + clip->name());
    if (!isSane(all[clip->name()])) complain("BadRegion", scope.action, clip->name() + " " + shown(all[clip->name()]));
  }
  return all;
}

std::optional<Identity> LiveEffect::identity(const Moment& moment, const OfxRectI& window) {
  PropertySet in("IsIdentity.inArgs");
  in.define({timeOf(moment), scaleOf(moment.scale), windowOf(window),
             text(kOfxImageEffectPropFieldToRender, host_.personality().fieldToRender)});
  if (host_.personality().thumbnails) in.define(text("OfxImageEffectPropThumbnailRender", "true"));
  PropertySet out("IsIdentity.outArgs");
  out.define({kOfxPropName, PropertyType::String, 1, Writer::Plugin, {std::string()}});
  out.define(doubles(kOfxPropTime, {moment.time}, Writer::Plugin));
  ActionScope scope;
  prepareScope(scope, kOfxImageEffectActionIsIdentity, moment);
  if (runOrThrow(scope, &in, &out) == kOfxStatReplyDefault) return std::nullopt;
  const Identity found{out.getString(kOfxPropName), out.getDouble(kOfxPropTime)};
  if (effect_.clip(found.clip) == nullptr) {
    complain("BadIdentity", scope.action, "there is no clip \"" + found.clip + "\"");
    return std::nullopt;
  }
  return found;
}

// ---- rendering

namespace {

std::vector<PropertySpec> renderFlags(const Personality& traits, bool interactive, const OfxPointD& scale) {
  return {scaleOf(scale),
          integer(kOfxImageEffectPropSequentialRenderStatus, traits.sequentialRenderStatus),
          integer(kOfxImageEffectPropInteractiveRenderStatus, interactive ? 1 : 0),
          text("OfxImageEffectPropNoSpatialAwareness", "false"),
          integer(kOfxImageEffectPropOpenGLEnabled, 0),
          integer(kOfxImageEffectPropCudaEnabled, 0),
          integer(kOfxImageEffectPropMetalEnabled, 0),
          integer(kOfxImageEffectPropOpenCLEnabled, 0)};
}

}  // namespace

void LiveEffect::sequence(const std::string& action, const SequenceArgs& args) {
  PropertySet in("SequenceRender.inArgs");
  in.define(renderFlags(host_.personality(), args.interactive, args.scale));
  in.define(doubles(kOfxImageEffectPropFrameRange, {args.first, args.last}, Writer::Host));
  in.define(doubles(kOfxImageEffectPropFrameStep, {args.step}, Writer::Host));
  in.define(integer(kOfxPropIsInteractive, args.interactive ? 1 : 0));
  ActionScope scope;
  Moment moment;
  moment.time = args.first;
  moment.now = args.first;
  moment.scale = args.scale;
  prepareScope(scope, action, moment);
  runOrThrow(scope, &in, nullptr);
}

OfxStatus LiveEffect::render(const RenderArgs& args) {
  PropertySet in("Render.inArgs");
  in.define(renderFlags(host_.personality(), args.interactive, args.moment.scale));
  in.define({timeOf(args.moment), windowOf(args.window),
             text(kOfxImageEffectPropFieldToRender, host_.personality().fieldToRender),
             integer(kDraft, args.draft ? 1 : 0)});
  ActionScope scope;
  prepareScope(scope, kOfxImageEffectActionRender, args.moment);
  scope.abort = args.abort;
  scope.declared = args.declared;
  scope.output = args.output;
  return run(scope, &in, nullptr);
}

// ---- changes

std::set<std::string> LiveEffect::changed(const std::vector<std::string>& names, const std::string& kind,
                                          const std::string& reason, const Moment& moment) {
  std::set<std::string> written;
  const auto send = [&](const char* action, PropertySet& in) {
    ActionScope scope;
    prepareScope(scope, action, moment);
    scope.userEdited = reason == kOfxChangeUserEdited;
    runOrThrow(scope, &in, nullptr);
    written.insert(scope.written.begin(), scope.written.end());
  };
  PropertySet bracket("InstanceChanged.inArgs");
  bracket.define(text(kOfxPropChangeReason, reason));
  send(kOfxActionBeginInstanceChanged, bracket);
  for (const std::string& name : names) {
    PropertySet in("InstanceChanged.inArgs");
    in.define({text(kOfxPropType, kind), text(kOfxPropName, name), text(kOfxPropChangeReason, reason), timeOf(moment),
               scaleOf(moment.scale)});
    send(kOfxActionInstanceChanged, in);
  }
  send(kOfxActionEndInstanceChanged, bracket);
  return written;
}

void LiveEffect::simple(const std::string& action) {
  ActionScope scope;
  prepareScope(scope, action);
  runOrThrow(scope, nullptr, nullptr);
}

}  // namespace sparkvsr::host
