// SPDX-License-Identifier: Apache-2.0
// The plugin with its real link in one process, beside a backend that is a process of its own: what ThreadSanitizer is
// to see. $SPARKVSR_BACKEND_COMMAND says how to start the backend; without it there is nothing to test.
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/instance.hpp"
#include "host/native/pattern.hpp"
#include "link/tests/check.hpp"
#include "link/tests/temporary.hpp"

namespace {

using namespace sparkvsr::host;

constexpr int kSkipped = 77;
constexpr int kFrames = 6;
constexpr auto kLongest = std::chrono::seconds(400);  // a hang, on the slowest machine

std::string bundle;
std::string runtimeFolder;

/// Number of the process that serves; 0 where none does.
pid_t backendPid() {
  std::ifstream file(runtimeFolder + "/endpoint-v1.json");
  const auto endpoint = nlohmann::json::parse(file, nullptr, false);
  return endpoint.is_object() ? endpoint.value("pid", 0) : 0;
}

/// A host of its own with one instance: two keyframes of the Keyframes clip.
struct Seat {
  explicit Seat(const std::string& name, int width = 24, int height = 18) : host(options(name)) {
    instance = host.createInstance("", nullptr);
    instance->connect(kOfxImageEffectSimpleSourceClipName, clip(width, height, 1));
    instance->connect("Keyframes", clip(width, height, 4));
    instance->set("keyframeList", std::string("1 4"));
    instance->set("inputTransfer", instance->param("inputTransfer").parsed("sRGB"));  // else each host has its own
  }
  ~Seat() { instance->destroyQuietly(); }

  static HostOptions options(const std::string& name) {
    HostOptions made;
    made.path = bundle;
    made.personality = personality(name);
    return made;
  }

  static std::shared_ptr<ClipInput> clip(int width, int height, int enlargement) {
    auto input = std::make_shared<ClipInput>();
    input->frames = [=](double frame) -> std::optional<Picture> {
      return native::pattern(frame, width, height, enlargement, 4, Depth::Float);
    };
    input->first = 0;
    input->last = kFrames - 1;
    input->depth = Depth::Float;
    input->components = 4;
    input->premultiplication = kOfxImagePreMultiplied;
    return input;
  }

  /// Checksums of all frames.
  std::vector<std::uint64_t> all(int threads) {
    std::vector<double> times;
    for (int t = 0; t < kFrames; ++t) times.push_back(instance->hostTime(t));
    std::vector<std::uint64_t> sums;
    for (const Rendered& rendered : instance->renderMany(times, threads, {})) {
      sums.push_back(native::checksum(rendered.picture));
    }
    return sums;
  }

  Host host;
  std::shared_ptr<Instance> instance;
};

template <typename T>
T inTime(std::future<T>& future) {
  if (future.wait_for(kLongest) != std::future_status::ready) {
    std::fprintf(stderr, "a render hangs\n");
    std::abort();  // its thread cannot be ended
  }
  return future.get();
}

/// Renders on another thread until `stop`; true when nothing but an abort or a dead backend stood in the way.
std::future<bool> renderingUntil(Seat& seat, std::atomic<bool>& stop, std::atomic<int>& rounds) {
  return std::async(std::launch::async, [&] {
    while (!stop) {
      try {
        (void)seat.all(3);
      } catch (const RenderFailed& failed) {
        const bool known = failed.messages.empty() || failed.messages.back().find("Backend") != std::string::npos;
        if (!known) throw;
      } catch (const PluginViolated& violated) {
        // A keyframe flagged after a host has asked for the frames needed, and before it renders, is news to that host.
        if (std::string(violated.what()).find("UndeclaredFrame") == std::string::npos) throw;
      }
      ++rounds;
    }
    return true;
  });
}

/// However a test ends: a future waits for its thread.
struct StopAtEnd {
  std::atomic<bool>& stop;
  ~StopAtEnd() { stop = true; }
};

void waitFor(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("waited in vain");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

/// Another round of `renderingUntil`, or the error that ended it.
void nextRound(std::future<bool>& rendering, const std::atomic<int>& rounds) {
  waitFor([&, before = rounds.load()] {
    return rounds > before || rendering.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  });
  if (rendering.wait_for(std::chrono::seconds(0)) == std::future_status::ready) (void)rendering.get();
}

/// It clears its folder up itself, which is removed after that.
void endBackend() {
  const pid_t left = backendPid();
  if (left <= 0 || ::kill(left, SIGTERM) != 0) return;
  waitFor([&] { return ::kill(left, 0) != 0; });
}

TEST(threads_and_instances_render_what_one_thread_renders) {
  Seat first("nuke");
  const auto expected = first.all(1);
  for (const char* name : {"nuke", "natron", "strict", "fusion"}) {
    Seat second(name);
    auto beside = std::async(std::launch::async, [&] { return second.all(4); });
    CHECK(first.all(4) == expected);
    CHECK(inTime(beside) == expected);
  }
}

TEST(an_artist_edits_while_frames_render) {
  Seat seat("nuke");
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0};
  auto rendering = renderingUntil(seat, stop, rounds);
  const StopAtEnd end{stop};
  for (int n = 0; n < 6; ++n) {
    seat.instance->set("guidance", std::vector<double>{0.25 * (n % 5)});
    seat.instance->press(n % 2 == 0 ? "flagKeyframe" : "unflagKeyframe", 3);
    seat.instance->set("cuts", std::string(n % 3 == 0 ? "4" : ""));
    nextRound(rendering, rounds);
  }
  stop = true;
  CHECK(inTime(rendering));
}

TEST(an_abort_ends_one_render_and_leaves_the_others) {
  Seat aborted("nuke", 64, 48);
  Seat other("nuke");
  const auto expected = other.all(1);
  auto beside = std::async(std::launch::async, [&] { return other.all(2); });
  RenderOptions options;
  options.abortAfterMs = 1.0;
  for (int t = 0; t < kFrames; ++t) {
    try {
      (void)aborted.instance->render(aborted.instance->hostTime(t), options);
    } catch (const RenderAborted&) {
      continue;
    }
  }
  CHECK(inTime(beside) == expected);
}

TEST(after_a_killed_backend_the_next_one_renders_the_same) {
  Seat seat("nuke");
  const auto expected = seat.all(2);
  Seat large("nuke", 64, 48);
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0};
  auto rendering = renderingUntil(large, stop, rounds);
  const StopAtEnd end{stop};
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const pid_t killed = backendPid();
  CHECK(killed > 0 && ::kill(killed, SIGKILL) == 0);
  stop = true;
  CHECK(inTime(rendering));
  CHECK(seat.all(4) == expected);
  CHECK(backendPid() != killed);
}

TEST(unloaded_and_loaded_again) {
  const auto expected = Seat("nuke").all(2);
  for (int round = 0; round < 3; ++round) CHECK(Seat("nuke").all(4) == expected);
}

}  // namespace

int main(int count, char** words) {
  if (std::getenv("SPARKVSR_BACKEND_COMMAND") == nullptr) {
    std::puts("skipped: $SPARKVSR_BACKEND_COMMAND names no backend");
    return kSkipped;
  }
  if (count < 2) return 2;
  bundle = words[1];
  const temporary::Folder folder;
  const temporary::Variable variable("SPARKVSR_RUNTIME_DIR", folder.path());
  runtimeFolder = folder.path();
  const int failed = check::run(count - 1, words + 1);
  endBackend();
  return failed == 0 ? 0 : 1;
}
