// SPDX-License-Identifier: Apache-2.0
// The backend link: everything the plugin knows about the backend. Knows no OFX.
//
// Thread safety: every function may be called from any thread. One I/O thread per process owns the socket. After fork()
// the child gets a fresh link at its first call. No function throws; failures are values of type Error.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sparkvsr {

enum class Depth : std::uint8_t { Byte = 1, Short = 2, Half = 3, Float = 4 };
enum class Premultiplication : std::uint8_t { Premultiplied = 1, Straight = 2, Opaque = 3 };

/// Size, sample type and meaning of alpha of a picture; never its stride.
struct PixelFormat {
  int width = 0;
  int height = 0;
  int components = 4;  // 3 or 4
  Depth depth = Depth::Float;
  Premultiplication premultiplication = Premultiplication::Straight;
};

[[nodiscard]] std::size_t sampleBytes(Depth depth) noexcept;
[[nodiscard]] std::size_t packedRowBytes(const PixelFormat& format) noexcept;

/// Host pixels to read. `bottom` points at the first sample of the bottom row; `rowBytes` leads one row up (may be
/// negative).
struct ConstImageView {
  PixelFormat format;
  const void* bottom = nullptr;
  std::ptrdiff_t rowBytes = 0;
};

/// Host pixels to write.
struct ImageView {
  PixelFormat format;
  void* bottom = nullptr;
  std::ptrdiff_t rowBytes = 0;
};

using Fingerprint = std::array<std::uint8_t, 16>;

/// XXH3-128 of docs/protocol.md, section 4.
[[nodiscard]] Fingerprint fingerprint(const ConstImageView& image) noexcept;

/// A named failure. `name` is one of docs/protocol.md, section 7.
struct Error {
  std::string name;
  std::string message;
  std::string expected;
  std::string found;
  [[nodiscard]] std::string text() const;  // "name: message (expected …, found …)"
};

template <typename T>
using Result = std::variant<T, Error>;

/// Polled on the caller's thread every 20 ms while a call waits; true = give up (the call returns Error "Aborted"
/// within 150 ms).
using AbortPoll = std::function<bool()>;
/// Called on the caller's thread with 0..1 and a stage name.
using ProgressReport = std::function<void(double, const std::string&)>;

struct WindowFrame {
  std::int64_t time = 0;
  Fingerprint fingerprint{};
};

/// A picture file that the backend reads. `transfer`: the curve of its samples; empty: as the file says.
struct PictureFile {
  std::string path;
  std::string transfer;
};

/// The image model that makes the picture of the keyframe's source frame.
struct PictureModel {
  std::string name;
};

struct KeyframeUse {
  std::int64_t time = 0;
  std::variant<Fingerprint, PictureFile, PictureModel> picture;
  std::optional<Fingerprint> source;  // none: the host is blind to time
  double strength = 1.0;
  std::optional<std::int64_t> label = std::nullopt;  // what the artist calls the frame, for messages; none: `time`
};

struct Settings {
  std::string engine = "lite";
  int scale = 4;
  double guidance = 1.0;
  double trust = 0.0;
  std::string view = "result";
  std::string transfer = "srgb";
  std::string precision = "float32";
  std::vector<std::int64_t> cuts;
  std::int64_t grid = 0;
  double split = 0.5;
  std::int64_t generation = 0;
  double grain = 0.0;
  double sharpness = 0.0;
  std::string quality = "full";
  std::string arithmetic;  // the kind of machine that the project is bound to; empty: any
};

/// Size of the whole output frame, and the part wanted of it, in pixels from the top left; x2, y2 exclusive.
struct Target {
  int width = 0;
  int height = 0;
  std::array<int, 4> window{};
};

enum class Priority : std::uint8_t { Interactive = 0, Prefetch = 1, Batch = 2 };

struct RenderRequest {
  std::string session;
  Priority priority = Priority::Interactive;
  std::int64_t time = 0;
  Settings settings;
  std::vector<WindowFrame> window;
  std::vector<KeyframeUse> keyframes;
  std::array<std::int64_t, 2> range{};
  Target target;
};

struct Notice {
  std::string name;
  std::string text;
};

/// The output view has been filled.
struct Done {
  bool cached = false;
  double confidenceMean = 1.0;
  double confidenceLow = 0.0;
  std::vector<Notice> notices;
};

/// The backend lacks these pixels: put() them (with `force`) and render again.
struct Need {
  std::vector<Fingerprint> fingerprints;
};

using RenderOutcome = std::variant<Done, Need, Error>;

