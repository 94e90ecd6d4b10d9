// SPDX-License-Identifier: Apache-2.0
// Starting a backend from inside somebody else's process, so that neither is in the other's way.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "sparkvsr/link.hpp"

namespace sparkvsr::detail {

/// The log of spawned backends; opened by the link, written by the backend's stdout and stderr.
class BackendLog {
 public:
  /// $SPARKVSR_LOG, else backend-v1.log in the runtime directory.
  explicit BackendLog(const std::string& runtimeDirectory);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Opens it for appending (a large one is set aside first) and remembers where this start begins; -1: see errno.
  [[nodiscard]] int open();
  /// The last lines since open().
  [[nodiscard]] std::string tail() const;

 private:
  std::string path_;
  off_t begin_ = 0;
};

/// A start in progress. The backend is never the host's child: a shell stands between them while the start is watched,
/// and goes when this object does. So a backend that ends later leaves no zombie, and the host's SIGCHLD handling sees
/// only the shell.
class BackendStart {
 public:
  /// Own session, standard streams to the log, no other descriptor, default signals, sanitised environment.
  [[nodiscard]] static Result<BackendStart> spawn(const std::vector<std::string>& command,
                                                  const std::string& runtimeDirectory);

  BackendStart(BackendStart&& other) noexcept;
  BackendStart& operator=(BackendStart&& other) noexcept;
  BackendStart(const BackendStart&) = delete;
  BackendStart& operator=(const BackendStart&) = delete;
  ~BackendStart();

  /// The command's exit status once it has ended (128 + n after signal n; 0 when the system keeps no statuses).
  [[nodiscard]] std::optional<int> exited();
  /// BackendStartFailed with the log's path and last lines.
  [[nodiscard]] Error failed(const std::string& what) const;

 private:
  BackendStart(pid_t shell, BackendLog log, std::string command);

  pid_t shell_ = -1;
  std::optional<int> status_;
  BackendLog log_;
  std::string command_;
};

}  // namespace sparkvsr::detail
