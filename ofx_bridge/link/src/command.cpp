// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include "json.hpp"
#include "protocol.hpp"

namespace sparkvsr::detail {
namespace {

using Command = std::vector<std::string>;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

Result<Command> fromJson(const Json& list, const std::string& where) {
  Command out;
  for (const Json& word : list.is_array() ? list : Json::array()) {
    if (word.is_string()) out.push_back(word.get<std::string>());
  }
  const bool good = list.is_array() && !out.empty() && out.size() == list.size();
  if (good) return out;
  return Error{protocol::error::kBackendStartFailed, where + " holds no command", "a JSON list of strings, not empty",
               list.is_discarded() ? "text that is no JSON" : shown(list)};
}

/// Nothing when there is no such file.
std::optional<Result<Command>> fromFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const Json map = Json::parse(text, nullptr, false);
  return fromJson(map.is_object() && map.contains("command") ? map.at("command") : map, path);
}

std::optional<Command> fromPath() {
  std::istringstream path(environment("PATH"));
  for (std::string directory; std::getline(path, directory, ':');) {
    const std::string program = directory + "/sparkvsr";
    if (!directory.empty() && directory.front() == '/' && ::access(program.c_str(), X_OK) == 0)
      return Command{program, "serve"};
  }
  return std::nullopt;
}

std::string userConfiguration() {
  if (auto xdg = environment("XDG_CONFIG_HOME"); !xdg.empty()) return xdg + "/sparkvsr/backend.json";
  return environment("HOME") + "/.config/sparkvsr/backend.json";
}

}  // namespace

Result<Command> backendCommand(const std::string& bundleResources) {
  if (auto text = environment("SPARKVSR_BACKEND_COMMAND"); !text.empty()) {
    return fromJson(Json::parse(text, nullptr, false), "SPARKVSR_BACKEND_COMMAND");
  }
  const std::string bundled = bundleResources + "/backend.json";
  if (!bundleResources.empty()) {
    if (auto command = fromFile(bundled)) return *command;
  }
  if (auto command = fromFile(userConfiguration())) return *command;
  if (auto command = fromPath()) return *command;
  return Error{protocol::error::kBackendNotFound,
               "no backend runs, and nothing says how to start one; install it with pip, or name "
               "its command",
               "$SPARKVSR_BACKEND_COMMAND, " + (bundleResources.empty() ? std::string() : bundled + ", ") +
                   userConfiguration() + " or sparkvsr on PATH",
               "none of them"};
}

}  // namespace sparkvsr::detail
