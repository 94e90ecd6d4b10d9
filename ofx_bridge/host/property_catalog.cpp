// SPDX-License-Identifier: Apache-2.0
#include "host/property_catalog.hpp"

#include <ofxGPURender.h>
#include <ofxImageEffect.h>

#include <limits>
#include <set>

#include "host/errors.hpp"

namespace sparkvsr::host {
namespace {

using Specs = std::vector<PropertySpec>;
constexpr Writer kHost = Writer::Host;
constexpr Writer kPlugin = Writer::Plugin;

PropertySpec ints(const char* name, std::vector<int> values, Writer writer, int dimension = -1) {
  std::vector<Scalar> all(values.begin(), values.end());
  return {name, PropertyType::Int, dimension < 0 ? static_cast<int>(all.size()) : dimension, writer, std::move(all)};
}

PropertySpec doubles(const char* name, std::vector<double> values, Writer writer, int dimension = -1) {
  std::vector<Scalar> all(values.begin(), values.end());
  return {name, PropertyType::Double, dimension < 0 ? static_cast<int>(all.size()) : dimension, writer, std::move(all)};
}

PropertySpec strings(const char* name, const std::vector<std::string>& values, Writer writer, int dimension = -1) {
  std::vector<Scalar> all(values.begin(), values.end());
  return {name, PropertyType::String, dimension < 0 ? static_cast<int>(all.size()) : dimension, writer, std::move(all)};
}

PropertySpec integer(const char* name, int value, Writer writer) { return ints(name, {value}, writer); }
PropertySpec real(const char* name, double value, Writer writer) { return doubles(name, {value}, writer); }
PropertySpec text(const char* name, const std::string& value, Writer writer) { return strings(name, {value}, writer); }
PropertySpec anyStrings(const char* name, Writer writer) { return strings(name, {}, writer, 0); }

PropertySpec pointer(const char* name, Writer writer) {
  return {name, PropertyType::Pointer, 1, writer, {static_cast<void*>(nullptr)}};
}

void append(Specs& to, const Specs& more) { to.insert(to.end(), more.begin(), more.end()); }

Specs labels(const std::string& name) {
  return {text(kOfxPropLabel, name, kPlugin), text(kOfxPropShortLabel, name, kPlugin),
          text(kOfxPropLongLabel, name, kPlugin)};
}

Specs gpuSupport(Writer writer) {
  return {text(kOfxImageEffectPropOpenGLRenderSupported, "false", writer),
          text(kOfxImageEffectPropCudaRenderSupported, "false", writer),
          text(kOfxImageEffectPropCudaStreamSupported, "false", writer),
          text(kOfxImageEffectPropMetalRenderSupported, "false", writer),
          text(kOfxImageEffectPropOpenCLRenderSupported, "false", writer),
          text(kOfxImageEffectPropOpenCLSupported, "false", writer),
          text(kOfxImageEffectPropCPURenderSupported, "true", writer)};
}

Specs colourManagement(Writer writer) {
  return {text("OfxImageEffectPropColourManagementStyle", "OfxImageEffectColourManagementNone", writer),
          anyStrings("OfxImageEffectPropColourManagementAvailableConfigs", writer)};
}

}  // namespace

// ---- host and effect

Specs hostProperties(const Personality& p) {
  Specs all = {
      ints(kOfxPropAPIVersion, p.apiVersion, kHost, 0),
      text(kOfxPropType, kOfxTypeImageEffectHost, kHost),
      text(kOfxPropName, p.hostName, kHost),
      text(kOfxPropLabel, p.hostLabel, kHost),
      ints(kOfxPropVersion, {1, 0, 0}, kHost, 0),
      text(kOfxPropVersionLabel, "1.0 (headless)", kHost),
      integer(kOfxImageEffectHostPropIsBackground, p.background, kHost),
      integer(kOfxImageEffectPropSupportsOverlays, 0, kHost),
      integer(kOfxImageEffectPropSupportsMultiResolution, p.multiResolution, kHost),
      integer(kOfxImageEffectPropSupportsTiles, p.tiles, kHost),
      integer(kOfxImageEffectPropTemporalClipAccess, p.temporal, kHost),
      strings(kOfxImageEffectPropSupportedComponents, p.components, kHost, 0),
      strings(kOfxImageEffectPropSupportedContexts, p.contexts, kHost, 0),
      strings(kOfxImageEffectPropSupportedPixelDepths, p.depths, kHost, 0),
      integer(kOfxImageEffectPropSupportsMultipleClipDepths, p.multipleClipDepths, kHost),
      integer(kOfxImageEffectPropSupportsMultipleClipPARs, 0, kHost),
      integer(kOfxImageEffectPropSetableFrameRate, 0, kHost),
      integer(kOfxImageEffectPropSetableFielding, 0, kHost),
      integer(kOfxImageEffectInstancePropSequentialRender, p.sequentialRender, kHost),
      integer("OfxImageEffectPropRenderQualityDraft", 1, kHost),
      text(kOfxImageEffectHostPropNativeOrigin, kOfxHostNativeOriginBottomLeft, kHost),
      integer(kOfxParamHostPropSupportsCustomInteract, 0, kHost),
      integer(kOfxParamHostPropSupportsStringAnimation, p.stringAnimation, kHost),
      integer(kOfxParamHostPropSupportsChoiceAnimation, p.choiceAnimation, kHost),
      integer(kOfxParamHostPropSupportsBooleanAnimation, p.booleanAnimation, kHost),
      integer(kOfxParamHostPropSupportsCustomAnimation, p.customAnimation, kHost),
      integer(kOfxParamHostPropSupportsStrChoice, 0, kHost),
      integer(kOfxParamHostPropSupportsStrChoiceAnimation, 0, kHost),
      integer("OfxParamHostPropSupportsParametricAnimation", 0, kHost),
      integer(kOfxParamHostPropMaxParameters, -1, kHost),
      integer(kOfxParamHostPropMaxPages, p.maxPages, kHost),
      ints(kOfxParamHostPropPageRowColumnCount, {0, 0}, kHost),
      pointer(kOfxPropHostOSHandle, kHost),
  };
  append(all, gpuSupport(kHost));
  append(all, colourManagement(kHost));
  if (p.name == "natron") all.push_back(integer("NatronOfxHostIsNatron", 1, kHost));
  return all;
}

Specs effectDescriptorProperties() {
  Specs all = {
      text(kOfxPropType, kOfxTypeImageEffect, kHost),
      ints(kOfxPropVersion, {1, 0}, kPlugin, 0),
      text(kOfxPropVersionLabel, "", kPlugin),
      text(kOfxPropPluginDescription, "", kPlugin),
      strings(kOfxPropIcon, {"", ""}, kPlugin),
      anyStrings(kOfxImageEffectPropSupportedContexts, kPlugin),
      text(kOfxImageEffectPluginPropGrouping, "", kPlugin),
      integer(kOfxImageEffectPluginPropObsolete, 0, kPlugin),
      integer(kOfxImageEffectPluginPropSingleInstance, 0, kPlugin),
      text(kOfxImageEffectPluginRenderThreadSafety, kOfxImageEffectRenderInstanceSafe, kPlugin),
      integer(kOfxImageEffectPluginPropHostFrameThreading, 1, kPlugin),
      pointer(kOfxImageEffectPluginPropOverlayInteractV1, kPlugin),
      pointer("OfxImageEffectPluginPropOverlayInteractV2", kPlugin),
      integer(kOfxImageEffectPropSupportsMultiResolution, 1, kPlugin),
      integer(kOfxImageEffectPropSupportsTiles, 1, kPlugin),
      integer(kOfxImageEffectPropTemporalClipAccess, 0, kPlugin),
      anyStrings(kOfxImageEffectPropSupportedPixelDepths, kPlugin),
      integer(kOfxImageEffectPluginPropFieldRenderTwiceAlways, 1, kPlugin),
      integer(kOfxImageEffectPropSupportsMultipleClipDepths, 0, kPlugin),
      integer(kOfxImageEffectPropSupportsMultipleClipPARs, 0, kPlugin),
      integer(kOfxImageEffectInstancePropSequentialRender, 0, kPlugin),
      anyStrings(kOfxImageEffectPropClipPreferencesSlaveParam, kPlugin),
      anyStrings("OfxOpenGLPropPixelDepth", kPlugin),
      text("OfxImageEffectPropNoSpatialAwareness", "false", kPlugin),
      text(kOfxPluginPropFilePath, "", kHost),
  };
  append(all, labels(""));
  append(all, gpuSupport(kPlugin));
  append(all, colourManagement(kPlugin));
  return all;
}

Specs effectInstanceProperties(const Personality& p) {
  Specs all = {
      text(kOfxPropType, kOfxTypeImageEffectInstance, kHost),
      text(kOfxImageEffectPropContext, "", kHost),
      text(kOfxPropLabel, "", kHost),
      pointer(kOfxPropInstanceData, kPlugin),
      doubles(kOfxImageEffectPropProjectSize, {0, 0}, kHost),
      doubles(kOfxImageEffectPropProjectOffset, {0, 0}, kHost),
      doubles(kOfxImageEffectPropProjectExtent, {0, 0}, kHost),
      real(kOfxImageEffectPropProjectPixelAspectRatio, 1, kHost),
      real(kOfxImageEffectInstancePropEffectDuration, 1, kHost),
      integer(kOfxImageEffectInstancePropSequentialRender, 0, kPlugin),
      integer(kOfxImageEffectPropSupportsTiles, 1, kPlugin),
      real(kOfxImageEffectPropFrameRate, 24, kHost),
      integer(kOfxPropIsInteractive, 0, kHost),
      pointer(kOfxImageEffectPropPluginHandle, kHost),
      text(kOfxPluginPropFilePath, "", kHost),
      text("OfxImageEffectPropDisplayColourspace", "", kHost),
      text("OfxImageEffectPropOCIOConfig", "", kHost),
      text("OfxImageEffectPropOCIODisplay", "", kHost),
      text("OfxImageEffectPropOCIOView", "", kHost),
      text("OfxImageEffectPropColourManagementConfig", "", kHost),
  };
  append(all, gpuSupport(kPlugin));
  append(all, colourManagement(kHost));
  if (!p.resolvePage.empty()) all.push_back(text("OfxImageEffectPropResolvePage", p.resolvePage, kHost));
  return all;
}

// ---- clips and images

Specs clipDescriptorProperties(const std::string& name) {
  Specs all = {
      text(kOfxPropType, kOfxTypeClip, kHost),
      text(kOfxPropName, name, kHost),
      anyStrings(kOfxImageEffectPropSupportedComponents, kPlugin),
      integer(kOfxImageEffectPropTemporalClipAccess, 0, kPlugin),
      integer(kOfxImageClipPropOptional, 0, kPlugin),
      text(kOfxImageClipPropFieldExtraction, "OfxFieldDoubled", kPlugin),
      integer(kOfxImageClipPropIsMask, 0, kPlugin),
      integer(kOfxImageEffectPropSupportsTiles, 1, kPlugin),
  };
  append(all, labels(name));
  return all;
}

Specs clipInstanceProperties() {
  return {
      text(kOfxImageEffectPropPixelDepth, kOfxBitDepthNone, kHost),
      text(kOfxImageEffectPropComponents, kOfxImageComponentNone, kHost),
      text(kOfxImageClipPropUnmappedPixelDepth, kOfxBitDepthNone, kHost),
      text(kOfxImageClipPropUnmappedComponents, kOfxImageComponentNone, kHost),
      text(kOfxImageEffectPropPreMultiplication, kOfxImageOpaque, kHost),
      real(kOfxImagePropPixelAspectRatio, 1, kHost),
      real(kOfxImageEffectPropFrameRate, 24, kHost),
      doubles(kOfxImageEffectPropFrameRange, {0, 0}, kHost),
      doubles(kOfxImageEffectPropUnmappedFrameRange, {0, 0}, kHost),
      real(kOfxImageEffectPropUnmappedFrameRate, 24, kHost),
      text(kOfxImageClipPropFieldOrder, kOfxImageFieldNone, kHost),
      integer(kOfxImageClipPropConnected, 0, kHost),
      integer(kOfxImageClipPropContinuousSamples, 0, kHost),
      text("OfxImageClipPropColourspace", "", kHost),
      anyStrings("OfxImageClipPropPreferredColourspaces", kHost),
  };
}

Specs imageProperties() {
  return {
      text(kOfxPropType, kOfxTypeImage, kHost),
      text(kOfxImageEffectPropPixelDepth, kOfxBitDepthNone, kHost),
      text(kOfxImageEffectPropComponents, kOfxImageComponentNone, kHost),
      text(kOfxImageEffectPropPreMultiplication, kOfxImageOpaque, kHost),
      doubles(kOfxImageEffectPropRenderScale, {1, 1}, kHost),
      real(kOfxImagePropPixelAspectRatio, 1, kHost),
      pointer(kOfxImagePropData, kHost),
      ints(kOfxImagePropBounds, {0, 0, 0, 0}, kHost),
      ints(kOfxImagePropRegionOfDefinition, {0, 0, 0, 0}, kHost),
      integer(kOfxImagePropRowBytes, 0, kHost),
      text(kOfxImagePropField, kOfxImageFieldNone, kHost),
      text(kOfxImagePropUniqueIdentifier, "", kHost),
  };
}

// ---- parameters

namespace {

Specs commonParam(const std::string& type, const std::string& name) {
  Specs all = {
      text(kOfxPropType, "OfxTypeParameter", kHost), text(kOfxPropName, name, kHost),
      text(kOfxParamPropType, type, kHost),          integer(kOfxParamPropSecret, 0, kPlugin),
      text(kOfxParamPropHint, "", kPlugin),          text(kOfxParamPropScriptName, name, kPlugin),
      text(kOfxParamPropParent, "", kPlugin),        integer(kOfxParamPropEnabled, 1, kPlugin),
      pointer(kOfxParamPropDataPtr, kPlugin),        strings(kOfxPropIcon, {"", ""}, kPlugin),
  };
  append(all, labels(name));
  return all;
}

Specs interactParam() {
  return {pointer(kOfxParamPropInteractV1, kPlugin),
          doubles(kOfxParamPropInteractSize, {0, 0}, kPlugin),
          real(kOfxParamPropInteractSizeAspect, 1, kPlugin),
          doubles(kOfxParamPropInteractMinimumSize, {10, 10}, kPlugin),
          ints(kOfxParamPropInteractPreferedSize, {10, 10}, kPlugin),
          integer(kOfxParamPropHasHostOverlayHandle, 0, kHost),
          integer(kOfxParamPropUseHostOverlayHandle, 0, kPlugin)};
}

Specs valueParam(bool animates) {
  return {integer(kOfxParamPropAnimates, animates, kPlugin),
          integer(kOfxParamPropIsAnimating, 0, kHost),
          integer(kOfxParamPropIsAutoKeying, 0, kHost),
          integer(kOfxParamPropPersistant, 1, kPlugin),
          integer(kOfxParamPropEvaluateOnChange, 1, kPlugin),
          integer(kOfxParamPropPluginMayWrite, 0, kPlugin),
          text(kOfxParamPropCacheInvalidation, kOfxParamInvalidateValueChange, kPlugin),
          integer(kOfxParamPropCanUndo, 1, kPlugin)};
}

Specs doubleParam(int dimension) {
  const double infinite = std::numeric_limits<double>::max();
  const auto n = static_cast<std::size_t>(dimension);
  Specs all = {doubles(kOfxParamPropDefault, std::vector<double>(n, 0), kPlugin),
               doubles(kOfxParamPropMin, std::vector<double>(n, -infinite), kPlugin),
               doubles(kOfxParamPropMax, std::vector<double>(n, infinite), kPlugin),
               doubles(kOfxParamPropDisplayMin, std::vector<double>(n, -infinite), kPlugin),
               doubles(kOfxParamPropDisplayMax, std::vector<double>(n, infinite), kPlugin),
               real(kOfxParamPropIncrement, 1, kPlugin),
               integer(kOfxParamPropDigits, 2, kPlugin),
               text(kOfxParamPropDoubleType, kOfxParamDoubleTypePlain, kPlugin)};
  if (dimension == 1) all.push_back(integer(kOfxParamPropShowTimeMarker, 0, kPlugin));
  if (dimension > 1) {
    all.push_back(strings(kOfxParamPropDimensionLabel, {"x", "y", "z"}, kPlugin, 0));
    all.push_back(text(kOfxParamPropDefaultCoordinateSystem, kOfxParamCoordinatesCanonical, kPlugin));
  }
  return all;
}

Specs integerParam(int dimension) {
  const auto n = static_cast<std::size_t>(dimension);
  const int low = std::numeric_limits<int>::min();
  const int high = std::numeric_limits<int>::max();
  Specs all = {ints(kOfxParamPropDefault, std::vector<int>(n, 0), kPlugin),
               ints(kOfxParamPropMin, std::vector<int>(n, low), kPlugin),
               ints(kOfxParamPropMax, std::vector<int>(n, high), kPlugin),
               ints(kOfxParamPropDisplayMin, std::vector<int>(n, low), kPlugin),
               ints(kOfxParamPropDisplayMax, std::vector<int>(n, high), kPlugin)};
  if (dimension > 1) all.push_back(strings(kOfxParamPropDimensionLabel, {"x", "y", "z"}, kPlugin, 0));
  return all;
}

Specs choiceParam() {
  return {integer(kOfxParamPropDefault, 0, kPlugin), anyStrings(kOfxParamPropChoiceOption, kPlugin),
          ints(kOfxParamPropChoiceOrder, {}, kPlugin, 0)};
}

Specs stringChoiceParam() {
  return {text(kOfxParamPropDefault, "", kPlugin), anyStrings(kOfxParamPropChoiceOption, kPlugin),
          anyStrings(kOfxParamPropChoiceEnum, kPlugin)};
}

Specs stringParam() {
  return {text(kOfxParamPropDefault, "", kPlugin), text(kOfxParamPropStringMode, kOfxParamStringIsSingleLine, kPlugin),
          integer(kOfxParamPropStringFilePathExists, 1, kPlugin)};
}

Specs customParam() {
  return {text(kOfxParamPropDefault, "", kPlugin), pointer(kOfxParamPropCustomInterpCallbackV1, kPlugin)};
}

Specs doublesParam2() { return doubleParam(2); }
Specs doublesParam3() { return doubleParam(3); }
Specs doublesParam4() { return doubleParam(4); }
Specs booleanParam() { return {integer(kOfxParamPropDefault, 0, kPlugin)}; }

struct ParamKind {
  Specs (*own)();  // nullptr: carries no value
  bool animates;
};

const std::map<std::string, ParamKind>& paramKinds() {
  static const std::map<std::string, ParamKind> all = {
      {kOfxParamTypeInteger, {[] { return integerParam(1); }, true}},
      {kOfxParamTypeInteger2D, {[] { return integerParam(2); }, true}},
      {kOfxParamTypeInteger3D, {[] { return integerParam(3); }, true}},
      {kOfxParamTypeDouble, {[] { return doubleParam(1); }, true}},
      {kOfxParamTypeDouble2D, {doublesParam2, true}},
      {kOfxParamTypeDouble3D, {doublesParam3, true}},
      {kOfxParamTypeRGB, {doublesParam3, true}},
      {kOfxParamTypeRGBA, {doublesParam4, true}},
      {kOfxParamTypeBoolean, {booleanParam, true}},
      {kOfxParamTypeChoice, {choiceParam, false}},
      {kOfxParamTypeStrChoice, {stringChoiceParam, false}},
      {kOfxParamTypeString, {stringParam, false}},
      {kOfxParamTypeCustom, {customParam, false}},
      {kOfxParamTypeGroup, {nullptr, false}},
      {kOfxParamTypePage, {nullptr, false}},
      {kOfxParamTypePushButton, {nullptr, false}},
  };
  return all;
}

}  // namespace

Specs paramSetProperties() {
  return {integer(kOfxPropParamSetNeedsSyncing, 0, kPlugin), anyStrings(kOfxPluginPropParamPageOrder, kPlugin)};
}

bool isKnownParamType(const std::string& type) { return paramKinds().count(type) != 0; }

Specs paramProperties(const std::string& type, const std::string& name) {
  const auto found = paramKinds().find(type);
  if (found == paramKinds().end()) throw HostError("UnknownParamType", type);
  Specs all = commonParam(type, name);
  if (type == kOfxParamTypeGroup) all.push_back(integer(kOfxParamPropGroupOpen, 1, kPlugin));
  if (type == kOfxParamTypePage) all.push_back(anyStrings(kOfxParamPropPageChild, kPlugin));
  if (type == kOfxParamTypePushButton) append(all, interactParam());
  if (found->second.own == nullptr) return all;
  append(all, interactParam());
  append(all, valueParam(found->second.animates));
  append(all, found->second.own());
  return all;
}

bool isKnownExtension(const std::string& name) {
  static const std::set<std::string> names = {
      "NatronOfxHostIsNatron",         "OfxImageEffectPropResolvePage",    "kOfxImageClipPropThumbnail",
      "OfxImageEffectPropSrcFilePath", "OfxImageEffectPropSrcFrame",       "OfxImageEffectPropEyeToRender",
      "OfxPropVegasHostHWnd",          "OfxPropVegasHostAppDataDirectory", "OfxImageEffectPropVegasContext",
      "OfxImageEffectPropPixelOrder",  "OfxImageEffectPropThumbnailRender"};
  return names.count(name) != 0;
}

}  // namespace sparkvsr::host
