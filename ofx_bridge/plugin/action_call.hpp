// SPDX-License-Identifier: Apache-2.0
// What an action on an instance is called with.
#pragma once

#include "instance.hpp"

namespace sparkvsr::plugin {

struct ActionCall {
  Instance& instance;
  Props in;
  Props out;

  [[nodiscard]] double time() const { return in.getDouble(kOfxPropTime).value_or(0); }
};

}  // namespace sparkvsr::plugin
