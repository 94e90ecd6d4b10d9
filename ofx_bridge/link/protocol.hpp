// SPDX-License-Identifier: Apache-2.0
// The numbers of docs/protocol.md, which is authoritative; a test compares the two.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sparkvsr::protocol {

inline constexpr std::uint32_t kVersionMin = 1;
inline constexpr std::uint32_t kVersionMax = 1;

inline constexpr std::size_t kMaxHeaderBytes = 1024 * 1024;
inline constexpr std::int64_t kMaxDimension = 65536;
inline constexpr std::size_t kSlotAlignment = 64;
inline constexpr std::size_t kMaxSegments = 16;
inline constexpr std::size_t kFingerprintBytes = 16;
inline constexpr std::size_t kTokenHexDigits = 64;

inline constexpr int kPingIntervalMs = 500;
inline constexpr int kSilenceLimitMs = 10000;

enum class MessageType : std::uint8_t {
  Hello = 1,
  Welcome = 2,
  Error = 3,
  Ping = 4,
  Pong = 5,
  Attach = 6,
  Attached = 7,
  Put = 8,
  Release = 9,
  Render = 10,
  Need = 11,
  Progress = 12,
  Done = 13,
  Cancel = 14,
  Status = 15,
  StatusReply = 16,
  Bye = 17,
  Shutdown = 18,
  Clear = 19,
  Detach = 20,
  Analyse = 21,
  Analysed = 22,
  Budget = 23,
};

inline constexpr const char* kCarrierShm = "shm";
inline constexpr const char* kCarrierInline = "inline";

inline constexpr const char* kEndpointFile = "endpoint-v1.json";
inline constexpr const char* kDefaultLogFile = "backend-v1.log";
inline constexpr const char* kSegmentPrefix = "sparkvsr-";

// Names of errors (docs/protocol.md, section 7).
namespace error {
inline constexpr const char* kWrongToken = "WrongToken";
inline constexpr const char* kWrongProtocol = "WrongProtocol";
inline constexpr const char* kBadMessage = "BadMessage";
inline constexpr const char* kSegmentRefused = "SegmentRefused";
inline constexpr const char* kOutOfMemory = "OutOfMemory";
inline constexpr const char* kShuttingDown = "ShuttingDown";
inline constexpr const char* kBackendDied = "BackendDied";
inline constexpr const char* kBackendSilent = "BackendSilent";
inline constexpr const char* kBackendNotFound = "BackendNotFound";
inline constexpr const char* kBackendStartFailed = "BackendStartFailed";
inline constexpr const char* kRemoteAddressRefused = "RemoteAddressRefused";
inline constexpr const char* kInsecureRuntimeDirectory = "InsecureRuntimeDirectory";
inline constexpr const char* kAborted = "Aborted";
}  // namespace error

}  // namespace sparkvsr::protocol
