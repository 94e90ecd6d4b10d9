// SPDX-License-Identifier: Apache-2.0
#include "zmq_socket.hpp"

#include <sys/eventfd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

namespace sparkvsr::detail {
namespace {

/// What libzmq's free function gets: the picture's bytes stay counted until it is called.
struct Counted {
  std::shared_ptr<InlineBudget> budget;
  std::size_t bytes;
};

void freeCounted(void* data, void* hint) {
  std::free(data);
  const std::unique_ptr<Counted> counted(static_cast<Counted*>(hint));
  counted->budget->giveBack(counted->bytes);
}

std::string monitorAddress() {
  static std::atomic<std::uint64_t> next{0};
  return "inproc://monitor-" + std::to_string(next++);
}

}  // namespace

Part::Part() noexcept { zmq_msg_init(&message_); }

Part::Part(std::size_t bytes, const std::shared_ptr<InlineBudget>& budget) {
  void* data = std::malloc(bytes);
  auto* counted = data == nullptr ? nullptr : new (std::nothrow) Counted{budget, bytes};
  if (counted != nullptr && zmq_msg_init_data(&message_, data, bytes, freeCounted, counted) == 0) return;
  delete counted;
  std::free(data);
  budget->giveBack(bytes);
  throw std::bad_alloc();
}

Part::Part(const void* data, std::size_t bytes) {
  if (zmq_msg_init_size(&message_, bytes) != 0) throw std::bad_alloc();
  std::memcpy(zmq_msg_data(&message_), data, bytes);
}

Part::Part(Part&& other) noexcept {
  zmq_msg_init(&message_);
  zmq_msg_move(&message_, &other.message_);
}

Part& Part::operator=(Part&& other) noexcept {
  zmq_msg_move(&message_, &other.message_);
  return *this;
}

Part::~Part() { zmq_msg_close(&message_); }

Context::Context() : context_(zmq_ctx_new()) {
  if (context_ == nullptr) throw std::runtime_error("zmq_ctx_new failed");
}

Context::~Context() {
  while (zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) continue;
}

Socket::Socket(const Context& context, int type)
    : socket_(zmq_socket(context.raw(), type), [](void* socket) {
        if (socket != nullptr) zmq_close(socket);
      }) {
  if (socket_ == nullptr) throw std::runtime_error(std::string("zmq_socket: ") + zmq_strerror(zmq_errno()));
  set(ZMQ_LINGER, 0);
}

void Socket::set(int option, int value) noexcept { zmq_setsockopt(raw(), option, &value, sizeof value); }

void Socket::set(int option, std::int64_t value) noexcept { zmq_setsockopt(raw(), option, &value, sizeof value); }

int Socket::connect(const std::string& address) noexcept {
  return zmq_connect(raw(), address.c_str()) == 0 ? 0 : zmq_errno();
}

bool Socket::trySend(Message& message) noexcept {
  // libzmq takes a message as a whole: once the first part is in, the others are not refused.
  for (std::size_t i = 0; i < message.size(); ++i) {
    const int more = i + 1 < message.size() ? ZMQ_SNDMORE : 0;
    int sent = -1;
    do {
      sent = zmq_msg_send(message[i].raw(), raw(), ZMQ_DONTWAIT | more);
    } while (sent < 0 && zmq_errno() == EINTR);
    if (sent < 0) return false;
  }
  return true;
}

std::optional<Message> Socket::tryReceive() {
  Message message;
  do {
    Part part;
    int got = -1;
    do {
      got = zmq_msg_recv(part.raw(), raw(), ZMQ_DONTWAIT);
    } while (got < 0 && zmq_errno() == EINTR);
    if (got < 0) return std::nullopt;
    message.push_back(std::move(part));
  } while (zmq_msg_more(message.back().raw()) != 0);
  return message;
}

Monitor::Monitor(const Context& context, const Socket& watched)
    : watched_(watched.socket_), events_(context, ZMQ_PAIR) {
  const std::string address = monitorAddress();
  const int wanted = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED |
                     ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
  if (zmq_socket_monitor(watched.raw(), address.c_str(), wanted) != 0 || events_.connect(address) != 0) {
    throw std::runtime_error(std::string("zmq_socket_monitor: ") + zmq_strerror(zmq_errno()));
  }
}

Monitor::~Monitor() {
  if (watched_) zmq_socket_monitor(watched_.get(), nullptr, 0);
}

Monitor::Seen Monitor::drain() {
  Seen seen;
  while (auto message = events_.tryReceive()) {
    std::uint16_t event = 0;
    if (message->front().size() < sizeof event) continue;
    std::memcpy(&event, message->front().data(), sizeof event);
    if (event == ZMQ_EVENT_CONNECTED) {
      seen.connected = true;
    } else {
      seen.lost = true;
    }
  }
  return seen;
}

WakeUp::WakeUp() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!fd_.valid()) throw std::runtime_error(std::string("eventfd: ") + std::strerror(errno));
}

void WakeUp::ring() const noexcept {
  const std::uint64_t one = 1;
  while (::write(fd_.get(), &one, sizeof one) < 0 && errno == EINTR) continue;
}

void WakeUp::drain() const noexcept {
  std::uint64_t count = 0;
  while (::read(fd_.get(), &count, sizeof count) < 0 && errno == EINTR) continue;
}

}  // namespace sparkvsr::detail
