// SPDX-License-Identifier: Apache-2.0
// Headers that come in: golden ones of the backend, and everything a header can be wrong in.
#include <fstream>
#include <iterator>
#include <random>

#include "check.hpp"
#include "json.hpp"
#include "msgpack_limits.hpp"
#include "wire.hpp"

namespace {

using namespace sparkvsr;
using detail::Json;

wire::Bytes golden(const std::string& name) {
  std::ifstream file(std::string(SPARKVSR_GOLDEN) + "/v1-" + name + ".msgpack", std::ios::binary);
  CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

wire::Incoming decoded(const wire::Bytes& bytes) {
  auto out = wire::decode(bytes.data(), bytes.size());
  return GET(wire::Incoming, out);
}

wire::Incoming decoded(const Json& map) { return decoded(Json::to_msgpack(map)); }

std::string brokenName(const wire::Bytes& bytes) {
  auto out = wire::decode(bytes.data(), bytes.size());
  return GET(Error, out).name;
}

constexpr std::uint64_t kBig = (std::uint64_t{1} << 40) + 7;

Json doneMap() { return Json::from_msgpack(golden("done")); }

/// The Error of a DONE with one field of its image replaced.
std::string refusedImage(const std::string& key, const Json& value) {
  Json map = doneMap();
  map["image"][key] = value;
  auto incoming = decoded(map);
  return GET(wire::Malformed, incoming).error.text();
}

}  // namespace

TEST(golden_welcome) {
  auto incoming = decoded(golden("welcome"));
  const auto& welcome = GET(wire::Welcome, incoming);
  CHECK_EQUAL(welcome.id, kBig);
  CHECK_EQUAL(welcome.proto, 1U);
  CHECK_EQUAL(welcome.serverName, "sparkvsr-backend");
  CHECK_EQUAL(welcome.serverVersion, "0.1.0");
  CHECK_EQUAL(welcome.instance, "0123456789abcdef");
  CHECK_EQUAL(welcome.pid, 4321);
  CHECK(welcome.offers("shm") && welcome.offers("inline") && !welcome.offers("cuda"));
  CHECK_EQUAL(welcome.maxHeaderBytes, 1U << 20);
  CHECK_EQUAL(welcome.maxFrameBytes, std::uint64_t{1} << 31);
}

TEST(golden_error) {
  auto incoming = decoded(golden("error"));
  const auto& failure = GET(wire::Failure, incoming);
  CHECK_EQUAL(failure.id, kBig);
  CHECK_EQUAL(failure.error.name, "BadKeyframe");
  CHECK_EQUAL(failure.error.text(), "BadKeyframe: keyframe 24: … (expected 8×6, found 8×9)");
}

TEST(golden_pong_attached_release) {
  auto pong = decoded(golden("pong"));
  CHECK_EQUAL(GET(wire::Pong, pong).id, kBig);
  auto attached = decoded(golden("attached"));
  CHECK_EQUAL(GET(wire::Attached, attached).id, kBig);
  CHECK_EQUAL(GET(wire::Attached, attached).segment, 7U);
  auto release = decoded(golden("release"));
  CHECK_EQUAL(GET(wire::Release, release).segment, 7U);
  CHECK(GET(wire::Release, release).slots == (std::vector<std::uint32_t>{0, 3, 5}));
}

TEST(golden_need) {
  auto incoming = decoded(golden("need"));
  const auto& need = GET(wire::NeedFrames, incoming);
  CHECK_EQUAL(need.id, kBig);
  CHECK_EQUAL(need.fingerprints.size(), 2U);
  for (std::size_t i = 0; i < 16; ++i) {
    CHECK_EQUAL(need.fingerprints[0][i], i);
    CHECK_EQUAL(need.fingerprints[1][i], i + 16);
  }
}

TEST(golden_progress) {
  auto incoming = decoded(golden("progress"));
  const auto& progress = GET(wire::Progress, incoming);
  CHECK_EQUAL(progress.id, kBig);
  CHECK_EQUAL(progress.fraction, 0.375);
  CHECK_EQUAL(progress.stage, "motion");
}

TEST(golden_done) {
  auto incoming = decoded(golden("done"));
  const auto& done = GET(wire::Finished, incoming);
  CHECK_EQUAL(done.id, kBig);
  CHECK_EQUAL(done.image.format.width, 8);
  CHECK_EQUAL(done.image.format.height, 6);
  CHECK(done.image.format.depth == Depth::Float);
  CHECK(done.image.format.premultiplication == Premultiplication::Straight);
  CHECK_EQUAL(done.image.rowBytes, 256U);
  CHECK_EQUAL(std::get<wire::ShmPlace>(done.image.place).segment, 7U);
  CHECK_EQUAL(std::get<wire::ShmPlace>(done.image.place).slot, 5U);
  CHECK(done.done.cached);
  CHECK_EQUAL(done.done.confidenceMean, 0.75);
  CHECK_EQUAL(done.done.confidenceLow, 0.125);
  CHECK_EQUAL(done.done.notices.at(0).name, "KeyframeUnlikeSource");
  CHECK_EQUAL(done.done.notices.at(0).text, "keyframe 24: check the offset");
}

TEST(golden_status_reply) {
  auto incoming = decoded(golden("status_reply"));
  const Json status = Json::parse(GET(wire::StatusReply, incoming).json);
  CHECK_EQUAL(status.at("frames").at("received_bytes").get<std::uint64_t>(), kBig);
  CHECK_EQUAL(status.at("cache").at("results").at("hits").get<int>(), 7);
}

TEST(unknown_keys_and_unknown_types_are_ignored) {
  Json map = doneMap();
  map["colour"] = "blue";
  map["image"]["later"] = 3;
  auto done = decoded(map);
  CHECK_EQUAL(GET(wire::Finished, done).id, kBig);
  auto later = decoded(Json{{"type", 77}, {"id", 3}});
  CHECK_EQUAL(GET(wire::Unknown, later).type, 77U);
  auto huge = decoded(Json{{"type", 256 + 13}, {"id", 3}});
  CHECK_EQUAL(GET(wire::Unknown, huge).type, 269U);
}

TEST(a_wrong_image_is_refused_by_field) {
  CHECK(refusedImage("width", 0).find("image.width") != std::string::npos);
  CHECK(refusedImage("width", 65537).find("1 to 65536") != std::string::npos);
  CHECK(refusedImage("height", -1).find("image.height") != std::string::npos);
  CHECK(refusedImage("height", 2.0).find("image.height") != std::string::npos);
  CHECK(refusedImage("components", 2).find("image.components") != std::string::npos);
  CHECK(refusedImage("depth", "double").find("one of byte, short, half, float") != std::string::npos);
  CHECK(refusedImage("depth", 4).find("image.depth") != std::string::npos);
  CHECK(refusedImage("premultiplication", "").find("image.premultiplication") != std::string::npos);
  CHECK(refusedImage("row_bytes", 127).find("image.row_bytes") != std::string::npos);
  CHECK(refusedImage("row_bytes", std::uint64_t{1} << 63).find("image.row_bytes") != std::string::npos);
  CHECK(refusedImage("carrier", "carrots").find("shm or inline") != std::string::npos);
  CHECK(refusedImage("slot", -1).find("image.slot") != std::string::npos);
  CHECK(refusedImage("segment", std::uint64_t{1} << 32).find("image.segment") != std::string::npos);
}

TEST(a_missing_or_mistyped_field_fails_only_its_request) {
  for (const char* key : {"image", "cached", "confidence"}) {
    Json map = doneMap();
    map.erase(key);
    auto missing = decoded(map);
    CHECK_EQUAL(GET(wire::Malformed, missing).id, kBig);
    CHECK_EQUAL(GET(wire::Malformed, missing).error.name, "BadMessage");
    map[key] = "text";
    auto mistyped = decoded(map);
    CHECK_EQUAL(GET(wire::Malformed, mistyped).id, kBig);
  }
  auto nan = decoded(Json{{"type", 12}, {"id", 3}, {"fraction", std::nan("")}});
  CHECK_EQUAL(GET(wire::Malformed, nan).id, 3U);
  auto need = decoded(Json{{"type", 11}, {"id", 3}, {"fingerprints", {Json::binary({1, 2, 3})}}});
  CHECK_EQUAL(GET(wire::Malformed, need).id, 3U);
  auto slots = decoded(Json{{"type", 9}, {"id", 0}, {"segment", 1}, {"slots", {0, -1}}});
  CHECK_EQUAL(GET(wire::Malformed, slots).id, 0U);
}

TEST(what_is_no_header_ends_the_connection) {
  CHECK_EQUAL(brokenName({}), "BadMessage");
  CHECK_EQUAL(brokenName({0xc1}), "BadMessage");
  CHECK_EQUAL(brokenName({0x93, 1, 2, 3}), "BadMessage");                       // an array
  CHECK_EQUAL(brokenName({0x81, 1, 2}), "BadMessage");                          // a key that is no string
  CHECK_EQUAL(brokenName(Json::to_msgpack(Json{{"type", 13}})), "BadMessage");  // no id
  CHECK_EQUAL(brokenName(Json::to_msgpack(Json{{"type", "13"}, {"id", 1}})), "BadMessage");
  wire::Bytes trailing = golden("pong");
  trailing.push_back(0);
  CHECK_EQUAL(brokenName(trailing), "BadMessage");
  CHECK_EQUAL(brokenName(wire::Bytes(protocol::kMaxHeaderBytes + 1, 0)), "BadMessage");
}

TEST(every_truncation_is_refused) {
  for (const char* name : {"welcome", "done", "need", "status_reply", "release"}) {
    const wire::Bytes whole = golden(name);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      CHECK_EQUAL(brokenName(wire::Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))),
                  "BadMessage");
    }
  }
}

