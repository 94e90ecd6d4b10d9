// SPDX-License-Identifier: Apache-2.0
#include "ofx_helpers.hpp"

namespace sparkvsr::plugin {
namespace {

template <typename Suite>
const Suite* fetch(const OfxHost& host, const char* name, int version) {
  return static_cast<const Suite*>(host.fetchSuite(host.host, name, version));
}

}  // namespace

std::optional<Suites> fetchSuites(const OfxHost& host) {
  if (host.fetchSuite == nullptr) return std::nullopt;
  Suites suites;
  suites.property = fetch<OfxPropertySuiteV1>(host, kOfxPropertySuite, 1);
  suites.effect = fetch<OfxImageEffectSuiteV1>(host, kOfxImageEffectSuite, 1);
  suites.parameter = fetch<OfxParameterSuiteV1>(host, kOfxParameterSuite, 1);
  suites.persistentMessage = fetch<OfxMessageSuiteV2>(host, kOfxMessageSuite, 2);
  suites.message = fetch<OfxMessageSuiteV1>(host, kOfxMessageSuite, 1);
  suites.progressV2 = fetch<OfxProgressSuiteV2>(host, kOfxProgressSuite, 2);
  suites.progress = fetch<OfxProgressSuiteV1>(host, kOfxProgressSuite, 1);
  suites.timeLine = fetch<OfxTimeLineSuiteV1>(host, kOfxTimeLineSuite, 1);
  const bool complete = suites.property != nullptr && suites.effect != nullptr && suites.parameter != nullptr;
  return complete ? std::optional(suites) : std::nullopt;
}

void Props::set(const char* name, int value, int index) const {
  if (*this) suite_->propSetInt(handle_, name, index, value);
}

void Props::set(const char* name, double value, int index) const {
  if (*this) suite_->propSetDouble(handle_, name, index, value);
}

void Props::set(const char* name, const char* value, int index) const {
  if (*this) suite_->propSetString(handle_, name, index, value);
}

void Props::setPointer(const char* name, void* value) const {
  if (*this) suite_->propSetPointer(handle_, name, 0, value);
}

void Props::set(const char* name, const CanonicalRect& value) const {
  const double edges[] = {value.x1, value.y1, value.x2, value.y2};
  if (*this) suite_->propSetDoubleN(handle_, name, 4, edges);
}

std::optional<int> Props::getInt(const char* name, int index) const {
  int value = 0;
  if (!*this || suite_->propGetInt(handle_, name, index, &value) != kOfxStatOK) return std::nullopt;
  return value;
}

std::optional<double> Props::getDouble(const char* name, int index) const {
  double value = 0;
  if (!*this || suite_->propGetDouble(handle_, name, index, &value) != kOfxStatOK) return std::nullopt;
  return value;
}

std::string Props::getString(const char* name) const {
  char* value = nullptr;
  if (!*this || suite_->propGetString(handle_, name, 0, &value) != kOfxStatOK || value == nullptr) return {};
  return value;
}

std::optional<std::string> Props::findString(const char* name, int index) const {
  char* value = nullptr;
  if (!*this || suite_->propGetString(handle_, name, index, &value) != kOfxStatOK || value == nullptr)
    return std::nullopt;
  return value;
}

int Props::dimension(const char* name) const {
  int count = 0;
  if (!*this || suite_->propGetDimension(handle_, name, &count) != kOfxStatOK) return -1;
  return count;
}

void* Props::getPointer(const char* name) const {
  void* value = nullptr;
  if (!*this || suite_->propGetPointer(handle_, name, 0, &value) != kOfxStatOK) return nullptr;
  return value;
}

std::optional<PixelRect> Props::getRect(const char* name) const {
  int edges[4] = {};
  if (!*this || suite_->propGetIntN(handle_, name, 4, edges) != kOfxStatOK) return std::nullopt;
  return PixelRect{edges[0], edges[1], edges[2], edges[3]};
}

std::optional<RenderScale> Props::getScale(const char* name) const {
  const auto x = getDouble(name, 0);
  const auto y = getDouble(name, 1);
  if (!x || !y || !(*x > 0) || !(*y > 0)) return std::nullopt;
  return RenderScale{*x, *y};
}

Props propsOf(const Suites& suites, OfxImageEffectHandle effect) {
  OfxPropertySetHandle handle = nullptr;
  if (effect == nullptr || suites.effect->getPropertySet(effect, &handle) != kOfxStatOK) return {};
  return {suites.property, handle};
}

Props propsOf(const Suites& suites, OfxImageClipHandle clip) {
  OfxPropertySetHandle handle = nullptr;
  if (clip == nullptr || suites.effect->clipGetPropertySet(clip, &handle) != kOfxStatOK) return {};
  return {suites.property, handle};
}

}  // namespace sparkvsr::plugin
