// SPDX-License-Identifier: Apache-2.0
// Whole links against a backend in a thread: many callers at once, aborts, death, restart, fork, shutdown. Run by the
// sanitizers.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "check.hpp"
#include "fake_backend.hpp"
#include "sparkvsr/link.hpp"
#include "sparkvsr/link_tuning.hpp"
#include "temporary.hpp"

namespace {

using namespace sparkvsr;
using Clock = std::chrono::steady_clock;

constexpr PixelFormat kFormat{32, 20, 4, Depth::Float, Premultiplication::Straight};

class Picture {
 public:
  explicit Picture(float seed, PixelFormat format = kFormat)
      : format_(format), pixels_(static_cast<std::size_t>(format.width * format.height * format.components)) {
    for (std::size_t i = 0; i < pixels_.size(); ++i) pixels_[i] = seed + static_cast<float>(i);
  }
  [[nodiscard]] ConstImageView view() const { return {format_, pixels_.data(), stride()}; }
  [[nodiscard]] ImageView writable() { return {format_, pixels_.data(), stride()}; }
  bool operator==(const Picture& other) const { return pixels_ == other.pixels_; }

 private:
  [[nodiscard]] std::ptrdiff_t stride() const { return static_cast<std::ptrdiff_t>(packedRowBytes(format_)); }
  PixelFormat format_;
  std::vector<float> pixels_;
};

struct Place {
  temporary::Folder folder;
  temporary::Variable runtime{"SPARKVSR_RUNTIME_DIR", folder.path()};
  temporary::Variable address{"SPARKVSR_ADDRESS", std::nullopt};
};

std::shared_ptr<Link> linkTo(bool sharedMemory = true, LinkTuning tuning = {}) {
  LinkOptions options;
  options.allowSpawn = false;
  options.allowSharedMemory = sharedMemory;
  return makeLink(options, tuning);
}

RenderRequest requestFor(const Fingerprint& print, const PixelFormat& format = kFormat) {
  RenderRequest request;
  request.window = {{0, print}};
  request.target = {format.width, format.height, {0, 0, format.width, format.height}};
  return request;
}

/// put, render, compare; NEED is met once.
void roundTrip(Link& link, float seed, const AbortPoll& abort = {}) {
  const Picture source(seed);
  Picture out(0);
  auto put = link.put(source.view(), false, false, abort);
  const Fingerprint print = GET(Fingerprint, put);
  RenderOutcome outcome = link.render(requestFor(print), out.writable(), abort, {});
  if (std::holds_alternative<Need>(outcome)) {
    (void)link.put(source.view(), true, true, abort);
    outcome = link.render(requestFor(print), out.writable(), abort, {});
  }
  (void)GET(Done, outcome);
  CHECK(out == source);
}

std::string errorName(const RenderOutcome& outcome) {
  const auto* error = std::get_if<Error>(&outcome);
  return error != nullptr ? error->name : "no error";
}

double secondsSince(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

}  // namespace

TEST(pixels_make_the_round_trip_by_either_carrier) {
  const Place place;
  fake::Backend backend(place.folder.path());
  for (const bool shared : {true, false}) {
    const auto link = linkTo(shared);
    for (int i = 0; i < 20; ++i) roundTrip(*link, static_cast<float>(i));
    CHECK_EQUAL(link->counters().carrier, shared ? "shm" : "inline");
    CHECK_EQUAL(link->counters().framesPut, 20U);
  }
}

TEST(progress_arrives_on_the_callers_thread) {
  const Place place;
  fake::Backend backend(place.folder.path());
  const auto link = linkTo();
  const Picture source(1);
  Picture out(0);
  auto put = link->put(source.view(), false, false, {});
  backend.answersRenders = true;
  std::vector<std::string> stages;
  const auto caller = std::this_thread::get_id();
  bool same = true;
  auto outcome =
      link->render(requestFor(GET(Fingerprint, put)), out.writable(), {}, [&](double, const std::string& stage) {
        stages.push_back(stage);
        same = same && std::this_thread::get_id() == caller;
      });
  (void)GET(Done, outcome);
  CHECK(same);
}

TEST(a_known_frame_is_not_sent_again) {
  const Place place;
  fake::Backend backend(place.folder.path());
  const auto link = linkTo();
  const Picture source(3);
  for (const bool likely : {false, true, false, true}) (void)link->put(source.view(), likely, false, {});
  CHECK_EQUAL(link->counters().framesPut, 1U);
  CHECK_EQUAL(link->counters().framesKnown, 3U);
  (void)link->put(source.view(), true, true, {});
  (void)link->status({});
  CHECK_EQUAL(backend.puts.load(), 2);
}

TEST(many_threads_share_a_link) {
  const Place place;
  fake::Backend backend(place.folder.path());
  const auto link = linkTo();
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        try {
          roundTrip(*link, static_cast<float>(1000 * t + i));
          (void)link->counters();
        } catch (const check::Failure& failure) {
          std::cout << failure.what() << std::endl;
          ++failures;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK_EQUAL(failures.load(), 0);
  CHECK_EQUAL(link->counters().framesPut, 200U);
}

TEST(an_aborted_render_returns_soon_and_is_cancelled) {
  const Place place;
  fake::Backend backend(place.folder.path());
  backend.answersRenders = false;
  const auto link = linkTo();
  const Picture source(5);
  auto put = link->put(source.view(), false, false, {});
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      Picture out(0);
      const auto begin = Clock::now();
      const auto outcome = link->render(requestFor(GET(Fingerprint, put)), out.writable(),
                                        [&] { return secondsSince(begin) > 0.1; }, {});
      if (errorName(outcome) == "Aborted" && secondsSince(begin) < 0.25) ++good;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK_EQUAL(good.load(), 3);
  (void)link->status({});
  CHECK_EQUAL(backend.cancels.load(), 3);
}

TEST(silence_ends_a_render) {
  const Place place;
  fake::Backend backend(place.folder.path());
  LinkTuning tuning;
  tuning.silence = std::chrono::milliseconds(400);
  tuning.ping = std::chrono::milliseconds(50);
  const auto link = linkTo(true, tuning);
  const Picture source(5);
  auto put = link->put(source.view(), false, false, {});
  backend.answersAtAll = false;
  Picture out(0);
  const auto begin = Clock::now();
  CHECK_EQUAL(errorName(link->render(requestFor(GET(Fingerprint, put)), out.writable(), {}, {})), "BackendSilent");
  CHECK(secondsSince(begin) < 2);
}

TEST(the_backends_death_reaches_all_callers_and_the_next_one_is_found) {
  const Place place;
  auto backend = std::make_unique<fake::Backend>(place.folder.path(), "first");
  backend->answersRenders = false;
  const auto link = linkTo();
  const Picture source(7);
  auto put = link->put(source.view(), false, false, {});
  const Fingerprint print = GET(Fingerprint, put);
  std::vector<std::thread> threads;
  std::atomic<int> died{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Picture out(0);
      if (errorName(link->render(requestFor(print), out.writable(), {}, {})) == "BackendDied") ++died;
    });
  }
  while (backend->renders < 4) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto begin = Clock::now();
  backend.reset();
  for (auto& thread : threads) thread.join();
  CHECK_EQUAL(died.load(), 4);
  CHECK(secondsSince(begin) < 2);
  Picture out(0);
  CHECK_EQUAL(errorName(link->render(requestFor(print), out.writable(), {}, {})), "BackendNotFound");
  fake::Backend next(place.folder.path(), "second");
  auto need = link->render(requestFor(print), out.writable(), {}, {});
  CHECK_EQUAL(GET(Need, need).fingerprints.size(), 1U);
  roundTrip(*link, 7);
  CHECK_EQUAL(link->counters().reconnects, 1U);
}

