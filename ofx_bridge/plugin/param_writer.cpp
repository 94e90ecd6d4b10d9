// SPDX-License-Identifier: Apache-2.0
#include "param_writer.hpp"

namespace sparkvsr::plugin {

using identity::Param;

EditBlock::EditBlock(const Instance& instance, const char* name) : instance_(instance) {
  if (instance.suites().effect->getParamSet(instance.effect, &set_) != kOfxStatOK) set_ = nullptr;
  if (set_ != nullptr) instance_.suites().parameter->paramEditBegin(set_, name);
}

EditBlock::~EditBlock() {
  if (set_ != nullptr) instance_.suites().parameter->paramEditEnd(set_);
}

bool writeText(Instance& instance, Param param, const std::string& text) {
  const OfxParamHandle handle = instance.params[param];
  if (handle == nullptr) return false;
  const char* kept = nullptr;
  {
    const std::lock_guard lock(instance.mutex);
    std::string& place = instance.written[static_cast<std::size_t>(param)];
    place = text;
    kept = place.c_str();
  }
  return instance.suites().parameter->paramSetValue(handle, kept) == kOfxStatOK;
}

void forgetHostFrames(Instance& instance) {
  const OfxParamHandle handle = instance.params[Param::Generation];
  if (handle == nullptr) return;
  const int generation = intValue(instance.suites(), instance.params, Param::Generation, 0);
  const bool atEnd = generation >= static_cast<int>(identity::face(Param::Generation).maximum);
  instance.suites().parameter->paramSetValue(handle, atEnd ? 0 : generation + 1);
}

}  // namespace sparkvsr::plugin
