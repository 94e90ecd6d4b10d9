// SPDX-License-Identifier: Apache-2.0
// One render in the making.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "keyframe_picture.hpp"
#include "picture_reader.hpp"
#include "plan.hpp"
#include "render_task.hpp"

namespace sparkvsr::plugin {

/// Nothing went wrong where empty.
using Failure = std::optional<Error>;

class RenderJob {
 public:
  RenderJob(Instance& instance, RenderTask task);

  /// Every step, in order, until one fails.
  [[nodiscard]] Failure run();

  /// A bicubic enlargement of the source instead of the result. Fails where there is no source or no output to write
  /// to.
  [[nodiscard]] Failure standIn();

  [[nodiscard]] const Params& params() const { return params_; }
  [[nodiscard]] const std::vector<Notice>& notices() const { return notices_; }

 private:
  struct SentFrame {
    InputClip clip;
    std::int64_t time;
    Fingerprint fingerprint;
  };

  // Steps of run().
  Failure refuseWhatCannotBe();
  Failure planTheFrames();
  Failure readPattern();
  Failure openOutput();
  Failure sendOwnFrame();
  Failure sendWindow();
  Failure sendKeyframes();
  Failure requestUntilDone();

  [[nodiscard]] Failure openHostOutput();
  [[nodiscard]] Failure openOwnOutput();
  [[nodiscard]] Failure layOutTarget();
  [[nodiscard]] Failure sendAgain(const std::vector<Fingerprint>& needed);
  [[nodiscard]] RenderRequest request() const;
  [[nodiscard]] Result<KeyframeUse> keyframeUse(std::int64_t time);
  [[nodiscard]] Failure findPicture(KeyframeUse& use);
  [[nodiscard]] std::int64_t labelOf(std::int64_t time) const { return time + params_.frameOffset; }
  [[nodiscard]] Result<std::optional<Fingerprint>> send(InputClip clip, std::int64_t time, bool force);
  [[nodiscard]] bool aborted() const;

  Instance& instance_;
  const RenderTask task_;
  const Params params_;
  PictureReader reader_;
  std::shared_ptr<Link> link_;

  FramePlan plan_;
  std::optional<PicturePattern> pattern_;  // of the keyframes' files
  HostImage output_;
  PixelRect window_;  // of the render, inside output_
  PixelRect frame_;   // of the whole output picture
  Target target_;
  std::vector<char> ownOutput_;  // where the host gives no picture to render into
  std::vector<SentFrame> sent_;
  std::vector<KeyframeUse> keyframes_;
  Fingerprint own_{};
  std::vector<WindowFrame> windowFrames_;  // those that the host has, the own frame among them
  std::vector<Notice> notices_;
};

}  // namespace sparkvsr::plugin
