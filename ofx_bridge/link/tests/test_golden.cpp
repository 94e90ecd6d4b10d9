// SPDX-License-Identifier: Apache-2.0
// The golden bytes of what the link sends: written today as they were written first. `--write` makes those of a new
// version.
#include <fstream>
#include <iterator>
#include <map>

#include "check.hpp"
#include "json.hpp"
#include "wire.hpp"

namespace {

using namespace sparkvsr;
using detail::Json;
using protocol::MessageType;

constexpr std::uint64_t kBig = (std::uint64_t{1} << 40) + 9;

Fingerprint printFrom(int first) {
  Fingerprint out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(first + static_cast<int>(i));
  return out;
}

wire::Hello hello() {
  wire::Hello out;
  out.id = 1;
  out.token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  out.clientVersion = "0.1.0";
  out.hostName = "uk.co.thefoundry.nuke";
  out.hostVersion = "16.0.4";
  out.pid = 4242;
  out.carriers = {"shm", "inline"};
  return out;
}

RenderRequest request() {
  RenderRequest out;
  out.session = "clip 7";
  out.priority = Priority::Prefetch;
  out.time = -3;
  out.settings = {"lite", 3, 1.25, 0.5, "confidence", "linear", "bfloat16", {0, 100}, 12, 0.25, 4, 0, 0, "full", ""};
  out.window = {{-3, printFrom(0)}, {-2, printFrom(16)}};
  out.keyframes = {{0, printFrom(32), printFrom(48), 0.75},
                   {24, PictureFile{"/pictures/hero.0024.exr", ""}, std::nullopt, 1.0}};
  out.range = {-10, 240};
  out.target = {1920, 1080, {16, 8, 24, 14}};
  return out;
}

RenderRequest labelledRequest() {
  RenderRequest out = request();
  out.keyframes[0].label = 1001;
  out.keyframes[1].label = -7;
  return out;
}

RenderRequest finishedRequest() {
  RenderRequest out = request();
  out.settings.grain = 0.5;
  out.settings.sharpness = 0.25;
  out.settings.quality = "draft";
  return out;
}

AnalysisRequest analysis() {
  AnalysisRequest out;
  out.kind = "suggest";
  out.frames = {{-3, printFrom(0)}, {-2, printFrom(16)}, {4, printFrom(32)}};
  out.keyframes = {-2};
  out.cuts = {0};
  out.count = 1;
  out.settings = finishedRequest().settings;
  return out;
}

std::map<std::string, wire::Bytes> examples() {
  const PixelFormat format{8, 6, 4, Depth::Half, Premultiplication::Premultiplied};
  return {{"hello", wire::encodeHello(hello())},
          {"ping", wire::encodePlain(MessageType::Ping, kBig)},
          {"attach", wire::encodeAttach({kBig, 7, "/sparkvsr-00112233445566778899aabbccddeeff", 65536, 8})},
          {"put", wire::encodePut(printFrom(64), {format, 128, wire::ShmPlace{7, 5}})},
          {"render", wire::encodeRender(kBig, request(), {format, 64, wire::InlinePlace{1}})},
          {"render-label", wire::encodeRender(kBig, labelledRequest(), {format, 64, wire::InlinePlace{1}})},
          {"render-finish", wire::encodeRender(kBig, finishedRequest(), {format, 64, wire::InlinePlace{1}})},
          {"analyse", wire::encodeAnalyse(kBig, analysis())},
          {"budget", wire::encodeBudget(kBig, {6.5, 0})},
          {"cancel", wire::encodePlain(MessageType::Cancel, kBig)},
          {"status", wire::encodePlain(MessageType::Status, kBig)},
          {"bye", wire::encodePlain(MessageType::Bye, kBig)},
          {"shutdown", wire::encodePlain(MessageType::Shutdown, kBig)},
          {"clear", wire::encodePlain(MessageType::Clear, kBig)},
          {"detach", wire::encodeDetach(7)}};
}

std::string pathOf(const std::string& folder, const std::string& name) { return folder + "/v1-" + name + ".msgpack"; }

int writeAll(const std::string& folder) {
  for (const auto& [name, bytes] : examples()) {
    std::ofstream file(pathOf(folder, name), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file) return 1;
  }
  return 0;
}

}  // namespace