TEST(every_flipped_byte_is_survived) {
  for (const char* name : {"welcome", "done", "need", "release", "error"}) {
    const wire::Bytes whole = golden(name);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const std::uint8_t value : wire::Bytes{0x00, 0x80, 0x91, 0xc1, 0xdd, 0xff}) {
        wire::Bytes bytes = whole;
        bytes[at] = value;
        (void)wire::decode(bytes.data(), bytes.size());
      }
    }
  }
}

TEST(noise_is_survived) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    wire::Bytes bytes(random() % 200);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    (void)wire::decode(bytes.data(), bytes.size());
  }
}

TEST(nesting_is_bounded) {
  const wire::Bytes deep(protocol::kMaxHeaderBytes, 0x91);
  CHECK_EQUAL(brokenName(deep), "BadMessage");
  wire::Bytes allowed(wire::kMaxNesting, 0x91);
  allowed.push_back(0xc0);
  CHECK(wire::withinNesting(allowed.data(), allowed.size()));
  allowed.insert(allowed.begin(), 0x91);
  CHECK(!wire::withinNesting(allowed.data(), allowed.size()));
  const wire::Bytes promises = {0xdd, 0xff, 0xff, 0xff, 0xff};  // an array of 2^32 - 1 values that never come
  CHECK_EQUAL(brokenName(promises), "BadMessage");
}

TEST(rows_must_lie_within_their_memory) {
  wire::ImageDescriptor image{{8, 6, 4, Depth::Float, Premultiplication::Straight}, 128, wire::ShmPlace{}};
  CHECK(wire::fits(image, 6 * 128));
  CHECK(!wire::fits(image, 6 * 128 - 1));
  image.rowBytes = 256;
  CHECK(wire::fits(image, 5 * 256 + 128));
  CHECK(!wire::fits(image, 5 * 256 + 127));
  image.rowBytes = 127;
  CHECK(!wire::fits(image, 1 << 20));
  image.rowBytes = ~std::uint64_t{0};
  CHECK(!wire::fits(image, ~std::uint64_t{0}));
}
