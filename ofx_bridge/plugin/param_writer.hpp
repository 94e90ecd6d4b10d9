// SPDX-License-Identifier: Apache-2.0
// Writing parameters. Only where that is allowed: InstanceChanged.
#pragma once

#include <string>

#include "instance.hpp"

namespace sparkvsr::plugin {

/// One step of the host's undo list, where it has one.
class EditBlock {
 public:
  EditBlock(const Instance& instance, const char* name);
  ~EditBlock();
  EditBlock(const EditBlock&) = delete;
  EditBlock& operator=(const EditBlock&) = delete;

 private:
  const Instance& instance_;
  OfxParamSetHandle set_ = nullptr;
};

/// False where the host does not take it.
[[nodiscard]] bool writeText(Instance& instance, identity::Param param, const std::string& text);

/// Makes hosts forget the frames that they keep: they know the parameters, but neither what lies in files nor which
/// frames a keyframe reaches.
void forgetHostFrames(Instance& instance);

}  // namespace sparkvsr::plugin
