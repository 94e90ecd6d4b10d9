// SPDX-License-Identifier: Apache-2.0
#include "render_task.hpp"

namespace sparkvsr::plugin {
namespace {

/// Farms render in batches; what an artist waits for comes first.
Priority priorityOf(const ActionCall& call) {
  if (call.instance.host->facts.background) return Priority::Batch;
  const bool interactive = call.in.getInt(kOfxImageEffectPropInteractiveRenderStatus).value_or(1) != 0;
  return interactive ? Priority::Interactive : Priority::Batch;
}

/// A host that says nothing of interaction but renders in sequence makes what is kept.
Purpose purposeOf(const ActionCall& call) {
  if (call.instance.host->facts.background) return Purpose::Final;
  const auto interactive = call.in.getInt(kOfxImageEffectPropInteractiveRenderStatus);
  if (interactive) return *interactive != 0 ? Purpose::Interactive : Purpose::Final;
  const bool sequential = call.in.getInt(kOfxImageEffectPropSequentialRenderStatus).value_or(0) == 1;
  return sequential ? Purpose::Final : Purpose::Unsaid;
}

}  // namespace

RenderTask taskOf(const ActionCall& call) {
  RenderTask task;
  task.time = call.time();
  task.scale = call.in.getScale(kOfxImageEffectPropRenderScale).value_or(RenderScale{});
  task.window = call.in.getRect(kOfxImageEffectPropRenderWindow);
  task.field = call.in.getString(kOfxImageEffectPropFieldToRender);
  task.priority = priorityOf(call);
  task.purpose = purposeOf(call);
  task.abort = [&instance = call.instance] { return instance.suites().effect->abort(instance.effect) != 0; };
  task.progress = [](double, const std::string&) {};
  return task;
}

bool isDraft(identity::Quality quality, Purpose purpose) {
  if (quality == identity::Quality::Draft) return purpose != Purpose::Final;
  return quality == identity::Quality::DraftWhileInteractive && purpose == Purpose::Interactive;
}

}  // namespace sparkvsr::plugin
