// SPDX-License-Identifier: Apache-2.0
// What `sparkvsr-host` is asked to do.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/host.hpp"
#include "host/pixels.hpp"

namespace sparkvsr::host::native {

/// One edit of an artist: a value, a key (with a time), or a button pressed (without a value).
struct Edit {
  std::string param;
  std::optional<std::string> value;
  std::optional<double> time;
};

struct Arguments {
  std::string bundle;
  std::string identifier;
  std::string personality = "nuke";
  std::vector<std::pair<std::string, OverrideValue>> overrides;
  std::string context;  // empty: the one that the personality prefers
  int width = 64;
  int height = 48;
  int frames = 5;
  int first = 0;
  int keyframeScale = 0;  // Keyframes is connected to pictures this many times as large; 0: it is not connected
  Depth depth = Depth::Float;
  int components = 4;
  int padding = 0;            // bytes between rows
  std::vector<double> times;  // host times to render; empty: every frame once
  int threads = 1;
  int rounds = 1;  // how often everything is loaded, rendered and unloaded
  std::optional<double> abortAfterMs;
  std::vector<Edit> edits;  // in the order given
  bool describe = false;
  bool help = false;
};

class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Raises UsageError.
[[nodiscard]] Arguments parseArguments(const std::vector<std::string>& words);
[[nodiscard]] std::string usage();

}  // namespace sparkvsr::host::native
