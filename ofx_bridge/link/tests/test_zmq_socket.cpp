// SPDX-License-Identifier: Apache-2.0
#include "zmq_socket.hpp"

#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "check.hpp"

namespace sparkvsr::detail {
namespace {

/// The abstract namespace of Linux: no file to remove.
std::string address(const char* name) { return "ipc://@sparkvsr-" + std::to_string(::getpid()) + "-" + name; }

bool within(std::chrono::milliseconds limit, const std::function<bool()>& happened) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < deadline) {
    if (happened()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

/// A listening peer in a context of its own.
struct Peer {
  explicit Peer(const std::string& where) : socket(context, ZMQ_ROUTER) {
    CHECK_EQUAL(zmq_bind(socket.raw(), where.c_str()), 0);
  }
  Context context;
  Socket socket;
};

TEST(a_peer_lost_after_its_monitor_went_leaves_the_context_working) {
  const Context context;
  std::optional<Peer> first(address("first"));
  Socket socket(context, ZMQ_DEALER);
  socket.set(ZMQ_RECONNECT_IVL, -1);
  {
    Monitor monitor(context, socket);
    CHECK_EQUAL(socket.connect(address("first")), 0);
    CHECK(within(std::chrono::seconds(5), [&] { return monitor.drain().connected; }));
  }
  first.reset();  // with a monitor that nobody reads, libzmq's thread would wait here for ever
  const Peer second(address("second"));
  Socket next(context, ZMQ_DEALER);
  Monitor monitor(context, next);
  CHECK_EQUAL(next.connect(address("second")), 0);
  CHECK(within(std::chrono::seconds(5), [&] { return monitor.drain().connected; }));
}

}  // namespace
}  // namespace sparkvsr::detail
