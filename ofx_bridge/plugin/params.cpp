// SPDX-License-Identifier: Apache-2.0
#include "params.hpp"

#include <algorithm>

namespace sparkvsr::plugin {
namespace {

using identity::Kind;
using identity::Param;

constexpr std::size_t countOptions(const char* const* options) {
  std::size_t count = 0;
  while (options[count] != nullptr) ++count;
  return count;
}

static_assert(countOptions(identity::kEngineOptions) == std::size(identity::kEngineNames));
static_assert(countOptions(identity::kViewOptions) == std::size(identity::kViewNames));
static_assert(countOptions(identity::kTransferOptions) == std::size(identity::kTransferNames));

double upperLimit(const identity::Parameter& face) {
  return face.kind == Kind::Choice ? static_cast<double>(countOptions(face.options)) - 1 : face.maximum;
}

double doubleValue(const Suites& suites, const ParamHandles& handles, Param param, double time) {
  const auto& face = identity::face(param);
  double value = face.initial;
  const OfxParamHandle handle = handles[param];
  if (handle != nullptr && suites.parameter->paramGetValueAtTime(handle, time, &value) != kOfxStatOK)
    value = face.initial;
  return std::clamp(value, face.minimum, face.maximum);
}

}  // namespace

ParamHandles::ParamHandles(const Suites& suites, OfxImageEffectHandle effect) {
  OfxParamSetHandle set = nullptr;
  if (suites.effect->getParamSet(effect, &set) != kOfxStatOK) return;
  for (std::size_t n = 0; n < all_.size(); ++n) {
    OfxParamHandle handle = nullptr;
    const OfxStatus status = suites.parameter->paramGetHandle(set, identity::kParameters[n].name, &handle, nullptr);
    all_[n] = status == kOfxStatOK ? handle : nullptr;
  }
}

int intValue(const Suites& suites, const ParamHandles& handles, Param param, double time) {
  const auto& face = identity::face(param);
  int value = static_cast<int>(face.initial);
  const OfxParamHandle handle = handles[param];
  if (handle != nullptr && suites.parameter->paramGetValueAtTime(handle, time, &value) != kOfxStatOK) {
    value = static_cast<int>(face.initial);
  }
  return std::clamp(value, static_cast<int>(face.minimum), static_cast<int>(upperLimit(face)));
}

std::string textValue(const Suites& suites, const ParamHandles& handles, Param param, double time) {
  char* value = nullptr;
  const OfxParamHandle handle = handles[param];
  if (handle == nullptr || suites.parameter->paramGetValueAtTime(handle, time, &value) != kOfxStatOK) return {};
  return value == nullptr ? std::string() : std::string(value);
}

Params readParams(const Suites& suites, const ParamHandles& handles, double time) {
  const auto integer = [&](Param param) { return intValue(suites, handles, param, time); };
  const auto text = [&](Param param) { return textValue(suites, handles, param, time); };
  Params params;
  params.engine = integer(Param::Engine);
  params.scale = integer(Param::Scale);
  params.outputMode = static_cast<identity::OutputMode>(integer(Param::OutputMode));
  params.keyframeList = text(Param::KeyframeList);
  params.keyframeFiles = text(Param::KeyframeFiles);
  params.frameOffset = integer(Param::FrameOffset);
  params.guidance = doubleValue(suites, handles, Param::Guidance, time);
  params.trust = doubleValue(suites, handles, Param::Trust, time);
  params.view = static_cast<identity::View>(integer(Param::View));
  params.splitPosition = doubleValue(suites, handles, Param::SplitPosition, time);
  params.inputTransfer = integer(Param::InputTransfer);
  params.cuts = text(Param::Cuts);
  params.onError = static_cast<identity::OnError>(integer(Param::OnError));
  params.backend = text(Param::Backend);
  params.generation = integer(Param::Generation);
  params.engineOptions = text(Param::EngineOptions);
  return params;
}

}  // namespace sparkvsr::plugin
