// SPDX-License-Identifier: Apache-2.0
// Rectangles: what hosts say, and what is meant.
#include <cstdint>
#include <random>

#include "check.hpp"
#include "core/geometry.hpp"
#include "core/host_traits.hpp"

using namespace sparkvsr;

namespace {

ImagePlace place(const PixelRect& bounds, const PixelRect& region, const CanonicalRect& clip, double imageScale = 1,
                 double renderScale = 1, double par = 1) {
  return {bounds, region, clip, {imageScale, imageScale}, {renderScale, renderScale}, par};
}

void testToPixels() {
  CHECK(toPixels({0, 0, 100, 50}, {}, 1) == PixelRect{0, 0, 100, 50});
  CHECK(toPixels({0, 0, 200, 50}, {}, 2) == PixelRect{0, 0, 100, 50});
  CHECK(toPixels({-10, 5, 91, 50}, {0.5, 0.5}, 1) == PixelRect{-5, 2, 46, 25});
  CHECK(toPixels({0, 0, 1920.0000000001, 1080}, {}, 1) == PixelRect{0, 0, 1920, 1080});
  CHECK(toPixels({0, 0, 10, 10}, {}, 0) == PixelRect{0, 0, 10, 10});
}

void testUsable() {
  CHECK(isUsable({0, 0, 1, 1}) && isUsable({-100, -100, 8192, 4320}));
  CHECK(!isUsable({0, 0, 0, 10}) && !isUsable({0, 0, -5, 10}));
  CHECK(!isUsable({-2147483648.0, -2147483648.0, 2147483647.0, 2147483647.0}));
  const double nan = 0.0 / 0.0 * 0.0;
  CHECK(!isUsable({nan, 0, 1, 1}));
}

void testSourceFrame() {
  const CanonicalRect hd{0, 0, 1920, 1080};
  const PixelRect full{0, 0, 1920, 1080}, half{0, 0, 960, 540};
  CHECK(sourceFrame(place(full, full, hd)) == full);
  CHECK(sourceFrame(place(half, half, hd, 0.5, 0.5)) == half);
  CHECK(sourceFrame(place(full, full, hd, 1, 0.25)) == full);   // Vegas: the arguments' scale is not the image's
  CHECK(sourceFrame(place(half, half, hd, 3, 0.5)) == half);    // Fusion: nor the other way round
  CHECK(sourceFrame(place(full, full, hd, 0.5, 0.5)) == full);  // MLT: regions are in pixels of the proxy
  CHECK(sourceFrame(place(full, {}, {0, 0, 3840, 1080}, 1, 1, 2)) == full);
  const PixelRect window{100, 100, 500, 400};
  CHECK(sourceFrame(place(window, window, hd)) == full);  // a data window
  CHECK(sourceFrame(place(window, full, hd)) == full);
  CHECK(sourceFrame(place({-8, -8, 1928, 1088}, {-8, -8, 1928, 1088}, hd)) == full);  // overscan
  CHECK(sourceFrame(place({0, 0, 50, 50}, {0, 0, 50, 50}, {0, 0, 101, 101}, 0.5, 0.5)) == PixelRect{0, 0, 50, 50});
  ImagePlace silent{full, {}, std::nullopt, {}, {}, 1};
  CHECK(sourceFrame(silent) == full);
}

void testOutputFrame() {
  const CanonicalRect large{0, 0, 400, 200};
  const PixelRect full{0, 0, 400, 200}, half{0, 0, 200, 100}, window{16, 16, 48, 32};
  CHECK(outputFrame(place(full, full, large)) == full);
  CHECK(outputFrame(place(window, full, large)) == full);
  CHECK(outputFrame(place(window, window, large)) == full);
  CHECK(outputFrame(place(half, half, large, 0.5, 0.5)) == half);
  CHECK(outputFrame(place(full, full, large, 1, 0.25)) == full);
  const PixelRect project{0, 0, 1920, 1080};
  CHECK(outputFrame(place(project, full, large)) == full);  // the buffer may be larger
  CHECK(outputFrame(place(project, project, large)) == full);
  CHECK(outputFrame(place({500, 0, 600, 50}, {}, large)) == PixelRect{500, 0, 600, 50});  // nothing of it is asked for
}

/// For any origin, size and scale: the window is inside the target, and turning it upside down twice gives it back.
void testWindowProperty() {
  std::mt19937 random(7);
  const auto between = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int n = 0; n < 2000; ++n) {
    const PixelRect frame{between(-300, 300), between(-300, 300), between(301, 900), between(301, 900)};
    const int x1 = between(frame.x1, frame.x2 - 1), y1 = between(frame.y1, frame.y2 - 1);
    const PixelRect window{x1, y1, between(x1 + 1, frame.x2), between(y1 + 1, frame.y2)};
    const auto top = windowFromTop(frame, window);
    CHECK(top[0] >= 0 && top[1] >= 0 && top[2] <= frame.width() && top[3] <= frame.height());
    CHECK(top[2] - top[0] == window.width() && top[3] - top[1] == window.height());
    const PixelRect own{0, 0, frame.width(), frame.height()};
    const auto back = windowFromTop(own, {top[0], top[1], top[2], top[3]});
    CHECK(back[1] == window.y1 - frame.y1 && back[3] == window.y2 - frame.y1);
  }
}

