// SPDX-License-Identifier: Apache-2.0
// The ring: who owns a slot when, growth, limits, and what a lying backend can do (nothing).
#include <unistd.h>

#include <thread>

#include "check.hpp"
#include "slots.hpp"

namespace {

using namespace sparkvsr;
using namespace sparkvsr::detail;

constexpr std::size_t kSmall = std::size_t{64} << 10;
constexpr std::size_t kMegabyte = std::size_t{1} << 20;

Tuning quick() {
  Tuning tuning;
  tuning.growAfter = Milliseconds(20);
  return tuning;
}

Tuning impatient() {
  Tuning tuning = quick();
  tuning.slotWait = Milliseconds(200);
  return tuning;
}

/// A pool and a backend that answers ATTACH as told.
struct Ring {
  enum class Answer { Attach, Refuse, Nothing };

  explicit Ring(const Tuning& tuning = quick(), Answer how = Answer::Attach) : answer(how) {
    pool = std::make_shared<SlotPool>(
        tuning, SlotPool::Announce{[this](wire::Attach message) { return note(message); },
                                   [this](std::uint32_t segment) { detached.push_back(segment); }, [] {}});
  }
  ~Ring() {
    if (backend.joinable()) backend.join();
  }

  std::uint64_t note(const wire::Attach& message) {  // the pool is locked here, so another thread answers
    attached.push_back(message);
    if (backend.joinable()) backend.join();
    const std::uint64_t id = 100 + attached.size();
    backend = std::thread([this, id, segment = message.segment] {
      if (answer == Answer::Attach) pool->attached(segment);
      if (answer == Answer::Refuse) pool->refused(id, {"SegmentRefused", "no", "", ""});
    });
    return id;
  }

  SlotHold take(std::size_t bytes) {
    auto out = pool->acquire(bytes, {});
    return std::move(GET(SlotHold, out));
  }
  std::string reason(std::size_t bytes) {
    auto out = pool->acquire(bytes, {});
    return GET(NoSlot, out).reason;
  }

  Answer answer;
  std::vector<wire::Attach> attached;
  std::vector<std::uint32_t> detached;
  std::shared_ptr<SlotPool> pool;
  std::thread backend;
};

}  // namespace

TEST(size_classes_waste_at_most_a_quarter) {
  CHECK_EQUAL(slotClass(1), kSmall);
  CHECK_EQUAL(slotClass(kSmall), kSmall);
  CHECK_EQUAL(slotClass(kSmall + 1), kSmall / 4 * 5);
  for (std::size_t bytes = kSmall; bytes < (std::size_t{1} << 32); bytes += bytes / 7 + 1) {
    CHECK(slotClass(bytes) >= bytes);
    CHECK(slotClass(bytes) <= bytes + bytes / 4 + 1);
    CHECK_EQUAL(slotClass(bytes) % 4096, 0U);
  }
}

TEST(a_slot_comes_back_when_its_holder_and_the_backend_are_done) {
  Ring ring;
  std::vector<SlotHold> holds;
  for (int i = 0; i < 8; ++i) holds.push_back(ring.take(1000));
  CHECK_EQUAL(ring.attached.size(), 1U);
  const wire::ShmPlace place = holds.back().place();
  holds.back().handOver();
  holds.pop_back();
  const auto other = ring.take(1000);  // the backend's slot is not given out: the ring grows
  CHECK_EQUAL(ring.attached.size(), 2U);
  CHECK(ring.pool->release({place.segment, {place.slot}}));
  const auto again = ring.take(1000);
  CHECK_EQUAL(ring.attached.size(), 2U);
}

TEST(a_slot_released_early_stays_with_the_caller_that_reads_it) {
  Ring ring;
  const SlotHold reading = ring.take(1000);
  reading.handOver();
  CHECK(ring.pool->release({reading.place().segment, {reading.place().slot}}));
  for (int i = 0; i < 7; ++i) {
    const auto other = ring.take(1000);
    CHECK(other.data() != reading.data());
  }
}

TEST(releasing_what_the_backend_does_not_own_changes_nothing) {
  Ring ring;
  const SlotHold mine = ring.take(1000);
  CHECK(!ring.pool->release({mine.place().segment, {mine.place().slot}}));
  CHECK(!ring.pool->release({mine.place().segment, {4000000000U}}));
  CHECK(!ring.pool->release({77, {0}}));
  mine.handOver();
  CHECK(!ring.pool->release({mine.place().segment, {9999, mine.place().slot}}));
  CHECK(!ring.pool->release({mine.place().segment, {mine.place().slot}}));
}

TEST(a_larger_frame_attaches_a_larger_segment) {
  Ring ring;
  const auto small = ring.take(1000);
  const auto large = ring.take(5 * kMegabyte);
  CHECK_EQUAL(ring.attached.size(), 2U);
  CHECK(large.bytes() >= 5 * kMegabyte);
  CHECK_EQUAL(ring.attached[1].slotBytes % 64, 0U);
}

