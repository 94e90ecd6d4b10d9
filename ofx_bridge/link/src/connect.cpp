// SPDX-License-Identifier: Apache-2.0
#include "connect.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>

#include "command.hpp"
#include "protocol.hpp"
#include "spawn.hpp"
#include "waiting.hpp"

namespace sparkvsr::detail {
namespace {

using Outcome = std::variant<std::unique_ptr<Connection>, Error>;

constexpr Milliseconds kLookInterval{20};
constexpr Milliseconds kMonitorInterval{50};
// A start that ended well without a backend: another one held the lock, and may be on its way out itself.
constexpr Milliseconds kRespawnAfter{2000};
constexpr int kMaxSpawns = 4;
// Inbound parts: a header, or the pixels of an inline result (8K RGBA float is half of this).
constexpr std::int64_t kMaxPartBytes = std::int64_t{2} << 30;
constexpr int kHighWaterMark = 256;

Error stopped() { return aborted("the link was shut down"); }

FileDescriptor openProcess(std::int64_t pid) {
#if defined(SYS_pidfd_open)
  const long fd = ::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0U);
  return FileDescriptor(static_cast<int>(fd));
#else
  (void)pid;
  return {};
#endif
}

std::string addressFromEnvironment() {
  const char* value = std::getenv("SPARKVSR_ADDRESS");
  return value == nullptr ? std::string() : std::string(value);
}

wire::Hello helloOf(const LinkOptions& options, const std::string& token) {
  wire::Hello hello;
  hello.id = 1;
  hello.token = token;
  hello.hostName = options.hostName;
  hello.hostVersion = options.hostVersion;
  hello.pid = ::getpid();
  if (options.allowSharedMemory) hello.carriers.emplace_back(protocol::kCarrierShm);
  hello.carriers.emplace_back(protocol::kCarrierInline);
  return hello;
}

/// One try to talk to whoever listens at an address.
class Handshake {
 public:
  Handshake(const ConnectEnvironment& environment, const Endpoint& endpoint)
      : environment_(environment), endpoint_(endpoint) {}

  Outcome run() {
    Socket socket(environment_.context, ZMQ_DEALER);
    configure(socket);
    Monitor monitor(environment_.context, socket);
    if (const int code = socket.connect(endpoint_.address); code != 0) return nobody(zmq_strerror(code));
    Message hello;
    const wire::Bytes header = wire::encodeHello(helloOf(environment_.options, endpoint_.token));
    hello.emplace_back(header.data(), header.size());
    if (!socket.trySend(hello)) return nobody("the socket takes no message");
    return await(std::move(socket), std::move(monitor));
  }

 private:
  static void configure(Socket& socket) {
    socket.set(ZMQ_RECONNECT_IVL, -1);  // a new process behind the same address needs a new HELLO
    socket.set(ZMQ_MAXMSGSIZE, kMaxPartBytes);
    socket.set(ZMQ_SNDHWM, kHighWaterMark);
    socket.set(ZMQ_RCVHWM, kHighWaterMark);
    socket.set(ZMQ_IPV6, 1);
  }

  Outcome await(Socket socket, Monitor monitor) {
    const Clock::time_point deadline = Clock::now() + environment_.tuning.handshake;
    while (Clock::now() < deadline) {
      if (auto message = socket.tryReceive()) return judge(std::move(*message), std::move(socket), std::move(monitor));
      if (monitor.drain().lost) {
        if (auto last = socket.tryReceive()) return judge(std::move(*last), std::move(socket), std::move(monitor));
        return nobody("the connection was closed");
      }
      if (!waitForNews(socket, monitor)) return stopped();
    }
    return Error{protocol::error::kBackendSilent, "the backend at " + endpoint_.address + " did not answer HELLO",
                 "WELCOME within " + std::to_string(environment_.tuning.handshake.count()) + " ms", "nothing"};
  }

  bool waitForNews(const Socket& socket, const Monitor& monitor) const {
    zmq_pollitem_t items[] = {{socket.raw(), 0, ZMQ_POLLIN, 0}, {monitor.raw(), 0, ZMQ_POLLIN, 0}};
    zmq_poll(items, 2, static_cast<long>(kMonitorInterval.count()));
    return environment_.pause(Milliseconds{0});
  }

  Outcome judge(Message message, Socket socket, Monitor monitor) const {
    auto decoded = wire::decode(message.front().data(), message.front().size());
    if (auto* broken = std::get_if<Error>(&decoded)) return std::move(*broken);
    auto& incoming = std::get<wire::Incoming>(decoded);
    if (auto* failure = std::get_if<wire::Failure>(&incoming)) return std::move(failure->error);
    if (auto* malformed = std::get_if<wire::Malformed>(&incoming)) return std::move(malformed->error);
    auto* welcome = std::get_if<wire::Welcome>(&incoming);
    if (welcome == nullptr)
      return Error{protocol::error::kBadMessage, "the backend answered HELLO strangely", "WELCOME", "another message"};
    if (welcome->proto < protocol::kVersionMin || welcome->proto > protocol::kVersionMax) {
      return Error{protocol::error::kWrongProtocol, "the backend chose a protocol that was not offered",
                   std::to_string(protocol::kVersionMin) + ".." + std::to_string(protocol::kVersionMax),
                   std::to_string(welcome->proto)};
    }
    FileDescriptor process = openProcess(welcome->pid);
    return std::make_unique<Connection>(
        Connection{std::move(socket), std::move(monitor), std::move(process), std::move(*welcome)});
  }

