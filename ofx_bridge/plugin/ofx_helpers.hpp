// SPDX-License-Identifier: Apache-2.0
// A few non-throwing helpers over the raw OpenFX suites.
#pragma once

#include <ofxCore.h>
#include <ofxImageEffect.h>
#include <ofxMessage.h>
#include <ofxParam.h>
#include <ofxProgress.h>
#include <ofxProperty.h>
#include <ofxTimeLine.h>

#include <optional>
#include <string>

#include "core/geometry.hpp"

namespace sparkvsr::plugin {

/// The host's tables of functions. All but the first three may be missing, and members of theirs NULL.
struct Suites {
  const OfxPropertySuiteV1* property = nullptr;
  const OfxImageEffectSuiteV1* effect = nullptr;
  const OfxParameterSuiteV1* parameter = nullptr;
  const OfxMessageSuiteV1* message = nullptr;
  const OfxMessageSuiteV2* persistentMessage = nullptr;
  const OfxProgressSuiteV1* progress = nullptr;
  const OfxProgressSuiteV2* progressV2 = nullptr;
  const OfxTimeLineSuiteV1* timeLine = nullptr;
};

/// Nothing where a suite is missing that no plugin can do without.
[[nodiscard]] std::optional<Suites> fetchSuites(const OfxHost& host);

/// A property set. Reading an absent property gives nothing; writing one that the host does not know is ignored, since
/// hosts are older and newer than any list of properties.
class Props {
 public:
  Props() = default;
  Props(const OfxPropertySuiteV1* suite, OfxPropertySetHandle handle) : suite_(suite), handle_(handle) {}

  [[nodiscard]] explicit operator bool() const { return suite_ != nullptr && handle_ != nullptr; }

  void set(const char* name, int value, int index = 0) const;
  void set(const char* name, double value, int index = 0) const;
  void set(const char* name, const char* value,
           int index = 0) const;  // `value` must live for ever: some hosts keep the pointer
  void setPointer(const char* name, void* value) const;
  void set(const char* name, const CanonicalRect& value) const;

  [[nodiscard]] std::optional<int> getInt(const char* name, int index = 0) const;
  [[nodiscard]] std::optional<double> getDouble(const char* name, int index = 0) const;
  [[nodiscard]] std::string getString(const char* name) const;  // "" where absent
  [[nodiscard]] std::optional<std::string> findString(const char* name, int index) const;
  [[nodiscard]] int dimension(const char* name) const;  // number of values; -1 where absent
  [[nodiscard]] void* getPointer(const char* name) const;
  [[nodiscard]] std::optional<PixelRect> getRect(const char* name) const;
  [[nodiscard]] std::optional<RenderScale> getScale(const char* name) const;

 private:
  const OfxPropertySuiteV1* suite_ = nullptr;
  OfxPropertySetHandle handle_ = nullptr;
};

/// Properties of an effect, a clip or a parameter.
[[nodiscard]] Props propsOf(const Suites& suites, OfxImageEffectHandle effect);
[[nodiscard]] Props propsOf(const Suites& suites, OfxImageClipHandle clip);

}  // namespace sparkvsr::plugin