TEST(restarts_under_load_lose_no_thread) {
  const Place place;
  const auto link = linkTo();
  std::atomic<bool> stop{false};
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        const Picture source(static_cast<float>(1000 * t + i % 5));
        Picture out(0);
        auto put = link->put(source.view(), i % 2 == 0, false, {});
        const auto* print = std::get_if<Fingerprint>(&put);
        if (print == nullptr) continue;
        const auto outcome = link->render(requestFor(*print), out.writable(), {}, {});
        if (std::holds_alternative<Done>(outcome) && out == source) ++done;
      }
    });
  }
  for (int round = 0; round < 5; ++round) {
    fake::Backend backend(place.folder.path(), "round" + std::to_string(round));
    const int before = done;
    for (int i = 0; i < 400 && done < before + 10; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(done > before);
  }
  stop = true;
  for (auto& thread : threads) thread.join();
}

TEST(small_requests_never_start_a_backend) {
  const Place place;
  const auto link = makeLink({}, {});
  auto status = link->status({});
  CHECK_EQUAL(GET(Error, status).name, "BackendNotFound");
  auto shutdown = link->shutdownBackend({});
  CHECK(!GET(bool, shutdown));
  CHECK_EQUAL(link->counters().spawns, 0U);
  CHECK_EQUAL(link->counters().carrier, "");
}

