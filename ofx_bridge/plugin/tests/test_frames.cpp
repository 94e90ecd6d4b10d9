// SPDX-License-Identifier: Apache-2.0
// Lists of frames, reach, patterns of files.
#include "check.hpp"
#include "core/chunks.hpp"
#include "core/frame_list.hpp"
#include "core/picture_files.hpp"
#include "core/reach.hpp"

using namespace sparkvsr;

namespace {

FrameNumbers list(const char* text) {
  const auto parsed = parseFrameList(text);
  const auto* frames = std::get_if<FrameNumbers>(&parsed);
  return frames ? *frames : FrameNumbers{-999};
}

bool refused(const char* text) { return std::holds_alternative<FrameListError>(parseFrameList(text)); }

FrameNumbers reach(std::int64_t t, const FrameNumbers& keyframes, const FrameNumbers& cuts = {},
                   std::optional<std::int64_t> radius = std::nullopt) {
  const Reach found = keyframesInReach(t, keyframes, cuts, radius);
  return {found.begin(), found.end()};
}

void testLists() {
  CHECK(list("") == FrameNumbers{});
  CHECK(list(" ,\t\n, ") == FrameNumbers{});
  CHECK(list("1 24 48-60x4") == FrameNumbers({1, 24, 48, 52, 56, 60}));
  CHECK(list("24,1,24") == FrameNumbers({1, 24}));
  CHECK(list("-3--1") == FrameNumbers({-3, -2, -1}));
  CHECK(list("5-5") == FrameNumbers{5});
  CHECK(list("0-10x4") == FrameNumbers({0, 4, 8}));
  CHECK(list("999999999999999999") == FrameNumbers{999999999999999999});
  for (const char* bad : {"a", "1.5", "3-1", "1-2x0", "1-", "-", "1x2", "1-2x", "1-2x-1", "+1", "1--", "1;2",
                          "1000000000000000000", "0-999999999999"}) {
    CHECK(refused(bad));
  }
}

void testLimitOfLists() {
  CHECK(list("0-999999").size() == 1'000'000);
  CHECK(refused("0-1000000"));
  CHECK(list("0-999998 0").size() == 999'999);
  CHECK(refused("0-999999 0"));  // counted before frames named twice are dropped, like the Python twin
}

void testChunks() {
  const auto bounds = [](const std::vector<Chunk>& chunks) {
    FrameNumbers found;
    for (const Chunk& chunk : chunks) found.insert(found.end(), {chunk.first, chunk.last});
    return found;
  };
  CHECK(bounds(chunksAt(12, 24, {}, {})) == FrameNumbers({0, 32}));
  CHECK(bounds(chunksAt(28, 24, {}, {})) == FrameNumbers({0, 32, 24, 56}));
  CHECK(bounds(chunksAt(-1, 24, {}, {})) == FrameNumbers({-24, 8}));
  CHECK(bounds(chunksAt(10, 24, {7, 20}, {})) == FrameNumbers({7, 19}));
  CHECK(bounds(chunksAt(98, 24, {}, {0, 99})) == FrameNumbers({72, 99}));
  CHECK(bounds(chunksAt(5, 24, {}, {5, 5})) == FrameNumbers({5, 5}));
  const FrameNumbers keys = {100, 2, 31, 30, 60};
  CHECK(keyframesOfChunks({{24, 56}}, keys, {}) == FrameNumbers({30, 31}));
  CHECK(keyframesOfChunks({{64, 96}}, keys, {}) == FrameNumbers({60, 100}));
  CHECK(keyframesOfChunks({{64, 96}}, keys, {62, 99}) == FrameNumbers{});
  CHECK(keyframesOfChunks({{24, 56}, {48, 80}}, keys, {}) == FrameNumbers({30, 31, 60}));
  CHECK(fitsExactly(28, chunksAt(28, 24, {}, {})));
  CHECK(!fitsExactly(29, chunksAt(29, 24, {}, {})));
  CHECK(fitsExactly(9, chunksAt(9, 24, {5}, {})));
}

void testReach() {
  const FrameNumbers keys = {1, 24, 48};
  CHECK(reach(0, keys) == FrameNumbers{1});
  CHECK(reach(24, keys) == FrameNumbers{24});
  CHECK(reach(30, keys) == FrameNumbers({24, 48}));
  CHECK(reach(99, keys) == FrameNumbers{48});
  CHECK(reach(30, {48, 1, 24}) == FrameNumbers({24, 48}));
  CHECK(reach(30, keys, {40}) == FrameNumbers{24});
  CHECK(reach(40, keys, {40}) == FrameNumbers{48});
  CHECK(reach(30, keys, {25, 40}) == FrameNumbers{});
  CHECK(reach(30, keys, {}, 6) == FrameNumbers{24});
  CHECK(reach(30, keys, {}, 5) == FrameNumbers{});
  CHECK(reach(30, {}) == FrameNumbers{});
}

void testShots() {
  CHECK(!shotOf(5, {}).first && !shotOf(5, {}).last);
  CHECK(shotOf(5, {10, 5}).first == 5 && shotOf(5, {10, 5}).last == 9);
  CHECK(!shotOf(4, {5}).first && shotOf(4, {5}).last == 4);
}

std::string file(const char* pattern, std::int64_t number) {
  const auto parsed = parsePicturePattern(pattern);
  const auto* read = std::get_if<PicturePattern>(&parsed);
  return read ? read->file(number) : "unreadable";
}

std::string complaint(const char* pattern) {
  const auto parsed = parsePicturePattern(pattern);
  const auto* error = std::get_if<PatternError>(&parsed);
  return error ? error->found : "none";
}

void testPatterns() {
  CHECK(file("k.%04d.exr", 24) == "k.0024.exr");
  CHECK(file("k.####.exr", 24) == "k.0024.exr");
  CHECK(file("k.%d.exr", -3) == "k.-3.exr");
  CHECK(file("k.%04d.exr", -3) == "k.-003.exr");
  CHECK(file("k.##.png", 123) == "k.123.png");
  CHECK(file("100%%/50%/k.#.png", 1) == "100%/50%/k.1.png");
  CHECK(file("%/k%%%d%%.png", 1) == "%/k%1%.png");
  CHECK(file("one.png", 7) == "one.png");
  CHECK(file("k.%d.exr", INT64_MIN) == "k.-9223372036854775808.exr");
}

void testBadPatterns() {
  for (const char* bad :
       {"k.%s.exr", "k.%", "k.%04x", "k.%4d.exr", "k.%0999d.exr", "k.%n", "%d%d", "%d.##", "#/k.#.png", "%04d/k.png"}) {
    CHECK(std::holds_alternative<PatternError>(parsePicturePattern(bad)));
  }
  CHECK(complaint("k.%s.exr") == "%s, which is no frame number, in k.%s.exr");
  CHECK(complaint("k.%4d.exr") == "%4d, which is no frame number, in k.%4d.exr");
  CHECK(complaint("k.%\xc3\xa9") == "%, which is no frame number, in k.%\xc3\xa9");
  CHECK(complaint("%d%d") == "%d, which is a second one, in %d%d");
  CHECK(complaint("s%02d/k.png") == "%02d, in a folder, in s%02d/k.png");
  CHECK(complaint("%033d") == "%033d, which is too long, in %033d");
}

}  // namespace

int main() {
  testBadPatterns();
  testLists();
  testLimitOfLists();
  testReach();
  testChunks();
  testShots();
  testPatterns();
  return check::report();
}
