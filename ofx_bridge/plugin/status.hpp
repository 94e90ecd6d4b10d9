// SPDX-License-Identifier: Apache-2.0
// The status line: the keyframes, which of them the frame shown uses, what is wrong with them, what happened last.
#pragma once

#include "action_call.hpp"

namespace sparkvsr::plugin {

/// Writes the line, and shows or takes back the warning of keyframes without a picture. Only in InstanceChanged.
void writeStatus(const ActionCall& call);

}  // namespace sparkvsr::plugin
