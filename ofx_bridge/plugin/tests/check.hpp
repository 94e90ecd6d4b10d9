// SPDX-License-Identifier: Apache-2.0
// The smallest test runner that says what went wrong.
#pragma once

#include <cstdio>

namespace check {

inline int failures = 0;

inline void that(bool holds, const char* what, const char* file, int line) {
  if (holds) return;
  ++failures;
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
}

inline int report() {
  if (failures > 0) std::fprintf(stderr, "%d failed\n", failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace check

#define CHECK(...) check::that(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