TEST(golden_bytes_are_those_written_today) {
  for (const auto& [name, bytes] : examples()) {
    std::ifstream file(pathOf(SPARKVSR_GOLDEN, name), std::ios::binary);
    const wire::Bytes stored{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    CHECK_EQUAL(name + (stored == bytes ? " is as stored" : " differs"), name + " is as stored");
  }
}

TEST(a_render_holds_what_was_asked) {
  const Json map = Json::from_msgpack(examples().at("render"));
  CHECK_EQUAL(map.at("type").get<int>(), 10);
  CHECK_EQUAL(map.at("id").get<std::uint64_t>(), kBig);
  CHECK_EQUAL(map.at("settings").at("cuts"), (Json{0, 100}));
  CHECK_EQUAL(map.at("settings").at("guidance").get<double>(), 1.25);
  CHECK_EQUAL(map.at("window").at(1).at(0).get<int>(), -2);
  CHECK_EQUAL(map.at("window").at(1).at(1).get_binary().at(0), 16);
  CHECK(map.at("keyframes").at(1).at("source").is_null());
  CHECK(!map.at("keyframes").at(0).contains("label"));
  CHECK_EQUAL(map.at("keyframes").at(1).at("picture").at("path").get<std::string>(), "/pictures/hero.0024.exr");
  CHECK_EQUAL(map.at("target").at("window"), (Json{16, 8, 24, 14}));
  CHECK_EQUAL(map.at("output").at("depth").get<std::string>(), "half");
  CHECK_EQUAL(map.at("output").at("carrier").get<std::string>(), "inline");
  CHECK_EQUAL(map.at("output").at("part").get<int>(), 1);
}

TEST(a_label_travels_beside_its_time) {
  const Json keyframes = Json::from_msgpack(examples().at("render-label")).at("keyframes");
  CHECK_EQUAL(keyframes.at(0).at("time").get<int>(), 0);
  CHECK_EQUAL(keyframes.at(0).at("label").get<int>(), 1001);
  CHECK_EQUAL(keyframes.at(1).at("label").get<int>(), -7);
}

TEST(pictures_of_keyframes_say_where_they_come_from) {
  RenderRequest asked = request();
  asked.keyframes = {{0, PictureFile{"/a.dpx", "cineon"}, std::nullopt, 1.0},
                     {1, PictureModel{"blind"}, printFrom(0), 1}};
  const wire::Bytes bytes = wire::encodeRender(1, asked, {{8, 6, 4}, 128, wire::InlinePlace{1}});
  const Json keyframes = Json::from_msgpack(bytes).at("keyframes");
  CHECK_EQUAL(keyframes.at(0).at("picture"), (Json{{"path", "/a.dpx"}, {"transfer", "cineon"}}));
  CHECK_EQUAL(keyframes.at(1).at("picture"), (Json{{"model", "blind"}}));
}

TEST(what_says_nothing_is_left_out) {
  const Json plain = Json::from_msgpack(examples().at("render")).at("settings");
  for (const char* later : {"grain", "sharpness", "quality", "arithmetic"}) CHECK(!plain.contains(later));
  RenderRequest bound = request();
  bound.settings.arithmetic = "cpu avx2";
  const wire::Bytes bytes = wire::encodeRender(1, bound, {{8, 6, 4}, 128, wire::InlinePlace{1}});
  CHECK_EQUAL(Json::from_msgpack(bytes).at("settings").at("arithmetic").get<std::string>(), "cpu avx2");
}

TEST(what_the_link_sends_is_not_what_it_takes) {
  for (const auto& [name, bytes] : examples()) {
    auto incoming = wire::decode(bytes.data(), bytes.size());
    CHECK(std::holds_alternative<wire::Unknown>(GET(wire::Incoming, incoming)));
  }
}

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--write") return writeAll(argv[2]);
  return check::run(argc, argv) == 0 ? 0 : 1;
}
