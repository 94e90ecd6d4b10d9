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
static_assert(countOptions(identity::kPrecisionOptions) == std::size(identity::kPrecisionNames));

double upperLimit(const identity::Parameter& face) {
  return face.kind == Kind::Choice ? static_cast<double>(countOptions(face.options)) - 1 : face.maximum;
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

double doubleValue(const Suites& suites, const ParamHandles& handles, Param param, double time) {
  const auto& face = identity::face(param);
  double value = face.initial;
  const OfxParamHandle handle = handles[param];
  if (handle != nullptr && suites.parameter->paramGetValueAtTime(handle, time, &value) != kOfxStatOK)
    value = face.initial;
  return std::clamp(value, face.minimum, face.maximum);
}

std::string textValue(const Suites& suites, const ParamHandles& handles, Param param, double time) {
  char* value = nullptr;
  const OfxParamHandle handle = handles[param];
  if (handle == nullptr || suites.parameter->paramGetValueAtTime(handle, time, &value) != kOfxStatOK) return {};
  return value == nullptr ? std::string() : std::string(value);
}

namespace {

/// Values of one instance at one time.
class Reader {
 public:
  Reader(const Suites& suites, const ParamHandles& handles, double time)
      : suites_(suites), handles_(handles), time_(time) {}

  [[nodiscard]] int integer(Param param) const { return intValue(suites_, handles_, param, time_); }
  [[nodiscard]] double real(Param param) const { return doubleValue(suites_, handles_, param, time_); }
  [[nodiscard]] std::string text(Param param) const { return textValue(suites_, handles_, param, time_); }
  template <typename Choice>
  [[nodiscard]] Choice choice(Param param) const {
    return static_cast<Choice>(integer(param));
  }

 private:
  const Suites& suites_;
  const ParamHandles& handles_;
  double time_;
};

void readKeyframes(const Reader& read, Params& params) {
  params.keyframeList = read.text(Param::KeyframeList);
  params.keyframeFiles = read.text(Param::KeyframeFiles);
  params.frameOffset = read.integer(Param::FrameOffset);
  params.cuts = read.text(Param::Cuts);
  params.keyframeRadius = read.integer(Param::KeyframeRadius);
  params.keyframeSource = read.choice<identity::KeyframeSource>(Param::KeyframeSource);
  params.keyframeModel = read.text(Param::KeyframeModel);
  params.keyframeTransfer = read.integer(Param::KeyframeTransfer);
}

void readPicture(const Reader& read, Params& params) {
  params.engine = read.integer(Param::Engine);
  params.engineOptions = read.text(Param::EngineOptions);
  params.scale = read.integer(Param::Scale);
  params.guidance = read.real(Param::Guidance);
  params.trust = read.real(Param::Trust);
  params.view = read.choice<identity::View>(Param::View);
  params.splitPosition = read.real(Param::SplitPosition);
  params.inputTransfer = read.integer(Param::InputTransfer);
  params.grain = read.real(Param::Grain);
  params.sharpness = read.real(Param::Sharpness);
  params.quality = read.choice<identity::Quality>(Param::Quality);
  params.precision = read.integer(Param::Precision);
  params.arithmetic = read.text(Param::Arithmetic);
}

void readOutput(const Reader& read, Params& params) {
  params.outputMode = read.choice<identity::OutputMode>(Param::OutputMode);
  params.sourceWidth = read.integer(Param::SourceWidth);
  params.sourceHeight = read.integer(Param::SourceHeight);
  params.activeLeft = read.integer(Param::ActiveLeft);
  params.activeRight = read.integer(Param::ActiveRight);
  params.activeTop = read.integer(Param::ActiveTop);
  params.activeBottom = read.integer(Param::ActiveBottom);
}

void readService(const Reader& read, Params& params) {
  params.onError = read.choice<identity::OnError>(Param::OnError);
  params.backend = read.text(Param::Backend);
  params.generation = read.integer(Param::Generation);
  params.vramBudget = read.real(Param::VramBudget);
  params.ramBudget = read.real(Param::RamBudget);
}

}  // namespace

Params readParams(const Suites& suites, const ParamHandles& handles, double time) {
  const Reader read(suites, handles, time);
  Params params;
  readKeyframes(read, params);
  readPicture(read, params);
  readOutput(read, params);
  readService(read, params);
  return params;
}

}  // namespace sparkvsr::plugin
