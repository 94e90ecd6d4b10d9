// SPDX-License-Identifier: Apache-2.0
// Which command starts a backend.
#pragma once

#include <string>
#include <vector>

#include "sparkvsr/link.hpp"

namespace sparkvsr::detail {

/// The first of: $SPARKVSR_BACKEND_COMMAND (a JSON list), backend.json in the bundle's Resources, backend.json in
/// $XDG_CONFIG_HOME/sparkvsr, `sparkvsr serve` on PATH. BackendNotFound names all places; a place that is there but
/// wrong is an error (BackendStartFailed), never skipped.
[[nodiscard]] Result<std::vector<std::string>> backendCommand(const std::string& bundleResources);

}  // namespace sparkvsr::detail
