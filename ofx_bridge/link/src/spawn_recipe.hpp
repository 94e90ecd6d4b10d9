// SPDX-License-Identifier: Apache-2.0
// How the link starts a process from inside somebody else's.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace sparkvsr::detail {

/// posix_spawn's attributes and file actions, destroyed with this.
struct Recipe {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;

  Recipe() {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
  }
  ~Recipe() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
  Recipe(const Recipe&) = delete;
  Recipe& operator=(const Recipe&) = delete;
};

inline void closeOthers(posix_spawn_file_actions_t* actions) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
  posix_spawn_file_actions_addclosefrom_np(actions, 3);
#else
  const long limit = std::min(::sysconf(_SC_OPEN_MAX), 65536L);
  for (int fd = 3; fd < limit; ++fd)
    posix_spawn_file_actions_addclose(actions, fd);  // closing a closed one is no error
#endif
}

/// Own session, default signals, no input, output to `log`, no other descriptor.
inline void prepare(Recipe& recipe, int log) {
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&recipe.attributes, &all);
  posix_spawnattr_setsigmask(&recipe.attributes, &none);
  posix_spawnattr_setflags(&recipe.attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_adddup2(&recipe.actions, log, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&recipe.actions, log, STDERR_FILENO);
  posix_spawn_file_actions_addopen(&recipe.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  closeOthers(&recipe.actions);
}

/// As C takes lists of words; points into `words`.
[[nodiscard]] inline std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace sparkvsr::detail
