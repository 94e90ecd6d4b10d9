// SPDX-License-Identifier: Apache-2.0
// What every request to the backend says: which backend, and the settings.
#pragma once

#include <memory>

#include "plan.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::plugin {

/// The process's link to the backend that the artist chose; contacts nothing.
[[nodiscard]] std::shared_ptr<Link> linkOf(const Instance& instance, const Params& params);

/// The link protocol's name of the source's curve; `depth`: of the source's pictures, for Auto.
[[nodiscard]] std::string transferOf(const Instance& instance, const Params& params, Depth depth);

/// What changes pixels of the frame that `plan` is for.
[[nodiscard]] Settings settingsOf(const Instance& instance, const Params& params, const FramePlan& plan, Depth depth,
                                  bool draft);

}  // namespace sparkvsr::plugin
