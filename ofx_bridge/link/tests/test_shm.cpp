// SPDX-License-Identifier: Apache-2.0
// One segment: private, reserved in full, gone without a trace.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <set>

#include "check.hpp"
#include "shm.hpp"

namespace {

using namespace sparkvsr::detail;

std::unique_ptr<Segment> made(std::size_t bytes) {
  auto out = Segment::create(bytes, {});
  return std::move(GET(std::unique_ptr<Segment>, out));
}

std::string fileOf(const Segment& segment) { return "/dev/shm" + segment.name(); }

}  // namespace

TEST(a_segment_is_private_reserved_and_zero) {
  const auto segment = made(1 << 20);
  struct stat info{};
  CHECK_EQUAL(::stat(fileOf(*segment).c_str(), &info), 0);
  CHECK_EQUAL(info.st_mode & 07777U, 0600U);
  CHECK(S_ISREG(info.st_mode));
  CHECK_EQUAL(info.st_size, 1 << 20);
  CHECK(info.st_blocks * 512 >= 1 << 20);
  CHECK_EQUAL(static_cast<int>(segment->data()[(1 << 20) - 1]), 0);
}

TEST(names_cannot_be_guessed) {
  std::set<std::string> names;
  for (int i = 0; i < 100; ++i) names.insert(unguessableName());
  CHECK_EQUAL(names.size(), 100U);
  for (const std::string& name : names) {
    CHECK_EQUAL(name.size(), std::string("/sparkvsr-").size() + 32);
    CHECK_EQUAL(name.find("/sparkvsr-"), 0U);
  }
}

TEST(a_segment_outlives_its_name_and_leaves_nothing) {
  std::string file;
  {
    const auto segment = made(1 << 16);
    file = fileOf(*segment);
    segment->unlinkName();
    segment->unlinkName();
    CHECK_EQUAL(::access(file.c_str(), F_OK), -1);
    std::memset(segment->data(), 7, segment->bytes());
  }
  {
    const auto segment = made(1 << 16);
    file = fileOf(*segment);
    CHECK_EQUAL(::access(file.c_str(), F_OK), 0);
  }
  CHECK_EQUAL(::access(file.c_str(), F_OK), -1);
}

TEST(what_a_killed_host_left_is_swept_and_what_lives_is_not) {
  const auto living = made(1 << 16);
  const std::string dead = "/dev/shm/sparkvsr-00000000000000000000000000000000";
  const std::string foreign = "/dev/shm/sparkvsr-backend-notes";
  for (const std::string& file : {dead, foreign}) std::ofstream(file) << "x";
  sweepAbandonedSegments();
  CHECK_EQUAL(::access(dead.c_str(), F_OK), -1);
  CHECK_EQUAL(::access(foreign.c_str(), F_OK), 0);
  CHECK_EQUAL(::access(fileOf(*living).c_str(), F_OK), 0);
  ::unlink(foreign.c_str());
}

TEST(a_host_that_gives_up_stops_the_reservation) {
  int asked = 0;
  auto out = Segment::create(std::size_t{128} << 20, [&] { return ++asked == 2; });
  CHECK_EQUAL(GET(NoSegment, out).reason, "given up");
  CHECK_EQUAL(asked, 2);
}

TEST(more_than_there_is_is_refused_with_a_reason) {
  auto out = Segment::create(std::size_t{1} << 46, {});
  CHECK(GET(NoSegment, out).reason.find("/dev/shm has ") != std::string::npos);
}

TEST(a_file_size_limit_is_a_reason_and_not_a_signal) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto out = Segment::create(1 << 21, {});
    const auto* refused = std::get_if<NoSegment>(&out);
    ::_exit(refused != nullptr && refused->reason.find("RLIMIT_FSIZE") != std::string::npos ? 0 : 1);
  }
  int status = -1;
  CHECK_EQUAL(::waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
}

TEST(a_forked_child_neither_maps_nor_unlinks) {
  const auto segment = made(1 << 16);
  segment->data()[0] = std::byte{42};
  const pid_t child = ::fork();
  if (child == 0) {
    segment->~Segment();
    ::_exit(0);
  }
  int status = -1;
  CHECK_EQUAL(::waitpid(child, &status, 0), child);
  CHECK_EQUAL(::access(fileOf(*segment).c_str(), F_OK), 0);
  CHECK_EQUAL(static_cast<int>(segment->data()[0]), 42);
}
