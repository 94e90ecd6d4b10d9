// SPDX-License-Identifier: Apache-2.0
// When PING is sent and when a silent backend is given up, on a made-up clock.
#include "check.hpp"
#include "heartbeat.hpp"

namespace {

using namespace sparkvsr::detail;
using Verdict = Heartbeat::Verdict;

const Clock::time_point kStart = Clock::time_point{} + std::chrono::hours(1);

/// Ticks every 100 ms from `from` to `to` (milliseconds after kStart); the number of pings, or -1 once silence was
/// called.
int pings(Heartbeat& heartbeat, bool busy, int from, int to) {
  int count = 0;
  for (int at = from; at < to; at += 100) {
    const Verdict verdict = heartbeat.tick(busy, kStart + Milliseconds(at));
    if (verdict == Verdict::Silent) return -1;
    count += verdict == Verdict::Ping ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST(an_idle_link_neither_pings_nor_gives_up) {
  Heartbeat heartbeat{Tuning{}};
  CHECK_EQUAL(pings(heartbeat, false, 0, 100000), 0);
}

TEST(a_busy_link_pings_twice_a_second_and_gives_up_after_ten) {
  Heartbeat heartbeat{Tuning{}};
  CHECK_EQUAL(pings(heartbeat, true, 0, 9900), 19);
  CHECK(heartbeat.tick(true, kStart + Milliseconds(10000)) == Verdict::Silent);
}

TEST(silence_counts_from_the_request_not_from_the_last_message) {
  Heartbeat heartbeat{Tuning{}};
  heartbeat.heard(kStart);
  CHECK_EQUAL(pings(heartbeat, false, 0, 60000), 0);
  CHECK(pings(heartbeat, true, 60000, 69900) > 0);
}

TEST(every_message_is_a_sign_of_life) {
  Heartbeat heartbeat{Tuning{}};
  for (int at = 0; at < 60000; at += 5000) {
    heartbeat.heard(kStart + Milliseconds(at));
    CHECK(pings(heartbeat, true, at, at + 5000) > 0);
  }
}

TEST(time_in_which_this_process_stood_still_is_not_the_backends_silence) {
  Heartbeat heartbeat{Tuning{}};
  CHECK(pings(heartbeat, true, 0, 1000) > 0);
  CHECK(heartbeat.tick(true, kStart + std::chrono::minutes(5)) == Verdict::Fine);
}
