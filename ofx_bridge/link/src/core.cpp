// SPDX-License-Identifier: Apache-2.0
#include "core.hpp"

#include <unistd.h>

#include "pixels.hpp"

namespace sparkvsr::detail {
namespace {

constexpr std::chrono::hours kWithoutLimit{24 * 365};  // work may take long; silence and death end it

Error badArgument(const std::string& what, const std::string& expected, const std::string& found) {
  return {protocol::error::kBadMessage, what, expected, found};
}

std::optional<Error> checkView(const PixelFormat& format, const void* bottom, std::ptrdiff_t rowBytes) {
  if (!validFormat(format)) {
    return badArgument(
        "a picture has an impossible format", "1..65536 pixels a side, 3 or 4 components",
        std::to_string(format.width) + "x" + std::to_string(format.height) + "x" + std::to_string(format.components));
  }
  if (bottom == nullptr) return badArgument("a picture has no pixels", "an address", "null");
  const auto packed = static_cast<std::ptrdiff_t>(packedRowBytes(format));
  if (format.height > 1 && rowBytes < packed && rowBytes > -packed) {
    return badArgument("the rows of a picture overlap", "at least " + std::to_string(packed) + " bytes a row",
                       std::to_string(rowBytes));
  }
  return std::nullopt;
}

std::optional<Error> checkTarget(const Target& target, const PixelFormat& output) {
  const auto [x1, y1, x2, y2] = target.window;
  const bool inside = 0 <= x1 && x1 < x2 && x2 <= target.width && 0 <= y1 && y1 < y2 && y2 <= target.height;
  if (inside && x2 - x1 == output.width && y2 - y1 == output.height) return std::nullopt;
  return badArgument("the output is not the target's window",
                     std::to_string(x2 - x1) + "x" + std::to_string(y2 - y1) + " within " +
                         std::to_string(target.width) + "x" + std::to_string(target.height),
                     std::to_string(output.width) + "x" + std::to_string(output.height));
}

std::optional<Error> checkHeader(const wire::Bytes& header, const Session& session) {
  const std::size_t limit = std::min<std::size_t>(protocol::kMaxHeaderBytes, session.welcome().maxHeaderBytes);
  if (header.size() <= limit) return std::nullopt;
  return badArgument("the request is too large", "at most " + std::to_string(limit) + " bytes",
                     std::to_string(header.size()));
}

Error strangeAnswer() {
  return {protocol::error::kBadMessage, "the backend answered with another kind of message", "an answer to the request",
          "another"};
}

/// A request in flight: whatever ends it, the backend is told to forget it unless it answered.
class InFlight {
 public:
  explicit InFlight(SessionPtr session) : session_(std::move(session)), call_(session_->begin()) {}
  ~InFlight() {
    session_->forget(*call_);
    if (!answered_) cancel();
  }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

  [[nodiscard]] std::uint64_t id() const noexcept { return call_->id(); }

  Answer wait(Clock::time_point deadline, const AbortPoll& abort, const ProgressReport& progress) {
    Answer answer = call_->wait(deadline, abort, progress);
    const auto* error = std::get_if<Error>(&answer);
    answered_ = error == nullptr ||
                (error->name != protocol::error::kAborted && error->name != protocol::error::kBackendSilent);
    return answer;
  }

 private:
  void cancel() noexcept {
    try {
      session_->post(wire::encodePlain(protocol::MessageType::Cancel, call_->id()));
    } catch (const std::bad_alloc&) {
      // Without it the backend works in vain once.
    }
  }

