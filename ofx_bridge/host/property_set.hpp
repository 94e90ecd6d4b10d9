// SPDX-License-Identifier: Apache-2.0
// A set of typed, named, indexed values: what the property suite reads and writes.
#pragma once

#include <ofxCore.h>

#include <map>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "host/handles.hpp"

namespace sparkvsr::host {

enum class PropertyType { Int, Double, String, Pointer };
enum class Writer { Host, Plugin };

/// The alternatives stand in the order of PropertyType.
using Scalar = std::variant<int, double, std::string, void*>;

/// `dimension` 0: any length.
struct PropertySpec {
  std::string name;
  PropertyType type;
  int dimension;
  Writer writer;
  std::vector<Scalar> values;
};

class PropertySet : public Handled<PropertySet, HandleKind::PropertySet> {
 public:
  /// `kind` is for messages ("Image", "EffectDescriptor").
  explicit PropertySet(std::string kind) : kind_(std::move(kind)) {}

  // ---- host side; unknown names are a bug of the host and throw std::logic_error
  void define(const PropertySpec& spec);
  void define(const std::vector<PropertySpec>& specs);
  void set(const std::string& name, std::vector<Scalar> values);
  void set(const std::string& name, Scalar value) { set(name, std::vector<Scalar>{std::move(value)}); }
  void makeHostOwned();
  [[nodiscard]] bool has(const std::string& name) const;
  [[nodiscard]] int getInt(const std::string& name, int index = 0) const;
  [[nodiscard]] double getDouble(const std::string& name, int index = 0) const;
  [[nodiscard]] std::string getString(const std::string& name, int index = 0) const;
  [[nodiscard]] std::vector<std::string> getStrings(const std::string& name) const;
  [[nodiscard]] std::vector<double> getDoubles(const std::string& name) const;
  [[nodiscard]] bool touched(const std::string& name) const;  // the plugin wrote it
  [[nodiscard]] std::map<std::string, std::vector<Scalar>> snapshot() const;
  void copyValuesFrom(const PropertySet& other);

  // ---- plugin side: statuses and violations
  OfxStatus write(const char* name, int index, Scalar value);
  OfxStatus writeAll(const char* name, std::vector<Scalar> values);
  /// `type` is what the plugin reads it as.
  OfxStatus read(const char* name, int index, PropertyType type, Scalar& value) const;
  /// The address of the stored string stays good until the property is written.
  OfxStatus readString(const char* name, int index, const std::string*& value) const;
  OfxStatus reset(const char* name);
  OfxStatus dimension(const char* name, int& count) const;

 private:
  struct Property {
    PropertyType type;
    int dimension;
    Writer writer;
    std::vector<Scalar> values;
    std::vector<Scalar> defaults;
    bool touched = false;
  };

  [[nodiscard]] const Property& stored(const std::string& name) const;
  [[nodiscard]] Property* visible(const char* name, OfxStatus& status);
  [[nodiscard]] const Property* visible(const char* name, OfxStatus& status) const;
  [[nodiscard]] OfxStatus checkWrite(const char* name, const Property& property, PropertyType type) const;
  [[nodiscard]] OfxStatus checkRead(const char* name, const Property& property, PropertyType type, int index) const;

  std::string kind_;
  mutable std::mutex mutex_;
  std::map<std::string, Property> all_;
};

/// The property suite, version 1.
[[nodiscard]] const void* propertySuite();

}  // namespace sparkvsr::host
