// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"
#include "known_frames.hpp"

namespace {

using namespace sparkvsr;

Fingerprint number(std::uint8_t value) {
  Fingerprint out{};
  out[0] = value;
  return out;
}

}  // namespace

TEST(a_frame_is_known_until_it_is_forgotten) {
  detail::KnownFrames known;
  CHECK(known.insert(number(1)));
  CHECK(!known.insert(number(1)));
  CHECK(known.contains(number(1)));
  known.forget(number(1));
  known.forget(number(2));
  CHECK(!known.contains(number(1)));
}

TEST(another_backend_process_knows_nothing) {
  detail::KnownFrames known;
  known.begin("first");
  known.insert(number(1));
  known.begin("first");
  CHECK(known.contains(number(1)));
  known.begin("second");
  CHECK(!known.contains(number(1)));
}

TEST(the_least_recently_used_goes_first) {
  detail::KnownFrames known(2);
  known.insert(number(1));
  known.insert(number(2));
  CHECK(known.contains(number(1)));
  known.insert(number(3));
  CHECK(known.contains(number(1)));
  CHECK(!known.contains(number(2)));
  CHECK_EQUAL(known.size(), 2U);
}
