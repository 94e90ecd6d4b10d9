// SPDX-License-Identifier: Apache-2.0
// An instance as an artist works with it: connects clips, moves parameters, renders frames.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/live_effect.hpp"

namespace sparkvsr::host {

struct RenderOptions {
  std::optional<OfxRectI> window;  // pixels, y up; none: the whole region of definition
  OfxPointD scale{1, 1};
  std::optional<double> abortAfterMs;
  std::optional<int> abortAfterPolls;
  bool interactive = false;
  bool draft = false;
};

struct Rendered {
  Picture picture;  // the window, rows from the top
  OfxRectI bounds{};
  OfxRectI window{};
  bool identity = false;
  double milliseconds = 0;  // of the render action alone
  int abortPolls = 0;
};

class Instance {
 public:
  Instance(Host& host, std::string contextName, const Project* project);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  [[nodiscard]] Host& host() noexcept { return host_; }
  [[nodiscard]] const std::string& contextName() const noexcept { return context_; }

  // ---- clips
  /// `input` nullptr disconnects. Raises HostError "UnknownClip".
  void connect(const std::string& clip, std::shared_ptr<ClipInput> input);
  /// Size of the project where it is not Source's: canonical. Hosts with one size for all clips resample to it.
  void setProject(const OfxRectD& rectangle);
  /// Host time of a clip's own frame number.
  [[nodiscard]] double hostTime(double frame);

  // ---- parameters, as an artist's edits: InstanceChanged follows
  void set(const std::string& name, const ParamValue& value);
  void setKey(const std::string& name, double time, const ParamValue& value);
  void deleteKey(const std::string& name, double time);
  void deleteAllKeys(const std::string& name);
  void press(const std::string& name, std::optional<double> time);
  [[nodiscard]] ParamValue get(const std::string& name, std::optional<double> time);
  [[nodiscard]] std::vector<Key> keys(const std::string& name);
  [[nodiscard]] const Param& param(const std::string& name);
  void setInterpolation(const std::string& name, Interpolation interpolation);
  [[nodiscard]] Project save();
  double now = 0;  // the timeline's time

  // ---- questions
  [[nodiscard]] ClipPreferences clipPreferences();
  [[nodiscard]] OfxRectD regionOfDefinition(double time, OfxPointD scale);
  [[nodiscard]] DeclaredFrames framesNeeded(double time);
  [[nodiscard]] std::map<std::string, OfxRectD> regionsOfInterest(double time, const OfxRectD& region);
  [[nodiscard]] std::optional<Identity> identity(double time);

  // ---- rendering
  /// Raises RenderFailed, RenderAborted, PluginViolated, HostError "ConcurrentRender", and what a frame source threw.
  [[nodiscard]] Rendered render(double time, const RenderOptions& options);
  /// The same frames on `threads` threads, in the order given; as parallel as the plugin's thread safety allows.
  [[nodiscard]] std::vector<Rendered> renderMany(const std::vector<double>& times, int threads,
                                                 const RenderOptions& options);
  void beginSequence(const SequenceArgs& args);
  void endSequence(const SequenceArgs& args);
  /// Makes abort() answer 1 in renders that run now; from any thread.
  void abort() noexcept { record_->abortNow = true; }
  void simple(const std::string& action);

  void destroy();
  /// The same without raising what was violated.
  void destroyQuietly() noexcept;
  [[nodiscard]] bool alive() const noexcept { return main_ != nullptr; }
  [[nodiscard]] Record& record() noexcept { return *record_; }

 private:
  enum class WhenBusy { Refuse, Wait };

  /// Runs one operation of the artist; what the plugin violated, or a frame source threw, weighs more than its failure.
  template <typename Body>
  auto settled(Body&& body);
  [[nodiscard]] LiveEffect& live();
  [[nodiscard]] Param& edited(const std::string& name);
  [[nodiscard]] Moment momentNow(std::optional<double> time) const;
  void announce(const std::string& name, const std::string& kind, std::optional<double> time);
  void followTimeline(std::size_t gone);
  void rollCall();
  void fillEffect(Effect& effect, const Effect* from, const Project* project);
  [[nodiscard]] std::unique_ptr<LiveEffect> copy();
  void updateProject(Effect& effect);
  [[nodiscard]] Rendered renderFresh(double time, const RenderOptions& options);
  [[nodiscard]] Rendered renderOn(LiveEffect& effect, double time, const RenderOptions& options, WhenBusy whenBusy,
                                  bool inSequence);
  [[nodiscard]] Rendered renderLocked(LiveEffect& effect, double time, const RenderOptions& options, bool inSequence);
  [[nodiscard]] Rendered renderAction(LiveEffect& effect, const RenderArgs& args, const RenderOptions& options,
                                      const OfxRectI& bounds);
  [[nodiscard]] Rendered renderIdentity(LiveEffect& effect, const Identity& identity, const RenderOptions& options);
  [[nodiscard]] OfxRectI outputBounds(LiveEffect& effect, const Moment& moment);
  [[nodiscard]] bool freshPerFrame() const;
  void renderShare(const std::vector<double>& times, const RenderOptions& options, std::atomic<std::size_t>& next,
                   std::vector<Rendered>& results);
  void rethrowSourceError();

  Host& host_;
  std::string context_;
  std::shared_ptr<Record> record_;
  std::map<std::string, std::shared_ptr<ClipInput>> inputs_;
  std::optional<OfxRectD> project_;
  std::unique_ptr<LiveEffect> main_;
  std::atomic<bool> inSequence_{false};
};

template <typename Body>
auto Instance::settled(Body&& body) {
  try {
    auto result = body();
    rethrowSourceError();
    host_.raiseViolations();
    return result;
  } catch (const HostError&) {
    rethrowSourceError();
    host_.raiseViolations();
    throw;
  }
}

}  // namespace sparkvsr::host
