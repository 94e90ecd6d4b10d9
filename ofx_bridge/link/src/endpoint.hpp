// SPDX-License-Identifier: Apache-2.0
// Where this user's backend is: the runtime directory, the endpoint file, and which addresses are allowed at all.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "sparkvsr/link.hpp"

namespace sparkvsr::detail {

/// What a backend wrote about itself.
struct Endpoint {
  std::string address;
  std::string token;
};

/// No backend is announced; `why` names the file and what is wrong with it.
struct NoEndpoint {
  std::string why;
};

/// An ipc:// path or a loopback tcp:// address as libzmq takes it ("localhost" becomes 127.0.0.1); else
/// RemoteAddressRefused.
[[nodiscard]] Result<std::string> checkedAddress(const std::string& address);

/// $SPARKVSR_RUNTIME_DIR, else $XDG_RUNTIME_DIR/sparkvsr, else /tmp/sparkvsr-<uid>. Touches nothing.
[[nodiscard]] std::string runtimeDirectory();

/// Makes it where it is missing (0700) and checks owner and mode: InsecureRuntimeDirectory.
[[nodiscard]] std::optional<Error> secureRuntimeDirectory(const std::string& directory);

/// Reads the endpoint file of a secure directory.
[[nodiscard]] std::variant<Endpoint, NoEndpoint, Error> readEndpoint(const std::string& directory);

}  // namespace sparkvsr::detail
