// SPDX-License-Identifier: Apache-2.0
#include "slots.hpp"

#include <algorithm>

#include "protocol.hpp"

namespace sparkvsr::detail {
namespace {

constexpr std::size_t kSmallestSlot = std::size_t{64} << 10;
constexpr std::size_t kMegabyte = std::size_t{1} << 20;
// A pool with fewer slots of a size grows at once; with more it first gives the backend a moment to return one.
constexpr std::size_t kEagerSlots = 6;
// Under pressure a segment that was in use a moment ago is not given up: two sizes in turn would thrash.
constexpr std::chrono::seconds kSpareWhenPressed{1};

/// A slot much larger than the picture is kept for the pictures it was made for.
bool suits(std::size_t slotBytes, std::size_t bytes) noexcept {
  return slotBytes >= bytes && slotBytes <= std::max(4 * bytes, kMegabyte);
}

class Counted {
 public:
  explicit Counted(std::atomic<int>& count) noexcept : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::atomic<int>& count_;
};

}  // namespace

std::size_t slotClass(std::size_t bytes) noexcept {
  std::size_t power = kSmallestSlot;
  while (power < bytes && power * 2 <= bytes) power *= 2;
  for (std::size_t quarters = 4; quarters <= 8; ++quarters) {
    if (power / 4 * quarters >= bytes) return power / 4 * quarters;
  }
  return power * 2;
}

std::size_t slotsPerSegment(std::size_t slotBytes) noexcept {
  if (slotBytes <= kMegabyte) return 8;
  if (slotBytes <= 16 * kMegabyte) return 4;
  return slotBytes <= 64 * kMegabyte ? 2 : 1;
}

// ---- SlotHold ----

SlotHold::SlotHold(std::shared_ptr<SlotPool> pool, std::shared_ptr<Segment> segment, wire::ShmPlace place,
                   std::size_t offset, std::size_t bytes) noexcept
    : pool_(std::move(pool)), segment_(std::move(segment)), place_(place), offset_(offset), bytes_(bytes) {}

SlotHold::~SlotHold() {
  if (pool_) pool_->letGo(place_);
}

void SlotHold::handOver() const { pool_->setBackendOwned(place_); }

// ---- SlotPool ----

bool SlotPool::Entry::idle() const noexcept {
  return attached && std::all_of(slots.begin(), slots.end(), [](const Slot& slot) { return slot.free(); });
}

SlotPool::SlotPool(const Tuning& tuning, Announce announce) : tuning_(tuning), announce_(std::move(announce)) {}

std::variant<SlotHold, NoSlot, Error> SlotPool::acquire(std::size_t bytes, const AbortPoll& abort) {
  std::unique_lock<std::mutex> lock(mutex_);
  const Clock::time_point since = Clock::now();
  Patience patience(since + tuning_.slotWait, abort);
  const Counted waiting(waiting_);
  for (;;) {
    if (ended_) return *ended_;
    if (auto slot = takeFree(bytes)) return std::move(*slot);
    const Plan next = plan(bytes, since);
    if (next == Plan::Inline) return NoSlot{reason_};
    if (next == Plan::Grow) {
      if (auto stopped = grow(lock, bytes, abort)) return *stopped;
      continue;
    }
    const Woken woken = waitForChange(lock, patience, since);
    if (woken == Woken::Aborted) return aborted("it waited for shared memory");
    if (woken == Woken::Late) return NoSlot{"the backend returned no slot in time"};
  }
}

/// Until a slot or a segment changes hands; also ready once, when growing becomes allowed.
Woken SlotPool::waitForChange(std::unique_lock<std::mutex>& lock, Patience& patience, Clock::time_point since) {
  const std::uint64_t seen = changes_;
  announce_.rouse();
  const Clock::time_point growFrom = since + tuning_.growAfter;
  const bool early = Clock::now() < growFrom;
  return patience.wait(lock, changed_, [&] { return changes_ != seen || (early && Clock::now() >= growFrom); });
}

void SlotPool::announceChange() {
  ++changes_;
  changed_.notify_all();
}

std::optional<SlotHold> SlotPool::takeFree(std::size_t bytes) {
  std::pair<const std::uint32_t, Entry>* best = nullptr;
  for (auto& candidate : entries_) {
    const Entry& entry = candidate.second;
    const bool smaller = best == nullptr || entry.slotBytes < best->second.slotBytes;
    const bool free = std::any_of(entry.slots.begin(), entry.slots.end(), [](const Slot& slot) { return slot.free(); });
    if (entry.attached && suits(entry.slotBytes, bytes) && smaller && free) best = &candidate;
  }
  if (best == nullptr) return std::nullopt;
  Entry& entry = best->second;
  const auto slot = std::find_if(entry.slots.begin(), entry.slots.end(), [](const Slot& s) { return s.free(); });
  slot->held = true;
  entry.lastUsed = Clock::now();
  const auto index = static_cast<std::uint32_t>(slot - entry.slots.begin());
  return SlotHold(shared_from_this(), entry.memory, {best->first, index}, index * entry.slotBytes, entry.slotBytes);
}

SlotPool::Plan SlotPool::plan(std::size_t bytes, Clock::time_point since) {
  if (disabled_) return Plan::Inline;
  std::size_t fitting = 0;
  bool coming = growing_;
  for (const auto& [id, entry] : entries_) {
    if (!suits(entry.slotBytes, bytes)) continue;
    fitting += entry.slots.size();
    coming = coming || !entry.attached;
  }
  const Clock::time_point now = Clock::now();
  if (coming || (fitting >= kEagerSlots && now < since + tuning_.growAfter)) return Plan::Wait;
  const Plan otherwise = fitting > 0 ? Plan::Wait : Plan::Inline;
  if (noSpaceFrom_ != 0 && bytes >= noSpaceFrom_ && now < noSpaceUntil_) return otherwise;
  if (makeRoom(slotClass(bytes))) return Plan::Grow;
  reason_ = "no room for another segment of shared memory: " + std::to_string(total_) + " of " +
            std::to_string(tuning_.sharedMemoryBytes) + " bytes and " + std::to_string(entries_.size()) + " of " +
            std::to_string(protocol::kMaxSegments) + " segments are in use";
  return otherwise;
}

bool SlotPool::roomFor(std::size_t bytes) const {
  return bytes <= tuning_.sharedMemoryBytes && total_ <= tuning_.sharedMemoryBytes - bytes &&
         entries_.size() < protocol::kMaxSegments;
}

bool SlotPool::makeRoom(std::size_t bytes) {
  detachIdle(Clock::now() - kSpareWhenPressed, [&] { return roomFor(bytes); });
  return roomFor(bytes);
}

template <typename Enough>
void SlotPool::detachIdle(Clock::time_point idleSince, Enough enough) {
  for (auto place = entries_.begin(); place != entries_.end() && !enough();) {
    const Entry& entry = place->second;
    if (!entry.idle() || entry.lastUsed > idleSince) {
      ++place;
      continue;
    }
    announce_.detach(place->first);
    total_ -= entry.memory->bytes();
    place = entries_.erase(place);
  }
}

std::optional<Error> SlotPool::grow(std::unique_lock<std::mutex>& lock, std::size_t bytes, const AbortPoll& abort) {
  const std::size_t slotBytes = slotClass(bytes);
  const std::size_t room = (tuning_.sharedMemoryBytes - total_) / slotBytes;
  const std::size_t count = std::max<std::size_t>(1, std::min(slotsPerSegment(slotBytes), room));
  bool withdrawn = false;
  growing_ = true;
  lock.unlock();
  auto made = Segment::create(slotBytes * count, [&] { return withdrawn = abort && abort(); });
  lock.lock();
  growing_ = false;
  announceChange();
  if (withdrawn) return aborted("shared memory was reserved");
  if (ended_) return ended_;
  if (const auto* refused = std::get_if<NoSegment>(&made)) {
    reason_ = refused->reason;
    noSpaceFrom_ = bytes;
    noSpaceUntil_ = Clock::now() + tuning_.noSpaceRest;
    return std::nullopt;
  }
  add(std::move(std::get<std::unique_ptr<Segment>>(made)), slotBytes);
  return std::nullopt;
}

void SlotPool::add(std::shared_ptr<Segment> memory, std::size_t slotBytes) {
  const std::uint32_t number = nextSegment_++;
  Entry& entry = entries_[number];
  entry.slots.resize(memory->bytes() / slotBytes);
  entry.slotBytes = slotBytes;
  entry.lastUsed = Clock::now();
  total_ += memory->bytes();
  entry.memory = std::move(memory);
  entry.attachId =
      announce_.attach({0, number, entry.memory->name(), slotBytes, static_cast<std::uint32_t>(entry.slots.size())});
}

void SlotPool::attached(std::uint32_t segment) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto place = entries_.find(segment);
  if (place == entries_.end()) return;
  place->second.memory->unlinkName();
  place->second.attached = true;
  announceChange();
}

