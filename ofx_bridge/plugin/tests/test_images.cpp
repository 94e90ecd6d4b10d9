// SPDX-License-Identifier: Apache-2.0
// Images of a host that cannot be trusted, over suites made by hand.
#include "images.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <variant>

#include "check.hpp"

using namespace sparkvsr;
using namespace sparkvsr::plugin;

namespace {

using Value = std::variant<std::vector<int>, std::vector<double>, std::string, void*>;
using Set = std::map<std::string, Value>;

Set& setOf(OfxPropertySetHandle handle) { return *reinterpret_cast<Set*>(handle); }
OfxPropertySetHandle handleOf(Set& set) { return reinterpret_cast<OfxPropertySetHandle>(&set); }

template <typename T>
const T* find(OfxPropertySetHandle handle, const char* name) {
  const auto found = setOf(handle).find(name);
  return found == setOf(handle).end() ? nullptr : std::get_if<T>(&found->second);
}

OfxStatus getPointer(OfxPropertySetHandle handle, const char* name, int, void** value) {
  const auto* found = find<void*>(handle, name);
  if (found) *value = *found;
  return found ? kOfxStatOK : kOfxStatErrUnknown;
}

OfxStatus getString(OfxPropertySetHandle handle, const char* name, int, char** value) {
  const auto* found = find<std::string>(handle, name);
  if (found) *value = const_cast<char*>(found->c_str());
  return found ? kOfxStatOK : kOfxStatErrUnknown;
}

OfxStatus getDouble(OfxPropertySetHandle handle, const char* name, int index, double* value) {
  const auto* found = find<std::vector<double>>(handle, name);
  if (found) *value = found->at(static_cast<std::size_t>(index));
  return found ? kOfxStatOK : kOfxStatErrUnknown;
}

OfxStatus getInt(OfxPropertySetHandle handle, const char* name, int index, int* value) {
  const auto* found = find<std::vector<int>>(handle, name);
  if (found) *value = found->at(static_cast<std::size_t>(index));
  return found ? kOfxStatOK : kOfxStatErrUnknown;
}

OfxStatus getIntN(OfxPropertySetHandle handle, const char* name, int count, int* values) {
  const auto* found = find<std::vector<int>>(handle, name);
  if (found) std::copy_n(found->begin(), count, values);
  return found ? kOfxStatOK : kOfxStatErrUnknown;
}

Set clip, image;
bool hasImage = true;
int held = 0;

OfxStatus clipProperties(OfxImageClipHandle, OfxPropertySetHandle* handle) {
  *handle = handleOf(clip);
  return kOfxStatOK;
}

OfxStatus getImage(OfxImageClipHandle, OfxTime, const OfxRectD*, OfxPropertySetHandle* handle) {
  *handle = hasImage ? handleOf(image) : nullptr;
  held += hasImage ? 1 : 0;
  return kOfxStatOK;
}

OfxStatus releaseImage(OfxPropertySetHandle) {
  --held;
  return kOfxStatOK;
}

std::vector<float> samples(4 * 3 * 4);
int anything = 0;

std::shared_ptr<const HostContext> makeHost() {
  static OfxPropertySuiteV1 properties{};
  properties.propGetPointer = getPointer;
  properties.propGetString = getString;
  properties.propGetDouble = getDouble;
  properties.propGetInt = getInt;
  properties.propGetIntN = getIntN;
  static OfxImageEffectSuiteV1 effects{};
  effects.clipGetPropertySet = clipProperties;
  effects.clipGetImage = getImage;
  effects.clipReleaseImage = releaseImage;
  auto host = std::make_shared<HostContext>();
  host->suites.property = &properties;
  host->suites.effect = &effects;
  return host;
}

void reset() {
  std::iota(samples.begin(), samples.end(), 1.0F);
  hasImage = true;
  clip = {};
  image = {{kOfxImageEffectPropPixelDepth, std::string(kOfxBitDepthFloat)},
           {kOfxImageEffectPropComponents, std::string(kOfxImageComponentRGBA)},
           {kOfxImagePropBounds, std::vector<int>{-1, 2, 3, 5}},
           {kOfxImagePropRowBytes, std::vector<int>{64}},
           {kOfxImagePropData, static_cast<void*>(samples.data())}};
}

Result<std::optional<HostImage>> fetched() {
  static Instance instance;  // outlives the images
  if (!instance.host) instance.host = makeHost();
  auto result = fetchImage(instance, reinterpret_cast<OfxImageClipHandle>(&anything), 0, {0.5, 0.5});
  return result;
}

std::string errorOf(const char* property, const Value& value) {
  reset();
  image[property] = value;
  const auto result = fetched();
  const auto* error = std::get_if<Error>(&result);
  CHECK(held == 0 || error == nullptr);  // an image that cannot be used is released at once
  return error ? error->name : "";
}

void testGoodImage() {
  reset();
  {
    const auto result = fetched();
    const auto& found = std::get<std::optional<HostImage>>(result);
    CHECK(found && held == 1);
    CHECK(found->bounds == PixelRect{-1, 2, 3, 5} && found->rowBytes == 64 && found->scale.x == 0.5);
    CHECK(found->format.width == 4 && found->format.height == 3);
    CHECK(found->format.premultiplication == Premultiplication::Premultiplied);
  }
  CHECK(held == 0);
  clip[kOfxImageEffectPropPreMultiplication] = std::string(kOfxImageUnPreMultiplied);
  const auto result = fetched();
  CHECK(std::get<std::optional<HostImage>>(result)->format.premultiplication == Premultiplication::Straight);
}

void testNoImage() {
  reset();
  hasImage = false;
  CHECK(!std::get<std::optional<HostImage>>(fetched()));
  reset();
  image[kOfxImagePropData] = static_cast<void*>(nullptr);
  CHECK(!std::get<std::optional<HostImage>>(fetched()) && held == 0);
}

void testBadImages() {
  CHECK(errorOf(kOfxImageEffectPropPixelDepth, std::string("OfxBitDepthDouble")) == "BadHostImage");
  CHECK(errorOf(kOfxImageEffectPropPixelDepth, std::string()) == "BadHostImage");
  CHECK(errorOf(kOfxImageEffectPropComponents, std::string(kOfxImageComponentAlpha)) == "BadHostImage");
  CHECK(errorOf(kOfxImagePropBounds, std::vector<int>{3, 2, 3, 5}) == "BadHostImage");
  CHECK(errorOf(kOfxImagePropRowBytes, std::vector<int>{63}) == "BadHostImage");
  CHECK(errorOf(kOfxImagePropRowBytes, std::vector<int>{-63}) == "BadHostImage");
  CHECK(errorOf(kOfxImagePropRowBytes, std::vector<int>{-64}).empty());
  for (const char* field : {kOfxImageFieldLower, kOfxImageFieldUpper, kOfxImageFieldSingle, kOfxImageFieldDoubled}) {
    CHECK(errorOf(kOfxImagePropField, std::string(field)) == "FieldsUnsupported");
  }
  CHECK(errorOf(kOfxImagePropField, std::string(kOfxImageFieldBoth)).empty());
}

HostImage byHand() {
  HostImage handmade;
  handmade.bounds = {-1, 2, 3, 5};
  handmade.format = {4, 3, 4, Depth::Float, Premultiplication::Premultiplied};
  handmade.bottom = reinterpret_cast<char*>(samples.data());
  handmade.rowBytes = 64;
  return handmade;
}

float sampleOf(const ConstImageView& view, int x, int y) {
  float value = 0;
  std::memcpy(&value, static_cast<const char*>(view.bottom) + y * view.rowBytes + x * 16, sizeof value);
  return value;
}

void testCrops() {
  reset();
  const HostImage whole = byHand();
  const CroppedView inside(whole, {0, 3, 2, 5});
  CHECK(inside.view().bottom == whole.bottom + 64 + 16 && inside.view().format.width == 2);
  CHECK(sampleOf(inside.view(), 1, 1) == 1 + 2 * 16 + 2 * 4);
  const CroppedView around(whole, {-3, 0, 4, 6});
  CHECK(around.view().format.width == 7 && around.view().format.height == 6);
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 7; ++x) {
      const bool there = x >= 2 && x < 6 && y >= 2 && y < 5;
      const float expected = there ? static_cast<float>(1 + (y - 2) * 16 + (x - 2) * 4) : 0.0F;
      CHECK(sampleOf(around.view(), x, y) == expected);
    }
  }
  const CroppedView elsewhere(whole, {100, 100, 102, 101});
  CHECK(sampleOf(elsewhere.view(), 1, 0) == 0);
}

