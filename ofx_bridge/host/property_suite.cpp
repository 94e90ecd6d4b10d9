// SPDX-License-Identifier: Apache-2.0
// The C face of property sets.
#include <ofxProperty.h>

#include "host/context.hpp"
#include "host/property_set.hpp"

namespace sparkvsr::host {
namespace {

/// Runs `body` with the set behind the handle; a dead or foreign handle is a violation.
template <typename Body>
OfxStatus withSet(const char* function, OfxPropertySetHandle handle, Body&& body) noexcept {
  return guarded(function, [&] {
    PropertySet* set = PropertySet::find(handle);
    if (set == nullptr) {
      report("BadHandle", std::string(function) + ": this property set does not exist (any more)");
      return static_cast<OfxStatus>(kOfxStatErrBadHandle);
    }
    return body(*set);
  });
}

template <typename T>
OfxStatus setOne(const char* function, OfxPropertySetHandle handle, const char* name, int index, T value) noexcept {
  return withSet(function, handle, [&](PropertySet& set) {
    expireLentStrings();
    return set.write(name, index, Scalar(value));
  });
}

template <typename T, typename Source>
OfxStatus setMany(const char* function, OfxPropertySetHandle handle, const char* name, int count,
                  Source values) noexcept {
  return withSet(function, handle, [&](PropertySet& set) {
    expireLentStrings();
    std::vector<Scalar> all;
    for (int i = 0; i < count; ++i) all.emplace_back(T(values[i]));
    return set.writeAll(name, std::move(all));
  });
}

template <typename T>
OfxStatus readInto(const PropertySet& set, const char* name, int index, PropertyType type, T* out) {
  Scalar value;
  const OfxStatus status = set.read(name, index, type, value);
  if (status == kOfxStatOK) *out = std::get<T>(value);
  return status;
}

OfxStatus readInto(const PropertySet& set, const char* name, int index, char** out) {
  const std::string* value = nullptr;
  const OfxStatus status = set.readString(name, index, value);
  if (status == kOfxStatOK) *out = lend(*value);
  return status;
}

template <typename T>
OfxStatus getOne(const char* function, OfxPropertySetHandle handle, const char* name, int index, PropertyType type,
                 T* out) noexcept {
  return withSet(function, handle, [&](PropertySet& set) { return readInto(set, name, index, type, out); });
}

template <typename T>
OfxStatus getMany(const char* function, OfxPropertySetHandle handle, const char* name, int count, PropertyType type,
                  T* out) noexcept {
  return withSet(function, handle, [&](PropertySet& set) {
    OfxStatus status = kOfxStatOK;
    for (int i = 0; i < count && status == kOfxStatOK; ++i) status = readInto(set, name, i, type, out + i);
    return status;
  });
}

OfxStatus setPointer(OfxPropertySetHandle h, const char* name, int index, void* value) {
  return setOne("propSetPointer", h, name, index, value);
}

OfxStatus setString(OfxPropertySetHandle h, const char* name, int index, const char* value) {
  if (value == nullptr) {
    return guarded("propSetString", [&] {
      report("NullArgument",
             std::string("propSetString(") + (name != nullptr ? name : "NULL") + ") with a NULL string");
      return static_cast<OfxStatus>(kOfxStatErrValue);
    });
  }
  return setOne("propSetString", h, name, index, std::string(value));
}

OfxStatus setDouble(OfxPropertySetHandle h, const char* name, int index, double value) {
  return setOne("propSetDouble", h, name, index, value);
}

OfxStatus setInt(OfxPropertySetHandle h, const char* name, int index, int value) {
  return setOne("propSetInt", h, name, index, value);
}

OfxStatus setPointerN(OfxPropertySetHandle h, const char* name, int count, void* const* values) {
  return setMany<void*>("propSetPointerN", h, name, count, values);
}

OfxStatus setStringN(OfxPropertySetHandle h, const char* name, int count, const char* const* values) {
  return setMany<std::string>("propSetStringN", h, name, count, values);
}

OfxStatus setDoubleN(OfxPropertySetHandle h, const char* name, int count, const double* values) {
  return setMany<double>("propSetDoubleN", h, name, count, values);
}

OfxStatus setIntN(OfxPropertySetHandle h, const char* name, int count, const int* values) {
  return setMany<int>("propSetIntN", h, name, count, values);
}

OfxStatus getPointer(OfxPropertySetHandle h, const char* name, int index, void** value) {
  return getOne("propGetPointer", h, name, index, PropertyType::Pointer, value);
}

OfxStatus getString(OfxPropertySetHandle h, const char* name, int index, char** value) {
  return withSet("propGetString", h, [&](PropertySet& set) {
    expireLentStrings();
    return readInto(set, name, index, value);
  });
}

OfxStatus getDouble(OfxPropertySetHandle h, const char* name, int index, double* value) {
  return getOne("propGetDouble", h, name, index, PropertyType::Double, value);
}

OfxStatus getInt(OfxPropertySetHandle h, const char* name, int index, int* value) {
  return getOne("propGetInt", h, name, index, PropertyType::Int, value);
}

OfxStatus getPointerN(OfxPropertySetHandle h, const char* name, int count, void** values) {
  return getMany("propGetPointerN", h, name, count, PropertyType::Pointer, values);
}

OfxStatus getStringN(OfxPropertySetHandle h, const char* name, int count, char** values) {
  return withSet("propGetStringN", h, [&](PropertySet& set) {
    expireLentStrings();
    OfxStatus status = kOfxStatOK;
    for (int i = 0; i < count && status == kOfxStatOK; ++i) status = readInto(set, name, i, values + i);
    return status;
  });
}

OfxStatus getDoubleN(OfxPropertySetHandle h, const char* name, int count, double* values) {
  return getMany("propGetDoubleN", h, name, count, PropertyType::Double, values);
}

OfxStatus getIntN(OfxPropertySetHandle h, const char* name, int count, int* values) {
  return getMany("propGetIntN", h, name, count, PropertyType::Int, values);
}

OfxStatus reset(OfxPropertySetHandle h, const char* name) {
  return withSet("propReset", h, [&](PropertySet& set) {
    expireLentStrings();
    return set.reset(name);
  });
}

OfxStatus getDimension(OfxPropertySetHandle h, const char* name, int* count) {
  return withSet("propGetDimension", h, [&](PropertySet& set) { return set.dimension(name, *count); });
}

const OfxPropertySuiteV1 kSuite = {setPointer,  setString,  setDouble,  setInt,    setPointerN, setStringN,
                                   setDoubleN,  setIntN,    getPointer, getString, getDouble,   getInt,
                                   getPointerN, getStringN, getDoubleN, getIntN,   reset,       getDimension};

}  // namespace

const void* propertySuite() { return &kSuite; }

}  // namespace sparkvsr::host
