// SPDX-License-Identifier: Apache-2.0
// From nothing to WELCOME: find this user's backend, or start one. Runs on the I/O thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "endpoint.hpp"
#include "tuning.hpp"
#include "wire.hpp"
#include "zmq_socket.hpp"

namespace sparkvsr::detail {

/// A socket on which WELCOME was received.
struct Connection {
  Socket socket;
  Monitor monitor;
  FileDescriptor backendProcess;  // pidfd; invalid where the system has none
  wire::Welcome welcome;
};

/// What the connecting thread lends: how to sleep (false: give up now), and whom to count.
struct ConnectEnvironment {
  const Context& context;
  const LinkOptions& options;
  const Tuning& tuning;
  std::function<bool(std::chrono::milliseconds)> pause;
  std::function<void()> spawned;
};

/// Finds a backend, or, where `maySpawn`, starts one and waits for it. Errors are named as in docs/protocol.md,
/// section 7.
[[nodiscard]] std::variant<std::unique_ptr<Connection>, Error> connect(const ConnectEnvironment& environment,
                                                                       bool maySpawn);

}  // namespace sparkvsr::detail
