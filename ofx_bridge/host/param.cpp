// SPDX-License-Identifier: Apache-2.0
#include "host/param.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "host/context.hpp"
#include "host/errors.hpp"
#include "host/property_catalog.hpp"

namespace sparkvsr::host {
namespace {

constexpr double kSameTime = 1e-6;

bool sameTime(double a, double b) { return std::fabs(a - b) < kSameTime; }

int dimensionOf(const std::string& type) {
  static const std::map<std::string, int> dimensions = {
      {kOfxParamTypeInteger, 1},   {kOfxParamTypeDouble, 1},    {kOfxParamTypeBoolean, 1},
      {kOfxParamTypeChoice, 1},    {kOfxParamTypeInteger2D, 2}, {kOfxParamTypeInteger3D, 3},
      {kOfxParamTypeDouble2D, 2},  {kOfxParamTypeDouble3D, 3},  {kOfxParamTypeRGB, 3},
      {kOfxParamTypeRGBA, 4},      {kOfxParamTypeString, 1},    {kOfxParamTypeCustom, 1},
      {kOfxParamTypeStrChoice, 1}, {kOfxParamTypeGroup, 0},     {kOfxParamTypePushButton, 0},
      {kOfxParamTypePage, 0}};
  const auto found = dimensions.find(type);
  return found == dimensions.end() ? 0 : found->second;
}

ParamValue blend(const ParamValue& from, const ParamValue& to, double part) {
  const auto& a = std::get<std::vector<double>>(from);
  const auto& b = std::get<std::vector<double>>(to);
  std::vector<double> mixed(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) mixed[i] = a[i] + part * (b[i] - a[i]);
  return mixed;
}

double asNumber(const Scalar& value) {
  const int* whole = std::get_if<int>(&value);
  return whole != nullptr ? *whole : std::get<double>(value);
}

ParamValue defaultOf(const PropertySet& properties) {
  const std::vector<Scalar> values = properties.snapshot().at(kOfxParamPropDefault);
  if (std::holds_alternative<std::string>(values.at(0))) return std::get<std::string>(values.at(0));
  std::vector<double> numbers;
  for (const Scalar& value : values) numbers.push_back(asNumber(value));
  return numbers;
}

}  // namespace

// ---- curve

ParamValue Curve::at(double time, Interpolation interpolation) const {
  if (keys_.empty()) return constant_;
  if (time <= keys_.front().time) return keys_.front().value;
  const auto after =
      std::upper_bound(keys_.begin(), keys_.end(), time, [](double t, const Key& key) { return t < key.time; });
  const Key& before = *(after - 1);
  const bool held = after == keys_.end() || interpolation == Interpolation::Step || sameTime(before.time, time);
  if (held || std::holds_alternative<std::string>(before.value)) return before.value;
  return blend(before.value, after->value, (time - before.time) / (after->time - before.time));
}

double Curve::integral(double from, double to, std::size_t dimension, Interpolation interpolation) const {
  std::vector<double> stops = {from};
  for (const Key& key : keys_) {
    if (key.time > from && key.time < to) stops.push_back(key.time);
  }
  stops.push_back(to);
  const auto value = [&](double t) { return std::get<std::vector<double>>(at(t, interpolation)).at(dimension); };
  double sum = 0;
  for (std::size_t i = 1; i < stops.size(); ++i) {
    const double middle = value(0.5 * (stops[i - 1] + stops[i]));  // exact: linear or constant in between
    sum += (stops[i] - stops[i - 1]) * middle;
  }
  return sum;
}

void Curve::setKey(double time, ParamValue value) {
  for (Key& key : keys_) {
    if (sameTime(key.time, time)) {
      key.value = std::move(value);
      return;
    }
  }
  const auto place =
      std::lower_bound(keys_.begin(), keys_.end(), time, [](const Key& key, double t) { return key.time < t; });
  keys_.insert(place, Key{time, std::move(value)});
}

bool Curve::deleteKey(double time) {
  const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const Key& key) { return sameTime(key.time, time); });
  if (found == keys_.end()) return false;
  if (keys_.size() == 1) constant_ = found->value;  // the last key leaves its value behind
  keys_.erase(found);
  return true;
}

