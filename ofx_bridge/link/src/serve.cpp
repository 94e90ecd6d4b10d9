// SPDX-License-Identifier: Apache-2.0
#include "serve.hpp"

#include <string>

#include "heartbeat.hpp"
#include "protocol.hpp"

namespace sparkvsr::detail {
namespace {

// After the process is gone, what it sent last may still be on its way through the socket.
constexpr Milliseconds kLastWords{200};
constexpr Milliseconds kTrimInterval{5000};
constexpr int kByeLingerMs = 100;

class Server {
 public:
  Server(Connection& connection, Session& session, const WakeUp& wakeUp, const Tuning& tuning)
      : connection_(connection), session_(session), wakeUp_(wakeUp), tuning_(tuning), heartbeat_(tuning) {}

  Error run(const std::function<bool()>& stopping) {
    while (!stopping()) {
      if (auto over = session_.ended()) return std::move(*over);
      sendAll();
      poll();
      if (auto broken = receiveAll()) return std::move(*broken);
      if (auto dead = checkLife()) return std::move(*dead);
      trim();
    }
    sayBye();
    return aborted("the link was shut down");
  }

 private:
  void sendAll() {
    blocked_ = false;
    while (auto message = session_.nextOutgoing()) {
      if (connection_.socket.trySend(*message)) continue;
      session_.putBack(std::move(*message));
      blocked_ = true;
      return;
    }
  }

  void poll() {
    const short dealer = static_cast<short>(blocked_ ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN);
    const bool watchProcess = connection_.backendProcess.valid() && !goneSince_;
    zmq_pollitem_t items[] = {{connection_.socket.raw(), 0, dealer, 0},
                              {connection_.monitor.raw(), 0, ZMQ_POLLIN, 0},
                              {nullptr, wakeUp_.fd(), ZMQ_POLLIN, 0},
                              {nullptr, connection_.backendProcess.get(), ZMQ_POLLIN, 0}};
    zmq_poll(items, watchProcess ? 4 : 3, static_cast<long>(patience().count()));
    wakeUp_.drain();
    if (watchProcess && (items[3].revents & ZMQ_POLLIN) != 0) goneSince_ = Clock::now();
  }

  Milliseconds patience() const {
    if (goneSince_) return kLastWords / 4;
    return session_.busy() ? tuning_.ping / 4 : kTrimInterval;
  }

  std::optional<Error> receiveAll() {
    while (auto message = connection_.socket.tryReceive()) {
      heartbeat_.heard(Clock::now());
      if (auto broken = session_.receive(std::move(*message))) return broken;
    }
    return std::nullopt;
  }

  std::optional<Error> checkLife() {
    const Clock::time_point now = Clock::now();
    const bool lost = connection_.monitor.drain().lost;
    if (lost || (goneSince_ && now - *goneSince_ >= kLastWords)) {
      if (auto broken = receiveAll()) return broken;
      return died();
    }
    const Heartbeat::Verdict verdict = heartbeat_.tick(session_.busy(), now);
    if (verdict == Heartbeat::Verdict::Silent) return silent();
    if (verdict == Heartbeat::Verdict::Ping) {
      session_.post(wire::encodePlain(protocol::MessageType::Ping, session_.nextId()));
    }
    return std::nullopt;
  }

  Error died() const {
    const std::string pid = std::to_string(session_.welcome().pid);
    return {protocol::error::kBackendDied,
            goneSince_ ? "the backend process " + pid + " ended; the next render starts another"
                       : "the backend process " + pid + " closed the connection; the next render connects again",
            "a living backend", goneSince_ ? "process gone" : "connection closed"};
  }

  Error silent() const {
    return {protocol::error::kBackendSilent,
            "nothing came from the backend process " + std::to_string(session_.welcome().pid),
            "an answer to PING within " + std::to_string(tuning_.silence.count()) + " ms", "silence"};
  }

  void trim() {
    const Clock::time_point now = Clock::now();
    if (!session_.slots() || now - trimmed_ < kTrimInterval) return;
    trimmed_ = now;
    session_.slots()->trim(now);
  }

  void sayBye() {
    sendAll();
    const wire::Bytes header = wire::encodePlain(protocol::MessageType::Bye, session_.nextId());
    Message bye;
    bye.emplace_back(header.data(), header.size());
    connection_.socket.set(ZMQ_LINGER, kByeLingerMs);
    (void)connection_.socket.trySend(bye);  // a courtesy: without it the backend sees the disconnect
  }

  Connection& connection_;
  Session& session_;
  const WakeUp& wakeUp_;
  const Tuning& tuning_;
  Heartbeat heartbeat_;
  bool blocked_ = false;
  std::optional<Clock::time_point> goneSince_;
  Clock::time_point trimmed_ = Clock::now();
};

}  // namespace

Error serve(Connection& connection, Session& session, const WakeUp& wakeUp, const Tuning& tuning,
            const std::function<bool()>& stopping) {
  return Server(connection, session, wakeUp, tuning).run(stopping);
}

}  // namespace sparkvsr::detail
