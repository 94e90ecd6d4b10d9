// SPDX-License-Identifier: Apache-2.0
// The bicubic stand-in: what the artist may choose to see where the backend fails.
#pragma once

#include "sparkvsr/link.hpp"

namespace sparkvsr {

/// Fills `output` (its size is the target window's) with the part of `source`, resized to the target, that the window
/// shows. Cubic convolution (a = -1/2) of premultiplied samples, edges repeated. Not antialiased where it shrinks.
void bicubicStandIn(const ConstImageView& source, const Target& target, const ImageView& output);

}  // namespace sparkvsr
