// SPDX-License-Identifier: Apache-2.0
// An effect between CreateInstance and DestroyInstance, and every action that a host sends it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/host.hpp"
#include "host/preferences.hpp"

namespace sparkvsr::host {

/// Where an action happens: time, timeline, proxy scale.
struct Moment {
  double time = 0;
  double now = 0;
  OfxPointD scale{1, 1};
};

struct Identity {
  std::string clip;
  double time;
};

struct SequenceArgs {
  double first = 0;
  double last = 0;
  double step = 1;
  bool interactive = false;
  OfxPointD scale{1, 1};
};

struct RenderArgs {
  Moment moment;
  OfxRectI window{};
  bool interactive = false;
  bool draft = false;
  const AbortScript* abort = nullptr;
  const DeclaredFrames* declared = nullptr;
  HostImage* output = nullptr;
};

class LiveEffect {
 public:
  /// Makes the effect, lets `prepare` fill its parameters and clips, sends CreateInstance. Raises ActionFailed.
  LiveEffect(Host& host, const Effect& descriptor, const std::string& contextName, std::shared_ptr<Record> record,
             const std::function<void(Effect&)>& prepare);
  /// Sends DestroyInstance.
  ~LiveEffect();
  LiveEffect(const LiveEffect&) = delete;
  LiveEffect& operator=(const LiveEffect&) = delete;

  [[nodiscard]] Effect& effect() noexcept { return effect_; }
  /// Held during each render where the plugin is InstanceSafe.
  [[nodiscard]] std::mutex& renderMutex() noexcept { return renderMutex_; }

  /// Asked again only after clipsChanged().
  const ClipPreferences& preferences();
  void clipsChanged();

  [[nodiscard]] OfxRectD regionOfDefinition(const Moment& moment);
  [[nodiscard]] DeclaredFrames framesNeeded(const Moment& moment);
  [[nodiscard]] std::map<std::string, OfxRectD> regionsOfInterest(const Moment& moment, const OfxRectD& region);
  [[nodiscard]] std::optional<Identity> identity(const Moment& moment, const OfxRectI& window);
  void beginSequence(const SequenceArgs& args) { sequence(kOfxImageEffectActionBeginSequenceRender, args); }
  void endSequence(const SequenceArgs& args) { sequence(kOfxImageEffectActionEndSequenceRender, args); }
  [[nodiscard]] OfxStatus render(const RenderArgs& args);

  /// One Begin/Changed…/End bracket. `kind`: "OfxTypeParameter" or "OfxTypeClip". Returns the parameters that the
  /// plugin wrote.
  std::set<std::string> changed(const std::vector<std::string>& names, const std::string& kind,
                                const std::string& reason, const Moment& moment);
  /// An action without arguments: PurgeCaches, SyncPrivateData, Begin/EndInstanceEdit.
  void simple(const std::string& action);

 private:
  void prepareScope(ActionScope& scope, const std::string& action) const;
  void prepareScope(ActionScope& scope, const std::string& action, const Moment& moment) const;
  OfxStatus run(ActionScope& scope, PropertySet* in, PropertySet* out);
  /// The same; a failure is thrown, with what the plugin said meanwhile.
  OfxStatus runOrThrow(ActionScope& scope, PropertySet* in, PropertySet* out,
                       const std::string& errorName = "ActionFailed");
  void sequence(const std::string& action, const SequenceArgs& args);
  void complain(const std::string& rule, const std::string& action, const std::string& text);
  [[nodiscard]] OfxRectD defaultRegion(const Moment& moment);

  Host& host_;
  Effect effect_;
  std::mutex renderMutex_;
  std::mutex preferencesMutex_;
  std::optional<ClipPreferences> preferences_;
};

}  // namespace sparkvsr::host
