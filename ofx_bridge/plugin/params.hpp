// SPDX-License-Identifier: Apache-2.0
// Reading the parameters: one snapshot per action.
#pragma once

#include <array>
#include <string>

#include "identity.hpp"
#include "ofx_helpers.hpp"

namespace sparkvsr::plugin {

/// Handles by identity::Param; null for a parameter that the host left out (some have no buttons, some no secrets).
class ParamHandles {
 public:
  ParamHandles() = default;
  ParamHandles(const Suites& suites, OfxImageEffectHandle effect);

  [[nodiscard]] OfxParamHandle operator[](identity::Param param) const { return all_[static_cast<std::size_t>(param)]; }

 private:
  std::array<OfxParamHandle, identity::kParamCount> all_{};
};

/// Values at one time. What the host does not keep has its default.
struct Params {
  int engine = 0;
  int scale = 4;
  identity::OutputMode outputMode = identity::OutputMode::Auto;
  std::string keyframeList;
  std::string keyframeFiles;
  int frameOffset = 0;
  double guidance = 1;
  double trust = 0;
  identity::View view = identity::View::Result;
  double splitPosition = 0.5;
  int inputTransfer = 0;
  std::string cuts;
  identity::OnError onError = identity::OnError::Fail;
  std::string backend;
  int generation = 0;
  std::string engineOptions;
};

[[nodiscard]] Params readParams(const Suites& suites, const ParamHandles& handles, double time);

/// Single values. Numbers are held to the limits of their face, choices to their options.
[[nodiscard]] int intValue(const Suites& suites, const ParamHandles& handles, identity::Param param, double time);
[[nodiscard]] std::string textValue(const Suites& suites, const ParamHandles& handles, identity::Param param,
                                    double time);

}  // namespace sparkvsr::plugin
