// SPDX-License-Identifier: Apache-2.0
#include "host/property_set.hpp"

#include <stdexcept>

#include "host/context.hpp"
#include "host/property_catalog.hpp"

namespace sparkvsr::host {
namespace {

const char* typeName(PropertyType type) {
  static const char* const names[] = {"int", "double", "string", "pointer"};
  return names[static_cast<int>(type)];
}

PropertyType typeOf(const Scalar& value) { return static_cast<PropertyType>(value.index()); }

std::string quoted(const std::string& kind, const char* name) { return kind + "." + name; }

/// A property may be hidden by the personality or by an injected fault.
bool hidden(const std::string& name) {
  const HostContext* host = currentHost();
  if (host == nullptr) return false;
  return host->personality.missingProperties.count(name) != 0 || host->faults.refusedProperties.count(name) != 0;
}

void reportUnknown(const std::string& kind, const char* name) {
  const HostContext* host = currentHost();
  if (host == nullptr || !host->personality.checksUnknownProperties || isKnownExtension(name)) return;
  report("UnknownProperty", "no OpenFX " + kind + " has a property " + name);
}

}  // namespace

// ---- host side

void PropertySet::define(const PropertySpec& spec) {
  const std::lock_guard lock(mutex_);
  all_[spec.name] = Property{spec.type, spec.dimension, spec.writer, spec.values, spec.values};
}

void PropertySet::define(const std::vector<PropertySpec>& specs) {
  for (const PropertySpec& spec : specs) define(spec);
}

void PropertySet::set(const std::string& name, std::vector<Scalar> values) {
  const std::lock_guard lock(mutex_);
  const auto found = all_.find(name);
  if (found == all_.end()) throw std::logic_error("the host set an undefined property " + kind_ + "." + name);
  found->second.values = values;
  found->second.defaults = std::move(values);
}

void PropertySet::makeHostOwned() {
  const std::lock_guard lock(mutex_);
  for (auto& [name, property] : all_) property.writer = Writer::Host;
}

bool PropertySet::has(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return all_.count(name) != 0;
}

const PropertySet::Property& PropertySet::stored(const std::string& name) const {
  const auto found = all_.find(name);
  if (found == all_.end()) throw std::logic_error("the host read an undefined property " + kind_ + "." + name);
  return found->second;
}

int PropertySet::getInt(const std::string& name, int index) const {
  const std::lock_guard lock(mutex_);
  return std::get<int>(stored(name).values.at(static_cast<std::size_t>(index)));
}

double PropertySet::getDouble(const std::string& name, int index) const {
  const std::lock_guard lock(mutex_);
  return std::get<double>(stored(name).values.at(static_cast<std::size_t>(index)));
}

std::string PropertySet::getString(const std::string& name, int index) const {
  const std::lock_guard lock(mutex_);
  return std::get<std::string>(stored(name).values.at(static_cast<std::size_t>(index)));
}

std::vector<std::string> PropertySet::getStrings(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const Scalar& value : stored(name).values) all.push_back(std::get<std::string>(value));
  return all;
}

std::vector<double> PropertySet::getDoubles(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  std::vector<double> all;
  for (const Scalar& value : stored(name).values) all.push_back(std::get<double>(value));
  return all;
}

bool PropertySet::touched(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return stored(name).touched;
}

std::map<std::string, std::vector<Scalar>> PropertySet::snapshot() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::vector<Scalar>> all;
  for (const auto& [name, property] : all_) all.emplace(name, property.values);
  return all;
}

void PropertySet::copyValuesFrom(const PropertySet& other) {
  const auto values = other.snapshot();
  const std::lock_guard lock(mutex_);
  for (auto& [name, property] : all_) {
    const auto found = values.find(name);
    if (found == values.end()) continue;
    property.values = found->second;
    property.defaults = found->second;
  }
}

// ---- plugin side

const PropertySet::Property* PropertySet::visible(const char* name, OfxStatus& status) const {
  status = kOfxStatErrUnknown;
  if (name == nullptr) {
    report("NullArgument", "a property of " + kind_ + " was asked for by a NULL name");
    return nullptr;
  }
  if (hidden(name)) return nullptr;
  const auto found = all_.find(name);
  if (found == all_.end()) {
    reportUnknown(kind_, name);
    return nullptr;
  }
  status = kOfxStatOK;
  return &found->second;
}

PropertySet::Property* PropertySet::visible(const char* name, OfxStatus& status) {
  return const_cast<Property*>(static_cast<const PropertySet*>(this)->visible(name, status));
}

