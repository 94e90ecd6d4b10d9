// SPDX-License-Identifier: Apache-2.0
// The host that loaded us: its suites and what it says about itself. Load may come again and again, for one host or for
// several.
#pragma once

#include <memory>

#include "core/host_traits.hpp"
#include "ofx_helpers.hpp"

namespace sparkvsr::plugin {

struct HostContext {
  Suites suites;
  Props properties;  // of the host
  HostFacts facts;
  const HostTraits* traits = nullptr;
};

/// Stores the pointer only.
void rememberHost(const OfxHost* host) noexcept;

/// Fetches the suites of the remembered host. Counts; kOfxStatErrMissingHostFeature where a needed suite is missing.
[[nodiscard]] OfxStatus load();

/// True when it matches the first Load: nobody uses the plugin any more.
[[nodiscard]] bool unload();

/// Of the last Load; null before it. Instances keep the one they were made with.
[[nodiscard]] std::shared_ptr<const HostContext> currentHost();

}  // namespace sparkvsr::plugin
