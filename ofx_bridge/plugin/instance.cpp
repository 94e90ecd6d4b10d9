// SPDX-License-Identifier: Apache-2.0
#include "instance.hpp"

#include "recovery.hpp"

namespace sparkvsr::plugin {

Instance* instanceOf(const HostContext& host, OfxImageEffectHandle effect) {
  return static_cast<Instance*>(propsOf(host.suites, effect).getPointer(kOfxPropInstanceData));
}

OfxStatus createInstance(std::shared_ptr<const HostContext> host, OfxImageEffectHandle effect) {
  const Props props = propsOf(host->suites, effect);
  if (!props) return kOfxStatErrBadHandle;
  auto instance = std::make_unique<Instance>();
  instance->effect = effect;
  instance->clips = clipHandles(host->suites, effect);
  instance->params = ParamHandles(host->suites, effect);
  instance->standInsSeen = recoveryLedger().standIns();
  instance->host = std::move(host);
  props.setPointer(kOfxPropInstanceData, instance.release());
  return kOfxStatOK;
}

OfxStatus destroyInstance(const HostContext& host, OfxImageEffectHandle effect) {
  const std::unique_ptr<Instance> instance(instanceOf(host, effect));
  propsOf(host.suites, effect).setPointer(kOfxPropInstanceData, nullptr);
  return kOfxStatOK;
}

}  // namespace sparkvsr::plugin