OfxStatus PropertySet::checkWrite(const char* name, const Property& property, PropertyType type) const {
  if (property.type != type) {
    report("PropertyType", quoted(kind_, name) + " is " + typeName(property.type) + ", written as " + typeName(type));
    return kOfxStatErrValue;
  }
  if (property.writer == Writer::Host) {
    report("ReadOnlyProperty", quoted(kind_, name) + " belongs to the host");
    return kOfxStatErrValue;
  }
  return kOfxStatOK;
}

OfxStatus PropertySet::write(const char* name, int index, Scalar value) {
  const std::lock_guard lock(mutex_);
  OfxStatus status = kOfxStatOK;
  Property* property = visible(name, status);
  if (property == nullptr) return status;
  if ((status = checkWrite(name, *property, typeOf(value))) != kOfxStatOK) return status;
  const int limit = property->dimension == 0 ? static_cast<int>(property->values.size()) + 1 : property->dimension;
  if (index < 0 || index >= limit) {
    report("PropertyIndex", quoted(kind_, name) + " has no index " + std::to_string(index));
    return kOfxStatErrBadIndex;
  }
  if (static_cast<std::size_t>(index) == property->values.size()) property->values.emplace_back();
  property->values.at(static_cast<std::size_t>(index)) = std::move(value);
  property->touched = true;
  return kOfxStatOK;
}

OfxStatus PropertySet::writeAll(const char* name, std::vector<Scalar> values) {
  const std::lock_guard lock(mutex_);
  OfxStatus status = kOfxStatOK;
  Property* property = visible(name, status);
  if (property == nullptr) return status;
  for (const Scalar& value : values) {
    if ((status = checkWrite(name, *property, typeOf(value))) != kOfxStatOK) return status;
  }
  if (property->dimension != 0 && static_cast<int>(values.size()) != property->dimension) {
    report("PropertyIndex", quoted(kind_, name) + " takes " + std::to_string(property->dimension) + " values, found " +
                                std::to_string(values.size()));
    return kOfxStatErrBadIndex;
  }
  property->values = std::move(values);
  property->touched = true;
  return kOfxStatOK;
}

OfxStatus PropertySet::checkRead(const char* name, const Property& property, PropertyType type, int index) const {
  if (property.type != type) {
    report("PropertyType", quoted(kind_, name) + " is " + typeName(property.type) + ", read as " + typeName(type));
    return kOfxStatErrValue;
  }
  if (index < 0 || static_cast<std::size_t>(index) >= property.values.size()) {
    const HostContext* host = currentHost();
    const bool checked = host != nullptr && host->personality.checksUnknownProperties;
    if (checked) report("PropertyIndex", quoted(kind_, name) + " has no index " + std::to_string(index));
    return kOfxStatErrBadIndex;
  }
  return kOfxStatOK;
}

OfxStatus PropertySet::read(const char* name, int index, PropertyType type, Scalar& value) const {
  const std::lock_guard lock(mutex_);
  OfxStatus status = kOfxStatOK;
  const Property* property = visible(name, status);
  if (property == nullptr) return status;
  if ((status = checkRead(name, *property, type, index)) != kOfxStatOK) return status;
  value = property->values[static_cast<std::size_t>(index)];
  return kOfxStatOK;
}

OfxStatus PropertySet::readString(const char* name, int index, const std::string*& value) const {
  const std::lock_guard lock(mutex_);
  OfxStatus status = kOfxStatOK;
  const Property* property = visible(name, status);
  if (property == nullptr) return status;
  if ((status = checkRead(name, *property, PropertyType::String, index)) != kOfxStatOK) return status;
  value = &std::get<std::string>(property->values[static_cast<std::size_t>(index)]);
  return kOfxStatOK;
}

OfxStatus PropertySet::reset(const char* name) {
  const std::lock_guard lock(mutex_);
  OfxStatus status = kOfxStatOK;
  Property* property = visible(name, status);
  if (property == nullptr) return status;
  if ((status = checkWrite(name, *property, property->type)) != kOfxStatOK) return status;
  property->values = property->defaults;
  return kOfxStatOK;
}

OfxStatus PropertySet::dimension(const char* name, int& count) const {
  const std::lock_guard lock(mutex_);
  OfxStatus status = kOfxStatOK;
  const Property* property = visible(name, status);
  if (property != nullptr) count = static_cast<int>(property->values.size());
  return status;
}

}  // namespace sparkvsr::host
