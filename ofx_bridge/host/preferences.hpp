// SPDX-License-Identifier: Apache-2.0
// GetClipPreferences: what the host proposes for each clip, what the plugin makes of it, and what the clips then say.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "host/host.hpp"

namespace sparkvsr::host {

struct ClipChoice {
  std::string depth;       // OfxBitDepth…
  std::string components;  // OfxImageComponent…
  double pixelAspect = 1;
};

struct ClipPreferences {
  std::map<std::string, ClipChoice> clips;
  std::string premultiplication;
  double frameRate = 24;
  bool frameVarying = false;
  bool continuousSamples = false;
  std::optional<std::array<int, 4>> format;  // where the host honours OfxImageClipPropFormat and the plugin set it
};

/// Runs the action on an instance and puts the outcome on its clips. Raises ActionFailed, HostError "NoCommonDepth".
[[nodiscard]] ClipPreferences askClipPreferences(Host& host, Effect& effect);
/// What a clip says about itself before anybody has asked.
void describeInputs(Host& host, Effect& effect);

}  // namespace sparkvsr::host
