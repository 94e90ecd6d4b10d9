// SPDX-License-Identifier: Apache-2.0
#include "bundle.hpp"

#include <dlfcn.h>

#include <filesystem>

namespace sparkvsr::plugin {

std::string bundleResources() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&bundleResources), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code failed;
  const auto binary = std::filesystem::absolute(info.dli_fname, failed);
  if (failed) return {};
  return (binary.parent_path().parent_path() / "Resources").string();  // Contents/<architecture>/SparkVSR.ofx
}

}  // namespace sparkvsr::plugin