  /// BackendNotFound: whoever looks for a backend may look on.
  Outcome nobody(const std::string& why) const {
    return Error{protocol::error::kBackendNotFound, "no backend answers at " + endpoint_.address, "a listening backend",
                 why};
  }

  const ConnectEnvironment& environment_;
  const Endpoint& endpoint_;
};

/// An address given by the artist: the backend there was started by somebody else.
Outcome connectTo(const ConnectEnvironment& environment, const std::string& wanted, const std::string& directory) {
  const auto address = checkedAddress(wanted);
  if (const auto* refused = std::get_if<Error>(&address)) return *refused;
  const auto found = readEndpoint(directory);
  if (const auto* error = std::get_if<Error>(&found)) return *error;
  const auto* endpoint = std::get_if<Endpoint>(&found);
  if (endpoint == nullptr || endpoint->address != std::get<std::string>(address)) {
    // The token must not be shown to somebody else's listener.
    return Error{
        protocol::error::kBackendNotFound, "the runtime directory " + directory + " has no token for this address",
        std::get<std::string>(address), endpoint != nullptr ? endpoint->address : std::get<NoEndpoint>(found).why};
  }
  return Handshake(environment, *endpoint).run();
}

/// Looks for the user's backend until it answers, starting it where allowed.
class Search {
 public:
  Search(const ConnectEnvironment& environment, std::string directory, bool maySpawn)
      : environment_(environment), directory_(std::move(directory)), maySpawn_(maySpawn) {}

  Outcome run() {
    const Clock::time_point deadline = Clock::now() + environment_.tuning.start;
    for (;;) {
      Outcome outcome = look();
      if (!isNotFound(outcome)) return outcome;
      if (!maySpawn_) return outcome;
      if (auto failed = advanceStart()) return std::move(*failed);
      if (Clock::now() >= deadline) {
        return start_->failed("no backend served within " + std::to_string(environment_.tuning.start.count()) + " ms");
      }
      if (!environment_.pause(kLookInterval)) return stopped();
    }
  }

 private:
  static bool isNotFound(const Outcome& outcome) {
    const auto* error = std::get_if<Error>(&outcome);
    return error != nullptr &&
           (error->name == protocol::error::kBackendNotFound || error->name == protocol::error::kShuttingDown);
  }

  Outcome look() {
    auto found = readEndpoint(directory_);
    if (auto* error = std::get_if<Error>(&found)) return std::move(*error);
    const auto* endpoint = std::get_if<Endpoint>(&found);
    if (endpoint == nullptr) {
      return Error{protocol::error::kBackendNotFound, "no backend is running", "an endpoint file",
                   std::get<NoEndpoint>(found).why};
    }
    Outcome outcome = Handshake(environment_, *endpoint).run();
    return changedMeanwhile(outcome, *endpoint)
               ? Outcome(Error{protocol::error::kBackendNotFound, "the backend was replaced", "", ""})
               : std::move(outcome);
  }

  /// A token is wrong when the backend was replaced between reading its file and reaching its socket: look again.
  bool changedMeanwhile(const Outcome& outcome, const Endpoint& endpoint) const {
    const auto* error = std::get_if<Error>(&outcome);
    if (error == nullptr || error->name != protocol::error::kWrongToken) return false;
    const auto now = readEndpoint(directory_);
    const auto* other = std::get_if<Endpoint>(&now);
    return other != nullptr && other->token != endpoint.token;
  }

  /// Starts, or sees to a start under way. An Error ends the search.
  std::optional<Error> advanceStart() {
    if (!start_) return spawn();
    const auto status = start_->exited();
    if (!status) return std::nullopt;
    if (*status != 0) return start_->failed("the backend ended with exit status " + std::to_string(*status));
    if (Clock::now() < spawnedAt_ + kRespawnAfter || spawns_ >= kMaxSpawns) return std::nullopt;
    return spawn();
  }

  std::optional<Error> spawn() {
    auto command = backendCommand(environment_.options.bundleResources);
    if (auto* error = std::get_if<Error>(&command)) return std::move(*error);
    auto started = BackendStart::spawn(std::get<std::vector<std::string>>(command), directory_);
    if (auto* error = std::get_if<Error>(&started)) return std::move(*error);
    start_.emplace(std::move(std::get<BackendStart>(started)));
    spawnedAt_ = Clock::now();
    ++spawns_;
    environment_.spawned();
    return std::nullopt;
  }

  const ConnectEnvironment& environment_;
  const std::string directory_;
  const bool maySpawn_;
  std::optional<BackendStart> start_;
  Clock::time_point spawnedAt_;
  int spawns_ = 0;
};

}  // namespace

std::variant<std::unique_ptr<Connection>, Error> connect(const ConnectEnvironment& environment, bool maySpawn) {
  const std::string given =
      environment.options.address.empty() ? addressFromEnvironment() : environment.options.address;
  if (!given.empty()) {
    if (const auto address = checkedAddress(given); std::holds_alternative<Error>(address))
      return std::get<Error>(address);
  }
  const std::string directory = runtimeDirectory();
  if (auto insecure = secureRuntimeDirectory(directory)) return std::move(*insecure);
  if (!given.empty()) return connectTo(environment, given, directory);
  return Search(environment, directory, maySpawn && environment.options.allowSpawn).run();
}

}  // namespace sparkvsr::detail
