// SPDX-License-Identifier: Apache-2.0
#include "io_thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <exception>

#include "protocol.hpp"
#include "serve.hpp"

namespace sparkvsr::detail {
namespace {

constexpr std::chrono::seconds kJoinLimit{1};
constexpr std::chrono::seconds kBeyondStart{30};

/// The host's signal handlers run on the host's threads only.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

Error threadFailed(const char* what) {
  return {protocol::error::kBackendDied, std::string("the link's thread failed: ") + what, "", ""};
}

}  // namespace

IoThread::IoThread(LinkOptions options, const Tuning& tuning)
    : options_(std::move(options)), tuning_(tuning), wakeUp_(std::make_shared<WakeUp>()) {}

// ---- callers' threads ----

Result<SessionPtr> IoThread::session(bool maySpawn, const AbortPoll& abort) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (session_ && !session_->ended()) return session_;
  Patience patience(Clock::now() + tuning_.start + tuning_.handshake + kBeyondStart, abort);
  for (;;) {
    if (stop_) return aborted("the link was shut down");
    startThread();
    const std::uint64_t seen = failures_;
    want_ = std::max(want_, maySpawn ? Want::Spawned : Want::Existing);
    changed_.notify_all();
    const auto alive = [this] { return session_ && !session_->ended(); };
    const Woken woken = patience.wait(lock, changed_, [&] { return alive() || failures_ != seen || stop_; });
    if (woken == Woken::Aborted) return aborted("it connected to the backend");
    if (woken == Woken::Late) return threadFailed("it did not connect in time");
    if (alive()) return session_;
    if (!stop_ && (lastMaySpawn_ || !maySpawn)) return lastError_;
  }
}

SessionPtr IoThread::current() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return session_;
}

void IoThread::startThread() {
  if (thread_.joinable() && !finished_) return;
  if (thread_.joinable()) thread_.join();
  finished_ = false;
  const SignalsBlocked quiet;
  thread_ = std::thread([self = shared_from_this()] { self->run(); });
}

void IoThread::stop() noexcept {
  std::unique_lock<std::mutex> lock(mutex_);
  stop_ = true;
  changed_.notify_all();
  wakeUp_->ring();
  if (!thread_.joinable()) return;
  std::thread thread = std::move(thread_);
  const bool finished = changed_.wait_until(lock, Clock::now() + kJoinLimit, [this] { return finished_; });
  lock.unlock();
  if (finished) {
    thread.join();
  } else {
    thread.detach();
  }
}

// ---- the thread ----

void IoThread::run() noexcept {
  pthread_setname_np(pthread_self(), "sparkvsr-link");
  Error reason = aborted("the link was shut down");
  try {
    loop();
  } catch (const std::exception& failure) {
    reason = threadFailed(failure.what());
  }
  if (const SessionPtr session = current()) session->end(reason);
  const std::lock_guard<std::mutex> lock(mutex_);
  session_.reset();
  lastError_ = reason;
  lastMaySpawn_ = true;
  ++failures_;
  finished_ = true;
  changed_.notify_all();
}

void IoThread::loop() {
  const Context context;
  for (Want want = awaitWork(); want != Want::Nothing; want = awaitWork()) attempt(context, want);
}

IoThread::Want IoThread::awaitWork() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return stop_ || want_ != Want::Nothing; });
  return stop_ ? Want::Nothing : want_;
}

void IoThread::attempt(const Context& context, Want want) {
  const bool maySpawn = want == Want::Spawned;
  const ConnectEnvironment environment{context, options_, tuning_, [this](Milliseconds time) { return pause(time); },
                                       [this] { ++counters_.spawns; }};
  auto outcome = connect(environment, maySpawn);
  if (const auto* error = std::get_if<Error>(&outcome)) return publishFailure(*error, maySpawn);
  Connection& connection = *std::get<std::unique_ptr<Connection>>(outcome);
  const SessionPtr session = Session::open(connection.welcome, nextId_, tuning_, options_.allowSharedMemory, wakeUp_);
  known_.begin(connection.welcome.instance);
  ++counters_.connections;
  publish(session);
  session->end(detail::serve(connection, *session, *wakeUp_, tuning_, [this] { return stopping(); }));
  nextId_ = session->nextId();
}

void IoThread::publish(SessionPtr session) {
  const std::lock_guard<std::mutex> lock(mutex_);
  session_ = std::move(session);
  want_ = Want::Nothing;
  changed_.notify_all();
}

void IoThread::publishFailure(const Error& error, bool maySpawn) {
  const std::lock_guard<std::mutex> lock(mutex_);
  lastError_ = error;
  lastMaySpawn_ = maySpawn;
  ++failures_;
  want_ = Want::Nothing;
  changed_.notify_all();
}

bool IoThread::pause(std::chrono::milliseconds time) {
  std::unique_lock<std::mutex> lock(mutex_);
  return !changed_.wait_until(lock, Clock::now() + time, [this] { return stop_; });
}

bool IoThread::stopping() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return stop_;
}

}  // namespace sparkvsr::detail
