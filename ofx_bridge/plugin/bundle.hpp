// SPDX-License-Identifier: Apache-2.0
// Where the plugin's bundle lies on this machine.
#pragma once

#include <string>

namespace sparkvsr::plugin {

/// Contents/Resources of the bundle that this code was loaded from; "" where the system does not tell.
[[nodiscard]] std::string bundleResources();

}  // namespace sparkvsr::plugin
