// SPDX-License-Identifier: Apache-2.0
#include "progress_bar.hpp"

#include <algorithm>

namespace sparkvsr::plugin {
namespace {

constexpr const char* kMessageName = "com.sparkvsr.progress";

template <typename Suite>
bool isWhole(const Suite* suite) {
  return suite != nullptr && suite->progressStart != nullptr && suite->progressUpdate != nullptr &&
         suite->progressEnd != nullptr;
}

}  // namespace

ProgressBar::ProgressBar(const Instance& instance, const char* label) : instance_(instance) {
  const Suites& suites = instance.suites();
  if (isWhole(suites.progressV2)) {
    newer_ = true;
    shown_ = suites.progressV2->progressStart(instance.effect, label, kMessageName) == kOfxStatOK;
  } else if (isWhole(suites.progress)) {
    shown_ = suites.progress->progressStart(instance.effect, label) == kOfxStatOK;
  }
}

ProgressBar::~ProgressBar() {
  if (!shown_) return;
  const Suites& suites = instance_.suites();
  (void)(newer_ ? suites.progressV2->progressEnd(instance_.effect) : suites.progress->progressEnd(instance_.effect));
}

bool ProgressBar::update(double fraction) {
  fraction_ = std::clamp(std::max(fraction, fraction_), 0.0, 1.0);
  if (!shown_ || cancelled_) return cancelled_;
  const Suites& suites = instance_.suites();
  const OfxStatus status = newer_ ? suites.progressV2->progressUpdate(instance_.effect, fraction_)
                                  : suites.progress->progressUpdate(instance_.effect, fraction_);
  cancelled_ = status == kOfxStatReplyNo;
  return cancelled_;
}

AbortPoll ProgressBar::abortPoll() {
  return [this] { return update(fraction_); };
}

}  // namespace sparkvsr::plugin
