// SPDX-License-Identifier: Apache-2.0
// The environment of a spawned backend: the host's, without what hosts set for themselves.
#pragma once

#include <string>
#include <vector>

namespace sparkvsr::detail {

/// Whether a variable of this name would make the backend load the host's libraries, modules or scripts.
[[nodiscard]] bool hostOnly(const std::string& name);

/// "NAME=value" of this process without hostOnly() ones, with SPARKVSR_RUNTIME_DIR set.
[[nodiscard]] std::vector<std::string> backendEnvironment(const std::string& runtimeDirectory);

}  // namespace sparkvsr::detail