bool SlotPool::refused(std::uint64_t id, const Error& error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto place = std::find_if(entries_.begin(), entries_.end(), [id](const auto& item) {
    return !item.second.attached && item.second.attachId == id;
  });
  if (place == entries_.end()) return false;
  total_ -= place->second.memory->bytes();
  entries_.erase(place);
  reason_ = "the backend refused a segment: " + error.text();
  disabled_ = true;
  announceChange();
  return true;
}

bool SlotPool::release(const wire::Release& release) {
  const std::lock_guard<std::mutex> lock(mutex_);
  bool honest = true;
  for (const std::uint32_t index : release.slots) {
    Slot* slot = find(release.segment, index);
    if (slot == nullptr || !slot->backend) {
      honest = false;
      continue;
    }
    slot->backend = false;
  }
  announceChange();
  return honest;
}

void SlotPool::trim(Clock::time_point now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!ended_) detachIdle(now - tuning_.idleSegment, [] { return false; });
}

void SlotPool::end(const Error& error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ended_ = error;
  entries_.clear();
  total_ = 0;
  announceChange();
}

bool SlotPool::empty() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return entries_.empty();
}

void SlotPool::setBackendOwned(wire::ShmPlace place) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (Slot* slot = find(place.segment, place.slot)) slot->backend = true;
}

void SlotPool::letGo(wire::ShmPlace place) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Slot* slot = find(place.segment, place.slot);
  if (slot == nullptr) return;
  slot->held = false;
  entries_.at(place.segment).lastUsed = Clock::now();
  announceChange();
}

SlotPool::Slot* SlotPool::find(std::uint32_t segment, std::uint32_t slot) {
  const auto place = entries_.find(segment);
  if (place == entries_.end() || slot >= place->second.slots.size()) return nullptr;
  return &place->second.slots[slot];
}

}  // namespace sparkvsr::detail
