// SPDX-License-Identifier: Apache-2.0
#include "host/host.hpp"

#include <algorithm>

#include "host/instance.hpp"
#include "host/process_state.hpp"
#include "host/property_catalog.hpp"

namespace sparkvsr::host {
namespace {

/// Finds the suites of the host whose property set is given.
struct SuiteDirectory {
  std::mutex mutex;
  std::map<void*, const Suites*> byHandle;
};

SuiteDirectory& directory() {
  static auto* all = new SuiteDirectory;
  return *all;
}

const void* fetchSuite(OfxPropertySetHandle host, const char* name, int version) {
  const Suites* suites = nullptr;
  {
    const std::lock_guard lock(directory().mutex);
    const auto found = directory().byHandle.find(host);
    if (found != directory().byHandle.end()) suites = found->second;
  }
  if (suites == nullptr || name == nullptr) {
    report("BadHandle", "fetchSuite: not the handle of a living host");
    return nullptr;
  }
  if (currentScope() == nullptr) report("SuiteFetchedEarly", std::string(name) + " was fetched outside of any action");
  return suites->fetch(name, version);
}

std::vector<std::string> textsOf(const std::vector<Message>& messages) {
  std::vector<std::string> texts;
  for (const Message& message : messages) texts.push_back(message.text);
  return texts;
}

}  // namespace

HostRegistration::HostRegistration(HostContext& context, void* handle, const Suites& suites)
    : context_(context), handle_(handle) {
  setLatestHost(&context_);
  const std::lock_guard lock(directory().mutex);
  directory().byHandle[handle_] = &suites;
}

HostRegistration::~HostRegistration() {
  forgetHost(&context_);
  const std::lock_guard lock(directory().mutex);
  directory().byHandle.erase(handle_);
}

Host::Host(HostOptions options)
    : raiseViolations_(options.raiseViolations),
      suites_(options.personality, options.faults),
      registration_(context_, properties_.handle(), suites_) {
  context_.personality = std::move(options.personality);
  context_.faults = std::move(options.faults);
  properties_.define(hostProperties(context_.personality));
  ofxHost_ = {properties_.as<OfxPropertySetHandle>(), fetchSuite};
  binary_ = std::make_unique<PluginBinary>(options.path, options.identifier, &ofxHost_);
  plugin().setHost(&ofxHost_);
  load();
  description_ = describe();
  raiseViolations();
}

Host::~Host() {
  try {
    unload();
  } catch (const std::exception&) {
    // Nobody listens any more: who wants to know calls unload().
  }
}

OfxStatus Host::enter(const std::string& action, const void* handle, PropertySet* in, PropertySet* out) {
  ActionScope scope;
  scope.host = &context_;
  scope.action = action;
  return call(scope, handle, in, out);
}

void Host::load() {
  const OfxStatus status = enter(kOfxActionLoad, nullptr, nullptr, nullptr);
  const bool strictAboutDefault = context_.personality.name == "mlt";  // it takes ReplyDefault for a failure
  if (status != kOfxStatOK && (strictAboutDefault || !worked(status))) {
    throw ActionFailed("LoadFailed", kOfxActionLoad, status, textsOf(messages()));
  }
  loaded_ = true;
}

Description Host::describe() {
  Description made;
  made.base = std::make_unique<Effect>(context_, binary_->bundle());
  const OfxStatus status = enter(kOfxActionDescribe, made.base->handle(), nullptr, nullptr);
  if (status != kOfxStatOK) throw ActionFailed("DescribeFailed", kOfxActionDescribe, status, textsOf(messages()));
  const std::vector<std::string> offered = made.base->properties().getStrings(kOfxImageEffectPropSupportedContexts);
  for (const std::string& wanted : context_.personality.contexts) {
    if (std::find(offered.begin(), offered.end(), wanted) != offered.end()) describeInContext(made, wanted);
  }
  if (made.contexts.empty()) throw LoadFailed("the plugin supports none of this host's contexts");
  return made;
}

void Host::describeInContext(Description& description, const std::string& contextName) {
  auto effect = std::make_unique<Effect>(context_, binary_->bundle());
  effect->properties().copyValuesFrom(description.base->properties());
  PropertySet in("DescribeInContext.inArgs");
  in.define({kOfxImageEffectPropContext, PropertyType::String, 1, Writer::Host, {contextName}});
  PropertySet* given = context_.personality.contextArgsAreHost ? &properties_ : &in;
  const OfxStatus status = enter(kOfxImageEffectActionDescribeInContext, effect->handle(), given, nullptr);
  if (!worked(status)) {
    throw ActionFailed("DescribeFailed", kOfxImageEffectActionDescribeInContext, status, textsOf(messages()));
  }
  const bool needsSource = contextName == kOfxImageEffectContextFilter;
  const bool complete = effect->clip(kOfxImageEffectOutputClipName) != nullptr &&
                        (!needsSource || effect->clip(kOfxImageEffectSimpleSourceClipName) != nullptr);
  if (!complete) throw LoadFailed("a mandatory clip is missing in " + contextName);
  description.contexts.emplace(contextName, std::move(effect));
}

Description Host::reload() {
  binary_->offerHost(&ofxHost_);
  plugin().setHost(&ofxHost_);
  load();
  return describe();
}

const Effect& Host::descriptor(const std::string& contextName) const {
  const auto found = description_.contexts.find(contextName);
  if (found == description_.contexts.end()) {
    throw HostError("UnknownContext", "the plugin was not described in " + contextName);
  }
  return *found->second;
}

ThreadSafety Host::threadSafety(const Effect& descriptor) const {
  const std::string safety = descriptor.properties().getString(kOfxImageEffectPluginRenderThreadSafety);
  if (safety == kOfxImageEffectRenderUnsafe) return ThreadSafety::Unsafe;
  if (safety == kOfxImageEffectRenderFullySafe) return ThreadSafety::FullySafe;
  if (safety == kOfxImageEffectRenderInstanceSafe) return ThreadSafety::InstanceSafe;
  throw HostError("BadThreadSafety", safety);
}

std::shared_ptr<Instance> Host::createInstance(const std::string& contextName, const Project* project) {
  if (!loaded_) throw HostError("Unloaded", "the plugin was unloaded");
  std::string chosen = project != nullptr ? project->context : contextName;
  for (const std::string& preferred : context_.personality.contexts) {
    if (chosen.empty() && description_.contexts.count(preferred) != 0) chosen = preferred;
  }
  auto instance = std::make_shared<Instance>(*this, chosen, project);
  instances_.push_back(instance);
  raiseViolations();
  return instance;
}

void Host::unload() {
  if (!loaded_) return;
  for (const auto& weak : instances_) {
    if (const auto instance = weak.lock()) instance->destroyQuietly();
  }
  instances_.clear();
  loaded_ = false;
  const OfxStatus status = enter(kOfxActionUnload, nullptr, nullptr, nullptr);
  checkBill();
  description_ = {};
  binary_.reset();
  if (!worked(status)) throw ActionFailed("UnloadFailed", kOfxActionUnload, status, textsOf(messages()));
  raiseViolations();
}

/// What the plugin must have given back by Unload.
void Host::checkBill() {
  const std::lock_guard lock(context_.mutex);
  const auto add = [&](std::size_t count, const char* what) {
    if (count == 0) return;
    context_.violations.add({"Leaked", kOfxActionUnload, std::to_string(count) + " " + what + " were not given back"});
  };
  add(context_.memory.size(), "blocks of memoryAlloc");
  add(static_cast<std::size_t>(context_.mutexes.load()), "mutexes");
  add(static_cast<std::size_t>(context_.imageMemories.load()), "image memories");
}

OfxStatus Host::call(ActionScope& scope, const void* handle, PropertySet* in, PropertySet* out) {
  const ScopeEntry entry(&scope);
  const ProcessState before;
  OfxStatus status = kOfxStatErrFatal;
  try {
    status = plugin().mainEntry(scope.action.c_str(), handle, in != nullptr ? in->as<OfxPropertySetHandle>() : nullptr,
                                out != nullptr ? out->as<OfxPropertySetHandle>() : nullptr);
  } catch (const std::exception& error) {
    report("ExceptionEscaped", error.what());
  } catch (...) {
    report("ExceptionEscaped", "of an unknown type");
  }
  for (const auto& image : scope.images) {
    image->check();
    report("ImageLeaked", image->facts().clip + " at " + std::to_string(image->facts().time) + " was not released");
  }
  if (scope.outputHeld != 0) report("ImageLeaked", "the output image was not released");
  if (scope.progressOpen != 0) report("ProgressLeftOpen", "a progress bar was not ended");
  if (!isKnownStatus(status)) report("BadStatus", "the action returned " + std::to_string(status));
  before.reportChanges();
  expireLentStrings();
  return status;
}

void Host::raiseViolations() {
  if (!raiseViolations_) return;
  std::vector<Violation> found;
  {
    const std::lock_guard lock(raisedMutex_);
    found = context_.violations.since(raised_);
    raised_ += found.size();
  }
  if (!found.empty()) throw PluginViolated(std::move(found));
}

void Host::clearViolations() {
  const std::lock_guard lock(raisedMutex_);
  context_.violations.clear();
  raised_ = 0;
}

std::vector<Message> Host::messages() {
  const std::lock_guard lock(context_.messagesMutex);
  return context_.messages;
}

}  // namespace sparkvsr::host
