// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

namespace sparkvsr::detail {

std::shared_ptr<Session> Session::open(wire::Welcome welcome, std::uint64_t firstId, const Tuning& tuning,
                                       bool sharedMemory, std::shared_ptr<WakeUp> wakeUp) {
  std::shared_ptr<Session> session(new Session(std::move(welcome), firstId, tuning, std::move(wakeUp)));
  if (!sharedMemory || !session->welcome_.offers(protocol::kCarrierShm)) return session;
  sweepAbandonedSegments();
  // The pool outlives the session in the hands of callers, and must not keep it alive.
  const std::weak_ptr<Session> weak = session;
  const auto attach = [weak](wire::Attach message) -> std::uint64_t {
    const auto self = weak.lock();
    if (!self) return 0;
    message.id = self->nextId();
    self->post(wire::encodeAttach(message));
    return message.id;
  };
  const auto detach = [weak](std::uint32_t segment) {
    if (const auto self = weak.lock()) self->post(wire::encodeDetach(segment));
  };
  session->slots_ = std::make_shared<SlotPool>(
      tuning, SlotPool::Announce{attach, detach, [wake = session->wakeUp_] { wake->ring(); }});
  return session;
}

Session::Session(wire::Welcome welcome, std::uint64_t firstId, const Tuning& tuning, std::shared_ptr<WakeUp> wakeUp)
    : welcome_(std::move(welcome)),
      wakeUp_(std::move(wakeUp)),
      budget_(std::make_shared<InlineBudget>(tuning.inlineBytesInFlight)),
      nextId_(firstId) {}

std::shared_ptr<Call> Session::begin() {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto call = std::make_shared<Call>(nextId_++);
  if (ended_) {
    call->answer(*ended_);
  } else {
    calls_[call->id()] = call;
  }
  return call;
}

void Session::forget(const Call& call) {
  const std::lock_guard<std::mutex> lock(mutex_);
  calls_.erase(call.id());
}

void Session::post(wire::Bytes header, Message payload) {
  Message message;
  message.reserve(1 + payload.size());
  message.emplace_back(header.data(), header.size());
  for (Part& part : payload) message.push_back(std::move(part));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return;
    outgoing_.push_back(std::move(message));
  }
  wakeUp_->ring();
}

std::optional<Error> Session::ended() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ended_;
}

std::optional<Message> Session::nextOutgoing() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (outgoing_.empty()) return std::nullopt;
  std::optional<Message> message(std::move(outgoing_.front()));
  outgoing_.pop_front();
  return message;
}

void Session::putBack(Message message) {
  const std::lock_guard<std::mutex> lock(mutex_);
  outgoing_.push_front(std::move(message));
}

bool Session::wantsToSend() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !outgoing_.empty();
}

std::optional<Error> Session::receive(Message message) {
  auto decoded = wire::decode(message.front().data(), message.front().size());
  if (auto* broken = std::get_if<Error>(&decoded)) return std::move(*broken);
  fatal_.reset();
  std::visit([&](auto&& typed) { handle(std::move(typed), message); }, std::move(std::get<wire::Incoming>(decoded)));
  return std::move(fatal_);
}

bool Session::busy() const {
  if (slots_ && slots_->waiting()) return true;
  const std::lock_guard<std::mutex> lock(mutex_);
  return !calls_.empty() || !outgoing_.empty();
}

void Session::end(const Error& error) {
  std::unordered_map<std::uint64_t, std::shared_ptr<Call>> calls;
  std::deque<Message> unsent;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return;
    ended_ = error;
    calls.swap(calls_);
    unsent.swap(outgoing_);
  }
  for (auto& [id, call] : calls) call->answer(error);
  if (slots_) slots_->end(error);
  budget_->close();
  wakeUp_->ring();
}

std::uint64_t Session::nextId() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return nextId_++;
}

// ---- what comes in ----

void Session::handle(wire::Pong&& message, Message&) { answer(message.id, message); }
void Session::handle(wire::NeedFrames&& message, Message&) { answer(message.id, std::move(message)); }
void Session::handle(wire::StatusReply&& message, Message&) { answer(message.id, std::move(message)); }
void Session::handle(wire::AnalysedFrames&& message, Message&) { answer(message.id, std::move(message)); }

void Session::handle(wire::Finished&& message, Message& parts) {
  const std::uint64_t id = message.id;
  answer(id, Delivered{std::move(message), std::move(parts)});
}

void Session::handle(wire::Progress&& message, Message&) {
  if (const auto call = find(message.id)) call->report(std::move(message));
}

void Session::handle(wire::Attached&& message, Message&) {
  if (slots_) slots_->attached(message.segment);
}

void Session::handle(wire::Release&& message, Message&) {
  if (!slots_ || !slots_->release(message)) ++breaches_;
}

void Session::handle(wire::Failure&& message, Message&) {
  if (message.id == 0 || message.error.name == protocol::error::kShuttingDown) {
    fatal_ = std::move(message.error);
  } else if (!slots_ || !slots_->refused(message.id, message.error)) {
    answer(message.id, std::move(message.error));
  }
}

void Session::handle(wire::Malformed&& message, Message&) {
  ++breaches_;
  answer(message.id, std::move(message.error));
}

void Session::handle(wire::Welcome&&, Message&) { ++breaches_; }
void Session::handle(wire::Unknown&&, Message&) { ++breaches_; }

void Session::answer(std::uint64_t id, Answer answer) {
  if (const auto call = find(id)) call->answer(std::move(answer));
}

std::shared_ptr<Call> Session::find(std::uint64_t id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto place = calls_.find(id);
  return place == calls_.end() ? nullptr : place->second;
}

}  // namespace sparkvsr::detail
