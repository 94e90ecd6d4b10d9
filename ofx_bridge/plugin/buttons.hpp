// SPDX-License-Identifier: Apache-2.0
// What each button of the panel does.
#pragma once

#include <string>

#include "action_call.hpp"

namespace sparkvsr::plugin {

/// True when `name` is a button; its work is then done, and what there is to say has been said.
bool pressButton(const ActionCall& call, const std::string& name);

// One file each.
void flagKeyframe(const ActionCall& call);
void unflagKeyframe(const ActionCall& call);
void previousKeyframe(const ActionCall& call);
void nextKeyframe(const ActionCall& call);
void suggestKeyframes(const ActionCall& call);
void findCuts(const ActionCall& call);
void propagateRange(const ActionCall& call);
void clearCache(const ActionCall& call);
void restartBackend(const ActionCall& call);
void openLog(const ActionCall& call);
void hostReport(const ActionCall& call);
void bindArithmetic(const ActionCall& call);

}  // namespace sparkvsr::plugin
