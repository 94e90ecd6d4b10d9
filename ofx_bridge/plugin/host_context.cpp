// SPDX-License-Identifier: Apache-2.0
#include "host_context.hpp"

#include <atomic>
#include <mutex>

namespace sparkvsr::plugin {
namespace {

struct Loaded {
  std::mutex mutex;
  std::shared_ptr<const HostContext> context;
  int loads = 0;
};

std::atomic<const OfxHost*> rememberedHost{nullptr};

// Never destroyed: hosts unload in any order, or never.
Loaded& loaded() {
  static auto* const theLoaded = new Loaded;
  return *theLoaded;
}

HostFacts readFacts(const Props& props) {
  HostFacts facts;
  facts.name = props.getString(kOfxPropName);
  facts.version = props.getString(kOfxPropVersionLabel);
  facts.multiResolution = props.getInt(kOfxImageEffectPropSupportsMultiResolution).value_or(0) != 0;
  facts.temporalAccess = props.getInt(kOfxImageEffectPropTemporalClipAccess).value_or(0) != 0;
  facts.background = props.getInt(kOfxImageEffectHostPropIsBackground).value_or(0) != 0;
  facts.calledNatron = props.getInt("NatronOfxHostIsNatron").value_or(0) != 0;
  return facts;
}

}  // namespace

void rememberHost(const OfxHost* host) noexcept { rememberedHost = host; }

OfxStatus load() {
  const OfxHost* host = rememberedHost;
  if (host == nullptr) return kOfxStatErrMissingHostFeature;
  const auto suites = fetchSuites(*host);
  if (!suites) return kOfxStatErrMissingHostFeature;
  auto context = std::make_shared<HostContext>();
  context->suites = *suites;
  context->properties = {suites->property, host->host};
  context->facts = readFacts(context->properties);
  context->traits = traitsOf(context->facts);
  const std::lock_guard lock(loaded().mutex);
  loaded().context = std::move(context);
  ++loaded().loads;
  return kOfxStatOK;
}

bool unload() {
  const std::lock_guard lock(loaded().mutex);
  if (loaded().loads > 0) --loaded().loads;
  return loaded().loads == 0;
}

std::shared_ptr<const HostContext> currentHost() {
  const std::lock_guard lock(loaded().mutex);
  return loaded().context;
}

}  // namespace sparkvsr::plugin
