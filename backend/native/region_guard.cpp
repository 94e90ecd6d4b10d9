// SPDX-License-Identifier: Apache-2.0
#include "region_guard.hpp"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>

namespace sparkvsr::guard {
namespace {

/// Read by the signal's handler, which may run at any moment of any thread: no locks. `base` is set last and cleared
/// first.
struct Region {
  std::atomic<std::uintptr_t> base{0};
  std::atomic<std::size_t> bytes{0};
  std::atomic<bool> shrank{false};
  bool taken = false;
};
static_assert(std::atomic<std::uintptr_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

std::array<Region, kMostRegions> regions;
std::mutex takingAndReleasing;
struct sigaction handlerBefore;

Region* regionAt(std::uintptr_t address) noexcept {
  for (Region& region : regions) {
    const std::uintptr_t base = region.base.load(std::memory_order_acquire);
    if (base != 0 && address >= base && address - base < region.bytes.load(std::memory_order_relaxed)) return &region;
  }
  return nullptr;
}

/// All of the region at once: one signal and one mapping, however many pages are gone. mmap is a plain system call.
bool fillWithZeros(Region& region) noexcept {
  void* base = reinterpret_cast<void*>(region.base.load(std::memory_order_acquire));
  constexpr int kFlags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
  void* zeros = ::mmap(base, region.bytes.load(std::memory_order_relaxed), PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (zeros == MAP_FAILED) return false;
  region.shrank.store(true, std::memory_order_release);
  return true;
}

/// What would have happened without us.
void passOn(int number, siginfo_t* info, void* context) noexcept {
  if ((handlerBefore.sa_flags & SA_SIGINFO) != 0) {
    handlerBefore.sa_sigaction(number, info, context);
  } else if (handlerBefore.sa_handler != SIG_DFL && handlerBefore.sa_handler != SIG_IGN) {
    handlerBefore.sa_handler(number);
  } else {
    ::signal(number, SIG_DFL);  // the instruction is tried again, and ends the process
  }
}

void onBusError(int number, siginfo_t* info, void* context) noexcept {
  const int before = errno;
  const bool byMemory = info->si_code == BUS_ADRERR;
  Region* region = byMemory ? regionAt(reinterpret_cast<std::uintptr_t>(info->si_addr)) : nullptr;
  if (region == nullptr || !fillWithZeros(*region)) passOn(number, info, context);
  errno = before;
}

bool handlerIsSet() noexcept {
  static const bool isSet = [] {
    struct sigaction action{};
    action.sa_sigaction = onBusError;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    return ::sigaction(SIGBUS, &action, &handlerBefore) == 0;
  }();
  return isSet;
}

}  // namespace

int watch(void* base, std::size_t bytes) noexcept {
  if (base == nullptr || bytes == 0 || !handlerIsSet()) return kNoRegion;
  const std::lock_guard lock(takingAndReleasing);
  for (std::size_t n = 0; n < regions.size(); ++n) {
    Region& region = regions[n];
    if (region.taken) continue;
    region.taken = true;
    region.shrank.store(false, std::memory_order_relaxed);
    region.bytes.store(bytes, std::memory_order_relaxed);
    region.base.store(reinterpret_cast<std::uintptr_t>(base), std::memory_order_release);
    return static_cast<int>(n);
  }
  return kNoRegion;
}

void release(int region) noexcept {
  if (region < 0 || region >= kMostRegions) return;
  const std::lock_guard lock(takingAndReleasing);
  Region& known = regions[static_cast<std::size_t>(region)];
  known.base.store(0, std::memory_order_release);
  known.taken = false;
}

bool shrank(int region) noexcept {
  return region >= 0 && region < kMostRegions &&
         regions[static_cast<std::size_t>(region)].shrank.load(std::memory_order_acquire);
}

}  // namespace sparkvsr::guard
