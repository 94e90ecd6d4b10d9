// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

#if defined(__SANITIZE_THREAD__)
// A host that forks and goes on is what one of the tests is about.
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_options() { return "die_after_fork=0"; }
#endif

int main(int argc, char** argv) { return check::run(argc, argv) == 0 ? 0 : 1; }
