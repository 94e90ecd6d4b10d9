// SPDX-License-Identifier: Apache-2.0
// The little of libzmq's C API that the link uses, with owners. Only io_thread.cpp and connect.cpp touch sockets.
#pragma once

#include <zmq.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "file_descriptor.hpp"
#include "inline_budget.hpp"

namespace sparkvsr::detail {

/// One message part. Pixels of the inline carrier are written right into it.
class Part {
 public:
  Part() noexcept;
  /// `bytes` of uninitialised memory. They were taken from `budget` and go back when libzmq has sent them; throws
  /// std::bad_alloc.
  Part(std::size_t bytes, const std::shared_ptr<InlineBudget>& budget);
  Part(const void* data, std::size_t bytes);
  Part(Part&& other) noexcept;
  Part& operator=(Part&& other) noexcept;
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part();

  [[nodiscard]] void* data() noexcept { return zmq_msg_data(&message_); }
  [[nodiscard]] std::size_t size() const noexcept { return zmq_msg_size(&message_); }
  [[nodiscard]] zmq_msg_t* raw() noexcept { return &message_; }

 private:
  zmq_msg_t message_;
};

using Message = std::vector<Part>;

class Context {
 public:
  Context();
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  [[nodiscard]] void* raw() const noexcept { return context_; }

 private:
  void* context_;
};

class Socket {
 public:
  Socket(const Context& context, int type);
  Socket(Socket&&) noexcept = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() = default;

  [[nodiscard]] void* raw() const noexcept { return socket_.get(); }
  void set(int option, int value) noexcept;
  void set(int option, std::int64_t value) noexcept;
  /// 0, or libzmq's errno.
  [[nodiscard]] int connect(const std::string& address) noexcept;
  /// False when the peer cannot take it now: then nothing was sent and `message` is unharmed.
  [[nodiscard]] bool trySend(Message& message) noexcept;
  /// All parts of the next message, without waiting.
  [[nodiscard]] std::optional<Message> tryReceive();

 private:
  friend class Monitor;
  std::shared_ptr<void> socket_;
};

/// Events of another socket: has it connected, has it been disconnected?
///
/// libzmq's I/O thread writes the events and waits, for ever, while nobody is there to read them. So the watched socket
/// lives as long as its monitor, and is told to write no more before the reading end closes.
class Monitor {
 public:
  Monitor(const Context& context, const Socket& watched);
  Monitor(Monitor&&) noexcept = default;
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  ~Monitor();

  struct Seen {
    bool connected = false;
    bool lost = false;
  };
  [[nodiscard]] Seen drain();
  [[nodiscard]] void* raw() const noexcept { return events_.raw(); }

 private:
  std::shared_ptr<void> watched_;
  Socket events_;
};

/// Wakes a thread that sleeps in zmq_poll.
class WakeUp {
 public:
  WakeUp();
  void ring() const noexcept;
  void drain() const noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  FileDescriptor fd_;
};

}  // namespace sparkvsr::detail
