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

/// Fields that came later are left out where they say nothing: older messages stay what they were, byte for byte.
Json settingsMap(const Settings& settings) {
  const Settings plain;
  Json map = {{"engine", settings.engine},
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
  if (settings.grain != plain.grain) map["grain"] = settings.grain;
  if (settings.sharpness != plain.sharpness) map["sharpness"] = settings.sharpness;
  if (settings.quality != plain.quality) map["quality"] = settings.quality;
  if (settings.arithmetic != plain.arithmetic) map["arithmetic"] = settings.arithmetic;
  return map;
}

Json pictureMap(const KeyframeUse& keyframe) {
  Json picture;
  if (const auto* pixels = std::get_if<Fingerprint>(&keyframe.picture)) {
    picture["fingerprint"] = binary(*pixels);
  } else if (const auto* file = std::get_if<PictureFile>(&keyframe.picture)) {
    picture["path"] = file->path;
    if (!file->transfer.empty()) picture["transfer"] = file->transfer;
  } else {
    picture["model"] = std::get<PictureModel>(keyframe.picture).name;
  }
  return picture;
}

Json keyframeMap(const KeyframeUse& keyframe) {
  Json map = {{"time", keyframe.time},
              {"picture", pictureMap(keyframe)},
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

Bytes encodeAnalyse(std::uint64_t id, const AnalysisRequest& request) {
  Json map = header(MessageType::Analyse, id);
  map["kind"] = request.kind;
  map["frames"] = windowList(request.frames);
  map["keyframes"] = request.keyframes;
  map["cuts"] = request.cuts;
  map["count"] = static_cast<std::uint64_t>(request.count);
  map["scale"] = request.settings.scale;
  map["settings"] = settingsMap(request.settings);
  return packed(map);
}

Bytes encodeBudget(std::uint64_t id, const MemoryBudget& budget) {
  Json map = header(MessageType::Budget, id);
  map["vram_gb"] = budget.vram;
  map["ram_gb"] = budget.ram;
  return packed(map);
}

Bytes encodePlain(MessageType type, std::uint64_t id) { return packed(header(type, id)); }

}  // namespace sparkvsr::wire
