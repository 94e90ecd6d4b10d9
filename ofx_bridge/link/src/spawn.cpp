// SPDX-License-Identifier: Apache-2.0
#include "spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "environment.hpp"
#include "file_descriptor.hpp"
#include "protocol.hpp"
#include "spawn_recipe.hpp"

namespace sparkvsr::detail {
namespace {

constexpr off_t kLargeLog = 4 * 1024 * 1024;
constexpr off_t kTailBytes = 2048;
constexpr int kTailLines = 8;
// The host's working directory may be a network mount, or hold a file that Python would import.
constexpr const char* kScript = "cd /; \"$@\" & wait $!";

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string lastLines(const std::string& text, int lines) {
  std::size_t at = text.find_last_not_of('\n');
  for (int i = 0; i < lines && at != std::string::npos && at != 0; ++i) at = text.rfind('\n', at - 1);
  return at == std::string::npos ? text : text.substr(at);
}

}  // namespace

// ---- BackendLog ----

BackendLog::BackendLog(const std::string& runtimeDirectory) {
  const char* chosen = std::getenv("SPARKVSR_LOG");
  path_ =
      chosen != nullptr && *chosen != '\0' ? std::string(chosen) : runtimeDirectory + "/" + protocol::kDefaultLogFile;
}

int BackendLog::open() {
  struct stat info{};
  if (::stat(path_.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size > kLargeLog) {
    ::rename(path_.c_str(), (path_ + ".1").c_str());  // if that fails the log just goes on growing
  }
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
  if (fd >= 0) begin_ = std::max<off_t>(0, ::lseek(fd, 0, SEEK_END));
  return fd;
}

std::string BackendLog::tail() const {
  const FileDescriptor fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return {};
  const off_t end = ::lseek(fd.get(), 0, SEEK_END);
  const off_t from = std::max(begin_, end - kTailBytes);
  std::string text(static_cast<std::size_t>(std::max<off_t>(0, end - from)), '\0');
  const ssize_t got = ::pread(fd.get(), text.data(), text.size(), from);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  return lastLines(text, kTailLines);
}

// ---- BackendStart ----

Result<BackendStart> BackendStart::spawn(const std::vector<std::string>& command, const std::string& runtimeDirectory) {
  BackendLog log(runtimeDirectory);
  const FileDescriptor fd(log.open());
  if (!fd.valid()) {
    return Error{protocol::error::kBackendStartFailed, "cannot write the backend's log " + log.path(),
                 "a writable file", std::strerror(errno)};
  }
  std::vector<std::string> words = {"sh", "-c", kScript, "sparkvsr-start"};
  words.insert(words.end(), command.begin(), command.end());
  std::vector<std::string> environment = backendEnvironment(runtimeDirectory);
  Recipe recipe;
  prepare(recipe, fd.get());
  pid_t shell = -1;
  const int code = ::posix_spawn(&shell, "/bin/sh", &recipe.actions, &recipe.attributes, pointers(words).data(),
                                 pointers(environment).data());
  BackendStart start(code == 0 ? shell : -1, std::move(log), joined(command));
  if (code != 0) return start.failed(std::string("posix_spawn of /bin/sh: ") + std::strerror(code));
  return start;
}

BackendStart::BackendStart(pid_t shell, BackendLog log, std::string command)
    : shell_(shell), log_(std::move(log)), command_(std::move(command)) {}

BackendStart::BackendStart(BackendStart&& other) noexcept
    : shell_(std::exchange(other.shell_, -1)),
      status_(other.status_),
      log_(std::move(other.log_)),
      command_(std::move(other.command_)) {}

BackendStart& BackendStart::operator=(BackendStart&& other) noexcept {
  std::swap(shell_, other.shell_);
  std::swap(status_, other.status_);
  std::swap(log_, other.log_);
  std::swap(command_, other.command_);
  return *this;
}

BackendStart::~BackendStart() {
  if (shell_ < 0 || exited()) return;
  ::kill(shell_, SIGKILL);  // it is our child and not reaped, so the number is still its own
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(shell_), &info, WEXITED) != 0 && errno == EINTR) continue;
}

std::optional<int> BackendStart::exited() {
  if (status_ || shell_ < 0) return status_;
  siginfo_t info{};
  const int code = ::waitid(P_PID, static_cast<id_t>(shell_), &info, WEXITED | WNOHANG);
  if (code != 0) return errno == ECHILD ? status_ = 0 : std::nullopt;  // the host reaps all children itself
  if (info.si_pid == 0) return std::nullopt;
  status_ = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  return status_;
}

Error BackendStart::failed(const std::string& what) const {
  const std::string lines = log_.tail();
  return {
      protocol::error::kBackendStartFailed,
      what + "; command: " + command_ + "; log: " + log_.path() + (lines.empty() ? "" : ", which ends with:\n" + lines),
      "a backend that serves", what};
}

}  // namespace sparkvsr::detail
