// SPDX-License-Identifier: Apache-2.0
// Opaque handles. A handle is a number that is never given out twice, so the use of a dead or foreign one is always
// found.
#pragma once

#include <cstdint>

namespace sparkvsr::host {

enum class HandleKind : std::uintptr_t { Host = 1, PropertySet, Effect, ParamSet, Param, Clip, ImageMemory, Mutex };

/// Enters `object`; the handle is valid until releaseHandle.
[[nodiscard]] void* registerHandle(HandleKind kind, void* object);
void releaseHandle(void* handle) noexcept;
/// The object, or nullptr when the handle is dead, foreign, or of another kind.
[[nodiscard]] void* findObject(HandleKind kind, const void* handle) noexcept;

/// Base of everything that a plugin holds a handle of: registered for as long as it lives.
template <typename Object, HandleKind Kind>
class Handled {
 public:
  Handled(const Handled&) = delete;
  Handled& operator=(const Handled&) = delete;

  [[nodiscard]] void* handle() const noexcept { return handle_; }
  template <typename OfxHandle>
  [[nodiscard]] OfxHandle as() const noexcept {
    return static_cast<OfxHandle>(handle_);
  }
  [[nodiscard]] static Object* find(const void* handle) noexcept {
    return static_cast<Object*>(findObject(Kind, handle));
  }

 protected:
  Handled() : handle_(registerHandle(Kind, static_cast<Object*>(this))) {}
  ~Handled() { releaseHandle(handle_); }

 private:
  void* handle_;
};

}  // namespace sparkvsr::host
