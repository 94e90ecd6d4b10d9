// SPDX-License-Identifier: Apache-2.0
#include "host/process_state.hpp"

#include <cfenv>
#include <clocale>
#include <filesystem>

#include "host/context.hpp"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace sparkvsr::host {
namespace {

/// Masks, rounding, flush-to-zero and denormals-are-zero: not the sticky exception flags.
unsigned int floatControl() {
#if defined(__SSE2__)
  return _mm_getcsr() & ~0x3FU;
#else
  return 0;
#endif
}

std::string currentFolder() {
  std::error_code failure;
  return std::filesystem::current_path(failure).string();
}

bool sameSignals(const sigset_t& a, const sigset_t& b) {
  for (int number = 1; number < 32; ++number) {
    if (sigismember(&a, number) != sigismember(&b, number)) return false;
  }
  return true;
}

}  // namespace

ProcessState::ProcessState()
    : rounding_(std::fegetround()),
      floatControl_(floatControl()),
      locale_(std::setlocale(LC_ALL, nullptr)),
      folder_(currentFolder()) {
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked_);
}

void ProcessState::reportChanges() const {
  const ProcessState now;
  if (now.rounding_ != rounding_) report("ProcessStateChanged", "the rounding mode");
  if (now.floatControl_ != floatControl_) report("ProcessStateChanged", "flush-to-zero or the float traps");
  if (now.locale_ != locale_) report("ProcessStateChanged", "the locale");
  if (now.folder_ != folder_) report("ProcessStateChanged", "the working directory");
  restoreArithmetic();
  if (!sameSignals(now.blocked_, blocked_)) report("ProcessStateChanged", "the signal mask");
}

void ProcessState::restoreArithmetic() const {
  std::fesetround(rounding_);
#if defined(__SSE2__)
  _mm_setcsr((_mm_getcsr() & 0x3FU) | floatControl_);
#endif
}

}  // namespace sparkvsr::host
