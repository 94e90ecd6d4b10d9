// SPDX-License-Identifier: Apache-2.0
#include "environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace sparkvsr::detail {
namespace {

constexpr std::array<const char*, 12> kPrefixes = {"LD_",  "PYTHON", "QT_",     "QML",    "QTWEBENGINE", "GTK_",
                                                   "GIO_", "GST_",   "TCL_LIB", "TK_LIB", "DYLD_",       "BASH_FUNC_"};
constexpr std::array<const char*, 5> kNames = {"BASH_ENV", "ENV", "MALLOC_CONF", "GCONV_PATH",
                                               "SPARKVSR_BACKEND_COMMAND"};
constexpr const char* kRuntimeDir = "SPARKVSR_RUNTIME_DIR";

}  // namespace

bool hostOnly(const std::string& name) {
  const auto prefixed = [&name](const std::string& prefix) { return name.compare(0, prefix.size(), prefix) == 0; };
  return std::any_of(kPrefixes.begin(), kPrefixes.end(), prefixed) ||
         std::any_of(kNames.begin(), kNames.end(), [&name](const char* other) { return name == other; });
}

std::vector<std::string> backendEnvironment(const std::string& runtimeDirectory) {
  std::vector<std::string> out;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string entry = *variable;
    const std::string name = entry.substr(0, entry.find('='));
    if (name != kRuntimeDir && !hostOnly(name)) out.push_back(entry);
  }
  out.push_back(std::string(kRuntimeDir) + "=" + runtimeDirectory);
  return out;
}

}  // namespace sparkvsr::detail