int Curve::keyIndex(double time, int direction) const {
  int found = -1;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const double distance = keys_[i].time - time;
    const bool here = std::fabs(distance) < kSameTime;
    if (direction == 0 && here) return static_cast<int>(i);
    if (direction < 0 && !here && distance < 0) found = static_cast<int>(i);
    if (direction > 0 && !here && distance > 0) return static_cast<int>(i);
  }
  return found;
}

// ---- parameter

Param::Param(std::string name, std::string type)
    : name_(std::move(name)), type_(std::move(type)), dimension_(dimensionOf(type_)), properties_("Param " + name_) {
  properties_.define(paramProperties(type_, name_));
}

bool Param::isString() const noexcept {
  return type_ == kOfxParamTypeString || type_ == kOfxParamTypeCustom || type_ == kOfxParamTypeStrChoice;
}

bool Param::isWhole() const noexcept {
  return type_ == kOfxParamTypeInteger || type_ == kOfxParamTypeInteger2D || type_ == kOfxParamTypeInteger3D ||
         type_ == kOfxParamTypeBoolean || type_ == kOfxParamTypeChoice;
}

bool Param::hasLimits() const noexcept { return properties_.has(kOfxParamPropMin); }

bool Param::animates() const { return dimension_ != 0 && properties_.getInt(kOfxParamPropAnimates) != 0; }

void Param::initialise(const Param& descriptor, const Personality& personality) {
  instance_ = true;
  properties_.copyValuesFrom(descriptor.properties_);
  if (dimension_ == 0) return;
  const bool integer = type_.rfind(kOfxParamTypeInteger, 0) == 0;
  const bool linear = integer ? personality.integerInterpolation == IntegerInterpolation::Linear : !isWhole();
  interpolation_ = linear && !isString() ? Interpolation::Linear : Interpolation::Step;
  curve_.setConstant(defaultOf(properties_));
}

void Param::copyStateFrom(const Param& other) {
  const SavedParam saved = other.save();
  restore(saved);
  const std::scoped_lock lock(mutex_, other.mutex_);
  interpolation_ = other.interpolation_;
}

SavedParam Param::save() const {
  const std::lock_guard lock(mutex_);
  return {type_, curve_.constant(), curve_.keys()};
}

void Param::restore(const SavedParam& saved) {
  if (saved.type != type_) {
    throw HostError("BadProject", "parameter " + name_ + ": expected " + type_ + ", found " + saved.type);
  }
  if (dimension_ == 0) return;
  const std::lock_guard lock(mutex_);
  curve_.deleteAllKeys();
  curve_.setConstant(fitted(saved.value));
  for (const Key& key : saved.keys) curve_.setKey(key.time, fitted(key.value));
  noteKeys();
}

ParamValue Param::fitted(const ParamValue& value) const {
  if (isString() != std::holds_alternative<std::string>(value)) {
    throw HostError("BadValue", "parameter " + name_ + " is " + type_ + ": the value has another type");
  }
  if (isString()) return value;
  std::vector<double> numbers = std::get<std::vector<double>>(value);
  if (static_cast<int>(numbers.size()) != dimension_) {
    throw HostError("BadValue", "parameter " + name_ + " takes " + std::to_string(dimension_) + " number(s), found " +
                                    std::to_string(numbers.size()));
  }
  for (double& number : numbers) {
    if (isWhole()) number = std::floor(number + 0.5);
  }
  return numbers;
}

double Param::optionNumber(const std::string& label) const {
  const std::vector<std::string> options = properties_.getStrings(kOfxParamPropChoiceOption);
  const auto found = std::find(options.begin(), options.end(), label);
  if (found == options.end()) throw HostError("BadValue", "parameter " + name_ + " has no option " + label);
  return static_cast<double>(found - options.begin());
}

