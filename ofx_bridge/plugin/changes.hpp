// SPDX-License-Identifier: Apache-2.0
// What the artist does: buttons, edits, and the status line. The only place that writes parameters.
#pragma once

#include "action_call.hpp"

namespace sparkvsr::plugin {

[[nodiscard]] OfxStatus beginInstanceChanged(const ActionCall& call);
[[nodiscard]] OfxStatus endInstanceChanged(const ActionCall& call);
[[nodiscard]] OfxStatus instanceChanged(const ActionCall& call);

}  // namespace sparkvsr::plugin
