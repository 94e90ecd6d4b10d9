// SPDX-License-Identifier: Apache-2.0
// One connection to one backend process, from WELCOME to its end: requests in flight, messages to send, slots.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "call.hpp"
#include "slots.hpp"
#include "zmq_socket.hpp"

namespace sparkvsr::detail {

class Session : public std::enable_shared_from_this<Session> {
 public:
  /// `firstId`: request ids go on from here. `wakeUp` rouses the thread that sends.
  [[nodiscard]] static std::shared_ptr<Session> open(wire::Welcome welcome, std::uint64_t firstId, const Tuning& tuning,
                                                     bool sharedMemory, std::shared_ptr<WakeUp> wakeUp);

  [[nodiscard]] const wire::Welcome& welcome() const noexcept { return welcome_; }
  /// Null when the two sides did not agree on shared memory.
  [[nodiscard]] const std::shared_ptr<SlotPool>& slots() const noexcept { return slots_; }
  [[nodiscard]] const std::shared_ptr<InlineBudget>& inlineBudget() const noexcept { return budget_; }

  // Callers' threads.
  /// A new request; answered at once with the reason when the session is over.
  [[nodiscard]] std::shared_ptr<Call> begin();
  /// Nobody waits for `call` any more; a late answer is dropped.
  void forget(const Call& call);
  void post(wire::Bytes header, Message payload = {});
  [[nodiscard]] std::optional<Error> ended() const;

  // The I/O thread.
  [[nodiscard]] std::optional<Message> nextOutgoing();
  /// What did not get out; to be sent first next time.
  void putBack(Message message);
  [[nodiscard]] bool wantsToSend() const;
  /// An Error when the connection must end.
  [[nodiscard]] std::optional<Error> receive(Message message);
  /// Someone waits for the backend, so it must show that it lives.
  [[nodiscard]] bool busy() const;
  void end(const Error& error);
  [[nodiscard]] std::uint64_t nextId();
  /// Messages that broke the protocol without ending the connection.
  [[nodiscard]] std::uint64_t breaches() const noexcept { return breaches_; }

 private:
  Session(wire::Welcome welcome, std::uint64_t firstId, const Tuning& tuning, std::shared_ptr<WakeUp> wakeUp);

  void handle(wire::Pong&& message, Message& parts);
  void handle(wire::Attached&& message, Message& parts);
  void handle(wire::Release&& message, Message& parts);
  void handle(wire::NeedFrames&& message, Message& parts);
  void handle(wire::Progress&& message, Message& parts);
  void handle(wire::Finished&& message, Message& parts);
  void handle(wire::StatusReply&& message, Message& parts);
  void handle(wire::AnalysedFrames&& message, Message& parts);
  void handle(wire::Failure&& message, Message& parts);
  void handle(wire::Malformed&& message, Message& parts);
  void handle(wire::Welcome&& message, Message& parts);
  void handle(wire::Unknown&& message, Message& parts);
  void answer(std::uint64_t id, Answer answer);
  [[nodiscard]] std::shared_ptr<Call> find(std::uint64_t id) const;

  const wire::Welcome welcome_;
  const std::shared_ptr<WakeUp> wakeUp_;
  const std::shared_ptr<InlineBudget> budget_;
  std::shared_ptr<SlotPool> slots_;
  mutable std::mutex mutex_;
  std::uint64_t nextId_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Call>> calls_;
  std::deque<Message> outgoing_;
  std::optional<Error> ended_;
  std::optional<Error> fatal_;  // of the message being handled
  std::atomic<std::uint64_t> breaches_{0};
};

}  // namespace sparkvsr::detail
