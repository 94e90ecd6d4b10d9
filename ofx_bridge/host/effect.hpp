// SPDX-License-Identifier: Apache-2.0
// One image effect as a plugin sees it: a descriptor or an instance, with properties, parameters and clips.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/clip.hpp"
#include "host/context.hpp"
#include "host/param.hpp"

namespace sparkvsr::host {

/// When abort() begins to answer 1. Polls and time start with the action.
struct AbortScript {
  std::optional<double> afterMs;
  std::optional<int> afterPolls;
  std::atomic<bool>* external = nullptr;  // set from another thread
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();

  /// Counts a poll; true = stop.
  [[nodiscard]] bool poll() const;
  [[nodiscard]] bool fired() const;
  /// Milliseconds since the moment from which abort() answered 1.
  [[nodiscard]] double sinceFired() const;
  [[nodiscard]] int polls() const { return polls_; }

 private:
  mutable std::mutex mutex_;
  mutable int polls_ = 0;
  mutable std::optional<std::chrono::steady_clock::time_point> firedAt_;
};

struct Pull {
  std::string clip;
  double time;
};

struct ProgressEvent {
  std::string kind;  // start, update, end
  double fraction;
  std::string text;
};

/// What an instance and its render clones leave behind. Thread-safe by its mutex.
struct Record {
  std::mutex mutex;
  std::vector<Pull> pulls;
  std::vector<Message> messages;
  std::optional<Message> persistent;
  std::vector<ProgressEvent> progress;
  std::vector<double> gotoTimes;
  std::atomic<bool> cancelProgress{false};
  std::atomic<bool> abortNow{false};
  std::exception_ptr sourceError;  // what a frame source threw, to be thrown again after the action

  [[nodiscard]] std::size_t messageCount();
  [[nodiscard]] std::size_t gotoCount();
  /// Texts of the messages from number `first` on.
  [[nodiscard]] std::vector<std::string> textsSince(std::size_t first);
};

class Effect : public Handled<Effect, HandleKind::Effect> {
 public:
  /// A descriptor.
  Effect(HostContext& host, const std::string& bundlePath);
  /// An instance made from the descriptor of its context.
  Effect(HostContext& host, const Effect& descriptor, std::shared_ptr<Record> record);

  [[nodiscard]] HostContext& host() noexcept { return host_; }
  [[nodiscard]] bool isInstance() const noexcept { return record_ != nullptr; }
  [[nodiscard]] PropertySet& properties() noexcept { return properties_; }
  [[nodiscard]] const PropertySet& properties() const noexcept { return properties_; }
  [[nodiscard]] ParamSet& params() noexcept { return params_; }
  [[nodiscard]] const ParamSet& params() const noexcept { return params_; }
  [[nodiscard]] Record& record() noexcept { return *record_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Clip>>& clips() const noexcept { return clips_; }
  [[nodiscard]] Clip* clip(const std::string& name) const;
  Clip& addClip(const std::string& name);
  /// First frame of Source in hosts that count from 0, else 0: frame = time + offset.
  [[nodiscard]] double timeOffset() const;
  /// Canonical.
  [[nodiscard]] OfxRectD project() const;
  void setProject(const OfxRectD& rectangle, double pixelAspect);

 private:
  HostContext& host_;
  std::shared_ptr<Record> record_;
  PropertySet properties_;
  ParamSet params_;
  std::vector<std::unique_ptr<Clip>> clips_;
};

/// An input clip's picture at a time, as this host would hand it out; nothing where there is none.
struct Fetched {
  Picture picture;
  ImageFacts facts;
};
[[nodiscard]] std::optional<Fetched> fetchImage(Clip& clip, double time, const OfxPointD& scale);
/// Canonical region of what is connected, at a time.
[[nodiscard]] std::optional<OfxRectD> regionOf(Clip& clip, double time);

[[nodiscard]] const void* imageEffectSuite();

}  // namespace sparkvsr::host