TEST(impossible_pictures_are_refused_before_anything_happens) {
  const Place place;
  const auto link = linkTo();
  const Picture source(0);
  ConstImageView view = source.view();
  view.format.components = 1;
  auto components = link->put(view, false, false, {});
  CHECK_EQUAL(GET(Error, components).name, "BadMessage");
  view = source.view();
  view.rowBytes = 1;
  auto overlapping = link->put(view, false, false, {});
  CHECK_EQUAL(GET(Error, overlapping).name, "BadMessage");
  Picture out(0);
  RenderRequest request = requestFor({});
  request.target.window = {0, 0, 33, 20};
  CHECK_EQUAL(errorName(link->render(request, out.writable(), {}, {})), "BadMessage");
}

TEST(a_forked_child_gets_its_own_connection) {
  const Place place;
  fake::Backend backend(place.folder.path());
  const auto link = linkTo();
  roundTrip(*link, 11);
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 1;
    try {
      roundTrip(*link, 12);
      code = link->counters().framesPut == 1 ? 0 : 2;
    } catch (const check::Failure& failure) {
      std::cout << "child: " << failure.what() << std::endl;
    }
    ::_exit(code);
  }
  int status = -1;
  CHECK_EQUAL(::waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
  roundTrip(*link, 13);
}

TEST(shutdown_says_bye_and_ends_waiting_calls) {
  const Place place;
  fake::Backend backend(place.folder.path());
  backend.answersRenders = false;
  LinkOptions options;
  options.allowSpawn = false;
  const auto link = Link::process(options);
  CHECK(link == Link::process(options));
  const Picture source(5);
  auto put = link->put(source.view(), false, false, {});
  std::string name;
  std::thread waiting([&] {
    Picture out(0);
    name = errorName(link->render(requestFor(GET(Fingerprint, put)), out.writable(), {}, {}));
  });
  while (backend.renders == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto begin = Clock::now();
  Link::shutdownAll();
  CHECK(secondsSince(begin) < 1.5);
  waiting.join();
  CHECK_EQUAL(name, "Aborted");
  auto late = link->put(source.view(), false, false, {});
  CHECK_EQUAL(GET(Error, late).name, "Aborted");
  for (int i = 0; i < 100 && backend.byes == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK_EQUAL(backend.byes.load(), 1);
  const auto fresh = Link::process(options);
  CHECK(fresh != link);
  CHECK(std::holds_alternative<Fingerprint>(fresh->put(source.view(), false, false, {})));
  Link::shutdownAll();
}
