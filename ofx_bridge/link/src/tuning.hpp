// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "protocol.hpp"
#include "sparkvsr/link_tuning.hpp"

namespace sparkvsr::detail {

using Tuning = LinkTuning;

}  // namespace sparkvsr::detail
