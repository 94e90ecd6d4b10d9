// SPDX-License-Identifier: Apache-2.0
// The ring: slots of shared memory of one connection, each with one owner at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "shm.hpp"
#include "tuning.hpp"
#include "waiting.hpp"
#include "wire.hpp"

namespace sparkvsr::detail {

class SlotPool;

/// The caller's hold on a slot: nobody else gets it while this lives, whoever owns it by the protocol.
class SlotHold {
 public:
  SlotHold() = default;
  SlotHold(std::shared_ptr<SlotPool> pool, std::shared_ptr<Segment> segment, wire::ShmPlace place, std::size_t offset,
           std::size_t bytes) noexcept;
  SlotHold(SlotHold&&) noexcept = default;
  SlotHold& operator=(SlotHold&&) = delete;
  ~SlotHold();

  [[nodiscard]] std::byte* data() const noexcept { return segment_->data() + offset_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] wire::ShmPlace place() const noexcept { return place_; }
  /// The next message gives the slot to the backend; it comes back by RELEASE.
  void handOver() const;

 private:
  std::shared_ptr<SlotPool> pool_;
  std::shared_ptr<Segment> segment_;
  wire::ShmPlace place_;
  std::size_t offset_ = 0;
  std::size_t bytes_ = 0;
};

/// No slot for this picture: it travels inline, for this reason.
struct NoSlot {
  std::string reason;
};

class SlotPool : public std::enable_shared_from_this<SlotPool> {
 public:
  /// How the pool speaks to the backend; called with the pool locked, so these must not call back.
  struct Announce {
    std::function<std::uint64_t(wire::Attach)> attach;  // fills in and returns the message's id
    std::function<void(std::uint32_t)> detach;
    std::function<void()> rouse;  // someone waits from now on: the backend's life must be watched
  };

  SlotPool(const Tuning& tuning, Announce announce);

  /// Waits for a free slot of at least `bytes`, adding a segment where none fits.
  [[nodiscard]] std::variant<SlotHold, NoSlot, Error> acquire(std::size_t bytes, const AbortPoll& abort);

  // The rest is called by the I/O thread.
  void attached(std::uint32_t segment);
  /// True when `id` was that of an ATTACH.
  bool refused(std::uint64_t id, const Error& error);
  /// False when a slot is named that the backend does not own; the others come back all the same.
  bool release(const wire::Release& release);
  /// Gives segments back that nobody has used for long.
  void trim(Clock::time_point now);
  /// The connection is over: names vanish, waiting callers get `error`, memory goes with the last hold.
  void end(const Error& error);

  [[nodiscard]] bool waiting() const noexcept { return waiting_ > 0; }
  [[nodiscard]] bool empty() const;

 private:
  friend class SlotHold;

  struct Slot {
    bool held = false;     // by a caller of this process
    bool backend = false;  // by the protocol
    [[nodiscard]] bool free() const noexcept { return !held && !backend; }
  };
  struct Entry {
    std::shared_ptr<Segment> memory;
    std::size_t slotBytes = 0;
    std::vector<Slot> slots;
    std::uint64_t attachId = 0;
    bool attached = false;
    Clock::time_point lastUsed;
    [[nodiscard]] bool idle() const noexcept;
  };
  enum class Plan { Grow, Wait, Inline };

  Woken waitForChange(std::unique_lock<std::mutex>& lock, Patience& patience, Clock::time_point since);
  void announceChange();
  std::optional<SlotHold> takeFree(std::size_t bytes);
  Plan plan(std::size_t bytes, Clock::time_point since);
  bool makeRoom(std::size_t bytes);
  std::optional<Error> grow(std::unique_lock<std::mutex>& lock, std::size_t bytes, const AbortPoll& abort);
  void add(std::shared_ptr<Segment> memory, std::size_t slotBytes);
  [[nodiscard]] bool roomFor(std::size_t bytes) const;
  /// Detaches segments that nobody has used since then, oldest first, until `enough()`.
  template <typename Enough>
  void detachIdle(Clock::time_point idleSince, Enough enough);
  void setBackendOwned(wire::ShmPlace place);
  void letGo(wire::ShmPlace place);
  Slot* find(std::uint32_t segment, std::uint32_t slot);

  const Tuning tuning_;
  const Announce announce_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t changes_ = 0;
  std::map<std::uint32_t, Entry> entries_;
  std::uint32_t nextSegment_ = 1;
  std::size_t total_ = 0;
  bool growing_ = false;
  std::size_t noSpaceFrom_ = 0;     // sizes from here on failed …
  Clock::time_point noSpaceUntil_;  // … and are not tried again before this
  std::string reason_;
  bool disabled_ = false;
  std::optional<Error> ended_;
  std::atomic<int> waiting_{0};
};

/// The size class of a picture: a power of two, or 1.25, 1.5, 1.75 times one; at least 64 KiB.
[[nodiscard]] std::size_t slotClass(std::size_t bytes) noexcept;

/// How many slots of this class one segment has.
[[nodiscard]] std::size_t slotsPerSegment(std::size_t slotBytes) noexcept;

}  // namespace sparkvsr::detail
