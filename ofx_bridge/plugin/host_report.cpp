// SPDX-License-Identifier: Apache-2.0
#include "host_report.hpp"

#include <ofxGPURender.h>

#include <sstream>

#include "backend_request.hpp"
#include "bundle.hpp"

namespace sparkvsr::plugin {
namespace {

enum class Type { Integers, Doubles, Texts };

struct Property {
  const char* name;
  Type type;
};

constexpr Property kHostProperties[] = {
    {kOfxPropName, Type::Texts},
    {kOfxPropLabel, Type::Texts},
    {kOfxPropAPIVersion, Type::Integers},
    {kOfxPropVersion, Type::Integers},
    {kOfxPropVersionLabel, Type::Texts},
    {kOfxImageEffectHostPropIsBackground, Type::Integers},
    {kOfxImageEffectPropSupportsOverlays, Type::Integers},
    {kOfxImageEffectPropSupportsMultiResolution, Type::Integers},
    {kOfxImageEffectPropSupportsTiles, Type::Integers},
    {kOfxImageEffectPropTemporalClipAccess, Type::Integers},
    {kOfxImageEffectPropSupportedComponents, Type::Texts},
    {kOfxImageEffectPropSupportedContexts, Type::Texts},
    {kOfxImageEffectPropSupportedPixelDepths, Type::Texts},
    {kOfxImageEffectPropSupportsMultipleClipDepths, Type::Integers},
    {kOfxImageEffectPropSupportsMultipleClipPARs, Type::Integers},
    {kOfxImageEffectInstancePropSequentialRender, Type::Integers},
    {kOfxImageEffectPropRenderQualityDraft, Type::Integers},
    {kOfxImageEffectHostPropNativeOrigin, Type::Texts},
    {kOfxParamHostPropSupportsStringAnimation, Type::Integers},
    {kOfxParamHostPropSupportsChoiceAnimation, Type::Integers},
    {kOfxParamHostPropMaxParameters, Type::Integers},
    {kOfxParamHostPropMaxPages, Type::Integers},
    {kOfxParamHostPropPageRowColumnCount, Type::Integers},
    {kOfxImageEffectPropOpenGLRenderSupported, Type::Texts},
    {kOfxImageEffectPropCudaRenderSupported, Type::Texts},
    {kOfxImageEffectPropMetalRenderSupported, Type::Texts},
    {kOfxImageEffectPropOpenCLRenderSupported, Type::Texts},
    {"NatronOfxHostIsNatron", Type::Integers},
};

constexpr Property kInstanceProperties[] = {
    {kOfxImageEffectPropContext, Type::Texts},
    {kOfxImageEffectPropProjectSize, Type::Doubles},
    {kOfxImageEffectPropProjectOffset, Type::Doubles},
    {kOfxImageEffectPropProjectExtent, Type::Doubles},
    {kOfxImageEffectPropProjectPixelAspectRatio, Type::Doubles},
    {kOfxImageEffectInstancePropEffectDuration, Type::Doubles},
    {kOfxImageEffectPropFrameRate, Type::Doubles},
    {kOfxPropIsInteractive, Type::Integers},
    {"OfxImageEffectPropResolvePage", Type::Texts},
    {"OfxImageEffectPropSrcFilePath", Type::Texts},
    {"OfxImageEffectPropVegasContext", Type::Texts},
};

constexpr Property kClipProperties[] = {
    {kOfxImageClipPropConnected, Type::Integers},         {kOfxImageEffectPropPixelDepth, Type::Texts},
    {kOfxImageEffectPropComponents, Type::Texts},         {kOfxImageClipPropUnmappedPixelDepth, Type::Texts},
    {kOfxImageClipPropUnmappedComponents, Type::Texts},   {kOfxImageEffectPropPreMultiplication, Type::Texts},
    {kOfxImagePropPixelAspectRatio, Type::Doubles},       {kOfxImageEffectPropFrameRate, Type::Doubles},
    {kOfxImageEffectPropFrameRange, Type::Doubles},       {kOfxImageClipPropFieldOrder, Type::Texts},
    {kOfxImageClipPropContinuousSamples, Type::Integers},
};

constexpr int kMostValues = 16;

template <typename Value>
bool put(std::ostream& out, int index, const Value& value) {
  if (!value) return false;
  out << (index == 0 ? " " : ", ") << *value;
  return true;
}

bool putValue(std::ostream& out, const Props& props, const Property& property, int index) {
  switch (property.type) {
    case Type::Integers:
      return put(out, index, props.getInt(property.name, index));
    case Type::Doubles:
      return put(out, index, props.getDouble(property.name, index));
    case Type::Texts:
      return put(out, index, props.findString(property.name, index));
  }
  return false;
}

template <std::size_t Count>
void putProperties(std::ostream& out, const Props& props, const Property (&properties)[Count]) {
  for (const Property& property : properties) {
    out << "  " << property.name << ":";
    const int count = props ? props.dimension(property.name) : -1;
    if (count < 0) out << " not known to this host";
    for (int n = 0; n < count && n < kMostValues; ++n) putValue(out, props, property, n);
    out << "\n";
  }
}

const char* presence(const void* suite) { return suite == nullptr ? "missing" : "there"; }

void putSuites(std::ostream& out, const Suites& suites) {
  const auto function = [](bool there) { return there ? "" : " NULL"; };
  const auto* persistent = suites.persistentMessage;
  out << "Suites\n  OfxMessageSuite 1: " << presence(suites.message)
      << "\n  OfxMessageSuite 2: " << presence(persistent);
  if (persistent != nullptr) {
    out << ", message" << function(persistent->message != nullptr) << ", setPersistentMessage"
        << function(persistent->setPersistentMessage != nullptr) << ", clearPersistentMessage"
        << function(persistent->clearPersistentMessage != nullptr);
  }
  out << "\n  OfxProgressSuite 1: " << presence(suites.progress)
      << "\n  OfxProgressSuite 2: " << presence(suites.progressV2)
      << "\n  OfxTimeLineSuite 1: " << presence(suites.timeLine) << "\n";
}

void putTraits(std::ostream& out, const HostContext& host) {
  const HostTraits& traits = *host.traits;
  out << "What the plugin makes of it\n  row: \"" << traits.name << "\"\n  depths offered (1 byte, 2 short, 4 half, 8 "
      << "float): " << traits.depths << "\n  renders one by one: " << traits.rendersOneByOne
      << "\n  linear floats: " << traits.linearFloats << "\n  takes an output format: " << traits.takesOutputFormat
      << "\n  resizes on a page: " << traits.resizingPage << "\n  temporal access: " << host.facts.temporalAccess
      << "\n  background: " << host.facts.background << "\n";
}

std::string keysOf(const ActionCall& call) {
  const auto keys = readFlagKeys(*call.instance.suites().parameter, call.instance.params[identity::Param::Keyframe]);
  return keys ? std::to_string(keys->size()) + " flags" : "not readable";
}

void putTime(std::ostream& out, const ActionCall& call) {
  const auto* timeLine = call.instance.suites().timeLine;
  void* effect = call.instance.effect;
  double now = 0, first = 0, last = 0;
  out << "Time\n  of the action: " << call.time() << "\n  of the timeline: ";
  const bool tells = timeLine != nullptr && timeLine->getTime != nullptr;
  if (tells && timeLine->getTime(effect, &now) == kOfxStatOK)
    out << now << "\n";
  else
    out << "not told\n";
  const bool bounds = timeLine != nullptr && timeLine->getTimeBounds != nullptr;
  out << "  bounds of the timeline: ";
  if (bounds && timeLine->getTimeBounds(effect, &first, &last) == kOfxStatOK)
    out << first << " to " << last << "\n";
  else
    out << "not told\n";
  out << "  keys of keyframe: " << keysOf(call) << "\n";
}

void putParams(std::ostream& out, const Instance& instance) {
  out << "Parameters that the host left out:";
  for (std::size_t n = 0; n < identity::kParamCount; ++n) {
    if (instance.params[static_cast<identity::Param>(n)] == nullptr) out << " " << identity::kParameters[n].name;
  }
  out << "\n";
}

void putBackend(std::ostream& out, const ActionCall& call) {
  const Instance& instance = call.instance;
  const auto link = linkOf(instance, readParams(instance.suites(), instance.params, call.time()));
  const auto serving = link->backend({});
  out << "Backend\n  log: " << Link::backendLog() << "\n";
  if (const auto* error = std::get_if<Error>(&serving)) {
    out << "  " << error->text() << "\n";
    return;
  }
  const auto& card = std::get<BackendCard>(serving);
  const LinkCounters counters = link->counters();
  out << "  version: " << card.version << "\n  device: " << card.device << "\n  arithmetic: " << card.arithmetic
      << "\n  pid: " << card.pid << "\n  carrier: " << counters.carrier << " " << counters.carrierReason
      << "\n  frames sent: " << counters.framesPut << ", known: " << counters.framesKnown
      << "\n  renders: " << counters.renders << ", reconnects: " << counters.reconnects << "\n";
  const auto status = link->status({});
  if (const auto* text = std::get_if<std::string>(&status)) out << "  status: " << *text << "\n";
}

}  // namespace

std::string describeHost(const ActionCall& call) {
  const Instance& instance = call.instance;
  const Suites& suites = instance.suites();
  std::ostringstream out;
  out << "SparkVSR " << identity::kVersionLabel << ", resources in " << bundleResources() << "\n\nHost\n";
  putProperties(out, instance.host->properties, kHostProperties);
  putSuites(out, suites);
  putTraits(out, *instance.host);
  out << "Instance\n";
  putProperties(out, propsOf(suites, instance.effect), kInstanceProperties);
  const std::pair<const char*, OfxImageClipHandle> clips[] = {{identity::kSourceClip, instance.clips.source},
                                                              {identity::kKeyframesClip, instance.clips.keyframes},
                                                              {identity::kOutputClip, instance.clips.output}};
  for (const auto& [name, clip] : clips) {
    out << "Clip " << name << (clip == nullptr ? ": missing" : "") << "\n";
    putProperties(out, propsOf(suites, clip), kClipProperties);
  }
  putTime(out, call);
  putParams(out, instance);
  putBackend(out, call);
  return out.str();
}

}  // namespace sparkvsr::plugin
