// SPDX-License-Identifier: Apache-2.0
// A picture made smaller: undoes what a host has enlarged.
#pragma once

#include "sparkvsr/link.hpp"

namespace sparkvsr {

/// Fills `smaller` with `source`, every pixel the mean of the area that it covers. Depth, components and
/// premultiplication are those of `source`; straight colours weigh by their alpha. Neither side of `smaller` is longer
/// than that of `source`.
void reduceByArea(const ConstImageView& source, const ImageView& smaller);

}  // namespace sparkvsr
