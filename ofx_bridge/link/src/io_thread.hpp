// SPDX-License-Identifier: Apache-2.0
// The one thread that owns the socket: connects on demand, sends what callers post, hands out what comes in, watches
// for death.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>

#include "connect.hpp"
#include "known_frames.hpp"
#include "session.hpp"
#include "tuning.hpp"

namespace sparkvsr::detail {

using SessionPtr = std::shared_ptr<Session>;

/// Counters that the I/O thread keeps.
struct IoCounters {
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> spawns{0};
};

class IoThread : public std::enable_shared_from_this<IoThread> {
 public:
  IoThread(LinkOptions options, const Tuning& tuning);

  /// The connection, made on demand; with `maySpawn` a backend is started where none runs. Waits, abortable.
  [[nodiscard]] Result<SessionPtr> session(bool maySpawn, const AbortPoll& abort);
  /// The connection if there is one.
  [[nodiscard]] SessionPtr current() const;
  /// Ends the thread: says BYE, joins within a second, else leaves it behind (it keeps what it uses alive).
  void stop() noexcept;
  [[nodiscard]] const IoCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] KnownFrames& known() noexcept { return known_; }

 private:
  enum class Want { Nothing, Existing, Spawned };

  void startThread();
  void run() noexcept;
  void loop();
  [[nodiscard]] Want awaitWork();
  void attempt(const Context& context, Want want);
  void publish(SessionPtr session);
  void publishFailure(const Error& error, bool maySpawn);
  [[nodiscard]] bool pause(std::chrono::milliseconds time);
  [[nodiscard]] bool stopping() const;

  const LinkOptions options_;
  const Tuning tuning_;
  KnownFrames known_;
  const std::shared_ptr<WakeUp> wakeUp_;
  IoCounters counters_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;
  SessionPtr session_;
  Want want_ = Want::Nothing;
  std::uint64_t failures_ = 0;  // attempts that ended without a connection
  bool lastMaySpawn_ = false;   // whether the last of them was allowed to start a backend
  Error lastError_;
  std::uint64_t nextId_ = 2;  // 1 is HELLO's
  bool stop_ = false;
  bool finished_ = false;
};

}  // namespace sparkvsr::detail
