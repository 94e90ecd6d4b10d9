// SPDX-License-Identifier: Apache-2.0
// One frame to be made: asked for by the host, or ahead of it.
#pragma once

#include <optional>

#include "action_call.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::plugin {

/// What a host says of what becomes of a picture.
enum class Purpose { Final, Interactive, Unsaid };

struct RenderTask {
  double time = 0;
  RenderScale scale;
  std::optional<PixelRect> window;  // none: the whole output
  std::string field;                // of the picture; "" or None: all of it
  Priority priority = Priority::Interactive;
  Purpose purpose = Purpose::Unsaid;
  bool forHost = true;  // false: nobody sees it, it is made for the backend's caches
  AbortPoll abort;
  ProgressReport progress;
};

/// The task of a Render action.
[[nodiscard]] RenderTask taskOf(const ActionCall& call);

/// Whether the engine may take it easy: never where the host says that the picture is final.
[[nodiscard]] bool isDraft(identity::Quality quality, Purpose purpose);

}  // namespace sparkvsr::plugin
