// SPDX-License-Identifier: Apache-2.0
// A look at all frames of the clip, for questions that one frame cannot answer.
#pragma once

#include "picture_reader.hpp"
#include "plan.hpp"
#include "progress_bar.hpp"

namespace sparkvsr::plugin {

class Survey {
 public:
  Survey(Instance& instance, const Params& params, RenderScale scale, ProgressBar& bar);

  /// Asks the backend; `request` needs neither frames nor settings. Aborted where the artist cancelled;
  /// HostBlindToTime, ClipLengthUnknown, ClipTooLong, SourceMissing, and what the backend and the host's images bring.
  [[nodiscard]] Result<FrameNumbers> ask(AnalysisRequest request);

 private:
  using Failure = std::optional<Error>;

  [[nodiscard]] Failure look();
  [[nodiscard]] Failure lookAt(std::int64_t time);
  [[nodiscard]] Failure send(const std::vector<Fingerprint>& needed);
  [[nodiscard]] Failure sendOne(const Fingerprint& needed);

  Instance& instance_;
  const Params& params_;
  PictureReader reader_;
  ProgressBar& bar_;
  std::shared_ptr<Link> link_;
  std::vector<WindowFrame> frames_;
};

}  // namespace sparkvsr::plugin
