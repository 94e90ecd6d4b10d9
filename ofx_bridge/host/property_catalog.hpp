// SPDX-License-Identifier: Apache-2.0
// Which properties the standard gives to which object: OpenFX 1.5, with the defaults a host fills in.
#pragma once

#include <string>
#include <vector>

#include "host/personality.hpp"
#include "host/property_set.hpp"

namespace sparkvsr::host {

[[nodiscard]] std::vector<PropertySpec> hostProperties(const Personality& personality);
[[nodiscard]] std::vector<PropertySpec> effectDescriptorProperties();
[[nodiscard]] std::vector<PropertySpec> effectInstanceProperties(const Personality& p);
[[nodiscard]] std::vector<PropertySpec> clipDescriptorProperties(const std::string& name);
[[nodiscard]] std::vector<PropertySpec> clipInstanceProperties();
[[nodiscard]] std::vector<PropertySpec> imageProperties();
[[nodiscard]] std::vector<PropertySpec> paramSetProperties();
/// Raises HostError "UnknownParamType".
[[nodiscard]] std::vector<PropertySpec> paramProperties(const std::string& type, const std::string& name);
[[nodiscard]] bool isKnownParamType(const std::string& type);
/// True for names that hosts added and that a plugin may look for anywhere.
[[nodiscard]] bool isKnownExtension(const std::string& name);

}  // namespace sparkvsr::host