TEST(a_small_frame_does_not_take_a_large_slot) {
  Ring ring;
  {
    const auto large = ring.take(20 * kMegabyte);
  }
  const auto small = ring.take(1000);
  CHECK(small.bytes() < kMegabyte);
}

TEST(the_budget_holds) {
  Tuning tuning = impatient();
  tuning.sharedMemoryBytes = 8 * kMegabyte;
  Ring ring(tuning);
  CHECK(ring.reason(9 * kMegabyte).find("no room") != std::string::npos);
  const auto first = ring.take(3 * kMegabyte);
  const auto second = ring.take(3 * kMegabyte);
  CHECK(ring.reason(3 * kMegabyte).find("no slot in time") != std::string::npos);
  CHECK(ring.reason(kMegabyte / 2 * 7).find("no room") != std::string::npos);
  std::size_t total = 0;
  for (const auto& message : ring.attached) total += message.slotBytes * message.slots;
  CHECK(total <= 8 * kMegabyte);
}

TEST(no_more_segments_than_the_protocol_allows) {
  Ring ring;
  std::vector<SlotHold> holds;
  for (std::size_t i = 0; i < protocol::kMaxSegments * 8; ++i) holds.push_back(ring.take(kSmall));
  CHECK_EQUAL(ring.attached.size(), protocol::kMaxSegments);
  CHECK(ring.reason(2 * kMegabyte).find("16 of 16 segments") != std::string::npos);
  holds.clear();
  std::this_thread::sleep_for(Milliseconds(1100));  // a segment used a moment ago is not given up
  const auto larger = ring.take(2 * kMegabyte);
  CHECK_EQUAL(ring.detached.size(), 1U);
}

TEST(idle_segments_are_given_back) {
  Ring ring;
  {
    const auto slot = ring.take(1000);
  }
  const auto used = ring.take(5 * kMegabyte);
  ring.pool->trim(Clock::now());
  CHECK(ring.detached.empty());
  ring.pool->trim(Clock::now() + std::chrono::minutes(2));
  CHECK_EQUAL(ring.detached.size(), 1U);
  CHECK_EQUAL(ring.detached[0], ring.attached[0].segment);
}

TEST(names_are_unlinked_once_attached) {
  Ring ring;
  const auto slot = ring.take(1000);
  CHECK_EQUAL(::access(("/dev/shm" + ring.attached[0].name).c_str(), F_OK), -1);
}

TEST(a_refused_segment_means_inline_and_leaves_nothing) {
  Ring ring(quick(), Ring::Answer::Refuse);
  CHECK(ring.reason(1000).find("SegmentRefused") != std::string::npos);
  CHECK(ring.reason(1000).find("SegmentRefused") != std::string::npos);
  CHECK_EQUAL(ring.attached.size(), 1U);
  CHECK_EQUAL(::access(("/dev/shm" + ring.attached[0].name).c_str(), F_OK), -1);
}

TEST(a_backend_that_never_attaches_means_inline) {
  Ring ring(impatient(), Ring::Answer::Nothing);
  CHECK(ring.reason(1000).find("no slot in time") != std::string::npos);
}

TEST(a_full_disk_is_not_tried_again_at_once) {
  Tuning tuning = quick();
  tuning.sharedMemoryBytes = std::size_t{1} << 46;
  Ring ring(tuning);
  CHECK(ring.reason(std::size_t{1} << 45).find("/dev/shm") != std::string::npos);
  const auto begin = Clock::now();
  CHECK(ring.reason(std::size_t{1} << 45).find("/dev/shm") != std::string::npos);
  CHECK(Clock::now() - begin < Milliseconds(20));
  const auto small = ring.take(1000);
  CHECK_EQUAL(small.bytes(), kSmall);
}

TEST(waiting_for_a_slot_can_be_aborted) {
  Tuning tuning = quick();
  tuning.slotWait = std::chrono::seconds(60);
  Ring ring(tuning, Ring::Answer::Nothing);
  const auto begin = Clock::now();
  auto out = ring.pool->acquire(1000, [&] { return Clock::now() - begin > Milliseconds(50); });
  CHECK_EQUAL(GET(Error, out).name, "Aborted");
  CHECK(Clock::now() - begin < Milliseconds(150));
}

TEST(the_end_of_the_connection_reaches_those_who_wait) {
  Tuning tuning = quick();
  tuning.slotWait = std::chrono::seconds(60);
  Ring ring(tuning, Ring::Answer::Nothing);
  std::thread end([&] {
    std::this_thread::sleep_for(Milliseconds(50));
    ring.pool->end({"BackendDied", "gone", "", ""});
  });
  auto out = ring.pool->acquire(1000, {});
  end.join();
  CHECK_EQUAL(GET(Error, out).name, "BackendDied");
  CHECK_EQUAL(::access(("/dev/shm" + ring.attached[0].name).c_str(), F_OK), -1);
}

TEST(a_hold_outlives_the_pool) {
  auto ring = std::make_unique<Ring>();
  const SlotHold hold = ring->take(1000);
  ring->pool->end({"BackendDied", "gone", "", ""});
  ring.reset();
  hold.data()[0] = std::byte{1};
}
