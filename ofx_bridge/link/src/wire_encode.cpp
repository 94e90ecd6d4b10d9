// SPDX-License-Identifier: Apache-2.0
// What the link sends.
#include "json.hpp"
#include "wire.hpp"

#ifndef SPARKVSR_VERSION
#define SPARKVSR_VERSION "0"
#endif

namespace sparkvsr::wire {
namespace {

using detail::Json;
using protocol::MessageType;

Json header(MessageType type, std::uint64_t id) { return {{"type", static_cast<unsigned>(type)}, {"id", id}}; }

Json binary(const Fingerprint& value) {
  return Json::binary(Json::binary_t::container_type(value.begin(), value.end()));
}

const char* depthName(Depth depth) noexcept {
  switch (depth) {
    case Depth::Byte:
      return "byte";
    case Depth::Short:
      return "short";
    case Depth::Half:
      return "half";
    case Depth::Float:
      return "float";
  }
  return "";
}

const char* premultiplicationName(Premultiplication premultiplication) noexcept {
  switch (premultiplication) {
    case Premultiplication::Premultiplied:
      return "premultiplied";
    case Premultiplication::Straight:
      return "straight";
    case Premultiplication::Opaque:
      return "opaque";
  }
  return "";
}

Json descriptor(const ImageDescriptor& image) {
  Json out = {{"width", static_cast<unsigned>(image.format.width)},
              {"height", static_cast<unsigned>(image.format.height)},
              {"components", static_cast<unsigned>(image.format.components)},
              {"depth", depthName(image.format.depth)},
              {"premultiplication", premultiplicationName(image.format.premultiplication)},
              {"row_bytes", image.rowBytes}};
  if (const auto* shm = std::get_if<ShmPlace>(&image.place)) {
    out["carrier"] = protocol::kCarrierShm;
    out["segment"] = shm->segment;
    out["slot"] = shm->slot;
  } else {
    out["carrier"] = protocol::kCarrierInline;
    out["part"] = std::get<InlinePlace>(image.place).part;
  }
  return out;
}

Json settingsMap(const Settings& settings) {
  return {{"engine", settings.engine},
          {"scale", settings.scale},
          {"guidance", settings.guidance},
          {"trust", settings.trust},
          {"view", settings.view},
          {"transfer", settings.transfer},
          {"precision", settings.precision},
          {"cuts", settings.cuts},
          {"grid", settings.grid},
          {"split", settings.split},
          {"generation", settings.generation}};
}

Json keyframeMap(const KeyframeUse& keyframe) {
  Json picture;
  if (const auto* pixels = std::get_if<Fingerprint>(&keyframe.picture)) {
    picture["fingerprint"] = binary(*pixels);
  } else {
    picture["path"] = std::get<std::string>(keyframe.picture);
  }
  Json map = {{"time", keyframe.time},
              {"picture", picture},
              {"source", keyframe.source ? binary(*keyframe.source) : Json(nullptr)},
              {"strength", keyframe.strength}};
  if (keyframe.label) map["label"] = *keyframe.label;
  return map;
}

Json windowList(const std::vector<WindowFrame>& window) {
  Json out = Json::array();
  for (const WindowFrame& frame : window) {
    Json pair = Json::array();
    pair.push_back(frame.time);
    pair.push_back(binary(frame.fingerprint));
    out.push_back(std::move(pair));
  }
  return out;
}

Json keyframeList(const std::vector<KeyframeUse>& keyframes) {
  Json out = Json::array();
  for (const KeyframeUse& keyframe : keyframes) out.push_back(keyframeMap(keyframe));
  return out;
}

Bytes packed(const Json& map) { return Json::to_msgpack(map); }

}  // namespace

Bytes encodeHello(const Hello& hello) {
  Json map = header(MessageType::Hello, hello.id);
  map["proto_min"] = protocol::kVersionMin;
  map["proto_max"] = protocol::kVersionMax;
  map["token"] = hello.token;
  map["client"] = {{"name", hello.clientName},
                   {"version", hello.clientVersion.empty() ? SPARKVSR_VERSION : hello.clientVersion}};
  map["host"] = {{"name", hello.hostName}, {"version", hello.hostVersion}};
  map["pid"] = hello.pid;
  map["carriers"] = hello.carriers;
  return packed(map);
}

Bytes encodeAttach(const Attach& attach) {
  Json map = header(MessageType::Attach, attach.id);
  map["segment"] = attach.segment;
  map["name"] = attach.name;
  map["slot_bytes"] = attach.slotBytes;
  map["slots"] = attach.slots;
  return packed(map);
}

Bytes encodeDetach(std::uint32_t segment) {
  Json map = header(MessageType::Detach, 0);
  map["segment"] = segment;
  return packed(map);
}

Bytes encodePut(const Fingerprint& fingerprint, const ImageDescriptor& image) {
  Json map = header(MessageType::Put, 0);
  map["fingerprint"] = binary(fingerprint);
  map["image"] = descriptor(image);
  return packed(map);
}

Bytes encodeRender(std::uint64_t id, const RenderRequest& request, const ImageDescriptor& output) {
  Json map = header(MessageType::Render, id);
  map["session"] = request.session;
  map["priority"] = static_cast<unsigned>(request.priority);
  map["time"] = request.time;
  map["settings"] = settingsMap(request.settings);
  map["window"] = windowList(request.window);
  map["keyframes"] = keyframeList(request.keyframes);
  map["range"] = request.range;
  map["target"] = {
      {"width", request.target.width}, {"height", request.target.height}, {"window", request.target.window}};
  map["output"] = descriptor(output);
  return packed(map);
}

Bytes encodePlain(MessageType type, std::uint64_t id) { return packed(header(type, id)); }

}  // namespace sparkvsr::wire