  const SessionPtr session_;
  const std::shared_ptr<Call> call_;
  bool answered_ = false;
};

/// A backend may be told to go just when it is needed: the next one may serve.
template <typename Attempt>
auto orFromTheNext(Attempt attempt) {
  auto outcome = attempt();
  const auto* error = std::get_if<Error>(&outcome);
  return error != nullptr && error->name == protocol::error::kShuttingDown ? attempt() : outcome;
}

}  // namespace

Core::Core(const LinkOptions& options, const Tuning& tuning)
    : pid_(::getpid()), options_(options), tuning_(tuning), io_(std::make_shared<IoThread>(options, tuning)) {}

Core::~Core() { stop(); }

// ---- pictures to the backend ----

Result<Fingerprint> Core::put(const ConstImageView& image, bool likelyKnown, bool force, const AbortPoll& abort) {
  if (auto bad = checkView(image.format, image.bottom, image.rowBytes)) return std::move(*bad);
  return orFromTheNext([&] { return putOnce(image, likelyKnown, force, abort); });
}

Result<Fingerprint> Core::putOnce(const ConstImageView& image, bool likelyKnown, bool force, const AbortPoll& abort) {
  auto connected = io_->session(true, abort);
  if (auto* error = std::get_if<Error>(&connected)) return std::move(*error);
  Session& session = *std::get<SessionPtr>(connected);
  Fingerprint print{};
  if (likelyKnown) {
    print = fingerprint(image);
    if (!force && io_->known().contains(print)) {
      ++framesKnown_;
      return print;
    }
  }
  auto reserved = roomToSend(session, image.format, tuning_, abort);
  if (auto* error = std::get_if<Error>(&reserved)) return std::move(*error);
  Room& room = std::get<Room>(reserved);
  if (likelyKnown) {
    copyIn(image, room.data());
  } else {
    print = copyInHashed(image, room.data());
  }
  if (!io_->known().insert(print) && !force) {
    ++framesKnown_;
    return print;
  }
  noteCarrier(room);
  const wire::Bytes header = wire::encodePut(print, room.describe(image.format));
  session.post(header, room.handOver());
  ++framesPut_;
  bytesPut_ += packedBytes(image.format);
  return print;
}

// ---- pictures from the backend ----

RenderOutcome Core::render(const RenderRequest& request, const ImageView& output, const AbortPoll& abort,
                           const ProgressReport& progress) {
  if (auto bad = checkView(output.format, output.bottom, output.rowBytes)) return std::move(*bad);
  if (auto bad = checkTarget(request.target, output.format)) return std::move(*bad);
  ++renders_;
  return orFromTheNext([&] { return renderOnce(request, output, abort, progress); });
}

RenderOutcome Core::renderOnce(const RenderRequest& request, const ImageView& output, const AbortPoll& abort,
                               const ProgressReport& progress) {
  auto connected = io_->session(true, abort);
  if (auto* error = std::get_if<Error>(&connected)) return std::move(*error);
  const SessionPtr session = std::get<SessionPtr>(connected);
  if (auto refused = tellBudget(session, abort)) return std::move(*refused);
  auto reserved = roomToReceive(*session, output.format, abort);
  if (auto* error = std::get_if<Error>(&reserved)) return std::move(*error);
  Room& room = std::get<Room>(reserved);
  noteCarrier(room);
  InFlight call(session);
  wire::Bytes header = wire::encodeRender(call.id(), request, room.describe(output.format));
  if (auto bad = checkHeader(header, *session)) return std::move(*bad);
  if (auto* slot = std::get_if<SlotHold>(&room.memory)) slot->handOver();
  session->post(std::move(header));
  return conclude(call.wait(Clock::now() + kWithoutLimit, abort, progress), room, output);
}

RenderOutcome Core::conclude(Answer answer, Room& room, const ImageView& output) {
  if (auto* error = std::get_if<Error>(&answer)) return std::move(*error);
  if (auto* delivered = std::get_if<Delivered>(&answer)) return deliver(std::move(*delivered), room, output);
  auto* need = std::get_if<wire::NeedFrames>(&answer);
  if (need == nullptr) return strangeAnswer();
  forgetFrames(need->fingerprints);
  return Need{std::move(need->fingerprints)};
}

void Core::forgetFrames(const std::vector<Fingerprint>& missing) {
  ++needs_;
  for (const Fingerprint& frame : missing) io_->known().forget(frame);
}

RenderOutcome Core::deliver(Delivered delivered, Room& room, const ImageView& output) {
  const auto pixels = received(room, output.format, delivered);
  if (const auto* error = std::get_if<Error>(&pixels)) return *error;
  copyOut(std::get<const void*>(pixels), static_cast<std::size_t>(delivered.header.image.rowBytes), output);
  return std::move(delivered.header.done);
}

// ---- questions about many frames ----

AnalysisOutcome Core::analyse(const AnalysisRequest& request, const AbortPoll& abort, const ProgressReport& progress) {
  return orFromTheNext([&] { return analyseOnce(request, abort, progress); });
}

AnalysisOutcome Core::analyseOnce(const AnalysisRequest& request, const AbortPoll& abort,
                                  const ProgressReport& progress) {
  auto connected = io_->session(true, abort);
  if (auto* error = std::get_if<Error>(&connected)) return std::move(*error);
  const SessionPtr session = std::get<SessionPtr>(connected);
  if (auto refused = tellBudget(session, abort)) return std::move(*refused);
  InFlight call(session);
  wire::Bytes header = wire::encodeAnalyse(call.id(), request);
  if (auto bad = checkHeader(header, *session)) return std::move(*bad);
  session->post(std::move(header));
  Answer answer = call.wait(Clock::now() + kWithoutLimit, abort, progress);
  if (auto* error = std::get_if<Error>(&answer)) return std::move(*error);
  if (auto* analysed = std::get_if<wire::AnalysedFrames>(&answer)) return Analysed{std::move(analysed->frames)};
  auto* need = std::get_if<wire::NeedFrames>(&answer);
  if (need == nullptr) return strangeAnswer();
  forgetFrames(need->fingerprints);
  return Need{std::move(need->fingerprints)};
}

// ---- small requests: they never start a backend ----

Result<bool> Core::wishBudget(const MemoryBudget& budget, bool always, const AbortPoll& abort) {
  if (!always && budget == MemoryBudget{}) return true;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    wish_ = budget;
  }
  const SessionPtr session = io_->current();
  if (!session || session->ended()) return true;
  if (auto refused = tellBudget(session, abort)) return std::move(*refused);
  return true;
}

