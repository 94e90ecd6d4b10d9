// SPDX-License-Identifier: Apache-2.0
// One render in the making.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "action_call.hpp"
#include "images.hpp"
#include "keyframe_picture.hpp"
#include "plan.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::plugin {

/// Nothing went wrong where empty.
using Failure = std::optional<Error>;

class RenderJob {
 public:
  explicit RenderJob(const ActionCall& call);

  /// Every step, in order, until one fails.
  [[nodiscard]] Failure run();

  /// A bicubic enlargement of the source instead of the result. Fails where there is no source or no output to write
  /// to.
  [[nodiscard]] Failure standIn();

  [[nodiscard]] const Params& params() const { return params_; }
  [[nodiscard]] const std::vector<Notice>& notices() const { return notices_; }

 private:
  enum class Clip { Source, Keyframes };
  struct SentFrame {
    Clip clip;
    std::int64_t time;
    Fingerprint fingerprint;
  };

  // Steps of run().
  Failure refuseWhatIsNotBuilt();
  Failure planTheFrames();
  Failure readPattern();
  Failure openOutput();
  Failure sendOwnFrame();
  Failure sendWindow();
  Failure sendKeyframes();
  Failure requestUntilDone();

  void layOutTarget();
  [[nodiscard]] Failure sendAgain(const std::vector<Fingerprint>& needed);
  [[nodiscard]] RenderRequest request() const;
  [[nodiscard]] Settings settings() const;
  [[nodiscard]] Result<KeyframeUse> keyframeUse(std::int64_t time);
  [[nodiscard]] std::int64_t labelOf(std::int64_t time) const { return time + params_.frameOffset; }
  [[nodiscard]] Result<std::optional<Fingerprint>> send(Clip clip, std::int64_t time, bool force);
  [[nodiscard]] Result<std::optional<HostImage>> fetch(Clip clip, std::int64_t time);
  [[nodiscard]] PixelRect wantedRect(Clip clip, std::int64_t time, const HostImage& image);
  [[nodiscard]] OfxImageClipHandle handleOf(Clip clip) const;
  [[nodiscard]] bool aborted() const;

  const ActionCall& call_;
  Instance& instance_;
  Params params_;
  RenderScale scale_;
  std::shared_ptr<Link> link_;
  AbortPoll abort_;

  FramePlan plan_;
  std::optional<PicturePattern> pattern_;  // of the keyframes' files
  HostImage output_;
  PixelRect window_;  // of the render, inside output_
  PixelRect frame_;   // of the whole output picture
  Target target_;
  std::optional<PixelRect> sourceRect_;  // of the own source frame; its companions are cut to it
  Depth sourceDepth_ = Depth::Float;
  std::vector<SentFrame> sent_;
  std::vector<KeyframeUse> keyframes_;
  Fingerprint own_{};
  std::vector<WindowFrame> windowFrames_;  // those that the host has, the own frame among them
  std::vector<Notice> notices_;
};

}  // namespace sparkvsr::plugin
