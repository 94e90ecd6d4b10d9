// SPDX-License-Identifier: Apache-2.0
// How each known host differs: the one place where hosts have names. Facts only, no OpenFX types.
#pragma once

#include <string>

namespace sparkvsr {

/// Sample types that are offered to a host, as bits.
enum DepthBit : unsigned { kByteBit = 1, kShortBit = 2, kHalfBit = 4, kFloatBit = 8 };
constexpr unsigned kAllDepths = kByteBit | kShortBit | kHalfBit | kFloatBit;

struct HostTraits {
  const char* name;        // start of the host's OfxPropName; "" = any other host
  unsigned depths;         // what is worth offering
  bool rendersOneByOne;    // declare RenderUnsafe
  bool linearFloats;       // half and float pictures are scene-linear unless the artist says otherwise
  bool takesOutputFormat;  // reads OfxImageClipPropFormat from the clip preferences
  bool resizingPage;       // says "fixed size", but resizes on its Fusion page
};

/// What a host says about itself.
struct HostFacts {
  std::string name;
  std::string version;
  bool multiResolution = false;
  bool temporalAccess = false;
  bool background = false;
  bool calledNatron = false;  // Natron may carry any name
};

/// Never null; lives for ever.
[[nodiscard]] const HostTraits* traitsOf(const HostFacts& host);

/// True where an output may have another size than its source. `page`: OfxImageEffectPropResolvePage, else "".
[[nodiscard]] bool canResize(const HostFacts& host, const std::string& page);

}  // namespace sparkvsr
