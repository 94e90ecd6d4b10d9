// SPDX-License-Identifier: Apache-2.0
// A link without a backend, for tests of the plugin alone. It writes down what it is asked, and answers with the source
// frame enlarged by nearest neighbours, so that a test can tell where every pixel went. A call is written down as the
// message that the real link would have sent for it.
//
// Environment: SPARKVSR_PROBE_LOG, a file that gets one JSON line per call. SPARKVSR_PROBE_SCRIPT, the answers of the
// next renders, separated by spaces, the last one for ever: `done`, `need` (the own frame), `need-all`, `need-other`,
// `wait` (until aborted), `notice`, or the name of an error; analyses take `done`, `need-all`, `wait` and errors.
// SPARKVSR_PROBE_FRAMES: the frames that an analysis finds. SPARKVSR_PROBE_NO_BACKEND: none runs.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "core/samples.hpp"
#include "sparkvsr/link.hpp"
#include "wire.hpp"

namespace sparkvsr {
namespace {

using nlohmann::json;

std::string hex(const std::vector<std::uint8_t>& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) text += {kDigits[byte >> 4U], kDigits[byte & 15U]};
  return text;
}

/// Fingerprints as hex digits, so that a message becomes plain JSON.
json readable(const json& value) {
  if (value.is_binary()) return hex(value.get_binary());
  if (!value.is_structured()) return value;
  json out = value;
  for (auto& item : out) item = readable(item);
  return out;
}

/// What the link would have sent, as its own encoder writes it. Pixels would travel in the message.
json sent(const wire::Bytes& message) { return readable(json::from_msgpack(message)); }

wire::ImageDescriptor inlineImage(const PixelFormat& format) {
  return {format, packedRowBytes(format), wire::InlinePlace{1}};
}

/// Samples from the bottom row up.
struct Kept {
  PixelFormat format;
  std::vector<float> samples;
};

Kept keep(const ConstImageView& view) {
  Kept kept{view.format, {}};
  const auto perRow = static_cast<std::size_t>(view.format.width * view.format.components);
  for (int y = 0; y < view.format.height; ++y) {
    const void* row = static_cast<const char*>(view.bottom) + y * view.rowBytes;
    for (std::size_t n = 0; n < perRow; ++n) kept.samples.push_back(loadSample(row, n, view.format.depth));
  }
  return kept;
}

float sampleAt(const Kept& source, int x, int y, int channel) {
  if (channel >= source.format.components) return 1.0F;
  return source.samples[static_cast<std::size_t>((y * source.format.width + x) * source.format.components + channel)];
}

void enlarge(const Kept& source, const Target& target, const ImageView& output) {
  const auto [x1, top, x2, bottom] = target.window;
  for (int y = 0; y < bottom - top; ++y) {
    void* row = static_cast<char*>(output.bottom) + y * output.rowBytes;
    const int sourceY = (target.height - bottom + y) * source.format.height / target.height;
    for (int x = x1; x < x2; ++x) {
      const int sourceX = x * source.format.width / target.width;
      for (int c = 0; c < output.format.components; ++c) {
        const auto index = static_cast<std::size_t>((x - x1) * output.format.components + c);
        storeSample(row, index, output.format.depth, sampleAt(source, sourceX, sourceY, c));
      }
    }
  }
}

class ProbeLink final : public Link {
 public:
  Result<Fingerprint> put(const ConstImageView& image, bool likelyKnown, bool force, const AbortPoll&) override {
    const Fingerprint name = fingerprint(image);
    const std::lock_guard lock(mutex_);
    frames_[name] = keep(image);
    json line = sent(wire::encodePut(name, inlineImage(image.format)));
    line.update({{"call", "put"}, {"likely_known", likelyKnown}, {"force", force}});
    log(line);
    return name;
  }

  RenderOutcome render(const RenderRequest& request, const ImageView& output, const AbortPoll& abort,
                       const ProgressReport&) override {
    const std::string answer = nextAnswer();
    {
      const std::lock_guard lock(mutex_);
      json line = sent(wire::encodeRender(1, request, inlineImage(output.format)));
      line.update({{"call", "render"}, {"answer", answer}});
      log(line);
    }
    if (answer == "wait") return waitForAbort(abort);
    if (answer == "need") return Need{{request.window.front().fingerprint}};
    if (answer == "need-other") return Need{{Fingerprint{}}};
    if (answer == "need-all") return needAll(request);
    if (answer != "done" && answer != "notice") return Error{answer, "the probe was told to fail", "a result", "none"};
    return finish(request, output, answer == "notice");
  }

