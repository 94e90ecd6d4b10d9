// SPDX-License-Identifier: Apache-2.0
// The plugin binary's three exports, and the one place where exceptions end.
#include <cstring>
#include <exception>
#include <new>

#include "actions.hpp"
#include "changes.hpp"
#include "describe.hpp"
#include "identity.hpp"
#include "render.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::plugin {
namespace {

using InstanceAction = OfxStatus (*)(const ActionCall&);

struct NamedAction {
  const char* name;
  InstanceAction run;
};

constexpr NamedAction kInstanceActions[] = {
    {kOfxImageEffectActionRender, render},
    {kOfxImageEffectActionIsIdentity, isIdentity},
    {kOfxImageEffectActionGetRegionOfDefinition, regionOfDefinition},
    {kOfxImageEffectActionGetRegionsOfInterest, regionsOfInterest},
    {kOfxImageEffectActionGetFramesNeeded, framesNeeded},
    {kOfxImageEffectActionGetClipPreferences, clipPreferences},
    {kOfxImageEffectActionBeginSequenceRender, beginSequenceRender},
    {kOfxActionBeginInstanceChanged, beginInstanceChanged},
    {kOfxActionEndInstanceChanged, endInstanceChanged},
    {kOfxActionInstanceChanged, instanceChanged},
};

OfxStatus unloadPlugin() {
  if (unload()) Link::shutdownAll();
  return kOfxStatOK;
}

OfxStatus runOnInstance(const HostContext& host, const char* action, OfxImageEffectHandle effect,
                        OfxPropertySetHandle in, OfxPropertySetHandle out) {
  for (const NamedAction& candidate : kInstanceActions) {
    if (std::strcmp(candidate.name, action) != 0) continue;
    Instance* instance = instanceOf(host, effect);
    if (instance == nullptr) return kOfxStatErrBadHandle;
    const OfxPropertySuiteV1* properties = instance->suites().property;
    return candidate.run({*instance, {properties, in}, {properties, out}});
  }
  return kOfxStatReplyDefault;
}

OfxStatus dispatch(const char* action, OfxImageEffectHandle effect, OfxPropertySetHandle in, OfxPropertySetHandle out) {
  const auto is = [action](const char* name) { return std::strcmp(action, name) == 0; };
  if (is(kOfxActionLoad)) return load();
  if (is(kOfxActionUnload)) return unloadPlugin();
  const auto host = currentHost();
  if (!host) return kOfxStatErrMissingHostFeature;
  if (is(kOfxActionDescribe)) return describe(*host, effect);
  if (is(kOfxImageEffectActionDescribeInContext)) return describeInContext(*host, effect);
  if (is(kOfxActionCreateInstance)) return createInstance(host, effect);
  if (is(kOfxActionDestroyInstance)) return destroyInstance(*host, effect);
  return runOnInstance(*host, action, effect, in, out);
}

OfxStatus mainEntry(const char* action, const void* handle, OfxPropertySetHandle in,
                    OfxPropertySetHandle out) noexcept {
  if (action == nullptr) return kOfxStatErrValue;
  try {
    // The interface passes effects as pointers to const; its suites take them without.
    return dispatch(action, static_cast<OfxImageEffectHandle>(const_cast<void*>(handle)), in, out);
  } catch (const std::bad_alloc&) {
    return kOfxStatErrMemory;
  } catch (const std::exception&) {
    return kOfxStatFailed;
  } catch (...) {
    return kOfxStatFailed;
  }
}

void setHost(OfxHost* host) noexcept { rememberHost(host); }

OfxPlugin thePlugin = {kOfxImageEffectPluginApi,
                       kOfxImageEffectPluginApiVersion,
                       identity::kIdentifier,
                       identity::kVersionMajor,
                       identity::kVersionMinor,
                       setHost,
                       mainEntry};

}  // namespace
}  // namespace sparkvsr::plugin

// Said here and not by OfxExport alone: some versions of that macro leave the symbols hidden.
#if defined(__GNUC__)
#define SPARKVSR_EXPORT __attribute__((visibility("default")))
#else
#define SPARKVSR_EXPORT
#endif

extern "C" {

OfxExport SPARKVSR_EXPORT int OfxGetNumberOfPlugins(void) { return 1; }

OfxExport SPARKVSR_EXPORT OfxPlugin* OfxGetPlugin(int nth) { return nth == 0 ? &sparkvsr::plugin::thePlugin : nullptr; }

OfxExport SPARKVSR_EXPORT OfxStatus OfxSetHost(const OfxHost* host) {
  sparkvsr::plugin::rememberHost(host);
  return kOfxStatOK;
}
}
