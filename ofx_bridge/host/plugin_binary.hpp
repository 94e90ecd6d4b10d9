// SPDX-License-Identifier: Apache-2.0
// The .ofx file: found in its bundle, loaded, and asked for its plugins.
#pragma once

#include <ofxCore.h>

#include <filesystem>
#include <string>

namespace sparkvsr::host {

class PluginBinary {
 public:
  /// `path`: a bundle folder or an .ofx file. `identifier` empty: the first image effect. A binary that this process
  /// has loaded already is loaded once more from a private copy, so that the two share nothing. `host` is offered
  /// before the plugins are counted, as the standard says. Raises LoadFailed.
  PluginBinary(const std::filesystem::path& path, const std::string& identifier, const OfxHost* host);
  ~PluginBinary();
  PluginBinary(const PluginBinary&) = delete;
  PluginBinary& operator=(const PluginBinary&) = delete;

  [[nodiscard]] const OfxPlugin& plugin() const noexcept { return *plugin_; }
  /// The bundle's folder (or the file's, without a bundle): what kOfxPluginPropFilePath says.
  [[nodiscard]] std::string bundle() const { return bundle_.string(); }
  /// Calls OfxSetHost where the binary has it. Raises LoadFailed when it refuses.
  void offerHost(const OfxHost* host) const;

 private:
  void open();
  void choose(const std::string& identifier);
  void copyPrivately();
  void close() noexcept;

  std::filesystem::path file_;
  std::filesystem::path bundle_;
  std::filesystem::path privateCopy_;
  std::string claimed_;
  void* library_ = nullptr;
  OfxPlugin* plugin_ = nullptr;
};

}  // namespace sparkvsr::host