/// What to look for in many frames. `frames`: ascending.
struct AnalysisRequest {
  std::string kind;  // "cuts": first frames of shots; "suggest": `count` frames worth a keyframe beside `keyframes`
  std::vector<WindowFrame> frames;
  std::vector<std::int64_t> keyframes;
  std::vector<std::int64_t> cuts;
  std::int64_t count = 0;
  Settings settings;
};

/// The frames that were asked for, ascending.
struct Analysed {
  std::vector<std::int64_t> frames;
};

/// Need may name only as many frames as fit at once: put() them and ask again, until another answer comes.
using AnalysisOutcome = std::variant<Analysed, Need, Error>;

/// GiB of the caches; 0: as the backend decides.
struct MemoryBudget {
  double vram = 0;
  double ram = 0;
  friend bool operator==(const MemoryBudget& a, const MemoryBudget& b) { return a.vram == b.vram && a.ram == b.ram; }
};

/// Who serves.
struct BackendCard {
  std::string version;
  std::string device;
  std::string arithmetic;  // the kind of machine; "" where it does not say
  std::int64_t pid = 0;
};

/// How to find or start a backend. Empty fields mean: from the environment, the bundle, the user's configuration.
struct LinkOptions {
  std::string address;          // "" = this user's backend, started on demand; else ipc:// or loopback tcp://
  std::string bundleResources;  // Contents/Resources of the bundle: may hold backend.json {"command": [...]}
  std::string hostName = "unknown";
  std::string hostVersion = "0";
  bool allowSpawn = true;
  bool allowSharedMemory = true;  // false: inline carrier (tests, benchmarks)
};

/// Counters since the process started: what proves that scrubbing sends nothing.
struct LinkCounters {
  std::uint64_t framesPut = 0;  // frames whose pixels were sent
  std::uint64_t bytesPut = 0;
  std::uint64_t framesKnown = 0;  // frames the backend had already
  std::uint64_t renders = 0;
  std::uint64_t needs = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t spawns = 0;
  std::string carrier;        // "shm", "inline", or "" when not connected
  std::string carrierReason;  // why not shm
};

class Link {
 public:
  /// The process-wide link for these options; created on first use, without contacting anything.
  [[nodiscard]] static std::shared_ptr<Link> process(const LinkOptions& options);

  virtual ~Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Makes the pixels known to the backend and returns their fingerprint; the view is not read after the call returns.
  /// Sends nothing when the backend is remembered to have them, unless `force`. `likelyKnown`: fingerprint first, then
  /// copy only if needed (a frame seen before); otherwise both in one pass. Connects, and starts a backend where
  /// allowed.
  [[nodiscard]] virtual Result<Fingerprint> put(const ConstImageView& image, bool likelyKnown, bool force,
                                                const AbortPoll& abort) = 0;

  /// Renders into `output` (its size is the target window's) and waits, with a deadline on silence, not on work.
  [[nodiscard]] virtual RenderOutcome render(const RenderRequest& request, const ImageView& output,
                                             const AbortPoll& abort, const ProgressReport& progress) = 0;

  /// Looks at frames whose fingerprints are known; nothing need have been put before.
  [[nodiscard]] virtual AnalysisOutcome analyse(const AnalysisRequest& request, const AbortPoll& abort,
                                                const ProgressReport& progress) = 0;

  /// Tells a wish for the caches' sizes, which lasts as long as the connection. Sends nothing where the same was said.
  /// `always`: also that nothing is wished any more; else an empty wish is none. Starts no backend: without one it is
  /// told with the first request that does.
  [[nodiscard]] virtual Result<bool> wishBudget(const MemoryBudget& budget, bool always, const AbortPoll& abort) = 0;

  /// The backend that runs; starts none.
  [[nodiscard]] virtual Result<BackendCard> backend(const AbortPoll& abort) = 0;

  /// STATUS_REPLY as JSON text.
  [[nodiscard]] virtual Result<std::string> status(const AbortPoll& abort) = 0;
  [[nodiscard]] virtual Result<bool> clearCaches(const AbortPoll& abort) = 0;
  [[nodiscard]] virtual Result<bool> shutdownBackend(const AbortPoll& abort) = 0;
  [[nodiscard]] virtual LinkCounters counters() const = 0;

  /// Where the log of a backend is that the link starts.
  [[nodiscard]] static std::string backendLog();

  /// Opens a file with whatever the desktop uses for it; false where there is no desktop. Does not wait.
  [[nodiscard]] static Result<bool> openOnDesktop(const std::string& path);

  /// Ends all links of the process: joins the I/O threads within a second, else leaks them. For OfxActionUnload.
  static void shutdownAll() noexcept;

 protected:
  Link() = default;
};

}  // namespace sparkvsr