void testUpsideDownCrop() {
  reset();
  HostImage turned = byHand();
  turned.bottom += 2 * 64;
  turned.rowBytes = -64;
  const CroppedView around(turned, {-1, 2, 4, 5});
  CHECK(sampleOf(around.view(), 0, 0) == 1 + 2 * 16 && sampleOf(around.view(), 0, 2) == 1 &&
        sampleOf(around.view(), 4, 1) == 0);
}

void testBlueFirst() {
  for (const char* property : {"OfxImageEffectPropPixelOrder", kOfxImageEffectPropPixelDepth}) {
    const bool order = std::string(property) != kOfxImageEffectPropPixelDepth;
    CHECK(errorOf(property, std::string(order ? "OfxImagePixelOrderBGRA" : "OfxBitDepthFloatBGR")).empty());
    auto result = fetched();
    const HostImage& found = *std::get<std::optional<HostImage>>(result);
    CHECK(found.blueFirst && found.format.depth == Depth::Float);
    const CroppedView crop(found, {0, 2, 2, 3});
    const auto* pixel = static_cast<const float*>(crop.view().bottom);
    CHECK(pixel[0] == 7 && pixel[1] == 6 && pixel[2] == 5 && pixel[3] == 8 && pixel[4] == 11);
    finishPixels(found, {0, 2, 1, 3});
    CHECK(samples[3] == 4 && samples[4] == 7 && samples[6] == 5 && samples[8] == 9);
  }
}

void testBlank() {
  reset();
  CHECK(!isBlank(byHand()));
  for (std::size_t n = 0; n < samples.size(); ++n) samples[n] = n == 14 || n == 15 ? 1.0F : 0.0F;
  HostImage narrow = byHand();
  narrow.format.width = 3;
  narrow.bounds.x2 = 2;
  CHECK(isBlank(narrow));  // what lies between rows is nobody's
  CHECK(!isBlank(byHand()));
}

void testClearOutside() {
  reset();
  clearOutside(byHand(), {-1, 2, 3, 5}, {0, 3, 2, 9});
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 4; ++x) {
      const bool kept = x >= 1 && x < 3 && y >= 1;
      CHECK((samples[static_cast<std::size_t>(y * 16 + x * 4)] != 0.0F) == kept);
    }
  }
  reset();
  clearOutside(byHand(), {0, 2, 2, 3}, {50, 50, 60, 60});
  CHECK(samples[0] != 0.0F && samples[4] == 0.0F && samples[8] == 0.0F && samples[12] != 0.0F && samples[20] != 0.0F);
}

}  // namespace

int main() {
  testGoodImage();
  testNoImage();
  testBadImages();
  testCrops();
  testUpsideDownCrop();
  testBlueFirst();
  testBlank();
  testClearOutside();
  return check::report();
}
