// SPDX-License-Identifier: Apache-2.0
// One node of the host. Hosts make many, clone them and throw them away: nothing that matters lives here.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "clips.hpp"
#include "frame_list_store.hpp"
#include "host_context.hpp"
#include "keyframe_flags.hpp"
#include "params.hpp"

namespace sparkvsr::plugin {

struct Instance {
  std::shared_ptr<const HostContext> host;
  OfxImageEffectHandle effect = nullptr;
  ClipHandles clips;
  ParamHandles params;

  FlagSnapshot flags;
  FrameListStore typedKeyframes;
  FrameListStore typedCuts;

  std::mutex mutex;          // of what follows
  std::string shownMessage;  // what the host shows now
  std::string lastOutcome;   // of the last render or button, for the status line
  std::string warning;       // what is wrong with the keyframes, to be shown until it is put right
  std::string status;
  std::array<std::string, identity::kParamCount> written;  // texts kept alive: some hosts keep the pointer
  bool inBracket = false;                                  // between BeginInstanceChanged and EndInstanceChanged
  bool actedInBracket = false;
  std::uint64_t standInsSeen = 0;

  [[nodiscard]] const Suites& suites() const { return host->suites; }
};

[[nodiscard]] OfxStatus createInstance(std::shared_ptr<const HostContext> host, OfxImageEffectHandle effect);
[[nodiscard]] OfxStatus destroyInstance(const HostContext& host, OfxImageEffectHandle effect);

/// Null where CreateInstance never came.
[[nodiscard]] Instance* instanceOf(const HostContext& host, OfxImageEffectHandle effect);

}  // namespace sparkvsr::plugin
