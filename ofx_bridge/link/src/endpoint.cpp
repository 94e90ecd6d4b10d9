// SPDX-License-Identifier: Apache-2.0
#include "endpoint.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "file_descriptor.hpp"
#include "json.hpp"
#include "protocol.hpp"

namespace sparkvsr::detail {
namespace {

constexpr std::size_t kMaxEndpointFile = 64 * 1024;
constexpr std::size_t kMaxIpcPath = 107;

Error refusedAddress(const std::string& address) {
  return {protocol::error::kRemoteAddressRefused, "the backend's address must stay on this machine",
          "ipc:///path or tcp://127.0.0.1:port", address};
}

bool startsWith(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

bool validPort(const std::string& port) {
  if (port.empty() || port.size() > 5 ||
      !std::all_of(port.begin(), port.end(), [](unsigned char c) { return std::isdigit(c); })) {
    return false;
  }
  const int number = std::stoi(port);
  return number >= 1 && number <= 65535;
}

/// The host part as a numeric loopback address, or nothing.
std::optional<std::string> loopbackHost(const std::string& host) {
  if (host == "localhost") return "127.0.0.1";
  if (host == "[::1]") return host;
  in_addr parsed{};
  if (::inet_pton(AF_INET, host.c_str(), &parsed) != 1) return std::nullopt;
  return (ntohl(parsed.s_addr) >> 24) == 127 ? std::optional<std::string>(host) : std::nullopt;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string octal(mode_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode) & 07777U);
  return text.data();
}

/// Owner and mode of something that only this user may read.
std::optional<Error> insecure(const std::string& path, const struct stat& info, mode_t wanted) {
  if (info.st_uid == ::geteuid() && (info.st_mode & 077) == 0) return std::nullopt;
  return Error{protocol::error::kInsecureRuntimeDirectory, path + " could be read or written by others",
               "owner " + std::to_string(::geteuid()) + ", mode " + octal(wanted),
               "owner " + std::to_string(info.st_uid) + ", mode " + octal(info.st_mode)};
}

Error unusable(const std::string& path, const std::string& expected, int code) {
  return {protocol::error::kInsecureRuntimeDirectory, "cannot use " + path, expected, std::strerror(code)};
}

std::string readAll(int fd) {
  std::string text;
  std::array<char, 4096> block{};
  ssize_t got = 0;
  while (text.size() <= kMaxEndpointFile && (got = ::read(fd, block.data(), block.size())) > 0) {
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  return text;
}

bool isToken(const std::string& text) {
  return text.size() == protocol::kTokenHexDigits &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c); });
}

std::variant<Endpoint, NoEndpoint, Error> parse(const std::string& path, const std::string& text) {
  const Json map = Json::parse(text, nullptr, false);
  Fields fields(map, path);
  Endpoint out{fields.text("endpoint"), fields.text("token")};
  if (!isToken(out.token)) fields.fail("token", "64 hexadecimal digits", Json("something else"));
  const auto protoMin = fields.unsignedInt("proto_min", 0, 0xffffffffU);
  const auto protoMax = fields.unsignedInt("proto_max", 0, 0xffffffffU);
  if (!fields.ok()) return NoEndpoint{fields.error().text()};
  if (protoMin > protocol::kVersionMax || protoMax < protocol::kVersionMin) {
    return Error{protocol::error::kWrongProtocol, "the running backend speaks another protocol",
                 std::to_string(protocol::kVersionMin) + ".." + std::to_string(protocol::kVersionMax),
                 std::to_string(protoMin) + ".." + std::to_string(protoMax)};
  }
  const auto address = checkedAddress(out.address);
  if (const auto* refused = std::get_if<Error>(&address)) return *refused;
  out.address = std::get<std::string>(address);
  return out;
}

}  // namespace

Result<std::string> checkedAddress(const std::string& address) {
  if (startsWith(address, "ipc:///")) {
    const bool fits = address.size() - std::strlen("ipc://") <= kMaxIpcPath;
    return fits ? Result<std::string>(address)
                : Result<std::string>(refusedAddress(address + " (path over 107 bytes)"));
  }
  const std::size_t colon = address.rfind(':');
  const std::string scheme = "tcp://";
  if (!startsWith(address, scheme) || colon < scheme.size()) return refusedAddress(address);
  const auto host = loopbackHost(address.substr(scheme.size(), colon - scheme.size()));
  const std::string port = address.substr(colon + 1);
  if (!host || !validPort(port)) return refusedAddress(address);
  return scheme + *host + ":" + port;
}

std::string runtimeDirectory() {
  if (auto own = environment("SPARKVSR_RUNTIME_DIR"); !own.empty()) return own;
  if (auto xdg = environment("XDG_RUNTIME_DIR"); !xdg.empty()) return xdg + "/sparkvsr";
  return "/tmp/sparkvsr-" + std::to_string(::getuid());
}

std::optional<Error> secureRuntimeDirectory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return unusable(directory, "a directory that can be made", errno);
  const FileDescriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return unusable(directory, "a directory, not a link", errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return unusable(directory, "a directory", errno);
  return insecure(directory, info, 0700);
}

std::variant<Endpoint, NoEndpoint, Error> readEndpoint(const std::string& directory) {
  const std::string path = directory + "/" + protocol::kEndpointFile;
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return NoEndpoint{"there is no " + path};
  if (!fd.valid()) return unusable(path, "a regular file, not a link", errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return unusable(path, "a regular file", EINVAL);
  if (auto open = insecure(path, info, 0600)) return *open;
  return parse(path, readAll(fd.get()));
}

}  // namespace sparkvsr::detail
