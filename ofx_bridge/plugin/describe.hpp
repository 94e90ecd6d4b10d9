// SPDX-License-Identifier: Apache-2.0
// What the plugin tells a host about itself, its clips and its parameters. Contacts nothing.
#pragma once

#include "host_context.hpp"

namespace sparkvsr::plugin {

[[nodiscard]] OfxStatus describe(const HostContext& host, OfxImageEffectHandle effect);
[[nodiscard]] OfxStatus describeInContext(const HostContext& host, OfxImageEffectHandle effect);

}  // namespace sparkvsr::plugin
