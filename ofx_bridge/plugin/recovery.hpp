// SPDX-License-Identifier: Apache-2.0
// Whether stand-in pictures may still lie in host caches although the backend works again. Of the process, since the
// instances that render are often clones.
#pragma once

#include <atomic>
#include <cstdint>

namespace sparkvsr::plugin {

class RecoveryLedger {
 public:
  void noteStandIn() noexcept {
    ++standIns_;
    recovered_ = false;
  }
  void noteSuccess() noexcept { recovered_ = true; }

  [[nodiscard]] std::uint64_t standIns() const noexcept { return standIns_; }
  /// True when there were stand-ins after the `seen`th, and a render has succeeded since.
  [[nodiscard]] bool recoveredSince(std::uint64_t seen) const noexcept { return recovered_ && standIns_ > seen; }

 private:
  std::atomic<std::uint64_t> standIns_{0};
  std::atomic<bool> recovered_{false};
};

[[nodiscard]] inline RecoveryLedger& recoveryLedger() {
  static auto* const ledger = new RecoveryLedger;
  return *ledger;
}

}  // namespace sparkvsr::plugin
