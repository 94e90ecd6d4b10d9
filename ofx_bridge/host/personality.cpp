// SPDX-License-Identifier: Apache-2.0
// The facts behind each record are in docs/hosts.md; what is inferred and not measured is said there.
#include "host/personality.hpp"

#include <ofxGPURender.h>
#include <ofxImageEffect.h>

#include <functional>

#include "host/errors.hpp"

namespace sparkvsr::host {
namespace {

const std::vector<std::string> kAllDepths = {kOfxBitDepthByte, kOfxBitDepthShort, kOfxBitDepthHalf, kOfxBitDepthFloat};

// Properties that came after 1.2 and that older hosts do not know.
const std::set<std::string> kRecentProperties = {
    "OfxPropPluginDescription",
    "OfxImageEffectPropNoSpatialAwareness",
    "OfxImageEffectPropThumbnailRender",
    "OfxImageEffectPropColourManagementStyle",
    "OfxImageEffectPropColourManagementAvailableConfigs",
    kOfxImageEffectPropCPURenderSupported,
};

std::set<std::string> recentAnd(std::set<std::string> more) {
  more.insert(kRecentProperties.begin(), kRecentProperties.end());
  return more;
}

Personality nuke() {
  Personality p;
  p.name = "nuke";
  p.hostName = "uk.co.thefoundry.nuke";
  p.hostLabel = "Nuke";
  p.integerInterpolation = IntegerInterpolation::Linear;
  p.missingProperties = recentAnd({kOfxImageEffectInstancePropSequentialRender});
  p.refusesWritesInRender = true;
  p.refusesDuplicateParams = true;
  p.checksDeclaredFrames = true;
  return p;
}

Personality natron() {
  Personality p;
  p.name = "natron";
  p.hostName = "fr.inria.Natron";
  p.hostLabel = "Natron";
  p.depths = {kOfxBitDepthByte, kOfxBitDepthShort, kOfxBitDepthFloat};
  p.depthPolicy = DepthPolicy::Native;
  p.stringAnimation = true;
  p.customAnimation = true;
  p.multipleClipDepths = true;
  p.renderClones = true;
  p.honoursFormat = true;
  p.integerInterpolation = IntegerInterpolation::Linear;
  p.checksDeclaredFrames = true;
  return p;
}

// Edit and Color pages: one size for all clips, full frames, packed float RGBA.
Personality resolve() {
  Personality p;
  p.name = "resolve";
  p.hostName = "DaVinciResolve";
  p.hostLabel = "DaVinci Resolve";
  p.resolvePage = "Color";
  p.contexts = {kOfxImageEffectContextFilter, kOfxImageEffectContextGeneral};
  p.components = {kOfxImageComponentRGBA};
  p.multiResolution = false;
  p.tiles = false;
  p.choiceAnimation = false;
  p.region = RegionPolicy::NotCalled;
  p.unconnected = UnconnectedPolicy::Null;
  p.claimsConnected = true;
  p.paramCopyIgnored = true;
  p.messagesV2 = MessagesV2::NullMembers;
  p.refusedParamTypes = {kOfxParamTypeInteger2D, kOfxParamTypeInteger3D, "OfxParamTypeParametric", kOfxParamTypeBytes,
                         kOfxParamTypeStrChoice};
  p.missingProperties = kRecentProperties;
  return p;
}

Personality resolveFusion() {
  Personality p = resolve();
  p.name = "resolve-fusion";
  p.resolvePage = "Fusion";
  p.contexts = {kOfxImageEffectContextGeneral, kOfxImageEffectContextFilter};
  p.depths = {kOfxBitDepthFloat, kOfxBitDepthHalf};
  p.depthPolicy = DepthPolicy::Native;
  p.region = RegionPolicy::Honoured;
  p.claimsConnected = false;
  p.unconnected = UnconnectedPolicy::Fail;
  p.messagesV2 = MessagesV2::Absent;
  return p;
}

Personality flame() {
  Personality p;
  p.name = "flame";
  p.hostName = "com.autodesk.flame";
  p.hostLabel = "Flame";
  p.contexts = {kOfxImageEffectContextFilter, kOfxImageEffectContextGeneral};
  p.depths = kAllDepths;
  p.depthPolicy = DepthPolicy::Native;
  p.multiResolution = false;
  p.premultiplication = kOfxImageUnPreMultiplied;
  p.sequentialRenderStatus = 1;
  p.region = RegionPolicy::Ignored;
  p.zeroBased = true;
  p.range = RangePolicy::Clamp;
  p.refusedParamTypes = {"OfxParamTypeParametric"};
  return p;
}

// Burn, the farm's process: the same host without an artist.
Personality flameBackground() {
  Personality p = flame();
  p.name = "flame-background";
  p.hostName = "com.autodesk.backgroundreactor";
  p.hostLabel = "Background Reactor";
  p.background = true;
  p.interactive = false;
  p.sendsInstanceChanged = false;
  return p;
}

Personality mlt() {
  Personality p;
  p.name = "mlt";
  p.hostName = "MLT";
  p.hostLabel = "MLT";
  p.apiVersion = {1, 5};
  p.contexts = {kOfxImageEffectContextFilter};
  p.depths = {kOfxBitDepthShort, kOfxBitDepthHalf, kOfxBitDepthFloat, kOfxBitDepthByte};
  p.background = true;
  p.interactive = false;
  p.multiResolution = false;
  p.tiles = false;
  p.temporal = false;
  p.premultiplication = kOfxImageUnPreMultiplied;
  p.sequentialRenderStatus = 1;
  p.region = RegionPolicy::Ignored;
  p.callsIsIdentity = false;
  p.callsFramesNeeded = false;
  p.sendsInstanceChanged = false;
  p.contextArgsAreHost = true;
  p.reloadsPerFrame = true;
  p.timeBlind = true;
  p.range = RangePolicy::Clamp;
  p.claimsConnected = true;
  p.unconnected = UnconnectedPolicy::Null;
  p.negativeRowBytes = true;
  p.through16Bit = true;
  p.randomImageIds = true;
  p.keysReadable = false;
  p.valuesPushedPerFrame = true;
  p.timelineUnsupported = true;
  p.skippedParamTypes = {kOfxParamTypePushButton, kOfxParamTypePage, kOfxParamTypeCustom, kOfxParamTypeBytes,
                         kOfxParamTypeStrChoice};
  p.skipsSecret = true;
  return p;
}

Personality vegas() {
  Personality p;
  p.name = "vegas";
  p.hostName = "com.vegascreativesoftware.vegas";
  p.hostLabel = "VEGAS";
  p.contexts = {kOfxImageEffectContextFilter};
  p.depths = {kOfxBitDepthByte, kOfxBitDepthFloat};
  p.depthPolicy = DepthPolicy::Native;
  p.components = {kOfxImageComponentRGBA};
  p.multiResolution = false;
  p.tiles = false;
  p.region = RegionPolicy::Ignored;
  p.rollCall = true;
  p.imageScaleLies = true;
  p.blueFirst = true;
  p.messagesV2 = MessagesV2::Absent;
  p.missingProperties = kRecentProperties;
  p.refusesEditBlockInCreate = true;
  return p;
}

Personality fusion() {
  Personality p;
  p.name = "fusion";
  p.hostName = "com.eyeonline.Fusion";
  p.hostLabel = "Fusion";
  p.depths = {kOfxBitDepthByte, kOfxBitDepthShort, kOfxBitDepthFloat};
  p.depthPolicy = DepthPolicy::Native;
  p.tiles = false;
  p.multipleClipDepths = true;
  p.imageScaleLies = true;
  p.messagesV2 = MessagesV2::Absent;
  p.missingProperties = kRecentProperties;
  return p;
}

// No host in the world: the standard to the letter, with every check on.
Personality strict() {
  Personality p;
  p.name = "strict";
  p.hostName = "com.sparkvsr.StrictHost";
  p.hostLabel = "Strict";
  p.apiVersion = {1, 5};
  p.depths = kAllDepths;
  p.depthPolicy = DepthPolicy::Native;
  p.refusesWritesInRender = true;
  p.refusesDuplicateParams = true;
  p.checksDeclaredFrames = true;
  p.checksUnknownProperties = true;
  p.checksParamWrites = true;
  p.shortStrings = true;
  return p;
}

const std::map<std::string, std::function<Personality()>>& makers() {
  static const std::map<std::string, std::function<Personality()>> all = {
      {"nuke", nuke},       {"natron", natron},
      {"resolve", resolve}, {"resolve-fusion", resolveFusion},
      {"flame", flame},     {"mlt", mlt},
      {"vegas", vegas},     {"fusion", fusion},
      {"strict", strict},   {"flame-background", flameBackground},
  };
  return all;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// ---- overrides

template <typename Enum>
using Choices = std::map<std::string, Enum>;

const Choices<RegionPolicy> kRegions = {
    {"not_called", RegionPolicy::NotCalled}, {"ignored", RegionPolicy::Ignored}, {"honoured", RegionPolicy::Honoured}};
const Choices<MessagesV2> kMessages = {
    {"whole", MessagesV2::Whole}, {"null_members", MessagesV2::NullMembers}, {"absent", MessagesV2::Absent}};
const Choices<RangePolicy> kRanges = {
    {"fail", RangePolicy::Fail}, {"clamp", RangePolicy::Clamp}, {"black", RangePolicy::Black}};
const Choices<UnconnectedPolicy> kUnconnected = {
    {"fail", UnconnectedPolicy::Fail}, {"null", UnconnectedPolicy::Null}, {"black", UnconnectedPolicy::Black}};
const Choices<DepthPolicy> kDepthPolicies = {{"native", DepthPolicy::Native}, {"preferred", DepthPolicy::Preferred}};
const Choices<IntegerInterpolation> kIntegers = {{"step", IntegerInterpolation::Step},
                                                 {"linear", IntegerInterpolation::Linear}};

struct BadType {};

using Setter = std::function<void(Personality&, const OverrideValue&)>;

template <typename T>
const T& expect(const OverrideValue& value) {
  const T* found = std::get_if<T>(&value);
  if (found == nullptr) throw BadType{};
  return *found;
}

Setter field(bool Personality::* member) {
  return [member](Personality& p, const OverrideValue& value) { p.*member = expect<bool>(value); };
}

Setter field(int Personality::* member) {
  return
      [member](Personality& p, const OverrideValue& value) { p.*member = static_cast<int>(expect<long long>(value)); };
}

Setter field(std::string Personality::* member) {
  return [member](Personality& p, const OverrideValue& value) { p.*member = expect<std::string>(value); };
}

Setter field(std::vector<std::string> Personality::* member) {
  return [member](Personality& p, const OverrideValue& value) { p.*member = expect<std::vector<std::string>>(value); };
}

Setter field(std::set<std::string> Personality::* member) {
  return [member](Personality& p, const OverrideValue& value) {
    const auto& names = expect<std::vector<std::string>>(value);
    p.*member = std::set<std::string>(names.begin(), names.end());
  };
}

template <typename Enum>
Setter field(Enum Personality::* member, const Choices<Enum>& choices) {
  return [member, &choices](Personality& p, const OverrideValue& value) {
    const auto found = choices.find(expect<std::string>(value));
    if (found == choices.end()) throw BadType{};
    p.*member = found->second;
  };
}

using P = Personality;

const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> all = {
      {"host_name", field(&P::hostName)},
      {"host_label", field(&P::hostLabel)},
      {"contexts", field(&P::contexts)},
      {"components", field(&P::components)},
      {"depths", field(&P::depths)},
      {"depth_policy", field(&P::depthPolicy, kDepthPolicies)},
      {"background", field(&P::background)},
      {"interactive", field(&P::interactive)},
      {"multi_resolution", field(&P::multiResolution)},
      {"tiles", field(&P::tiles)},
      {"temporal", field(&P::temporal)},
      {"multiple_clip_depths", field(&P::multipleClipDepths)},
      {"string_animation", field(&P::stringAnimation)},
      {"choice_animation", field(&P::choiceAnimation)},
      {"boolean_animation", field(&P::booleanAnimation)},
      {"custom_animation", field(&P::customAnimation)},
      {"max_pages", field(&P::maxPages)},
      {"sequential_render", field(&P::sequentialRender)},
      {"sequential_render_status", field(&P::sequentialRenderStatus)},
      {"premultiplication", field(&P::premultiplication)},
      {"region", field(&P::region, kRegions)},
      {"calls_is_identity", field(&P::callsIsIdentity)},
      {"calls_frames_needed", field(&P::callsFramesNeeded)},
      {"sends_instance_changed", field(&P::sendsInstanceChanged)},
      {"roll_call", field(&P::rollCall)},
      {"render_clones", field(&P::renderClones)},
      {"thumbnails", field(&P::thumbnails)},
      {"field_to_render", field(&P::fieldToRender)},
      {"context_args_are_host", field(&P::contextArgsAreHost)},
      {"reloads_per_frame", field(&P::reloadsPerFrame)},
      {"time_blind", field(&P::timeBlind)},
      {"zero_based", field(&P::zeroBased)},
      {"range", field(&P::range, kRanges)},
      {"unconnected", field(&P::unconnected, kUnconnected)},
      {"claims_connected", field(&P::claimsConnected)},
      {"honours_format", field(&P::honoursFormat)},
      {"negative_row_bytes", field(&P::negativeRowBytes)},
      {"through_16_bit", field(&P::through16Bit)},
      {"random_image_ids", field(&P::randomImageIds)},
      {"image_scale_lies", field(&P::imageScaleLies)},
      {"blue_first", field(&P::blueFirst)},
      {"keys_readable", field(&P::keysReadable)},
      {"values_pushed_per_frame", field(&P::valuesPushedPerFrame)},
      {"timeline_unsupported", field(&P::timelineUnsupported)},
      {"param_copy_ignored", field(&P::paramCopyIgnored)},
      {"integer_interpolation", field(&P::integerInterpolation, kIntegers)},
      {"refused_param_types", field(&P::refusedParamTypes)},
      {"skipped_param_types", field(&P::skippedParamTypes)},
      {"skips_secret", field(&P::skipsSecret)},
      {"missing_properties", field(&P::missingProperties)},
      {"refuses_writes_in_render", field(&P::refusesWritesInRender)},
      {"refuses_duplicate_params", field(&P::refusesDuplicateParams)},
      {"checks_declared_frames", field(&P::checksDeclaredFrames)},
      {"checks_unknown_properties", field(&P::checksUnknownProperties)},
      {"checks_param_writes", field(&P::checksParamWrites)},
      {"short_strings", field(&P::shortStrings)},
      {"refuses_edit_block_in_create", field(&P::refusesEditBlockInCreate)},
      {"messages_v2", field(&P::messagesV2, kMessages)},
  };
  return all;
}

}  // namespace

std::vector<std::string> personalityNames() {
  std::vector<std::string> names;
  for (const auto& [name, make] : makers()) names.push_back(name);
  return names;
}

Personality personality(const std::string& name) {
  const auto found = makers().find(name);
  if (found == makers().end()) {
    throw HostError("UnknownPersonality", "expected one of " + joined(personalityNames()) + ", found " + name);
  }
  return found->second();
}

std::vector<std::string> overrideNames() {
  std::vector<std::string> names;
  for (const auto& [name, set] : setters()) names.push_back(name);
  return names;
}

void applyOverride(Personality& subject, const std::string& name, const OverrideValue& value) {
  const auto found = setters().find(name);
  if (found == setters().end()) {
    throw HostError("BadOverride", "expected one of " + joined(overrideNames()) + ", found " + name);
  }
  try {
    found->second(subject, value);
  } catch (const BadType&) {
    throw HostError("BadOverride", "the value of " + name + " has the wrong type or is not one of its choices");
  }
}

}  // namespace sparkvsr::host
