// SPDX-License-Identifier: Apache-2.0
// Clips, parameters and questions; rendering is in instance_render.cpp.
#include "host/instance.hpp"

#include <algorithm>
#include <cmath>

namespace sparkvsr::host {

Instance::Instance(Host& host, std::string contextName, const Project* project)
    : host_(host), context_(std::move(contextName)), record_(std::make_shared<Record>()) {
  if (project != nullptr && project->identifier != host.plugin().pluginIdentifier) {
    throw HostError("BadProject", "expected a project of " + std::string(host.plugin().pluginIdentifier) +
                                      ", found one of " + project->identifier);
  }
  const auto prepare = [&](Effect& effect) { fillEffect(effect, nullptr, project); };
  main_ = std::make_unique<LiveEffect>(host_, host_.descriptor(context_), context_, record_, prepare);
  if (host_.personality().rollCall) rollCall();
}

Instance::~Instance() { destroyQuietly(); }

void Instance::destroy() {
  if (main_ == nullptr) return;
  main_.reset();
  host_.raiseViolations();
}

void Instance::destroyQuietly() noexcept {
  try {
    if (host_.loaded()) main_.reset();
  } catch (const std::exception& error) {
    host_.context().violations.add({"HostBug", kOfxActionDestroyInstance, error.what()});
  }
}

LiveEffect& Instance::live() {
  if (main_ == nullptr || !host_.loaded()) throw HostError("Destroyed", "this instance was destroyed");
  return *main_;
}

/// Parameters and clips of a new effect: from another one, from a project, or the defaults.
void Instance::fillEffect(Effect& effect, const Effect* from, const Project* project) {
  if (from != nullptr) effect.params().copyStateFrom(from->params());
  if (project != nullptr) {
    for (const auto& [name, saved] : project->params) {
      Param* param = effect.params().named(name);
      if (param != nullptr) param->restore(saved);  // a parameter that is gone is ignored, as hosts do
    }
  }
  for (const auto& [name, input] : inputs_) effect.clip(name)->setInput(input);
  updateProject(effect);
  describeInputs(host_, effect);
}

std::unique_ptr<LiveEffect> Instance::copy() {
  const auto prepare = [&](Effect& effect) { fillEffect(effect, &live().effect(), nullptr); };
  return std::make_unique<LiveEffect>(host_, host_.descriptor(context_), context_, record_, prepare);
}

void Instance::rollCall() {
  std::vector<std::string> names;
  for (const auto& param : live().effect().params().all()) names.push_back(param->name());
  for (int i = 0; i < 2; ++i) live().changed(names, kOfxTypeParameter, kOfxChangeUserEdited, momentNow(std::nullopt));
}

Moment Instance::momentNow(std::optional<double> time) const {
  Moment moment;
  moment.time = time.value_or(now);
  moment.now = now;
  return moment;
}

// ---- clips

void Instance::connect(const std::string& name, std::shared_ptr<ClipInput> input) {
  Clip* clip = live().effect().clip(name);
  if (clip == nullptr || clip->isOutput()) throw HostError("UnknownClip", "there is no input clip " + name);
  clip->setInput(input);
  inputs_[name] = std::move(input);
  updateProject(live().effect());
  describeInputs(host_, live().effect());
  live().clipsChanged();
  announce(name, kOfxTypeClip, std::nullopt);
}

void Instance::setProject(const OfxRectD& rectangle) {
  project_ = rectangle;
  updateProject(live().effect());
  live().clipsChanged();
}

/// Unless set, the project is as large as the first picture of Source.
void Instance::updateProject(Effect& effect) {
  const auto found = inputs_.find(kOfxImageEffectSimpleSourceClipName);
  const ClipInput* source = found != inputs_.end() ? found->second.get() : nullptr;
  const double aspect = source != nullptr ? source->pixelAspect : 1;
  if (!project_ && source != nullptr) {
    const std::optional<Picture> first = source->picture(source->first);
    if (!first) return;
    const double x = source->origin.x;
    const double y = source->origin.y;
    effect.setProject({x * aspect, y, (x + first->width) * aspect, y + first->height}, aspect);
  }
  if (project_) effect.setProject(*project_, aspect);
  if (source != nullptr) {
    effect.properties().set(kOfxImageEffectInstancePropEffectDuration, source->last - source->first + 1);
    effect.properties().set(kOfxImageEffectPropFrameRate, source->frameRate);
  }
}

double Instance::hostTime(double frame) { return frame - live().effect().timeOffset(); }

// ---- parameters

namespace {

[[noreturn]] void refuse(const Param& param, const std::string& why) {
  throw HostError("BadValue", "parameter " + param.name() + ": " + why);
}

/// A value that no widget of a host could hold is refused.
void checkValue(const Param& param, const ParamValue& value) {
  const auto* numbers = std::get_if<std::vector<double>>(&value);
  if (numbers == nullptr || param.isString()) return;
  const auto properties = param.properties().snapshot();
  const auto limit = [&](const char* name, std::size_t i) {
    const Scalar& scalar = properties.at(name).at(i);
    return std::holds_alternative<int>(scalar) ? std::get<int>(scalar) : std::get<double>(scalar);
  };
  for (std::size_t i = 0; i < numbers->size() && param.hasLimits(); ++i) {
    const bool inside = i >= static_cast<std::size_t>(param.dimension()) ||
                        ((*numbers)[i] >= limit(kOfxParamPropMin, i) && (*numbers)[i] <= limit(kOfxParamPropMax, i));
    if (!inside)
      refuse(param, "expected " + std::to_string(limit(kOfxParamPropMin, i)) + " to " +
                        std::to_string(limit(kOfxParamPropMax, i)) + ", found " + std::to_string((*numbers)[i]));
  }
  if (param.type() != kOfxParamTypeChoice || numbers->empty()) return;
  const std::size_t options = properties.at(kOfxParamPropChoiceOption).size();
  const bool known = (*numbers)[0] >= 0 && (*numbers)[0] < static_cast<double>(options);
  if (!known)
    refuse(param, "there are " + std::to_string(options) + " options, found number " + std::to_string((*numbers)[0]));
}

}  // namespace

const Param& Instance::param(const std::string& name) {
  const Param* found = live().effect().params().named(name);
  if (found == nullptr) throw HostError("UnknownParam", "there is no parameter " + name);
  return *found;
}

Param& Instance::edited(const std::string& name) {
  auto& found = const_cast<Param&>(param(name));
  const Personality& traits = host_.personality();
  const bool secret = found.properties().getInt(kOfxParamPropSecret) != 0;
  if (traits.skippedParamTypes.count(found.type()) != 0 || (traits.skipsSecret && secret)) {
    throw HostError("UnreachableParam", name + " (" + found.type() + ") cannot be reached in " + traits.name);
  }
  return found;
}

/// The timeline goes where the plugin told it to; `gone`: how often it had before.
void Instance::followTimeline(std::size_t gone) {
  const std::lock_guard lock(record_->mutex);
  if (record_->gotoTimes.size() > gone) now = record_->gotoTimes.back();
}

/// InstanceChanged for an artist's edit; what the plugin then writes is announced as plugin-edited, once.
void Instance::announce(const std::string& name, const std::string& kind, std::optional<double> time) {
  if (!host_.personality().sendsInstanceChanged) return;
  const std::size_t gone = record_->gotoCount();
  settled([&] {
    const std::set<std::string> written = live().changed({name}, kind, kOfxChangeUserEdited, momentNow(time));
    if (!written.empty()) {
      live().changed({written.begin(), written.end()}, kOfxTypeParameter, kOfxChangePluginEdited, momentNow(time));
    }
    return true;
  });
  followTimeline(gone);
}

namespace {

bool steersPreferences(const Host& host, const std::string& contextName, const std::string& name) {
  const std::vector<std::string> steering =
      host.descriptor(contextName).properties().getStrings(kOfxImageEffectPropClipPreferencesSlaveParam);
  return std::find(steering.begin(), steering.end(), name) != steering.end();
}

}  // namespace

void Instance::set(const std::string& name, const ParamValue& value) {
  Param& param = edited(name);
  checkValue(param, value);
  param.setValue(now, value);
  if (steersPreferences(host_, context_, name)) live().clipsChanged();
  announce(name, kOfxTypeParameter, std::nullopt);
}

void Instance::setKey(const std::string& name, double time, const ParamValue& value) {
  Param& param = edited(name);
  if (!param.animates()) throw HostError("ParamDoesNotAnimate", name);
  checkValue(param, value);
  param.setKey(time, value);
  announce(name, kOfxTypeParameter, time);
}

void Instance::deleteKey(const std::string& name, double time) {
  if (!edited(name).deleteKey(time)) throw HostError("NoSuchKey", name + " has no key at " + std::to_string(time));
  announce(name, kOfxTypeParameter, time);
}

void Instance::deleteAllKeys(const std::string& name) {
  edited(name).deleteAllKeys();
  announce(name, kOfxTypeParameter, std::nullopt);
}

void Instance::press(const std::string& name, std::optional<double> time) {
  const Param& param = edited(name);
  if (param.type() != kOfxParamTypePushButton) throw HostError("NotAButton", name + " is " + param.type());
  (void)live().preferences();  // a panel that can be pressed has been drawn, and its clips are known
  announce(name, kOfxTypeParameter, time);
}

ParamValue Instance::get(const std::string& name, std::optional<double> time) {
  const Param& found = param(name);
  if (found.dimension() == 0) throw HostError("ParamHasNoValue", name + " is " + found.type());
  return found.valueAt(time.value_or(now));
}

std::vector<Key> Instance::keys(const std::string& name) { return param(name).keys(); }

void Instance::setInterpolation(const std::string& name, Interpolation interpolation) {
  edited(name).setInterpolation(interpolation);
}

Project Instance::save() {
  if (live().effect().params().properties().getInt(kOfxPropParamSetNeedsSyncing) != 0)
    simple(kOfxActionSyncPrivateData);
  const OfxPlugin& plugin = host_.plugin();
  Project project{plugin.pluginIdentifier,
                  static_cast<int>(plugin.pluginVersionMajor),
                  static_cast<int>(plugin.pluginVersionMinor),
                  context_,
                  {}};
  const Personality& traits = host_.personality();
  for (const auto& param : live().effect().params().all()) {
    if (param->dimension() == 0 || param->properties().getInt(kOfxParamPropPersistant) == 0) continue;
    const bool secret = traits.skipsSecret && param->properties().getInt(kOfxParamPropSecret) != 0;
    if (secret || traits.skippedParamTypes.count(param->type()) != 0) continue;
    project.params[param->name()] = param->save();
  }
  return project;
}

// ---- questions

ClipPreferences Instance::clipPreferences() {
  return settled([&] {
    live().clipsChanged();
    return live().preferences();
  });
}

OfxRectD Instance::regionOfDefinition(double time, OfxPointD scale) {
  return settled([&] {
    (void)live().preferences();
    Moment moment = momentNow(time);
    moment.scale = scale;
    return live().regionOfDefinition(moment);
  });
}

DeclaredFrames Instance::framesNeeded(double time) {
  return settled([&] {
    (void)live().preferences();
    return live().framesNeeded(momentNow(time));
  });
}

std::map<std::string, OfxRectD> Instance::regionsOfInterest(double time, const OfxRectD& region) {
  return settled([&] {
    (void)live().preferences();
    return live().regionsOfInterest(momentNow(time), region);
  });
}

std::optional<Identity> Instance::identity(double time) {
  return settled([&] {
    (void)live().preferences();
    const Moment moment = momentNow(time);
    return live().identity(moment, outputBounds(live(), moment));
  });
}

void Instance::simple(const std::string& action) {
  settled([&] {
    live().simple(action);
    return true;
  });
}

}  // namespace sparkvsr::host
