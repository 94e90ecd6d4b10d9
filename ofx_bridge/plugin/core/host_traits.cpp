// SPDX-License-Identifier: Apache-2.0
#include "host_traits.hpp"

#include <cstring>

namespace sparkvsr {
namespace {

constexpr const char* kNatron = "fr.inria.Natron";

// The first row whose name starts the host's name counts. MLT ignores a failed render: with bytes and shorts the source
// then passes, with halves and floats the frame would be garbage. It also makes a new instance for each frame unless
// renders go one by one.
constexpr HostTraits kHosts[] = {
    // name                            depths                 oneByOne linear format page
    {"uk.co.thefoundry.nuke", kFloatBit, false, true, false, false},
    {kNatron, kAllDepths, false, true, true, false},
    {"com.eyeonline.Fusion", kAllDepths, false, true, false, false},
    {"com.blackmagicdesign.Fusion", kAllDepths, false, true, false, false},
    {"DaVinciResolve", kFloatBit, false, false, false, true},
    {"com.autodesk.", kAllDepths, false, false, false, false},
    {"com.vegascreativesoftware.", kByteBit | kFloatBit, false, false, false, false},
    {"com.sonycreativesoftware.", kByteBit | kFloatBit, false, false, false, false},
    {"MLT", kByteBit | kShortBit, true, false, false, false},
    {"", kAllDepths, false, false, false, false},
};

}  // namespace

const HostTraits* traitsOf(const HostFacts& host) {
  const char* name = host.calledNatron ? kNatron : host.name.c_str();
  const HostTraits* row = kHosts;
  while (std::strncmp(row->name, name, std::strlen(row->name)) != 0) ++row;
  return row;
}

bool canResize(const HostFacts& host, const std::string& page) {
  return host.multiResolution || (traitsOf(host)->resizingPage && page == "Fusion");
}

}  // namespace sparkvsr
