// SPDX-License-Identifier: Apache-2.0
#include "backend_request.hpp"

#include "bundle.hpp"

namespace sparkvsr::plugin {
namespace {

/// Options are part of the name of an engine that has any: those with a chunk grid.
std::string engineName(const Params& params) {
  const std::string name = identity::kEngineNames[params.engine];
  const bool takesOptions = identity::kEngineGrids[params.engine] > 0 && !params.engineOptions.empty();
  return takesOptions ? name + "?" + params.engineOptions : name;
}

}  // namespace

std::shared_ptr<Link> linkOf(const Instance& instance, const Params& params) {
  const HostFacts& host = instance.host->facts;
  LinkOptions options;
  options.address = params.backend;
  options.bundleResources = bundleResources();
  if (!host.name.empty()) options.hostName = host.name;
  if (!host.version.empty()) options.hostVersion = host.version;
  return Link::process(options);
}

std::string transferOf(const Instance& instance, const Params& params, Depth depth) {
  if (params.inputTransfer != 0) return identity::kTransferNames[params.inputTransfer];
  const bool linear = instance.host->traits->linearFloats && (depth == Depth::Half || depth == Depth::Float);
  return linear ? "linear" : "srgb";
}

Settings settingsOf(const Instance& instance, const Params& params, const FramePlan& plan, Depth depth, bool draft) {
  Settings settings;
  settings.engine = engineName(params);
  settings.scale = params.scale;
  settings.guidance = params.guidance;
  settings.trust = params.trust;
  settings.view = identity::kViewNames[static_cast<int>(params.view)];
  settings.transfer = transferOf(instance, params, depth);
  settings.precision = identity::kPrecisionNames[params.precision];
  // The ends of this shot say all about cuts that this frame can depend on; lists may be long.
  const FrameSpan shot = shotOf(plan.time, plan.cuts);
  if (shot.first) settings.cuts.push_back(*shot.first);
  if (shot.last) settings.cuts.push_back(*shot.last + 1);
  settings.grid = chunkGrid(instance, params);
  settings.split = params.splitPosition;
  settings.generation = params.generation;
  settings.grain = params.grain;
  settings.sharpness = params.sharpness;
  settings.quality = draft ? "draft" : "full";
  settings.arithmetic = params.arithmetic;
  return settings;
}

}  // namespace sparkvsr::plugin
