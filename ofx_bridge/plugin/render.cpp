// SPDX-License-Identifier: Apache-2.0
#include "render.hpp"

#include "messages.hpp"
#include "recovery.hpp"
#include "render_job.hpp"

namespace sparkvsr::plugin {
namespace {

OfxStatus succeed(Instance& instance, const std::vector<Notice>& notices) {
  recoveryLedger().noteSuccess();
  if (notices.empty()) {
    clearMessage(instance);
  } else {
    showMessage(instance, Severity::Warning, notices.front().name, "SparkVSR: " + notices.front().text);
  }
  return kOfxStatOK;
}

OfxStatus fail(Instance& instance, const Error& error) {
  showError(instance, error);
  return kOfxStatFailed;
}

OfxStatus standInFor(RenderJob& job, Instance& instance, const Error& error) {
  if (job.standIn()) return fail(instance, error);
  recoveryLedger().noteStandIn();
  showMessage(instance, Severity::Warning, error.name, "SparkVSR: showing a bicubic stand-in. " + error.text());
  return kOfxStatOK;
}

}  // namespace

OfxStatus render(const ActionCall& call) {
  Instance& instance = call.instance;
  RenderJob job(instance, taskOf(call));
  const auto failure = job.run();
  if (!failure) return succeed(instance, job.notices());
  if (failure->name == "Aborted") return kOfxStatFailed;  // the host throws the picture away and wants to hear nothing
  if (job.params().onError == identity::OnError::Bicubic) return standInFor(job, instance, *failure);
  return fail(instance, *failure);
}

}  // namespace sparkvsr::plugin
