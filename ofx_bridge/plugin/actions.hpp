// SPDX-License-Identifier: Apache-2.0
// The cheap questions of a host: regions, frames, identity, preferences. Arithmetic on what the host says; no pixels,
// no backend.
#pragma once

#include "action_call.hpp"

namespace sparkvsr::plugin {

[[nodiscard]] OfxStatus regionOfDefinition(const ActionCall& call);
[[nodiscard]] OfxStatus regionsOfInterest(const ActionCall& call);
[[nodiscard]] OfxStatus framesNeeded(const ActionCall& call);
[[nodiscard]] OfxStatus isIdentity(const ActionCall& call);
[[nodiscard]] OfxStatus clipPreferences(const ActionCall& call);
[[nodiscard]] OfxStatus beginSequenceRender(const ActionCall& call);

}  // namespace sparkvsr::plugin
