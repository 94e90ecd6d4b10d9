// SPDX-License-Identifier: Apache-2.0
// Making one frame: a straight line from the host's images to the backend and back.
#pragma once

#include "action_call.hpp"

namespace sparkvsr::plugin {

/// Writes the whole render window and returns kOfxStatOK, or fails with a message (silently when the host aborted).
[[nodiscard]] OfxStatus render(const ActionCall& call);

}  // namespace sparkvsr::plugin
