// SPDX-License-Identifier: Apache-2.0
// Headers of docs/protocol.md as C++ values: encoding of what the link sends, decoding and validation of what it
// receives. Nothing here touches sockets or pixels.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol.hpp"
#include "sparkvsr/link.hpp"

namespace sparkvsr::wire {

using Bytes = std::vector<std::uint8_t>;

/// Where pixels are: in a slot of shared memory …
struct ShmPlace {
  std::uint32_t segment = 0;
  std::uint32_t slot = 0;
};
/// … or in a payload part of the same message, counted from 1.
struct InlinePlace {
  std::uint32_t part = 1;
};
using Place = std::variant<ShmPlace, InlinePlace>;

struct ImageDescriptor {
  PixelFormat format;
  std::uint64_t rowBytes = 0;
  Place place;
};

/// True when every row lies within `available` bytes and rows do not overlap.
[[nodiscard]] bool fits(const ImageDescriptor& image, std::uint64_t available) noexcept;

// ---- sent by the link ----

struct Hello {
  std::uint64_t id = 0;
  std::string token;
  std::string clientName = "sparkvsr-link";
  std::string clientVersion;
  std::string hostName;
  std::string hostVersion;
  std::int64_t pid = 0;
  std::vector<std::string> carriers;
};

struct Attach {
  std::uint64_t id = 0;
  std::uint32_t segment = 0;
  std::string name;  // with its leading slash
  std::uint64_t slotBytes = 0;
  std::uint32_t slots = 0;
};

[[nodiscard]] Bytes encodeHello(const Hello& hello);
[[nodiscard]] Bytes encodeAttach(const Attach& attach);
[[nodiscard]] Bytes encodeDetach(std::uint32_t segment);
[[nodiscard]] Bytes encodePut(const Fingerprint& fingerprint, const ImageDescriptor& image);
[[nodiscard]] Bytes encodeRender(std::uint64_t id, const RenderRequest& request, const ImageDescriptor& output);
[[nodiscard]] Bytes encodeAnalyse(std::uint64_t id, const AnalysisRequest& request);
[[nodiscard]] Bytes encodeBudget(std::uint64_t id, const MemoryBudget& budget);
/// PING, CANCEL, STATUS, BYE, SHUTDOWN, CLEAR: a type and an id.
[[nodiscard]] Bytes encodePlain(protocol::MessageType type, std::uint64_t id);

// ---- received by the link ----

struct Welcome {
  std::uint64_t id = 0;
  std::uint32_t proto = 0;
  std::string serverName;
  std::string serverVersion;
  std::string instance;
  std::string device;
  std::string arithmetic;
  std::int64_t pid = 0;
  std::vector<std::string> carriers;
  std::uint64_t maxHeaderBytes = 0;
  std::uint64_t maxFrameBytes = 0;
  [[nodiscard]] bool offers(std::string_view carrier) const;
};
struct Failure {
  std::uint64_t id = 0;
  Error error;
};
struct Pong {
  std::uint64_t id = 0;
};
struct Attached {
  std::uint64_t id = 0;
  std::uint32_t segment = 0;
};
struct Release {
  std::uint32_t segment = 0;
  std::vector<std::uint32_t> slots;
};
struct NeedFrames {
  std::uint64_t id = 0;
  std::vector<Fingerprint> fingerprints;
};
struct Progress {
  std::uint64_t id = 0;
  double fraction = 0;
  std::string stage;
};
struct Finished {
  std::uint64_t id = 0;
  ImageDescriptor image;
  Done done;
};
struct AnalysedFrames {
  std::uint64_t id = 0;
  std::vector<std::int64_t> frames;
};
struct StatusReply {
  std::uint64_t id = 0;
  std::string json;
};
/// Well formed, but of a kind this version does not know, or only ever sent by links: ignored.
struct Unknown {
  std::uint64_t type = 0;
};
/// A known kind with a field that breaks the protocol: the request `id` fails, the connection goes on.
struct Malformed {
  std::uint64_t id = 0;
  Error error;
};

using Incoming = std::variant<Welcome, Failure, Pong, Attached, Release, NeedFrames, Progress, Finished, StatusReply,
                              AnalysedFrames, Unknown, Malformed>;

/// An Error (BadMessage) when the bytes are no header at all: then nothing this peer says can be trusted.
[[nodiscard]] Result<Incoming> decode(const void* data, std::size_t bytes);

}  // namespace sparkvsr::wire
