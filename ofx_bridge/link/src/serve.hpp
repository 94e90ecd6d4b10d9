// SPDX-License-Identifier: Apache-2.0
// Serving one connection until it ends. Runs on the I/O thread.
#pragma once

#include <functional>

#include "connect.hpp"
#include "session.hpp"

namespace sparkvsr::detail {

/// Sends and receives until the backend is lost, breaks the protocol, or `stopping` holds; returns why.
[[nodiscard]] Error serve(Connection& connection, Session& session, const WakeUp& wakeUp, const Tuning& tuning,
                          const std::function<bool()>& stopping);

}  // namespace sparkvsr::detail
