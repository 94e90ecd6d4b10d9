// SPDX-License-Identifier: Apache-2.0
#include "host/handles.hpp"

#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace sparkvsr::host {
namespace {

struct Entry {
  HandleKind kind;
  void* object;
};

struct Table {
  std::shared_mutex mutex;
  std::unordered_map<std::uintptr_t, Entry> entries;
  std::uintptr_t next = 0x0FC50010;
};

// Never destroyed: plugins may call until the very end of the process.
Table& table() {
  static Table* instance = new Table;
  return *instance;
}

}  // namespace

void* registerHandle(HandleKind kind, void* object) {
  Table& all = table();
  const std::unique_lock lock(all.mutex);
  const std::uintptr_t key = all.next;
  all.next += 16;
  all.entries.emplace(key, Entry{kind, object});
  return reinterpret_cast<void*>(key);
}

void releaseHandle(void* handle) noexcept {
  Table& all = table();
  const std::unique_lock lock(all.mutex);
  all.entries.erase(reinterpret_cast<std::uintptr_t>(handle));
}

void* findObject(HandleKind kind, const void* handle) noexcept {
  Table& all = table();
  const std::shared_lock lock(all.mutex);
  const auto found = all.entries.find(reinterpret_cast<std::uintptr_t>(handle));
  return found != all.entries.end() && found->second.kind == kind ? found->second.object : nullptr;
}

}  // namespace sparkvsr::host