ParamValue Param::parsed(const std::string& text) const {
  if (isString()) return text;
  const bool label = type_ == kOfxParamTypeChoice && text.find_first_not_of("0123456789") != std::string::npos;
  if (label) return std::vector<double>{optionNumber(text)};
  std::vector<double> numbers;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    std::istringstream one(part);
    double number = 0;
    if (!(one >> number) || !one.eof()) {
      throw HostError("BadValue", "parameter " + name_ + ": expected a number, found " + part);
    }
    numbers.push_back(number);
  }
  return numbers;
}

void Param::noteKeys() { properties_.set(kOfxParamPropIsAnimating, curve_.keys().empty() ? 0 : 1); }

ParamValue Param::valueAt(double time) const {
  const std::lock_guard lock(mutex_);
  return fitted(curve_.at(time, interpolation_));
}

void Param::setValue(double now, const ParamValue& value) {
  const std::lock_guard lock(mutex_);
  if (curve_.keys().empty()) {
    curve_.setConstant(fitted(value));
  } else {
    curve_.setKey(now, fitted(value));
  }
}

void Param::setKey(double time, const ParamValue& value) {
  const std::lock_guard lock(mutex_);
  curve_.setKey(time, fitted(value));
  noteKeys();
}

bool Param::deleteKey(double time) {
  const std::lock_guard lock(mutex_);
  const bool found = curve_.deleteKey(time);
  noteKeys();
  return found;
}

void Param::deleteAllKeys() {
  const std::lock_guard lock(mutex_);
  curve_.deleteAllKeys();
  noteKeys();
}

std::vector<Key> Param::keys() const {
  const std::lock_guard lock(mutex_);
  return curve_.keys();
}

int Param::keyIndex(double time, int direction) const {
  const std::lock_guard lock(mutex_);
  return curve_.keyIndex(time, direction);
}

double Param::derivative(double time, std::size_t dimension) const {
  const std::lock_guard lock(mutex_);
  const double step = 1e-3;
  const auto value = [&](double t) {
    return std::get<std::vector<double>>(curve_.at(t, interpolation_)).at(dimension);
  };
  return (value(time + step) - value(time - step)) / (2 * step);
}

double Param::integral(double from, double to, std::size_t dimension) const {
  const std::lock_guard lock(mutex_);
  return curve_.integral(from, to, dimension, interpolation_);
}

void Param::setInterpolation(Interpolation interpolation) {
  const std::lock_guard lock(mutex_);
  interpolation_ = interpolation;
}

char* Param::lendString(double time) {
  const std::lock_guard lock(mutex_);
  const std::string value = std::get<std::string>(curve_.at(time, interpolation_));
  std::unique_ptr<std::string>& kept = lent_[value];
  if (kept == nullptr) kept = std::make_unique<std::string>(value);
  return lend(*kept);
}

// ---- set

ParamSet::ParamSet() : properties_("ParameterSet") { properties_.define(paramSetProperties()); }

Param* ParamSet::named(const std::string& name) const {
  const auto found = byName_.find(name);
  return found == byName_.end() ? nullptr : found->second;
}

Param& ParamSet::add(const std::string& type, const std::string& name) {
  all_.push_back(std::make_unique<Param>(name, type));
  byName_[name] = all_.back().get();
  return *all_.back();
}

void ParamSet::instantiate(const ParamSet& descriptor, const Personality& personality) {
  properties_.copyValuesFrom(descriptor.properties_);
  for (const auto& param : descriptor.all_) add(param->type(), param->name()).initialise(*param, personality);
}

void ParamSet::copyStateFrom(const ParamSet& other) {
  for (const auto& param : all_) param->copyStateFrom(*other.named(param->name()));
}

}  // namespace sparkvsr::host