/// Whatever the origin: an image that holds its clip's region at the scale it names shows that region.
void testScaleProperty() {
  std::mt19937 random(11);
  const auto between = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int n = 0; n < 2000; ++n) {
    const double scale = 1.0 / between(1, 4), par = between(1, 2);
    const double x = between(-200, 200), y = between(-200, 200);
    const CanonicalRect region{x, y, x + between(8, 500), y + between(8, 500)};
    const PixelRect bounds = toPixels(region, {scale, scale}, par);
    CHECK(sourceFrame(place(bounds, bounds, region, scale, scale, par)) == bounds);
    CHECK(outputFrame(place(bounds, bounds, region, scale, scale, par)) == bounds);
  }
}

void testNearestFrame() {
  CHECK(nearestFrame(1.4) == 1 && nearestFrame(1.5) == 2 && nearestFrame(-0.5) == 0 && nearestFrame(-1.2) == -1);
  CHECK(nearestFrame(1001.0000001) == 1001 && nearestFrame(1000.9999999) == 1001);
}

void testMargins() {
  const PixelRect frame{-3, 2, 97, 62};
  CHECK(insideMargins(frame, {10, 20, 5, 1}, {}) == (PixelRect{7, 3, 77, 57}));
  CHECK(insideMargins(frame, {10, 20, 5, 1}, {0.5, 0.5}) == (PixelRect{2, 3, 87, 59}));
  CHECK(insideMargins(frame, {}, {}) == frame);
  CHECK(insideMargins(frame, {60, 40, 0, 0}, {}).empty());
  CHECK((Margins{}.none()) && !(Margins{0, 0, 0, 1}.none()));
}

void testScaleOf() {
  const CanonicalRect region{0, 0, 200, 100};
  CHECK(scaleOf({0, 0, 50, 50}, region, 2, {}).x == 0.5 && scaleOf({0, 0, 50, 50}, region, 2, {}).y == 0.5);
  CHECK(scaleOf({0, 0, 50, 50}, std::nullopt, 1, {0.25, 0.25}).x == 0.25);
  CHECK(scaleOf({0, 0, 50, 50}, CanonicalRect{0, 0, 1e9, 1e9}, 1, {0.25, 0.25}).y == 0.25);
}

void testFitted() {
  CHECK(fittedInto({0, 0, 1920, 1080}, {0, 0, 720, 576}) == (PixelRect{285, 0, 1635, 1080}));
  CHECK(fittedInto({10, 20, 110, 120}, {0, 0, 40, 10}) == (PixelRect{10, 57, 110, 82}));
  CHECK(fittedInto({0, 0, 1920, 1080}, {5, 5, 645, 365}) == (PixelRect{0, 0, 1920, 1080}));
  CHECK(fittedInto({0, 0, 1920, 1080}, {0, 0, 641, 358}) == (PixelRect{0, 0, 1920, 1080}));
  CHECK(!fittedInto({0, 0, 1, 1}, {0, 0, 1000, 1}).empty());
}

HostFacts named(const char* name, bool multiResolution = false) {
  HostFacts facts;
  facts.name = name;
  facts.multiResolution = multiResolution;
  return facts;
}

void testHosts() {
  CHECK(traitsOf(named("MLT"))->rendersOneByOne && traitsOf(named("MLT"))->depths == (kByteBit | kShortBit));
  CHECK(traitsOf(named("uk.co.thefoundry.nuke"))->linearFloats);
  CHECK(traitsOf(named("com.autodesk.flame"))->depths == kAllDepths);
  CHECK(!traitsOf(named("DaVinciResolveLite"))->linearFloats);
  CHECK(traitsOf(named("something else"))->depths == kAllDepths);
  HostFacts disguised = named("uk.co.thefoundry.nuke");
  disguised.calledNatron = true;
  CHECK(traitsOf(disguised)->takesOutputFormat);
  CHECK(!canResize(named("DaVinciResolve"), "Color") && canResize(named("DaVinciResolve"), "Fusion"));
  CHECK(!canResize(named("com.autodesk.flame"), "Fusion") && canResize(named("fr.inria.Natron", true), ""));
}

void testSamePart() {
  const PixelRect whole{-2, 4, 8, 12}, picture{-8, 16, 32, 48};  // four times
  CHECK(samePart(picture, whole, whole) == picture);
  CHECK(samePart(picture, whole, {0, 6, 5, 9}) == (PixelRect{0, 24, 20, 36}));
  CHECK(samePart(picture, whole, {-4, 4, 8, 13}) == (PixelRect{-16, 16, 32, 52}));
  CHECK(samePart({0, 0, 40, 40}, whole, {0, 6, 5, 9}) == (PixelRect{0, 0, 40, 40}));  // another aspect: not just that
  CHECK(samePart(picture, {}, {0, 6, 5, 9}) == picture);
}

}  // namespace

int main() {
  testToPixels();
  testUsable();
  testSourceFrame();
  testOutputFrame();
  testWindowProperty();
  testScaleProperty();
  testNearestFrame();
  testMargins();
  testScaleOf();
  testFitted();
  testHosts();
  testSamePart();
  return check::report();
}
