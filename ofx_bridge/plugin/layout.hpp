// SPDX-License-Identifier: Apache-2.0
// How the parameters lie in the panel: pages, groups, order. Unlike names and types this may change at any time, save
// for the names of groups and pages.
#pragma once

#include <array>

#include "identity.hpp"

namespace sparkvsr::identity {

struct Page {
  const char* name;
  const char* label;
  const char* hint;
};

struct Group {
  const char* name;
  const char* label;  // short: some hosts cut at about 12 characters
  const char* hint;
  bool open;
  std::size_t page;  // index into kPages
  std::array<Param, 20> members;
  std::size_t size;  // of `members`
};

constexpr Page kPages[] = {
    {"controlsPage", "Controls", "Keyframes, guidance, picture, colour and output."},
    {"systemPage", "System", "Speed, memory, and what helps when something goes wrong."},
};

template <typename... Params>
constexpr Group group(const char* name, const char* label, const char* hint, bool open, std::size_t page,
                      Params... members) {
  return {name, label, hint, open, page, {members...}, sizeof...(members)};
}

// Groups do not nest: some hosts cannot.
constexpr Group kGroups[] = {
    group("keyframesGroup", "Keyframes", "Which frames are keyframes, and where their pictures come from.", true, 0,
          Param::Status, Param::Keyframe, Param::FlagKeyframe, Param::UnflagKeyframe, Param::PreviousKeyframe,
          Param::NextKeyframe, Param::KeyframeList, Param::FrameOffset, Param::KeyframeSource, Param::KeyframeFiles,
          Param::KeyframeTransfer, Param::KeyframeModel, Param::SuggestCount, Param::SuggestKeyframes, Param::Cuts,
          Param::FindCuts, Param::PropagateRange),
    group("guidanceGroup", "Guidance", "How far and how strongly keyframes count.", true, 0, Param::Guidance,
          Param::Trust, Param::KeyframeStrength, Param::KeyframeRadius),
    group("pictureGroup", "Picture", "What makes the picture, and what is shown of it.", true, 0, Param::View,
          Param::SplitPosition, Param::Engine, Param::EngineOptions, Param::Scale, Param::Sharpness, Param::Grain),
    group("colourGroup", "Colour", "How the picture's values encode light.", true, 0, Param::InputTransfer),
    group("outputGroup", "Output", "The size of the result, and which part of the host's frame is picture.", false, 0,
          Param::OutputMode, Param::SourceWidth, Param::SourceHeight, Param::ActiveLeft, Param::ActiveRight,
          Param::ActiveTop, Param::ActiveBottom),
    group("performanceGroup", "Performance", "Speed and memory.", false, 1, Param::Quality, Param::Precision,
          Param::VramBudget, Param::RamBudget, Param::Arithmetic, Param::BindArithmetic),
    group("advancedGroup", "Advanced", "Failures, the backend, and reports.", false, 1, Param::OnError, Param::Backend,
          Param::ClearCache, Param::RestartBackend, Param::OpenLog, Param::HostReport, Param::Generation),
};

/// How often `param` lies in a group.
constexpr std::size_t placesOf(Param param) {
  std::size_t places = 0;
  for (const Group& group : kGroups) {
    for (std::size_t n = 0; n < group.size; ++n) {
      if (group.members[n] == param) ++places;
    }
  }
  return places;
}

constexpr bool everyParameterHasOnePlace() {
  for (std::size_t n = 0; n < kParamCount; ++n) {
    if (placesOf(static_cast<Param>(n)) != 1) return false;
  }
  return true;
}
static_assert(everyParameterHasOnePlace());

}  // namespace sparkvsr::identity
