// SPDX-License-Identifier: Apache-2.0
#include "describe.hpp"

#include <ofxGPURender.h>

#include "layout.hpp"

namespace sparkvsr::plugin {
namespace {

using identity::Kind;
using identity::Param;
using identity::Parameter;

void describeName(const Props& props) {
  props.set(kOfxPropLabel, identity::kLabel);
  props.set(kOfxPropShortLabel, identity::kLabel);
  props.set(kOfxPropLongLabel, identity::kLabel);
  props.set(kOfxImageEffectPluginPropGrouping, identity::kGrouping);
  props.set(kOfxPropPluginDescription, identity::kDescription);
  props.set(kOfxPropVersionLabel, identity::kVersionLabel);
  props.set(kOfxPropVersion, static_cast<int>(identity::kVersionMajor), 0);
  props.set(kOfxPropVersion, static_cast<int>(identity::kVersionMinor), 1);
}

void describeDepths(const Props& props, unsigned depths) {
  struct Offer {
    DepthBit bit;
    const char* name;
  };
  constexpr Offer kOffers[] = {{kByteBit, kOfxBitDepthByte},
                               {kShortBit, kOfxBitDepthShort},
                               {kHalfBit, kOfxBitDepthHalf},
                               {kFloatBit, kOfxBitDepthFloat}};
  int index = 0;
  for (const Offer& offer : kOffers) {
    if ((depths & offer.bit) != 0) props.set(kOfxImageEffectPropSupportedPixelDepths, offer.name, index++);
  }
}

void describePictures(const Props& props, const HostTraits& traits) {
  props.set(kOfxImageEffectPropSupportedContexts, kOfxImageEffectContextFilter, 0);
  props.set(kOfxImageEffectPropSupportedContexts, kOfxImageEffectContextGeneral, 1);
  describeDepths(props, traits.depths);
  props.set(kOfxImageEffectPropSupportsMultiResolution, 1);
  props.set(kOfxImageEffectPropSupportsTiles, 0);
  props.set(kOfxImageEffectPropTemporalClipAccess, 1);
  props.set(kOfxImageEffectPropSupportsMultipleClipDepths, 0);
  props.set(kOfxImageEffectPropSupportsMultipleClipPARs, 0);
  props.set(kOfxImageEffectPropNoSpatialAwareness, "false");
  // The output format that Natron asks for depends on these.
  props.set(kOfxImageEffectPropClipPreferencesSlaveParam, identity::face(identity::Param::Scale).name, 0);
  props.set(kOfxImageEffectPropClipPreferencesSlaveParam, identity::face(identity::Param::OutputMode).name, 1);
}

void describeRendering(const Props& props, const HostTraits& traits) {
  props.set(kOfxImageEffectPluginPropSingleInstance, 0);
  props.set(kOfxImageEffectPluginPropHostFrameThreading, 0);
  props.set(kOfxImageEffectPluginRenderThreadSafety,
            traits.rendersOneByOne ? kOfxImageEffectRenderUnsafe : kOfxImageEffectRenderInstanceSafe);
  props.set(kOfxImageEffectInstancePropSequentialRender, 2);
  props.set(kOfxImageEffectPluginPropFieldRenderTwiceAlways, 0);
  props.set(kOfxImageEffectPropCPURenderSupported, "true");
  props.set(kOfxImageEffectPropOpenGLRenderSupported, "false");
  props.set(kOfxImageEffectPropCudaRenderSupported, "false");
  props.set(kOfxImageEffectPropMetalRenderSupported, "false");
  props.set(kOfxImageEffectPropOpenCLRenderSupported, "false");
}

OfxStatus defineClip(const Suites& suites, OfxImageEffectHandle effect, const char* name, bool optional) {
  OfxPropertySetHandle handle = nullptr;
  const OfxStatus status = suites.effect->clipDefine(effect, name, &handle);
  if (status != kOfxStatOK) return status;
  const Props props(suites.property, handle);
  props.set(kOfxPropLabel, name);
  props.set(kOfxImageEffectPropSupportedComponents, kOfxImageComponentRGBA, 0);
  props.set(kOfxImageEffectPropSupportedComponents, kOfxImageComponentRGB, 1);
  props.set(kOfxImageEffectPropTemporalClipAccess, 1);
  props.set(kOfxImageEffectPropSupportsTiles, 0);
  props.set(kOfxImageClipPropOptional, optional ? 1 : 0);
  props.set(kOfxImageClipPropIsMask, 0);
  return kOfxStatOK;
}

const char* typeOf(Kind kind) {
  switch (kind) {
    case Kind::Choice:
      return kOfxParamTypeChoice;
    case Kind::Integer:
      return kOfxParamTypeInteger;
    case Kind::Double:
      return kOfxParamTypeDouble;
    case Kind::Button:
      return kOfxParamTypePushButton;
    case Kind::Text:
    case Kind::FilePath:
    case Kind::Label:
      return kOfxParamTypeString;
  }
  return kOfxParamTypeString;
}

/// Both pairs of limits always: some hosts make a slider of -1..1 or 0..0 without them.
template <typename Number>
void describeNumber(const Props& props, const Parameter& face) {
  props.set(kOfxParamPropDefault, static_cast<Number>(face.initial));
  props.set(kOfxParamPropMin, static_cast<Number>(face.minimum));
  props.set(kOfxParamPropMax, static_cast<Number>(face.maximum));
  props.set(kOfxParamPropDisplayMin, static_cast<Number>(face.displayMinimum));
  props.set(kOfxParamPropDisplayMax, static_cast<Number>(face.displayMaximum));
}

void describeText(const Props& props, Kind kind) {
  const char* mode = kind == Kind::FilePath ? kOfxParamStringIsFilePath
                     : kind == Kind::Label  ? kOfxParamStringIsLabel
                                            : kOfxParamStringIsSingleLine;
  props.set(kOfxParamPropStringMode, mode);
  props.set(kOfxParamPropDefault, "");
  // A file to be read. With 0 Natron takes the pattern for that of a writer and hands it out with the frame already in
  // it.
  if (kind == Kind::FilePath) props.set(kOfxParamPropStringFilePathExists, 1);
  if (kind != Kind::Label) return;
  props.set(kOfxParamPropPersistant, 0);
  props.set(kOfxParamPropEvaluateOnChange, 0);
  props.set(kOfxParamPropCanUndo, 0);
}

void describeValue(const Props& props, const Parameter& face) {
  switch (face.kind) {
    case Kind::Integer:
      return describeNumber<int>(props, face);
    case Kind::Double:
      describeNumber<double>(props, face);
      props.set(kOfxParamPropIncrement, 0.01);
      props.set(kOfxParamPropDigits, 2);
      return props.set(kOfxParamPropDoubleType, kOfxParamDoubleTypePlain);
    case Kind::Choice:
      for (int n = 0; face.options[n] != nullptr; ++n) props.set(kOfxParamPropChoiceOption, face.options[n], n);
      return props.set(kOfxParamPropDefault, static_cast<int>(face.initial));
    case Kind::Text:
    case Kind::FilePath:
    case Kind::Label:
      return describeText(props, face.kind);
    case Kind::Button:
      return;
  }
}

/// Hidden for ever where a host cannot reveal what is secret at first: that is meant.
void describeSecret(const Props& props) {
  props.set(kOfxParamPropSecret, 1);
  props.set(kOfxParamPropCanUndo, 0);
  props.set(kOfxParamPropPluginMayWrite, 1);
}

/// Values at one frame that other frames depend on: a host that keeps frames by the values at their own time would show
/// old ones.
bool reachesOtherFrames(Param param) { return param == Param::Keyframe || param == Param::KeyframeStrength; }

/// What no picture depends on need not render anew.
bool changesNoPicture(Param param) {
  return param == Param::SuggestCount || param == Param::VramBudget || param == Param::RamBudget;
}

OfxStatus defineParameter(const Suites& suites, OfxParamSetHandle params, Param param, const char* parent) {
  const Parameter& face = identity::face(param);
  OfxPropertySetHandle handle = nullptr;
  const OfxStatus status = suites.parameter->paramDefine(params, typeOf(face.kind), face.name, &handle);
  if (status != kOfxStatOK) return status;
  const Props props(suites.property, handle);
  props.set(kOfxPropLabel, face.label);
  props.set(kOfxParamPropHint, face.hint);
  props.set(kOfxParamPropScriptName, face.name);
  if (parent != nullptr) props.set(kOfxParamPropParent, parent);
  if (face.kind != Kind::Button) props.set(kOfxParamPropAnimates, face.animates ? 1 : 0);
  describeValue(props, face);
  if (reachesOtherFrames(param)) props.set(kOfxParamPropCacheInvalidation, kOfxParamInvalidateAll);
  if (changesNoPicture(param)) props.set(kOfxParamPropEvaluateOnChange, 0);
  if (param == Param::Generation) describeSecret(props);
  return kOfxStatOK;
}

/// The name for its members to call it by; null where the host has no groups: then they lie side by side.
const char* defineGroup(const Suites& suites, OfxParamSetHandle params, const identity::Group& group) {
  OfxPropertySetHandle handle = nullptr;
  if (suites.parameter->paramDefine(params, kOfxParamTypeGroup, group.name, &handle) != kOfxStatOK) return nullptr;
  const Props props(suites.property, handle);
  props.set(kOfxPropLabel, group.label);
  props.set(kOfxParamPropHint, group.hint);
  props.set(kOfxParamPropGroupOpen, group.open ? 1 : 0);
  return group.name;
}

/// Hosts without pages go by the order of definition, which is the same.
void definePage(const Suites& suites, OfxParamSetHandle params, std::size_t number) {
  const identity::Page& page = identity::kPages[number];
  OfxPropertySetHandle handle = nullptr;
  if (suites.parameter->paramDefine(params, kOfxParamTypePage, page.name, &handle) != kOfxStatOK) return;
  const Props props(suites.property, handle);
  props.set(kOfxPropLabel, page.label);
  props.set(kOfxParamPropHint, page.hint);
  int child = 0;
  for (const identity::Group& group : identity::kGroups) {
    if (group.page != number) continue;
    for (std::size_t n = 0; n < group.size; ++n)
      props.set(kOfxParamPropPageChild, identity::face(group.members[n]).name, child++);
  }
  OfxPropertySetHandle set = nullptr;
  if (suites.parameter->paramSetGetPropertySet(params, &set) != kOfxStatOK) return;
  Props(suites.property, set).set(kOfxPluginPropParamPageOrder, page.name, static_cast<int>(number));
}

OfxStatus definePanel(const Suites& suites, OfxParamSetHandle params) {
  for (const identity::Group& group : identity::kGroups) {
    const char* parent = defineGroup(suites, params, group);
    for (std::size_t n = 0; n < group.size; ++n) {
      const OfxStatus status = defineParameter(suites, params, group.members[n], parent);
      if (status != kOfxStatOK) return status;
    }
  }
  for (std::size_t number = 0; number < std::size(identity::kPages); ++number) definePage(suites, params, number);
  return kOfxStatOK;
}

}  // namespace

OfxStatus describe(const HostContext& host, OfxImageEffectHandle effect) {
  const Props props = propsOf(host.suites, effect);
  if (!props) return kOfxStatErrBadHandle;
  describeName(props);
  describePictures(props, *host.traits);
  describeRendering(props, *host.traits);
  return kOfxStatOK;
}

OfxStatus describeInContext(const HostContext& host, OfxImageEffectHandle effect) {
  const OfxStatus clips[] = {defineClip(host.suites, effect, identity::kSourceClip, false),
                             defineClip(host.suites, effect, identity::kKeyframesClip, true),
                             defineClip(host.suites, effect, identity::kOutputClip, false)};
  for (const OfxStatus status : clips) {
    if (status != kOfxStatOK) return status;
  }
  OfxParamSetHandle params = nullptr;
  if (host.suites.effect->getParamSet(effect, &params) != kOfxStatOK) return kOfxStatErrBadHandle;
  return definePanel(host.suites, params);
}

}  // namespace sparkvsr::plugin
