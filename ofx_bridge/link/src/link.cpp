// SPDX-License-Identifier: Apache-2.0
// The public face: the process's links, their life across fork() and Unload, and the boundary where exceptions stop.
#include "sparkvsr/link.hpp"

#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>

#include "core.hpp"
#include "guard.hpp"
#include "sparkvsr/link_tuning.hpp"

namespace sparkvsr {
namespace detail {
namespace {

/// A pointer to something that belongs to one process. After fork() the child makes its own and leaks the parent's: its
/// threads do not exist there, and its mutexes may be locked for ever. No lock is taken here, for the same reason.
template <typename Owned>
class PerProcess {
 public:
  PerProcess() = default;
  ~PerProcess() {
    Owned* mine = pointer_.load();
    if (mine != nullptr && mine->pid() == ::getpid()) delete mine;
  }
  PerProcess(const PerProcess&) = delete;
  PerProcess& operator=(const PerProcess&) = delete;

  template <typename Make>
  Owned& get(Make make) {
    Owned* seen = pointer_.load();
    if (seen != nullptr && seen->pid() == ::getpid()) return *seen;
    Owned* fresh = make();
    if (pointer_.compare_exchange_strong(seen, fresh)) return *fresh;
    delete fresh;
    return *seen;
  }

 private:
  std::atomic<Owned*> pointer_{nullptr};
};

class LinkImplementation final : public Link {
 public:
  LinkImplementation(LinkOptions options, const Tuning& tuning) : options_(std::move(options)), tuning_(tuning) {}

  Result<Fingerprint> put(const ConstImageView& image, bool likelyKnown, bool force, const AbortPoll& abort) override {
    return guarded<Result<Fingerprint>>([&] { return core().put(image, likelyKnown, force, abort); });
  }
  RenderOutcome render(const RenderRequest& request, const ImageView& output, const AbortPoll& abort,
                       const ProgressReport& progress) override {
    return guarded<RenderOutcome>([&] { return core().render(request, output, abort, progress); });
  }
  AnalysisOutcome analyse(const AnalysisRequest& request, const AbortPoll& abort,
                          const ProgressReport& progress) override {
    return guarded<AnalysisOutcome>([&] { return core().analyse(request, abort, progress); });
  }
  Result<bool> wishBudget(const MemoryBudget& budget, bool always, const AbortPoll& abort) override {
    return guarded<Result<bool>>([&] { return core().wishBudget(budget, always, abort); });
  }
  Result<BackendCard> backend(const AbortPoll& abort) override {
    return guarded<Result<BackendCard>>([&] { return core().backend(abort); });
  }
  Result<std::string> status(const AbortPoll& abort) override {
    return guarded<Result<std::string>>([&] { return core().status(abort); });
  }
  Result<bool> clearCaches(const AbortPoll& abort) override {
    return guarded<Result<bool>>([&] { return core().clearCaches(abort); });
  }
  Result<bool> shutdownBackend(const AbortPoll& abort) override {
    return guarded<Result<bool>>([&] { return core().shutdownBackend(abort); });
  }
  LinkCounters counters() const override {
    const auto counted = guarded<Result<LinkCounters>>([&] { return core().counters(); });
    const auto* counters = std::get_if<LinkCounters>(&counted);
    return counters != nullptr ? *counters : LinkCounters{};
  }
  void stop() noexcept {
    (void)guarded<Result<bool>>([&] {
      core().stop();
      return true;
    });
  }

 private:
  Core& core() const {
    return core_.get([this] { return new Core(options_, tuning_); });
  }

  const LinkOptions options_;
  const Tuning tuning_;
  mutable PerProcess<Core> core_;
};

/// All links of a process, by their options. Never destroyed: no static destructor may join a thread.
class Registry {
 public:
  [[nodiscard]] int pid() const noexcept { return pid_; }

  std::shared_ptr<Link> find(const LinkOptions& options) {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto& link = links_[key(options)];
    if (!link) link = std::make_shared<LinkImplementation>(options, Tuning{});
    return link;
  }

  void shutdown() {
    std::map<std::string, std::shared_ptr<LinkImplementation>> links;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      links.swap(links_);
    }
    for (auto& [name, link] : links) link->stop();
  }

 private:
  static std::string key(const LinkOptions& options) {
    const char separator = '\0';
    return options.address + separator + options.bundleResources + separator + options.hostName + separator +
           options.hostVersion + separator + (options.allowSpawn ? "s" : "-") + (options.allowSharedMemory ? "m" : "-");
  }

  const int pid_ = ::getpid();
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<LinkImplementation>> links_;
};

Registry& registry() {
  static auto* const owner = new PerProcess<Registry>();
  return owner->get([] { return new Registry(); });
}

}  // namespace
}  // namespace detail

std::shared_ptr<Link> makeLink(const LinkOptions& options, const LinkTuning& tuning) {
  return std::make_shared<detail::LinkImplementation>(options, tuning);
}

std::shared_ptr<Link> Link::process(const LinkOptions& options) { return detail::registry().find(options); }

void Link::shutdownAll() noexcept {
  (void)detail::guarded<Result<bool>>([] {
    detail::registry().shutdown();
    return true;
  });
}

}  // namespace sparkvsr
