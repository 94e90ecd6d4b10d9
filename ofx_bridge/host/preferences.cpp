// SPDX-License-Identifier: Apache-2.0
#include "host/preferences.hpp"

#include <algorithm>

namespace sparkvsr::host {
namespace {

constexpr const char* kFormat = "OfxImageClipPropFormat";

std::string named(const char* prefix, const std::string& clip) { return std::string(prefix) + clip; }

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

/// Depths that both sides take, in the personality's order.
std::vector<std::string> commonDepths(const Host& host, const Effect& effect) {
  const std::vector<std::string> offered = host.descriptor(effect.properties().getString(kOfxImageEffectPropContext))
                                               .properties()
                                               .getStrings(kOfxImageEffectPropSupportedPixelDepths);
  std::vector<std::string> common;
  for (const std::string& depth : host.personality().depths) {
    if (contains(offered, depth)) common.push_back(depth);
  }
  if (common.empty()) throw HostError("NoCommonDepth", "the plugin takes none of this host's depths");
  return common;
}

/// The clip's own depth if both take it, else the next finer one, else the finest.
std::string nearestDepth(const std::vector<std::string>& common, Depth own) {
  std::string best;
  for (const std::string& name : common) {
    const Depth depth = depthFromOfx(name);
    if (depth == own) return name;
    const bool enough = depth > own;
    const bool bestEnough = !best.empty() && depthFromOfx(best) > own;
    const bool better = best.empty() || (enough && (!bestEnough || depth < depthFromOfx(best))) ||
                        (!enough && !bestEnough && depth > depthFromOfx(best));
    if (better) best = name;
  }
  return best;
}

std::string chooseDepth(const Host& host, const Effect& effect, const Clip& clip) {
  const std::vector<std::string> common = commonDepths(host, effect);
  if (host.personality().depthPolicy == DepthPolicy::Preferred || clip.input() == nullptr) return common.front();
  return nearestDepth(common, clip.input()->depth);
}

/// The clip's own components if host and clip take them, else what both take.
std::string chooseComponents(const Host& host, const Clip& clip, int own) {
  const std::vector<std::string> supported = clip.properties().getStrings(kOfxImageEffectPropSupportedComponents);
  const std::string wanted = componentsToOfx(own);
  const std::vector<std::string>& offered = host.personality().components;
  if (contains(supported, wanted) && contains(offered, wanted)) return wanted;
  for (const std::string& name : offered) {
    if (contains(supported, name)) return name;
  }
  throw HostError("NoCommonComponents", "clip " + clip.name() + " takes none of this host's components");
}

std::string premultiplicationOf(const Host& host, const Clip* clip, const std::string& components) {
  if (components == kOfxImageComponentRGB) return kOfxImageOpaque;
  const bool said = clip != nullptr && clip->input() != nullptr && !clip->input()->premultiplication.empty();
  return said ? clip->input()->premultiplication : host.personality().premultiplication;
}

const Clip& leadingClip(const Effect& effect) {
  const Clip* source = effect.clip(kOfxImageEffectSimpleSourceClipName);
  return source != nullptr ? *source : *effect.clips().front();
}

ClipPreferences defaults(const Host& host, const Effect& effect) {
  ClipPreferences made;
  const Clip& source = leadingClip(effect);
  const int own = source.input() != nullptr ? source.input()->components : 4;
  const std::string depth = chooseDepth(host, effect, source);
  for (const auto& clip : effect.clips()) {
    const bool alone = host.personality().multipleClipDepths && !clip->isOutput();
    const int components = clip->input() != nullptr ? clip->input()->components : own;
    ClipChoice choice;
    choice.depth = alone ? chooseDepth(host, effect, *clip) : depth;
    choice.components = chooseComponents(host, *clip, components);
    choice.pixelAspect = source.input() != nullptr ? source.input()->pixelAspect : 1;
    made.clips[clip->name()] = choice;
  }
  made.premultiplication = premultiplicationOf(host, &source, made.clips.at(kOfxImageEffectOutputClipName).components);
  made.frameRate = source.input() != nullptr ? source.input()->frameRate : 24;
  return made;
}

void define(PropertySet& out, const ClipPreferences& start, const Personality& traits) {
  const auto one = [&](const std::string& name, PropertyType type, Scalar value) {
    out.define({name, type, 1, Writer::Plugin, {std::move(value)}});
  };
  for (const auto& [name, choice] : start.clips) {
    one(named("OfxImageClipPropComponents_", name), PropertyType::String, choice.components);
    one(named("OfxImageClipPropDepth_", name), PropertyType::String, choice.depth);
    one(named("OfxImageClipPropPAR_", name), PropertyType::Double, choice.pixelAspect);
    out.define({named("OfxImageClipPropPreferredColourspaces_", name), PropertyType::String, 0, Writer::Plugin, {}});
  }
  one(kOfxImageEffectPropFrameRate, PropertyType::Double, start.frameRate);
  one(kOfxImageClipPropFieldOrder, PropertyType::String, std::string(kOfxImageFieldNone));
  one(kOfxImageEffectPropPreMultiplication, PropertyType::String, start.premultiplication);
  one(kOfxImageClipPropContinuousSamples, PropertyType::Int, 0);
  one(kOfxImageEffectFrameVarying, PropertyType::Int, 0);
  if (traits.honoursFormat) out.define({kFormat, PropertyType::Int, 4, Writer::Plugin, {0, 0, 0, 0}});
}

ClipPreferences read(const PropertySet& out, const ClipPreferences& start) {
  ClipPreferences made = start;
  for (auto& [name, choice] : made.clips) {
    choice.components = out.getString(named("OfxImageClipPropComponents_", name));
    choice.depth = out.getString(named("OfxImageClipPropDepth_", name));
    choice.pixelAspect = out.getDouble(named("OfxImageClipPropPAR_", name));
  }
  made.premultiplication = out.getString(kOfxImageEffectPropPreMultiplication);
  made.frameRate = out.getDouble(kOfxImageEffectPropFrameRate);
  made.frameVarying = out.getInt(kOfxImageEffectFrameVarying) != 0;
  made.continuousSamples = out.getInt(kOfxImageClipPropContinuousSamples) != 0;
  if (out.has(kFormat) && out.touched(kFormat)) {
    made.format = {out.getInt(kFormat, 0), out.getInt(kFormat, 1), out.getInt(kFormat, 2), out.getInt(kFormat, 3)};
  }
  return made;
}

/// What a plugin may not ask for.
void check(const Host& host, const Effect& effect, const ClipPreferences& start, const ClipPreferences& made) {
  const auto complain = [&](const std::string& text) {
    const_cast<Host&>(host).context().violations.add(
        {"BadClipPreferences", kOfxImageEffectActionGetClipPreferences, text});
  };
  const std::vector<std::string> depths = commonDepths(host, effect);
  for (const auto& [name, choice] : made.clips) {
    const Clip& clip = *effect.clip(name);
    const bool known =
        contains(clip.properties().getStrings(kOfxImageEffectPropSupportedComponents), choice.components);
    if (!known) complain(name + ": components " + choice.components + " are not among those it supports");
    if (!contains(depths, choice.depth)) complain(name + ": depth " + choice.depth + " is not supported by both sides");
    const bool changed = choice.depth != start.clips.at(name).depth;
    if (changed && !host.personality().multipleClipDepths) complain(name + ": this host has one depth for all clips");
  }
  static const std::vector<std::string> known = {kOfxImageOpaque, kOfxImagePreMultiplied, kOfxImageUnPreMultiplied};
  if (!contains(known, made.premultiplication)) complain("premultiplication " + made.premultiplication);
}

void apply(Host& host, Effect& effect, const ClipPreferences& made) {
  for (const auto& clip : effect.clips()) {
    const ClipChoice& choice = made.clips.at(clip->name());
    PropertySet& properties = clip->properties();
    properties.set(kOfxImageEffectPropPixelDepth, choice.depth);
    properties.set(kOfxImageEffectPropComponents, choice.components);
    const std::string alpha =
        clip->isOutput() ? made.premultiplication : premultiplicationOf(host, clip.get(), choice.components);
    properties.set(kOfxImageEffectPropPreMultiplication, alpha);
    if (clip->isOutput()) properties.set(kOfxImageEffectPropFrameRate, made.frameRate);
  }
}

}  // namespace

ClipPreferences askClipPreferences(Host& host, Effect& effect) {
  const ClipPreferences start = defaults(host, effect);
  PropertySet out("GetClipPreferences.outArgs");
  define(out, start, host.personality());
  ActionScope scope;
  scope.host = &host.context();
  scope.effect = &effect;
  scope.action = kOfxImageEffectActionGetClipPreferences;
  const std::size_t said = effect.record().messageCount();
  const OfxStatus status = host.call(scope, effect.handle(), nullptr, &out);
  if (!worked(status)) throw ActionFailed("ActionFailed", scope.action, status, effect.record().textsSince(said));
  const ClipPreferences made = status == kOfxStatOK ? read(out, start) : start;
  check(host, effect, start, made);
  apply(host, effect, made);
  return made;
}

namespace {

void describeInput(const ClipInput& input, double offset, PropertySet& properties) {
  properties.set(kOfxImageClipPropConnected, 1);
  properties.set(kOfxImageClipPropUnmappedPixelDepth, std::string(depthToOfx(input.depth)));
  properties.set(kOfxImageClipPropUnmappedComponents, std::string(componentsToOfx(input.components)));
  properties.set(kOfxImagePropPixelAspectRatio, input.pixelAspect);
  properties.set(kOfxImageEffectPropFrameRate, input.frameRate);
  properties.set(kOfxImageEffectPropUnmappedFrameRate, input.frameRate);
  properties.set(kOfxImageEffectPropFrameRange, {input.first - offset, input.last - offset});
  properties.set(kOfxImageEffectPropUnmappedFrameRange, {input.first - offset, input.last - offset});
}

/// A clip without an input still has properties, stale or made up; only Connected counts.
void describeMissing(const Personality& traits, const Clip& source, double offset, PropertySet& properties,
                     bool optional) {
  if (source.input() != nullptr) describeInput(*source.input(), offset, properties);
  properties.set(kOfxImageClipPropConnected, traits.claimsConnected && optional ? 1 : 0);
}

}  // namespace

void describeInputs(Host& host, Effect& effect) {
  const Clip& source = leadingClip(effect);
  const double offset = effect.timeOffset();
  for (const auto& clip : effect.clips()) {
    if (clip->input() != nullptr) {
      describeInput(*clip->input(), offset, clip->properties());
    } else {
      describeMissing(host.personality(), source, offset, clip->properties(), clip->isOptional());
    }
  }
  if (Clip* output = effect.clip(kOfxImageEffectOutputClipName); output != nullptr) {
    output->properties().set(kOfxImageClipPropConnected, 1);
  }
}

}  // namespace sparkvsr::host
