// SPDX-License-Identifier: Apache-2.0
// What the plugin finds of its host and of the backend, for a bug report: plain text, one fact a line.
#pragma once

#include <string>

#include "action_call.hpp"

namespace sparkvsr::plugin {

[[nodiscard]] std::string describeHost(const ActionCall& call);

}  // namespace sparkvsr::plugin
