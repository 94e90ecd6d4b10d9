// SPDX-License-Identifier: Apache-2.0
// What the link receives: nothing is believed before it was checked.
#include <algorithm>
#include <limits>

#include "json.hpp"
#include "msgpack_limits.hpp"
#include "wire.hpp"

namespace sparkvsr::wire {
namespace {

using detail::Fields;
using detail::Json;
using protocol::MessageType;

constexpr std::uint64_t kAnyId = ~std::uint64_t{0};
constexpr std::uint64_t kAny32 = 0xffffffffU;
constexpr std::uint64_t kMaxRowBytes = std::uint64_t{1} << 31;

Error badMessage(std::string message, std::string expected, std::string found) {
  return {protocol::error::kBadMessage, std::move(message), std::move(expected), std::move(found)};
}

std::uint32_t unsigned32(Fields& fields, const std::string& key, std::uint64_t least = 0) {
  return static_cast<std::uint32_t>(fields.unsignedInt(key, least, kAny32));
}

template <typename Value, std::size_t Count>
Value named(Fields& fields, const std::string& key, const std::pair<const char*, Value> (&names)[Count]) {
  const std::string text = fields.text(key);
  std::string all;
  for (const auto& [name, value] : names) {
    if (text == name) return value;
    all += all.empty() ? name : std::string(", ") + name;
  }
  fields.fail(key, "one of " + all, Json(text));
  return names[0].second;
}

Depth depthOf(Fields& fields) {
  static constexpr std::pair<const char*, Depth> names[] = {
      {"byte", Depth::Byte}, {"short", Depth::Short}, {"half", Depth::Half}, {"float", Depth::Float}};
  return named(fields, "depth", names);
}

Premultiplication premultiplicationOf(Fields& fields) {
  static constexpr std::pair<const char*, Premultiplication> names[] = {
      {"premultiplied", Premultiplication::Premultiplied},
      {"straight", Premultiplication::Straight},
      {"opaque", Premultiplication::Opaque}};
  return named(fields, "premultiplication", names);
}

Place placeOf(Fields& fields) {
  const std::string carrier = fields.text("carrier");
  if (carrier == protocol::kCarrierShm) return ShmPlace{unsigned32(fields, "segment"), unsigned32(fields, "slot")};
  if (carrier != protocol::kCarrierInline) fields.fail("carrier", "shm or inline", Json(carrier));
  return InlinePlace{unsigned32(fields, "part", 1)};
}

ImageDescriptor descriptorOf(Fields& parent) {
  Fields fields(parent.raw("image"), "image");
  ImageDescriptor image;
  const auto dimension = [&fields](const char* key) {
    return static_cast<int>(fields.unsignedInt(key, 1, static_cast<std::uint64_t>(protocol::kMaxDimension)));
  };
  image.format.width = dimension("width");
  image.format.height = dimension("height");
  image.format.components = static_cast<int>(fields.unsignedInt("components", 3, 4));
  image.format.depth = depthOf(fields);
  image.format.premultiplication = premultiplicationOf(fields);
  image.rowBytes = fields.unsignedInt("row_bytes", packedRowBytes(image.format), kMaxRowBytes);
  image.place = placeOf(fields);
  parent.adopt(fields);
  return image;
}

std::vector<Notice> noticesOf(Fields& fields) {
  std::vector<Notice> out;
  if (!fields.has("notices")) return out;
  const Json& list = fields.raw("notices");
  if (!list.is_array()) fields.fail("notices", "a list", list);
  for (const Json& item : list.is_array() ? list : Json::array()) {
    Fields notice(item, "notice");
    out.push_back({notice.text("name"), notice.text("text")});
    fields.adopt(notice);
  }
  return out;
}

Welcome welcomeOf(Fields& fields) {
  Welcome out;
  out.proto = unsigned32(fields, "proto");
  Fields server(fields.raw("server"), "server");
  out.serverName = server.text("name");
  out.serverVersion = server.text("version");
  fields.adopt(server);
  out.instance = fields.text("instance");
  if (out.instance.empty()) fields.fail("instance", "a string that is not empty", Json(out.instance));
  out.device = fields.textOr("device", "");
  out.arithmetic = fields.textOr("arithmetic", "");
  out.pid = static_cast<std::int64_t>(fields.unsignedInt("pid", 1, 0x7fffffff));
  out.carriers = fields.texts("carriers");
  Fields limits(fields.raw("limits"), "limits");
  out.maxHeaderBytes = limits.unsignedInt("header_bytes", 1, kAnyId);
  out.maxFrameBytes = limits.unsignedInt("frame_bytes", 1, kAnyId);
  fields.adopt(limits);
  return out;
}

Failure failureOf(Fields& fields) {
  Failure out;
  out.error = {fields.text("name"), fields.text("message"), fields.textOr("expected", ""), fields.textOr("found", "")};
  if (out.error.name.empty()) fields.fail("name", "a string that is not empty", Json(out.error.name));
  return out;
}

Release releaseOf(Fields& fields) {
  Release out;
  out.segment = unsigned32(fields, "segment");
  const Json& slots = fields.raw("slots");
  if (!slots.is_array()) fields.fail("slots", "a list of unsigned integers", slots);
  for (const Json& slot : slots.is_array() ? slots : Json::array()) {
    const bool good = slot.is_number_unsigned() && slot.get<std::uint64_t>() <= kAny32;
    if (!good) fields.fail("slots", "a list of unsigned integers", slots);
    if (good) out.slots.push_back(slot.get<std::uint32_t>());
  }
  return out;
}

NeedFrames needOf(Fields& fields) {
  NeedFrames out;
  const Json& list = fields.raw("fingerprints");
  if (!list.is_array() || list.empty()) fields.fail("fingerprints", "a list of 16-byte strings, not empty", list);
  for (const Json& item : list.is_array() ? list : Json::array()) {
    const bool good = item.is_binary() && item.get_binary().size() == protocol::kFingerprintBytes;
    if (!good) fields.fail("fingerprints", "a list of 16-byte strings, not empty", list);
    if (good)
      std::copy_n(item.get_binary().begin(), protocol::kFingerprintBytes, out.fingerprints.emplace_back().begin());
  }
  return out;
}

AnalysedFrames analysedOf(Fields& fields) {
  AnalysedFrames out;
  const Json& list = fields.raw("frames");
  if (!list.is_array()) fields.fail("frames", "a list of integers", list);
  for (const Json& item : list.is_array() ? list : Json::array()) {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const bool good = item.is_number_unsigned() ? item.get<std::uint64_t>() <= kMost : item.is_number_integer();
    if (!good) fields.fail("frames", "a list of integers", list);
    if (good) out.frames.push_back(item.get<std::int64_t>());
  }
  return out;
}

Progress progressOf(Fields& fields) {
  Progress out;
  out.fraction = fields.real("fraction", 0, 1);
  out.stage = fields.textOr("stage", "");
  return out;
}

Finished finishedOf(Fields& fields) {
  Finished out;
  out.image = descriptorOf(fields);
  out.done.cached = fields.boolean("cached");
  Fields confidence(fields.raw("confidence"), "confidence");
  out.done.confidenceMean = confidence.real("mean", 0, 1);
  out.done.confidenceLow = confidence.real("low", 0, 1);
  fields.adopt(confidence);
  out.done.notices = noticesOf(fields);
  return out;
}

template <typename Message>
Incoming checked(std::uint64_t id, Message message, const Fields& fields) {
  if (!fields.ok()) return Malformed{id, fields.error()};
  message.id = id;
  return message;
}

Incoming dispatch(const Json& map, std::uint64_t type, std::uint64_t id) {
  Fields fields(map, "header");
  switch (static_cast<MessageType>(type <= 0xff ? type : 0)) {
    case MessageType::Welcome:
      return checked(id, welcomeOf(fields), fields);
    case MessageType::Error:
      return checked(id, failureOf(fields), fields);
    case MessageType::Pong:
      return Pong{id};
    case MessageType::Attached:
      return checked(id, Attached{0, unsigned32(fields, "segment")}, fields);
    case MessageType::Release: {
      Release release = releaseOf(fields);
      if (!fields.ok()) return Malformed{id, fields.error()};
      return release;
    }
    case MessageType::Need:
      return checked(id, needOf(fields), fields);
    case MessageType::Progress:
      return checked(id, progressOf(fields), fields);
    case MessageType::Done:
      return checked(id, finishedOf(fields), fields);
    case MessageType::Analysed:
      return checked(id, analysedOf(fields), fields);
    case MessageType::StatusReply:
      return StatusReply{id, map.dump(-1, ' ', false, Json::error_handler_t::replace)};
    default:
      return Unknown{type};
  }
}

}  // namespace

bool fits(const ImageDescriptor& image, std::uint64_t available) noexcept {
  const std::uint64_t row = packedRowBytes(image.format);  // at most 2^20, times 2^16 rows: no overflow
  if (image.format.height < 1 || image.rowBytes < row || image.rowBytes > kMaxRowBytes) return false;
  return (static_cast<std::uint64_t>(image.format.height) - 1) * image.rowBytes + row <= available;
}

bool Welcome::offers(std::string_view carrier) const {
  return std::find(carriers.begin(), carriers.end(), carrier) != carriers.end();
}

Result<Incoming> decode(const void* data, std::size_t bytes) {
  const auto* first = static_cast<const std::uint8_t*>(data);
  if (bytes > protocol::kMaxHeaderBytes) {
    return badMessage("the backend sent a header that is too large",
                      "at most " + std::to_string(protocol::kMaxHeaderBytes) + " bytes",
                      std::to_string(bytes) + " bytes");
  }
  const auto* text = static_cast<const char*>(data);  // (libc++ has no char_traits of other characters)
  const Json map = withinNesting(first, bytes) ? Json::from_msgpack(text, text + bytes, true, false)
                                               : Json(Json::value_t::discarded);
  if (!map.is_object()) {
    return badMessage("the backend sent a header that is no MessagePack map with string keys", "a map",
                      map.is_discarded() ? std::to_string(bytes) + " undecodable bytes" : detail::shown(map));
  }
  Fields fields(map, "header");
  const std::uint64_t type = fields.unsignedInt("type", 0, kAnyId);
  const std::uint64_t id = fields.unsignedInt("id", 0, kAnyId);
  if (!fields.ok()) return fields.error();
  return dispatch(map, type, id);
}

}  // namespace sparkvsr::wire
