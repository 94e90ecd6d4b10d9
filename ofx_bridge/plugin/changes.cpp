// SPDX-License-Identifier: Apache-2.0
#include "changes.hpp"

#include <utility>

#include "backend_request.hpp"
#include "buttons.hpp"
#include "messages.hpp"
#include "param_writer.hpp"
#include "recovery.hpp"
#include "status.hpp"

namespace sparkvsr::plugin {
namespace {

using identity::Param;

bool is(const std::string& name, Param param) { return name == identity::face(param).name; }

/// One of Vegas' habits: a new instance is sent one bracket in which every parameter is said to be edited by the user.
/// A real edit is the first of its bracket, or comes without one.
bool isRealEdit(Instance& instance) {
  const std::lock_guard lock(instance.mutex);
  return !instance.inBracket || !std::exchange(instance.actedInBracket, true);
}

void setBracket(Instance& instance, bool open) {
  const std::lock_guard lock(instance.mutex);
  instance.inBracket = open;
  instance.actedInBracket = false;
}

/// Stand-in pictures that the host has kept are forgotten once the backend works again.
bool standInsAreOld(Instance& instance) {
  const std::lock_guard lock(instance.mutex);
  if (!recoveryLedger().recoveredSince(instance.standInsSeen)) return false;
  instance.standInsSeen = recoveryLedger().standIns();
  return true;
}

/// Edits that change frames whose own values of all parameters stay what they were.
bool reachesOtherFrames(const std::string& name) {
  return is(name, Param::Keyframe) || is(name, Param::KeyframeStrength) || is(name, Param::FlagKeyframe) ||
         is(name, Param::UnflagKeyframe) || is(name, Param::SuggestKeyframes);
}

/// A wish for memory is told at once; a backend that does not run learns of it with its first frame.
void tellBudget(const ActionCall& call, const std::string& name) {
  if (!is(name, Param::VramBudget) && !is(name, Param::RamBudget)) return;
  Instance& instance = call.instance;
  const Params params = readParams(instance.suites(), instance.params, call.time());
  auto told = linkOf(instance, params)->wishBudget({params.vramBudget, params.ramBudget}, true, {});
  if (const auto* error = std::get_if<Error>(&told)) answerButton(instance, *error);
}

}  // namespace

OfxStatus beginInstanceChanged(const ActionCall& call) {
  setBracket(call.instance, true);
  return kOfxStatOK;
}

OfxStatus endInstanceChanged(const ActionCall& call) {
  setBracket(call.instance, false);
  return kOfxStatOK;
}

OfxStatus instanceChanged(const ActionCall& call) {
  Instance& instance = call.instance;
  const std::string name = call.in.getString(kOfxPropName);
  const bool byUser = call.in.getString(kOfxPropChangeReason) == kOfxChangeUserEdited;
  const bool acts = byUser && !is(name, Param::Status) && isRealEdit(instance);
  if (acts) pressButton(call, name);
  instance.flags.refresh(*instance.suites().parameter, instance.params[Param::Keyframe]);
  if (!acts) return kOfxStatOK;
  tellBudget(call, name);
  if (standInsAreOld(instance) || reachesOtherFrames(name)) forgetHostFrames(instance);
  writeStatus(call);
  return kOfxStatOK;
}

}  // namespace sparkvsr::plugin
