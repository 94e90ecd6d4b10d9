// SPDX-License-Identifier: Apache-2.0
#include "host/context.hpp"

#include <algorithm>
#include <cstring>

#include "host/image.hpp"

namespace sparkvsr::host {
namespace {

thread_local ActionScope* threadScope = nullptr;
std::atomic<HostContext*> latestHost{nullptr};

/// Strings that this thread lent since they last expired; scribbled over before they are freed.
struct LentStrings {
  std::vector<std::vector<char>> held;
  ~LentStrings() { expire(); }
  void expire() {
    for (std::vector<char>& text : held) std::memset(text.data(), '#', text.size() - 1);
    held.clear();
  }
};
thread_local LentStrings lentStrings;

bool stringsAreShort() {
  const HostContext* host = currentHost();
  return host != nullptr && host->personality.shortStrings;
}

}  // namespace

void ViolationLog::add(Violation violation) {
  const std::lock_guard lock(mutex_);
  all_.push_back(std::move(violation));
}

std::size_t ViolationLog::size() const {
  const std::lock_guard lock(mutex_);
  return all_.size();
}

std::vector<Violation> ViolationLog::since(std::size_t first) const {
  const std::lock_guard lock(mutex_);
  const auto begin = all_.begin() + static_cast<std::ptrdiff_t>(std::min(first, all_.size()));
  return {begin, all_.end()};
}

void ViolationLog::clear() {
  const std::lock_guard lock(mutex_);
  all_.clear();
}

std::optional<int> HostContext::injected(const std::string& function) {
  const std::lock_guard lock(mutex);
  const int number = calls[function]++;
  const auto found = faults.failing.find(function);
  if (found == faults.failing.end()) return std::nullopt;
  const FailingFunction& fault = found->second;
  const bool active = number >= fault.after && (fault.count < 0 || number < fault.after + fault.count);
  return active ? std::optional<int>(fault.status) : std::nullopt;
}

ActionScope::ActionScope() = default;
ActionScope::~ActionScope() = default;

ActionScope* currentScope() noexcept { return threadScope; }

HostContext* currentHost() noexcept { return threadScope != nullptr ? threadScope->host : latestHost.load(); }

void setLatestHost(HostContext* host) noexcept { latestHost = host; }

void forgetHost(HostContext* host) noexcept {
  HostContext* expected = host;
  latestHost.compare_exchange_strong(expected, nullptr);
}

ScopeEntry::ScopeEntry(ActionScope* scope) noexcept : before_(threadScope) { threadScope = scope; }
ScopeEntry::~ScopeEntry() { threadScope = before_; }

void report(const std::string& rule, const std::string& text) {
  HostContext* host = currentHost();
  if (host == nullptr) return;
  const std::string action = threadScope != nullptr ? threadScope->action : "(no action)";
  host->violations.add({rule, action, text});
}

char* lend(const std::string& stored) {
  if (!stringsAreShort()) return const_cast<char*>(stored.c_str());
  lentStrings.held.emplace_back(stored.c_str(), stored.c_str() + stored.size() + 1);
  return lentStrings.held.back().data();
}

void expireLentStrings() {
  if (!lentStrings.held.empty()) lentStrings.expire();
}

namespace detail {

std::optional<int> beforeCall(const char* function) {
  HostContext* host = currentHost();
  if (host == nullptr) return 9;  // kOfxStatErrBadHandle: no host is alive
  if (threadScope == nullptr) {
    report("ForeignThread", std::string(function) + " called on a thread that runs no action");
  }
  return host->injected(function);
}

void reportHostBug(const char* function, const char* what) noexcept {
  try {
    report("HostBug", std::string(function) + ": " + what);
  } catch (...) {
    std::terminate();
  }
}

}  // namespace detail
}  // namespace sparkvsr::host
