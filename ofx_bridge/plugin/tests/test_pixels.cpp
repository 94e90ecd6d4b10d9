// SPDX-License-Identifier: Apache-2.0
// Samples and the bicubic stand-in.
#include <cmath>
#include <vector>

#include "check.hpp"
#include "core/bicubic.hpp"
#include "core/reduce.hpp"
#include "core/samples.hpp"

using namespace sparkvsr;

namespace {

void testHalves() {
  for (unsigned bits = 0; bits < 0x10000U; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = halfToFloat(half);
    if (std::isnan(value)) {
      CHECK(std::isnan(halfToFloat(floatToHalf(value))));
    } else {
      CHECK(floatToHalf(value) == half);
    }
  }
  CHECK(floatToHalf(65519.0F) == 0x7BFF && floatToHalf(65520.0F) == 0x7C00 && floatToHalf(1e30F) == 0x7C00);
  CHECK(floatToHalf(1.0F + 1.0F / 2048) == 0x3C00 && floatToHalf(1.0F + 3.0F / 2048) == 0x3C02);
  CHECK(floatToHalf(std::ldexp(1.0F, -25)) == 0 && floatToHalf(std::ldexp(1.5F, -25)) == 1);
  CHECK(floatToHalf(-1e-30F) == 0x8000);
}

void testIntegers() {
  std::uint16_t sample = 0;
  storeSample(&sample, 0, Depth::Short, 2.0F);
  CHECK(sample == 65535);
  storeSample(&sample, 0, Depth::Short, NAN);
  CHECK(sample == 0);
  std::uint8_t byte = 0;
  storeSample(&byte, 0, Depth::Byte, 0.5F);
  CHECK(byte == 128);
}

struct Picture {
  PixelFormat format;
  std::vector<float> samples;
  Picture(int width, int height, int components, Premultiplication premultiplication)
      : format{width, height, components, Depth::Float, premultiplication},
        samples(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
                static_cast<std::size_t>(components)) {}
  [[nodiscard]] std::ptrdiff_t rowBytes() const { return static_cast<std::ptrdiff_t>(packed()); }
  [[nodiscard]] std::size_t packed() const {
    return static_cast<std::size_t>(format.width) * static_cast<std::size_t>(format.components) * sizeof(float);
  }
  [[nodiscard]] ConstImageView view() const { return {format, samples.data(), rowBytes()}; }
  [[nodiscard]] ImageView writable() { return {format, samples.data(), rowBytes()}; }
  float& at(int x, int y, int c) {
    return samples[static_cast<std::size_t>((y * format.width + x) * format.components + c)];
  }
};

Picture ramp(int width, int height) {
  Picture picture(width, height, 3, Premultiplication::Opaque);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c)
        picture.at(x, y, c) = 0.01F * static_cast<float>(x) + 0.02F * static_cast<float>(y * c);
    }
  }
  return picture;
}

void testSameSizeIsExact() {
  Picture source = ramp(7, 5), output(7, 5, 3, Premultiplication::Opaque);
  bicubicStandIn(source.view(), {7, 5, {0, 0, 7, 5}}, output.writable());
  CHECK(output.samples == source.samples);
}

/// Any window shows what the whole picture has there.
void testWindow() {
  Picture source = ramp(9, 8), whole(36, 32, 3, Premultiplication::Opaque), part(10, 6, 3, Premultiplication::Opaque);
  bicubicStandIn(source.view(), {36, 32, {0, 0, 36, 32}}, whole.writable());
  bicubicStandIn(source.view(), {36, 32, {5, 3, 15, 9}}, part.writable());
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 10; ++x) CHECK(part.at(x, y, 1) == whole.at(x + 5, 32 - 9 + y, 1));
  }
  CHECK(std::abs(whole.at(18, 16, 0) - 0.01F * (18.5F / 4 - 0.5F)) < 1e-5F);  // a ramp stays one
}

void testAlpha() {
  Picture straight(2, 1, 4, Premultiplication::Straight), premultiplied(2, 1, 4, Premultiplication::Premultiplied);
  for (int x = 0; x < 2; ++x) {
    for (int c = 0; c < 4; ++c) straight.at(x, 0, c) = c == 3 ? 0.5F : 0.8F;
  }
  bicubicStandIn(straight.view(), {2, 1, {0, 0, 2, 1}}, premultiplied.writable());
  CHECK(std::abs(premultiplied.at(0, 0, 0) - 0.4F) < 1e-6F && premultiplied.at(0, 0, 3) == 0.5F);
  Picture opaque(2, 1, 4, Premultiplication::Opaque);
  bicubicStandIn(premultiplied.view(), {2, 1, {0, 0, 2, 1}}, opaque.writable());
  CHECK(opaque.at(1, 0, 3) == 1.0F);
}

void testNegativeRows() {
  Picture source = ramp(4, 3), upright(8, 6, 3, Premultiplication::Opaque), turned(8, 6, 3, Premultiplication::Opaque);
  bicubicStandIn(source.view(), {8, 6, {0, 0, 8, 6}}, upright.writable());
  ImageView view = turned.writable();
  view.bottom = reinterpret_cast<char*>(turned.samples.data()) + 5 * turned.rowBytes();
  view.rowBytes = -turned.rowBytes();
  bicubicStandIn(source.view(), {8, 6, {0, 0, 8, 6}}, view);
  for (int y = 0; y < 6; ++y) CHECK(upright.at(3, y, 2) == turned.at(3, 5 - y, 2));
}

template <typename Sample>
std::vector<Sample> reduced(PixelFormat format, const std::vector<Sample>& source, int width, int height) {
  const auto row = static_cast<std::ptrdiff_t>(packedRowBytes(format));
  PixelFormat small = format;
  small.width = width;
  small.height = height;
  std::vector<Sample> result(static_cast<std::size_t>(width * height * format.components));
  reduceByArea({format, source.data(), row},
               {small, result.data(), static_cast<std::ptrdiff_t>(packedRowBytes(small))});
  return result;
}

bool near(float a, float b) { return std::abs(a - b) < 1e-5F; }

void testReduce() {
  const PixelFormat rgb{3, 2, 3, Depth::Float, Premultiplication::Opaque};
  std::vector<float> ramp;
  for (int n = 0; n < 18; ++n) ramp.push_back(static_cast<float>(n / 3));
  const auto whole = reduced(rgb, ramp, 1, 1);
  CHECK(near(whole[0], 2.5F) && near(whole[2], 2.5F));
  const auto columns = reduced(rgb, ramp, 2, 1);
  CHECK(near(columns[0], (0.0F + 3.0F + 0.5F * (1.0F + 4.0F)) / 3.0F));
  CHECK(near(columns[3], (2.0F + 5.0F + 0.5F * (1.0F + 4.0F)) / 3.0F));
  CHECK(reduced(rgb, ramp, 3, 2) == ramp);
  const PixelFormat bytes{2, 1, 4, Depth::Byte, Premultiplication::Straight};
  CHECK((reduced<std::uint8_t>(bytes, {200, 10, 60, 255, 9, 99, 9, 0}, 1, 1) ==
         std::vector<std::uint8_t>{200, 10, 60, 128}));
  CHECK((reduced<std::uint8_t>(bytes, {200, 10, 60, 0, 100, 20, 30, 0}, 1, 1) ==
         std::vector<std::uint8_t>{150, 15, 45, 0}));
}

}  // namespace

int main() {
  testReduce();
  testHalves();
  testIntegers();
  testSameSizeIsExact();
  testWindow();
  testAlpha();
  testNegativeRows();
  return check::report();
}
