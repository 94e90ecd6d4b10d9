// SPDX-License-Identifier: Apache-2.0
// The parameter suite, version 1.
#include <ofxImageEffect.h>
#include <ofxParam.h>

#include <cstdarg>

#include "host/context.hpp"
#include "host/param.hpp"
#include "host/property_catalog.hpp"

namespace sparkvsr::host {
namespace {

const Personality& traits() { return currentHost()->personality; }

std::string currentAction() {
  const ActionScope* scope = currentScope();
  return scope != nullptr ? scope->action : std::string();
}

/// The time that "now" means inside this action.
double now() {
  const ActionScope* scope = currentScope();
  if (scope == nullptr) return 0;
  return scope->time.value_or(scope->now);
}

/// Hosts that push values before each frame know no other time.
double asked(double time) {
  const ActionScope* scope = currentScope();
  const bool pushed = scope != nullptr && scope->pushedValues;
  return pushed ? now() : time;
}

template <typename Body>
OfxStatus withParam(const char* function, OfxParamHandle handle, Body&& body) noexcept {
  return guarded(function, [&] {
    Param* param = Param::find(handle);
    if (param == nullptr) {
      report("BadHandle", std::string(function) + ": this parameter does not exist (any more)");
      return static_cast<OfxStatus>(kOfxStatErrBadHandle);
    }
    return body(*param);
  });
}

/// The same for parameters that have a value.
template <typename Body>
OfxStatus withValue(const char* function, OfxParamHandle handle, Body&& body) noexcept {
  return withParam(function, handle, [&](Param& param) {
    if (!param.isInstance() || param.dimension() == 0) {
      report("ParamHasNoValue",
             std::string(function) + ": " + param.name() + " (" + param.type() + ") has no value here");
      return static_cast<OfxStatus>(kOfxStatErrBadHandle);
    }
    return body(param);
  });
}

template <typename Body>
OfxStatus withParamSet(const char* function, OfxParamSetHandle handle, Body&& body) noexcept {
  return guarded(function, [&] {
    ParamSet* set = ParamSet::find(handle);
    if (set == nullptr) {
      report("BadHandle", std::string(function) + ": this parameter set does not exist (any more)");
      return static_cast<OfxStatus>(kOfxStatErrBadHandle);
    }
    return body(*set);
  });
}

// ---- definition and access

OfxStatus refuseDefinition(ParamSet& set, const std::string& type, const std::string& name) {
  const std::string action = currentAction();
  if (action != kOfxActionDescribe && action != kOfxImageEffectActionDescribeInContext) {
    report("ParamDefinedLate", name + " was defined outside of the describe actions");
    return kOfxStatErrUnsupported;
  }
  if (set.named(name) != nullptr) {
    if (traits().refusesDuplicateParams) report("DuplicateParam", name + " was defined twice");
    return kOfxStatErrExists;
  }
  if (!isKnownParamType(type)) {
    if (traits().refusedParamTypes.count(type) == 0) report("UnknownParamType", name + " has the type " + type);
    return kOfxStatErrUnknown;
  }
  return traits().refusedParamTypes.count(type) != 0 ? kOfxStatErrUnsupported : kOfxStatOK;
}

OfxStatus define(OfxParamSetHandle handle, const char* type, const char* name, OfxPropertySetHandle* properties) {
  return withParamSet("paramDefine", handle, [&](ParamSet& set) {
    const OfxStatus status = refuseDefinition(set, type, name);
    if (status != kOfxStatOK) return status;
    Param& param = set.add(type, name);
    if (properties != nullptr) *properties = param.properties().as<OfxPropertySetHandle>();
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

OfxStatus getHandle(OfxParamSetHandle handle, const char* name, OfxParamHandle* result,
                    OfxPropertySetHandle* properties) {
  return withParamSet("paramGetHandle", handle, [&](ParamSet& set) {
    Param* param = set.named(name != nullptr ? name : "");
    if (param == nullptr) {
      if (traits().checksUnknownProperties) report("UnknownParam", std::string("no parameter ") + name);
      return static_cast<OfxStatus>(kOfxStatErrUnknown);
    }
    if (result != nullptr) *result = param->as<OfxParamHandle>();
    if (properties != nullptr) *properties = param->properties().as<OfxPropertySetHandle>();
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

OfxStatus setProperties(OfxParamSetHandle handle, OfxPropertySetHandle* properties) {
  return withParamSet("paramSetGetPropertySet", handle, [&](ParamSet& set) {
    *properties = set.properties().as<OfxPropertySetHandle>();
    return kOfxStatOK;
  });
}

OfxStatus paramProperties(OfxParamHandle handle, OfxPropertySetHandle* properties) {
  return withParam("paramGetPropertySet", handle, [&](Param& param) {
    *properties = param.properties().as<OfxPropertySetHandle>();
    return kOfxStatOK;
  });
}

// ---- reading

/// Puts numbers into the pointers of an argument list, as int or double as the type says.
void store(const Param& param, const std::vector<double>& numbers, va_list arguments) {
  for (const double number : numbers) {
    if (param.isWhole()) {
      *va_arg(arguments, int*) = static_cast<int>(number);
    } else {
      *va_arg(arguments, double*) = number;
    }
  }
}

OfxStatus readValue(const char* function, OfxParamHandle handle, const double* time, va_list arguments) noexcept {
  return withValue(function, handle, [&](Param& param) {
    const double when = time != nullptr ? asked(*time) : now();
    if (param.isString()) {
      expireLentStrings();
      *va_arg(arguments, char**) = param.lendString(when);
    } else {
      store(param, std::get<std::vector<double>>(param.valueAt(when)), arguments);
    }
    return kOfxStatOK;
  });
}

OfxStatus getValue(OfxParamHandle handle, ...) {
  va_list arguments;
  va_start(arguments, handle);
  const OfxStatus status = readValue("paramGetValue", handle, nullptr, arguments);
  va_end(arguments);
  return status;
}

OfxStatus getValueAtTime(OfxParamHandle handle, OfxTime time, ...) {
  va_list arguments;
  va_start(arguments, time);
  const OfxStatus status = readValue("paramGetValueAtTime", handle, &time, arguments);
  va_end(arguments);
  return status;
}

template <typename Number>
OfxStatus readNumbers(const char* function, OfxParamHandle handle, va_list arguments, Number&& number) noexcept {
  return withValue(function, handle, [&](Param& param) {
    if (param.isString() || param.isWhole()) return static_cast<OfxStatus>(kOfxStatErrUnsupported);
    for (int i = 0; i < param.dimension(); ++i) {
      *va_arg(arguments, double*) = number(param, static_cast<std::size_t>(i));
    }
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

OfxStatus getDerivative(OfxParamHandle handle, OfxTime time, ...) {
  va_list arguments;
  va_start(arguments, time);
  const OfxStatus status = readNumbers("paramGetDerivative", handle, arguments,
                                       [&](const Param& param, std::size_t i) { return param.derivative(time, i); });
  va_end(arguments);
  return status;
}

OfxStatus getIntegral(OfxParamHandle handle, OfxTime from, OfxTime to, ...) {
  va_list arguments;
  va_start(arguments, to);
  const OfxStatus status = readNumbers("paramGetIntegral", handle, arguments,
                                       [&](const Param& param, std::size_t i) { return param.integral(from, to, i); });
  va_end(arguments);
  return status;
}

// ---- writing

bool writesAreExpected(const std::string& action) {
  return action == kOfxActionCreateInstance || action == kOfxActionInstanceChanged ||
         action == kOfxActionBeginInstanceChanged || action == kOfxActionEndInstanceChanged ||
         action == kOfxActionSyncPrivateData || action == kOfxActionBeginInstanceEdit ||
         action == kOfxActionEndInstanceEdit;
}

bool isRenderAction(const std::string& action) {
  return action == kOfxImageEffectActionRender || action == kOfxImageEffectActionBeginSequenceRender ||
         action == kOfxImageEffectActionEndSequenceRender;
}

/// Whether this host takes a write to a parameter now.
OfxStatus refuseWrite(const Param& param) {
  const std::string action = currentAction();
  if (traits().refusesWritesInRender && isRenderAction(action)) {
    report("ParamWrittenInRender", param.name() + " was written while rendering");
    return kOfxStatErrUnsupported;
  }
  if (traits().checksParamWrites && !writesAreExpected(action)) {
    report("ParamWrittenInAction", param.name() + " was written outside of the actions that may write");
  }
  return kOfxStatOK;
}

void noteWrite(const Param& param) {
  ActionScope* scope = currentScope();
  if (scope == nullptr) return;
  const std::lock_guard lock(scope->mutex);
  scope->written.insert(param.name());
}

ParamValue argumentsOf(const Param& param, va_list arguments) {
  if (param.isString()) {
    const char* text = va_arg(arguments, const char*);
    if (text == nullptr) report("NullArgument", "NULL string for parameter " + param.name());
    return std::string(text != nullptr ? text : "");
  }
  std::vector<double> numbers;
  for (int i = 0; i < param.dimension(); ++i) {
    numbers.push_back(param.isWhole() ? va_arg(arguments, int) : va_arg(arguments, double));
  }
  return numbers;
}

template <typename Body>
OfxStatus writeValue(const char* function, OfxParamHandle handle, Body&& body) noexcept {
  return withValue(function, handle, [&](Param& param) {
    expireLentStrings();
    const OfxStatus status = refuseWrite(param);
    if (status != kOfxStatOK) return status;
    const OfxStatus done = body(param);
    if (done == kOfxStatOK) noteWrite(param);
    return done;
  });
}

OfxStatus setValue(OfxParamHandle handle, ...) {
  va_list arguments;
  va_start(arguments, handle);
  const OfxStatus status = writeValue("paramSetValue", handle, [&](Param& param) {
    param.setValue(now(), argumentsOf(param, arguments));
    return static_cast<OfxStatus>(kOfxStatOK);
  });
  va_end(arguments);
  return status;
}

OfxStatus keysRefused(const Param& param) {
  if (!traits().keysReadable) return kOfxStatErrUnsupported;
  if (param.animates()) return kOfxStatOK;
  report("ParamDoesNotAnimate", "a key was written on " + param.name() + ", which does not animate");
  return kOfxStatErrUnsupported;
}

OfxStatus setValueAtTime(OfxParamHandle handle, OfxTime time, ...) {
  va_list arguments;
  va_start(arguments, time);
  const OfxStatus status = writeValue("paramSetValueAtTime", handle, [&](Param& param) {
    const OfxStatus refused = keysRefused(param);
    if (refused == kOfxStatOK) param.setKey(time, argumentsOf(param, arguments));
    return refused;
  });
  va_end(arguments);
  return status;
}

// ---- keys

OfxStatus getNumKeys(OfxParamHandle handle, unsigned int* count) {
  return withValue("paramGetNumKeys", handle, [&](Param& param) {
    *count = traits().keysReadable ? static_cast<unsigned int>(param.keys().size()) : 0;
    return kOfxStatOK;
  });
}

OfxStatus getKeyTime(OfxParamHandle handle, unsigned int nth, OfxTime* time) {
  return withValue("paramGetKeyTime", handle, [&](Param& param) {
    if (!traits().keysReadable) return static_cast<OfxStatus>(kOfxStatErrUnsupported);
    const std::vector<Key> keys = param.keys();
    if (nth >= keys.size()) return static_cast<OfxStatus>(kOfxStatErrBadIndex);
    *time = keys[nth].time;
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

OfxStatus getKeyIndex(OfxParamHandle handle, OfxTime time, int direction, int* index) {
  return withValue("paramGetKeyIndex", handle, [&](Param& param) {
    if (!traits().keysReadable) return static_cast<OfxStatus>(kOfxStatErrUnsupported);
    *index = param.keyIndex(time, direction);
    return static_cast<OfxStatus>(*index < 0 ? kOfxStatFailed : kOfxStatOK);
  });
}

OfxStatus deleteKey(OfxParamHandle handle, OfxTime time) {
  return writeValue("paramDeleteKey", handle, [&](Param& param) {
    if (!traits().keysReadable) return static_cast<OfxStatus>(kOfxStatErrUnsupported);
    return static_cast<OfxStatus>(param.deleteKey(time) ? kOfxStatOK : kOfxStatErrBadIndex);
  });
}

OfxStatus deleteAllKeys(OfxParamHandle handle) {
  return writeValue("paramDeleteAllKeys", handle, [&](Param& param) {
    if (!traits().keysReadable) return static_cast<OfxStatus>(kOfxStatErrUnsupported);
    param.deleteAllKeys();
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

void copyKeys(Param& to, const Param& from, double offset, const OfxRangeD* range) {
  const SavedParam saved = from.save();
  if (saved.keys.empty()) to.setValue(now(), saved.value);
  for (const Key& key : saved.keys) {
    if (range == nullptr || (key.time >= range->min && key.time <= range->max)) to.setKey(key.time + offset, key.value);
  }
}

OfxStatus copy(OfxParamHandle to, OfxParamHandle from, OfxTime offset, const OfxRangeD* range) {
  return writeValue("paramCopy", to, [&](Param& target) {
    const Param* source = Param::find(from);
    if (source == nullptr || source->type() != target.type()) return static_cast<OfxStatus>(kOfxStatErrBadHandle);
    if (!traits().paramCopyIgnored) copyKeys(target, *source, offset, range);
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

OfxStatus editBegin(OfxParamSetHandle handle, const char*) {
  return withParamSet("paramEditBegin", handle, [&](ParamSet&) {
    const bool creating = currentAction() == kOfxActionCreateInstance;
    if (creating && traits().refusesEditBlockInCreate) report("WouldCrashHost", "paramEditBegin in CreateInstance");
    return kOfxStatOK;
  });
}

OfxStatus editEnd(OfxParamSetHandle handle) {
  return withParamSet("paramEditEnd", handle, [](ParamSet&) { return kOfxStatOK; });
}

const OfxParameterSuiteV1 kSuite = {define,         getHandle,     setProperties, paramProperties, getValue,
                                    getValueAtTime, getDerivative, getIntegral,   setValue,        setValueAtTime,
                                    getNumKeys,     getKeyTime,    getKeyIndex,   deleteKey,       deleteAllKeys,
                                    copy,           editBegin,     editEnd};

}  // namespace

const void* parameterSuite() { return &kSuite; }

}  // namespace sparkvsr::host
