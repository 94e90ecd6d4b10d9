// SPDX-License-Identifier: Apache-2.0
// Host report: written into the user's state folder.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "buttons.hpp"
#include "host_report.hpp"
#include "messages.hpp"

namespace sparkvsr::plugin {
namespace {

/// $XDG_STATE_HOME/sparkvsr, else ~/.local/state/sparkvsr.
std::filesystem::path stateFolder() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::filesystem::path(state) / "sparkvsr";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : "/tmp") / ".local" / "state" / "sparkvsr";
}

/// One file for each host, written anew.
std::string fileName(const std::string& host) {
  std::string name = "host-report-";
  for (const char c : host) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    name += plain ? c : '_';
  }
  return name + ".txt";
}

std::optional<Error> write(const std::filesystem::path& path, const std::string& text) {
  std::error_code failed;
  std::filesystem::create_directories(path.parent_path(), failed);
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return std::nullopt;
  return Error{"ReportNotWritten", "cannot write " + path.string(), "a file that can be written",
               errno != 0 ? std::strerror(errno) : "a failure"};
}

}  // namespace

void hostReport(const ActionCall& call) {
  const std::filesystem::path path = stateFolder() / fileName(call.instance.host->facts.name);
  if (const auto error = write(path, describeHost(call))) return answerButton(call.instance, *error);
  answerButton(call.instance, "the report on this host is " + path.string());
}

}  // namespace sparkvsr::plugin
