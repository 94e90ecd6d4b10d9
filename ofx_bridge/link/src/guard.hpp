// SPDX-License-Identifier: Apache-2.0
// Where exceptions stop: no function of link.hpp throws.
#pragma once

#include <exception>

#include "protocol.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::detail {

/// What `work` returns, or an Error. What throws in here is memory, threads or descriptors running out.
template <typename Outcome, typename Work>
Outcome guarded(Work work) noexcept {
  try {
    return work();
  } catch (const std::exception& failure) {
    return Error{protocol::error::kOutOfMemory, "the link ran out of a resource", "memory, threads and descriptors",
                 failure.what()};
  }
}

}  // namespace sparkvsr::detail
