// SPDX-License-Identifier: Apache-2.0
// The suites that one host offers: copies of the tables, with the holes that its personality and the test want.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/personality.hpp"

namespace sparkvsr::host {

class Suites {
 public:
  /// Raises HostError "BadFault" when a fault names a suite or function that does not exist.
  Suites(const Personality& personality, const Faults& faults);
  /// The table, or nullptr.
  [[nodiscard]] const void* fetch(const std::string& name, int version) const;

 private:
  using Table = std::vector<void (*)()>;
  std::map<std::pair<std::string, int>, Table> tables_;
};

[[nodiscard]] const void* memorySuite();
[[nodiscard]] const void* multiThreadSuite();
[[nodiscard]] const void* messageSuiteV1();
[[nodiscard]] const void* messageSuiteV2();
[[nodiscard]] const void* progressSuiteV1();
[[nodiscard]] const void* progressSuiteV2();
[[nodiscard]] const void* timeLineSuite();

}  // namespace sparkvsr::host
