// SPDX-License-Identifier: Apache-2.0
// A link of one's own, with other deadlines: for tests and benchmarks. Hosts use Link::process().
#pragma once

#include <memory>

#include "sparkvsr/link.hpp"
#include "tuning.hpp"

namespace sparkvsr::detail {

[[nodiscard]] std::shared_ptr<Link> makeLink(const LinkOptions& options, const Tuning& tuning);

}  // namespace sparkvsr::detail