/// Once for each wish and connection, before the request that needs it. A backend that has never heard of a wish is not
/// told that there is none.
std::optional<Error> Core::tellBudget(const SessionPtr& session, const AbortPoll& abort) {
  MemoryBudget wish;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const MemoryBudget told = told_.first.lock() == session ? told_.second : MemoryBudget{};
    if (told == wish_) return std::nullopt;
    wish = wish_;
  }
  InFlight call(session);
  session->post(wire::encodeBudget(call.id(), wish));
  Answer answer = call.wait(Clock::now() + tuning_.silence, abort, {});
  if (auto* error = std::get_if<Error>(&answer)) return std::move(*error);
  if (!std::holds_alternative<wire::Pong>(answer)) return strangeAnswer();
  const std::lock_guard<std::mutex> lock(mutex_);
  told_ = {session, wish};
  return std::nullopt;
}

Result<BackendCard> Core::backend(const AbortPoll& abort) {
  auto connected = io_->session(false, abort);
  if (auto* error = std::get_if<Error>(&connected)) return std::move(*error);
  const wire::Welcome& welcome = std::get<SessionPtr>(connected)->welcome();
  return BackendCard{welcome.serverVersion, welcome.device, welcome.arithmetic, welcome.pid};
}

Answer Core::ask(const SessionPtr& session, protocol::MessageType type, const AbortPoll& abort) {
  InFlight call(session);
  session->post(wire::encodePlain(type, call.id()));
  return call.wait(Clock::now() + tuning_.silence, abort, {});
}

Result<std::string> Core::status(const AbortPoll& abort) {
  auto connected = io_->session(false, abort);
  if (auto* error = std::get_if<Error>(&connected)) return std::move(*error);
  Answer answer = ask(std::get<SessionPtr>(connected), protocol::MessageType::Status, abort);
  if (auto* error = std::get_if<Error>(&answer)) return std::move(*error);
  if (auto* reply = std::get_if<wire::StatusReply>(&answer)) return std::move(reply->json);
  return strangeAnswer();
}

Result<bool> Core::clearCaches(const AbortPoll& abort) {
  auto connected = io_->session(false, abort);
  if (auto* error = std::get_if<Error>(&connected)) return std::move(*error);
  Answer answer = ask(std::get<SessionPtr>(connected), protocol::MessageType::Clear, abort);
  io_->known().clear();
  if (auto* error = std::get_if<Error>(&answer)) return std::move(*error);
  return std::holds_alternative<wire::Pong>(answer) ? Result<bool>(true) : Result<bool>(strangeAnswer());
}

Result<bool> Core::shutdownBackend(const AbortPoll& abort) {
  auto connected = io_->session(false, abort);
  if (auto* error = std::get_if<Error>(&connected)) {
    if (error->name == protocol::error::kBackendNotFound) return false;
    return std::move(*error);
  }
  const SessionPtr session = std::get<SessionPtr>(connected);
  Answer answer = ask(session, protocol::MessageType::Shutdown, abort);
  const auto* error = std::get_if<Error>(&answer);
  if (error != nullptr && error->name == protocol::error::kBackendDied) return true;
  if (error != nullptr) return *error;
  session->end({protocol::error::kShuttingDown, "the backend was told to exit", "", ""});
  return true;
}

// ---- counters ----

void Core::noteCarrier(const Room& room) {
  const std::lock_guard<std::mutex> lock(mutex_);
  whyInline_ = room.whyInline;
}

LinkCounters Core::counters() const {
  LinkCounters out;
  out.framesPut = framesPut_;
  out.bytesPut = bytesPut_;
  out.framesKnown = framesKnown_;
  out.renders = renders_;
  out.needs = needs_;
  const std::uint64_t connections = io_->counters().connections;
  out.reconnects = connections > 0 ? connections - 1 : 0;
  out.spawns = io_->counters().spawns;
  const SessionPtr session = io_->current();
  if (!session || session->ended()) return out;
  const std::lock_guard<std::mutex> lock(mutex_);
  const bool shared = session->slots() != nullptr && whyInline_.empty();
  out.carrier = shared ? protocol::kCarrierShm : protocol::kCarrierInline;
  if (shared) return out;
  out.carrierReason = options_.allowSharedMemory ? whyInline_ : "shared memory is switched off";
  if (out.carrierReason.empty()) out.carrierReason = "the backend does not offer shared memory";
  return out;
}

}  // namespace sparkvsr::detail
