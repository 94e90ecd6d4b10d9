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
  int keyframeRadius = 0;  // 0: any distance
  identity::KeyframeSource keyframeSource = identity::KeyframeSource::Pictures;
  std::string keyframeModel;
  int keyframeTransfer = 0;
  double grain = 0;
  double sharpness = 0;
  identity::Quality quality = identity::Quality::Full;
  int precision = 0;
  double vramBudget = 0, ramBudget = 0;   // GiB; 0: automatic
  int sourceWidth = 0, sourceHeight = 0;  // 0: not stated
  int activeLeft = 0, activeRight = 0, activeTop = 0, activeBottom = 0;
  std::string arithmetic;  // empty: any
};

[[nodiscard]] Params readParams(const Suites& suites, const ParamHandles& handles, double time);

/// Single values. Numbers are held to the limits of their face, choices to their options.
[[nodiscard]] int intValue(const Suites& suites, const ParamHandles& handles, identity::Param param, double time);
[[nodiscard]] double doubleValue(const Suites& suites, const ParamHandles& handles, identity::Param param, double time);
[[nodiscard]] std::string textValue(const Suites& suites, const ParamHandles& handles, identity::Param param,
                                    double time);

}  // namespace sparkvsr::plugin
