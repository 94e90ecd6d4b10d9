// SPDX-License-Identifier: Apache-2.0
// Parameters with keys: what the parameter suite reads and writes, and what an artist edits.
#pragma once

#include <ofxParam.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "host/handles.hpp"
#include "host/personality.hpp"
#include "host/property_set.hpp"

namespace sparkvsr::host {

/// Numbers (one per dimension; Integer, Boolean and Choice hold whole ones) or a string.
using ParamValue = std::variant<std::vector<double>, std::string>;

struct Key {
  double time;
  ParamValue value;
};

enum class Interpolation { Step, Linear };

/// A value over time. Not thread-safe by itself.
class Curve {
 public:
  [[nodiscard]] ParamValue at(double time, Interpolation interpolation) const;
  [[nodiscard]] double integral(double from, double to, std::size_t dimension, Interpolation interpolation) const;
  void setConstant(ParamValue value) { constant_ = std::move(value); }
  void setKey(double time, ParamValue value);
  bool deleteKey(double time);
  void deleteAllKeys() { keys_.clear(); }
  [[nodiscard]] const std::vector<Key>& keys() const noexcept { return keys_; }
  [[nodiscard]] const ParamValue& constant() const noexcept { return constant_; }
  /// Direction < 0: the last key before; 0: the key at; > 0: the first key after. -1: none.
  [[nodiscard]] int keyIndex(double time, int direction) const;

 private:
  ParamValue constant_;
  std::vector<Key> keys_;  // sorted by time
};

/// What a project keeps of a parameter.
struct SavedParam {
  std::string type;
  ParamValue value;
  std::vector<Key> keys;
};

class Param : public Handled<Param, HandleKind::Param> {
 public:
  Param(std::string name, std::string type);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& type() const noexcept { return type_; }
  [[nodiscard]] PropertySet& properties() noexcept { return properties_; }
  [[nodiscard]] const PropertySet& properties() const noexcept { return properties_; }
  /// 0: carries no value (group, page, button).
  [[nodiscard]] int dimension() const noexcept { return dimension_; }
  [[nodiscard]] bool isString() const noexcept;
  [[nodiscard]] bool isWhole() const noexcept;  // Integer, Boolean, Choice
  [[nodiscard]] bool animates() const;
  [[nodiscard]] bool hasLimits() const noexcept;

  /// True after initialise(): parameters of a descriptor have no value.
  [[nodiscard]] bool isInstance() const noexcept { return instance_; }
  void initialise(const Param& descriptor, const Personality& personality);
  void copyStateFrom(const Param& other);
  [[nodiscard]] SavedParam save() const;
  void restore(const SavedParam& saved);

  /// Number of a Choice's option. Raises HostError "BadValue".
  [[nodiscard]] double optionNumber(const std::string& label) const;
  /// A value written as text: numbers with commas between them, an option's label or number, or the text itself.
  [[nodiscard]] ParamValue parsed(const std::string& text) const;

  [[nodiscard]] ParamValue valueAt(double time) const;
  /// Sets the constant, or, where there are keys, the key at `now`.
  void setValue(double now, const ParamValue& value);
  void setKey(double time, const ParamValue& value);
  bool deleteKey(double time);
  void deleteAllKeys();
  [[nodiscard]] std::vector<Key> keys() const;
  [[nodiscard]] int keyIndex(double time, int direction) const;
  [[nodiscard]] double derivative(double time, std::size_t dimension) const;
  [[nodiscard]] double integral(double from, double to, std::size_t dimension) const;
  void setInterpolation(Interpolation interpolation);
  /// Address good until the value changes or the next call on this thread in hosts with short strings.
  [[nodiscard]] char* lendString(double time);

 private:
  [[nodiscard]] ParamValue fitted(const ParamValue& value) const;
  void noteKeys();

  std::string name_;
  std::string type_;
  int dimension_;
  bool instance_ = false;
  PropertySet properties_;
  mutable std::mutex mutex_;
  Curve curve_;
  Interpolation interpolation_ = Interpolation::Step;
  std::map<std::string, std::unique_ptr<std::string>> lent_;  // every string ever lent, so that slow readers live
};

class ParamSet : public Handled<ParamSet, HandleKind::ParamSet> {
 public:
  ParamSet();

  [[nodiscard]] PropertySet& properties() noexcept { return properties_; }
  [[nodiscard]] Param* named(const std::string& name) const;
  Param& add(const std::string& type, const std::string& name);
  [[nodiscard]] const std::vector<std::unique_ptr<Param>>& all() const noexcept { return all_; }
  /// Instances are made from the descriptor.
  void instantiate(const ParamSet& descriptor, const Personality& personality);
  void copyStateFrom(const ParamSet& other);

 private:
  PropertySet properties_;
  std::vector<std::unique_ptr<Param>> all_;
  std::map<std::string, Param*> byName_;
};

[[nodiscard]] const void* parameterSuite();

}  // namespace sparkvsr::host
