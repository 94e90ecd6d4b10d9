// SPDX-License-Identifier: Apache-2.0
#include "buttons.hpp"

namespace sparkvsr::plugin {
namespace {

using identity::Param;

struct Button {
  Param param;
  void (*press)(const ActionCall& call);
};

constexpr Button kButtons[] = {
    {Param::FlagKeyframe, flagKeyframe},
    {Param::UnflagKeyframe, unflagKeyframe},
    {Param::PreviousKeyframe, previousKeyframe},
    {Param::NextKeyframe, nextKeyframe},
    {Param::SuggestKeyframes, suggestKeyframes},
    {Param::FindCuts, findCuts},
    {Param::PropagateRange, propagateRange},
    {Param::ClearCache, clearCache},
    {Param::RestartBackend, restartBackend},
    {Param::OpenLog, openLog},
    {Param::HostReport, hostReport},
    {Param::BindArithmetic, bindArithmetic},
};

constexpr std::size_t countButtons() {
  std::size_t count = 0;
  for (const auto& face : identity::kParameters) {
    if (face.kind == identity::Kind::Button) ++count;
  }
  return count;
}
static_assert(std::size(kButtons) == countButtons());

}  // namespace

bool pressButton(const ActionCall& call, const std::string& name) {
  for (const Button& button : kButtons) {
    if (name != identity::face(button.param).name) continue;
    button.press(call);
    return true;
  }
  return false;
}

}  // namespace sparkvsr::plugin
