// SPDX-License-Identifier: Apache-2.0
// What an artist is shown outside of the host: the backend's log, and files on the desktop.
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "endpoint.hpp"
#include "environment.hpp"
#include "file_descriptor.hpp"
#include "guard.hpp"
#include "spawn.hpp"
#include "spawn_recipe.hpp"

namespace sparkvsr {
namespace detail {
namespace {

constexpr int kNoOpener = 3;
// The shell is our child and gone at once; the viewer is nobody's.
constexpr const char* kOpen = "command -v xdg-open >/dev/null || exit 3; cd /; xdg-open \"$1\" & exit 0";

bool hasDesktop() {
  const auto isSet = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  return isSet("DISPLAY") || isSet("WAYLAND_DISPLAY");
}

Error notOpened(const std::string& path, const std::string& found) {
  return {"DesktopFailed", "cannot open " + path, "a desktop that opens files", found};
}

/// The exit status; 0 when the host reaps all children itself.
int statusOf(pid_t child) {
  siginfo_t info{};
  int code = 0;
  do {
    code = ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED);
  } while (code != 0 && errno == EINTR);
  return code == 0 && info.si_code == CLD_EXITED ? info.si_status : 0;
}

Result<bool> open(const std::string& path) {
  const FileDescriptor sink(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  std::vector<std::string> words = {"sh", "-c", kOpen, "sparkvsr-open", path};
  std::vector<std::string> environment = backendEnvironment(runtimeDirectory());
  Recipe recipe;
  prepare(recipe, sink.get());
  pid_t shell = -1;
  const int code = ::posix_spawn(&shell, "/bin/sh", &recipe.actions, &recipe.attributes, pointers(words).data(),
                                 pointers(environment).data());
  if (code != 0) return notOpened(path, std::strerror(code));
  return statusOf(shell) != kNoOpener;
}

}  // namespace
}  // namespace detail

std::string Link::backendLog() { return detail::BackendLog(detail::runtimeDirectory()).path(); }

Result<bool> Link::openOnDesktop(const std::string& path) {
  if (!detail::hasDesktop()) return false;
  return detail::guarded<Result<bool>>([&] { return detail::open(path); });
}

}  // namespace sparkvsr
