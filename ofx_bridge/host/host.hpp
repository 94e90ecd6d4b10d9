// SPDX-License-Identifier: Apache-2.0
// A headless host: one plugin under one personality.
//
// Thread safety: instances may be used from several threads; loading, describing and unloading from one.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/context.hpp"
#include "host/effect.hpp"
#include "host/plugin_binary.hpp"
#include "host/suites.hpp"

namespace sparkvsr::host {

struct HostOptions {
  std::string path;        // a bundle or an .ofx file
  std::string identifier;  // empty: the first image effect of the binary
  Personality personality;
  Faults faults;
  bool raiseViolations = true;
};

/// What a project file keeps of an instance.
struct Project {
  std::string identifier;
  int major = 0;
  int minor = 0;
  std::string context;
  std::map<std::string, SavedParam> params;
};

/// The descriptors that Describe and DescribeInContext filled.
struct Description {
  std::unique_ptr<Effect> base;
  std::map<std::string, std::unique_ptr<Effect>> contexts;
};

enum class ThreadSafety { Unsafe, InstanceSafe, FullySafe };

class Instance;

/// Makes a host's suites findable by its handle for as long as it lives.
class HostRegistration {
 public:
  HostRegistration(HostContext& context, void* handle, const Suites& suites);
  ~HostRegistration();
  HostRegistration(const HostRegistration&) = delete;
  HostRegistration& operator=(const HostRegistration&) = delete;

 private:
  HostContext& context_;
  void* handle_;
};

class Host {
 public:
  /// Loads and describes. Raises LoadFailed, ActionFailed, PluginViolated, HostError.
  explicit Host(HostOptions options);
  /// Unloads; what goes wrong then is lost: call unload() to hear of it.
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] HostContext& context() noexcept { return context_; }
  [[nodiscard]] const Personality& personality() const noexcept { return context_.personality; }
  [[nodiscard]] const OfxPlugin& plugin() const noexcept { return binary_->plugin(); }
  [[nodiscard]] const Description& description() const noexcept { return description_; }
  [[nodiscard]] const Effect& descriptor(const std::string& contextName) const;
  [[nodiscard]] ThreadSafety threadSafety(const Effect& descriptor) const;
  [[nodiscard]] std::mutex& pluginMutex() noexcept { return pluginMutex_; }

  /// `contextName` empty: the one this personality prefers. With a project, its parameters are set before
  /// CreateInstance.
  [[nodiscard]] std::shared_ptr<Instance> createInstance(const std::string& contextName, const Project* project);
  /// Destroys the instances that are left, sends Unload, closes the binary. Raises what was violated.
  void unload();
  [[nodiscard]] bool loaded() const noexcept { return loaded_; }

  /// Load, Describe and DescribeInContext once more, as MLT does for each frame: on several threads at once.
  [[nodiscard]] Description reload();

  /// Calls the plugin inside `scope` and checks what must hold after every action. Never throws for what the plugin
  /// does.
  OfxStatus call(ActionScope& scope, const void* handle, PropertySet* in, PropertySet* out);
  /// Throws PluginViolated for what was found since the last call, unless violations are only collected.
  void raiseViolations();
  void clearViolations();
  /// The lines the plugin said to nobody in particular.
  [[nodiscard]] std::vector<Message> messages();

 private:
  void load();
  [[nodiscard]] Description describe();
  void describeInContext(Description& description, const std::string& contextName);
  [[nodiscard]] OfxStatus enter(const std::string& action, const void* handle, PropertySet* in, PropertySet* out);
  void checkBill();

  HostContext context_;
  bool raiseViolations_;
  std::size_t raised_ = 0;
  std::mutex raisedMutex_;
  std::mutex pluginMutex_;
  PropertySet properties_{"Host"};
  Suites suites_;
  HostRegistration registration_;
  OfxHost ofxHost_{};
  std::unique_ptr<PluginBinary> binary_;
  Description description_;
  std::vector<std::weak_ptr<Instance>> instances_;
  std::atomic<bool> loaded_{false};
};

}  // namespace sparkvsr::host
