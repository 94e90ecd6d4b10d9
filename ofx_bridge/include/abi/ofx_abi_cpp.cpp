// SPDX-License-Identifier: Apache-2.0
// The headers and their checks, compiled as C++; and the macros whose text is not their name without the k.
#include <string_view>
#include <type_traits>

#include "ofx_abi.h"

namespace {

using namespace std::string_view_literals;

static_assert(kOfxImageEffectPluginApi == "OfxImageEffectPluginAPI"sv);
static_assert(kOfxImageEffectPropSupportsMultipleClipDepths == "OfxImageEffectPropMultipleClipDepths"sv);
static_assert(kOfxImageEffectPropProjectPixelAspectRatio == "OfxImageEffectPropPixelAspectRatio"sv);
static_assert(kOfxHostNativeOriginBottomLeft == "kOfxImageEffectHostPropNativeOriginBottomLeft"sv);
static_assert(kOfxHostNativeOriginTopLeft == "kOfxImageEffectHostPropNativeOriginTopLeft"sv);
static_assert(kOfxHostNativeOriginCenter == "kOfxImageEffectHostPropNativeOriginCenter"sv);
static_assert(kOfxImageOpaque == "OfxImageOpaque"sv);
static_assert(kOfxImagePreMultiplied == "OfxImageAlphaPremultiplied"sv);
static_assert(kOfxImageUnPreMultiplied == "OfxImageAlphaUnPremultiplied"sv);
static_assert(kOfxImageFieldNone == "OfxFieldNone"sv);
static_assert(kOfxImageFieldLower == "OfxFieldLower"sv);
static_assert(kOfxImageFieldUpper == "OfxFieldUpper"sv);
static_assert(kOfxImageFieldBoth == "OfxFieldBoth"sv);
static_assert(kOfxImageFieldSingle == "OfxFieldSingle"sv);
static_assert(kOfxImageFieldDoubled == "OfxFieldDoubled"sv);
static_assert(kOfxImageEffectOutputClipName == "Output"sv);
static_assert(kOfxImageEffectSimpleSourceClipName == "Source"sv);
static_assert(kOfxParamPropUseHostOverlayHandle == "kOfxParamPropUseHostOverlayHandle"sv);
static_assert(kOfxParamPropCustomInterpCallbackV1 == "OfxParamPropCustomCallbackV1"sv);
static_assert(kOfxParamPropPersistant == "OfxParamPropPersistant"sv);

// The signatures that a wrong reading of the reference would get wrong first.
static_assert(std::is_same_v<decltype(OfxPlugin::mainEntry), OfxPluginEntryPoint*>);
static_assert(std::is_same_v<decltype(OfxImageEffectSuiteV1::abort), int (*)(OfxImageEffectHandle)>);
static_assert(std::is_same_v<decltype(OfxPropertySuiteV1::propSetStringN),
                             OfxStatus (*)(OfxPropertySetHandle, const char*, int, const char* const*)>);
static_assert(std::is_same_v<decltype(OfxMultiThreadSuiteV1::multiThread),
                             OfxStatus (*)(OfxThreadFunctionV1*, unsigned int, void*)>);

}  // namespace