  AnalysisOutcome analyse(const AnalysisRequest& request, const AbortPoll& abort,
                          const ProgressReport& progress) override {
    const std::string answer = nextAnswer();
    json line = sent(wire::encodeAnalyse(1, request));
    line.update({{"call", "analyse"}, {"answer", answer}});
    note(line);
    if (progress) progress(0.5, "looking");
    if (answer == "wait") return waitForAbort(abort);
    if (answer == "need-all") return needAll(request.frames);
    if (answer != "done") return Error{answer, "the probe was told to fail", "a result", "none"};
    return Analysed{framesFromScript()};
  }

  Result<bool> wishBudget(const MemoryBudget& budget, bool always, const AbortPoll&) override {
    json line = sent(wire::encodeBudget(1, budget));
    line.update({{"call", "budget"}, {"always", always}});
    note(line);
    return true;
  }

  Result<BackendCard> backend(const AbortPoll&) override {
    if (std::getenv("SPARKVSR_PROBE_NO_BACKEND") != nullptr)
      return Error{"BackendNotFound", "no backend runs", "one", "none"};
    return BackendCard{"9.9", "probe device", "probe arithmetic", 4242};
  }
  Result<std::string> status(const AbortPoll&) override { return std::string("{\"probe\":true}"); }
  Result<bool> clearCaches(const AbortPoll&) override {
    note({{"call", "clear"}});
    return true;
  }
  Result<bool> shutdownBackend(const AbortPoll&) override {
    note({{"call", "shutdown"}});
    return std::getenv("SPARKVSR_PROBE_NO_BACKEND") == nullptr;
  }
  [[nodiscard]] LinkCounters counters() const override { return {}; }

  void greet(const LinkOptions& options) {
    const std::lock_guard lock(mutex_);
    log({{"call", "process"},
         {"address", options.address},
         {"bundle_resources", options.bundleResources},
         {"host_name", options.hostName},
         {"host_version", options.hostVersion}});
  }

 private:
  static Error waitForAbort(const AbortPoll& abort) {
    while (!abort()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return Error{"Aborted", "the host asked to stop", "", ""};
  }

  static Need needAll(const std::vector<WindowFrame>& frames) {
    Need need;
    for (const auto& frame : frames) need.fingerprints.push_back(frame.fingerprint);
    return need;
  }

  static Need needAll(const RenderRequest& request) {
    Need need = needAll(request.window);
    for (const auto& use : request.keyframes) {
      if (use.source) need.fingerprints.push_back(*use.source);
      if (const auto* picture = std::get_if<Fingerprint>(&use.picture)) need.fingerprints.push_back(*picture);
    }
    return need;
  }

  RenderOutcome finish(const RenderRequest& request, const ImageView& output, bool withNotice) {
    const std::lock_guard lock(mutex_);
    enlarge(frames_.at(request.window.front().fingerprint), request.target, output);
    Done done;
    if (withNotice)
      done.notices.push_back({"KeyframeUnlikeSource", "frame 3 looks unlike its source: check the offset"});
    return done;
  }

  std::string nextAnswer() {
    const char* script = std::getenv("SPARKVSR_PROBE_SCRIPT");
    const std::lock_guard lock(mutex_);
    if (script == nullptr || *script == '\0') return "done";
    if (script_ != script) {
      script_ = script;
      turn_ = 0;
    }
    std::istringstream words(script_);
    std::string word, last = "done";
    for (std::size_t n = 0; n <= turn_ && words >> word;) {
      if (word.front() == '#') continue;
      last = word;
      ++n;
    }
    ++turn_;
    return last;
  }

  /// What an analysis finds: the numbers of SPARKVSR_PROBE_FRAMES.
  static std::vector<std::int64_t> framesFromScript() {
    const char* script = std::getenv("SPARKVSR_PROBE_FRAMES");
    std::istringstream words(script == nullptr ? "" : script);
    return {std::istream_iterator<std::int64_t>(words), std::istream_iterator<std::int64_t>()};
  }

  void note(const json& line) {
    const std::lock_guard lock(mutex_);
    log(line);
  }

  static void log(const json& line) {
    const char* file = std::getenv("SPARKVSR_PROBE_LOG");
    if (file != nullptr && *file != '\0') std::ofstream(file, std::ios::app) << line.dump() << '\n';
  }

  std::mutex mutex_;
  std::map<Fingerprint, Kept> frames_;
  std::string script_;
  std::size_t turn_ = 0;
};

}  // namespace

std::shared_ptr<Link> Link::process(const LinkOptions& options) {
  static const auto probe = std::make_shared<ProbeLink>();
  probe->greet(options);
  return probe;
}

void Link::shutdownAll() noexcept {}

}  // namespace sparkvsr
