// SPDX-License-Identifier: Apache-2.0
// What a link is within one process: put, render and the small requests, over the I/O thread's connection.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "carrier.hpp"
#include "io_thread.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::detail {

class Core {
 public:
  Core(const LinkOptions& options, const Tuning& tuning);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  [[nodiscard]] Result<Fingerprint> put(const ConstImageView& image, bool likelyKnown, bool force,
                                        const AbortPoll& abort);
  [[nodiscard]] RenderOutcome render(const RenderRequest& request, const ImageView& output, const AbortPoll& abort,
                                     const ProgressReport& progress);
  [[nodiscard]] AnalysisOutcome analyse(const AnalysisRequest& request, const AbortPoll& abort,
                                        const ProgressReport& progress);
  [[nodiscard]] Result<bool> wishBudget(const MemoryBudget& budget, bool always, const AbortPoll& abort);
  [[nodiscard]] Result<BackendCard> backend(const AbortPoll& abort);
  [[nodiscard]] Result<std::string> status(const AbortPoll& abort);
  [[nodiscard]] Result<bool> clearCaches(const AbortPoll& abort);
  [[nodiscard]] Result<bool> shutdownBackend(const AbortPoll& abort);
  [[nodiscard]] LinkCounters counters() const;
  void stop() noexcept { io_->stop(); }

  /// The process that made it; another one must leave it alone.
  [[nodiscard]] int pid() const noexcept { return pid_; }

 private:
  [[nodiscard]] Result<Fingerprint> putOnce(const ConstImageView& image, bool likelyKnown, bool force,
                                            const AbortPoll& abort);
  RenderOutcome renderOnce(const RenderRequest& request, const ImageView& output, const AbortPoll& abort,
                           const ProgressReport& progress);
  AnalysisOutcome analyseOnce(const AnalysisRequest& request, const AbortPoll& abort, const ProgressReport& progress);
  [[nodiscard]] std::optional<Error> tellBudget(const SessionPtr& session, const AbortPoll& abort);
  void forgetFrames(const std::vector<Fingerprint>& missing);
  RenderOutcome conclude(Answer answer, Room& room, const ImageView& output);
  RenderOutcome deliver(Delivered delivered, Room& room, const ImageView& output);
  Answer ask(const SessionPtr& session, protocol::MessageType type, const AbortPoll& abort);
  void noteCarrier(const Room& room);

  const int pid_;
  const LinkOptions options_;
  const Tuning tuning_;
  const std::shared_ptr<IoThread> io_;
  std::atomic<std::uint64_t> framesPut_{0};
  std::atomic<std::uint64_t> bytesPut_{0};
  std::atomic<std::uint64_t> framesKnown_{0};
  std::atomic<std::uint64_t> renders_{0};
  std::atomic<std::uint64_t> needs_{0};
  mutable std::mutex mutex_;
  std::string whyInline_;
  MemoryBudget wish_;
  std::pair<std::weak_ptr<Session>, MemoryBudget> told_;  // on which connection
};

}  // namespace sparkvsr::detail
