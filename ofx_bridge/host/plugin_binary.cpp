// SPDX-License-Identifier: Apache-2.0
#include "host/plugin_binary.hpp"

#include <dlfcn.h>
#include <ofxImageEffect.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

#include "host/errors.hpp"

namespace sparkvsr::host {
namespace {

namespace fs = std::filesystem;

std::mutex claimMutex;

std::set<std::string>& claims() {
  static auto* files = new std::set<std::string>;
  return *files;
}

/// True when nobody else in this process holds the file.
bool claim(const std::string& file) {
  const std::lock_guard lock(claimMutex);
  return claims().insert(file).second;
}

void unclaim(const std::string& file) {
  const std::lock_guard lock(claimMutex);
  claims().erase(file);
}

/// The folder name of the standard: "Linux-x86-64", elsewhere "Linux-" and the machine.
std::string architectureFolder() {
  utsname system{};
  uname(&system);
  const std::string machine = system.machine;
  return "Linux-" + (machine == "x86_64" ? std::string("x86-64") : machine);
}

fs::path findFile(const fs::path& path) {
  if (!fs::exists(path)) throw LoadFailed("there is nothing at " + path.string());
  if (!fs::is_directory(path)) return path;
  const fs::path folder = path / "Contents" / architectureFolder();
  const fs::path file = folder / path.stem();
  if (!fs::exists(file)) throw LoadFailed("expected the plugin at " + file.string() + ", found nothing");
  return file;
}

fs::path bundleOf(const fs::path& file) {
  const fs::path root = file.parent_path().parent_path().parent_path();
  return root.extension() == ".bundle" ? root : file.parent_path();
}

template <typename Function>
Function* symbol(void* library, const char* name) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

}  // namespace

PluginBinary::PluginBinary(const fs::path& path, const std::string& identifier, const OfxHost* host)
    : file_(fs::absolute(findFile(path))), bundle_(bundleOf(file_)) {
  try {
    if (claim(file_.string())) {
      claimed_ = file_.string();
    } else {
      copyPrivately();
    }
    open();
    offerHost(host);
    choose(identifier);
  } catch (...) {
    close();
    throw;
  }
}

PluginBinary::~PluginBinary() { close(); }

void PluginBinary::close() noexcept {
  if (library_ != nullptr) dlclose(library_);
  if (!claimed_.empty()) unclaim(claimed_);
  std::error_code ignored;
  if (!privateCopy_.empty()) fs::remove_all(privateCopy_, ignored);
}

void PluginBinary::copyPrivately() {
  std::string folder = (fs::temp_directory_path() / "sparkvsr-host-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) throw LoadFailed("cannot make a folder in " + folder);
  privateCopy_ = folder;
  fs::copy(bundle_, privateCopy_ / bundle_.filename(), fs::copy_options::recursive);
  file_ = privateCopy_ / bundle_.filename() / fs::relative(file_, bundle_);
  bundle_ = bundleOf(file_);
}

void PluginBinary::open() {
  library_ = dlopen(file_.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) throw LoadFailed(dlerror());
}

void PluginBinary::choose(const std::string& identifier) {
  auto* count = symbol<int()>(library_, "OfxGetNumberOfPlugins");
  auto* get = symbol<OfxPlugin*(int)>(library_, "OfxGetPlugin");
  if (count == nullptr || get == nullptr)
    throw LoadFailed(file_.string() + " is no OpenFX plugin: it lacks the entry points");
  const int number = count();
  for (int i = 0; i < number && plugin_ == nullptr; ++i) {
    OfxPlugin* plugin = get(i);
    const bool effect = plugin != nullptr && std::strcmp(plugin->pluginApi, kOfxImageEffectPluginApi) == 0 &&
                        plugin->apiVersion == kOfxImageEffectPluginApiVersion;
    if (effect && (identifier.empty() || identifier == plugin->pluginIdentifier)) plugin_ = plugin;
  }
  if (plugin_ == nullptr) throw LoadFailed(file_.string() + " has no image effect " + identifier);
}

void PluginBinary::offerHost(const OfxHost* host) const {
  auto* setHost = symbol<OfxStatus(const OfxHost*)>(library_, "OfxSetHost");
  if (setHost != nullptr && !worked(setHost(host))) throw LoadFailed("OfxSetHost refused this host");
}

}  // namespace sparkvsr::host
