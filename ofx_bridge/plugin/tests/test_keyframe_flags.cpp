// SPDX-License-Identifier: Apache-2.0
// Flagging, over a parameter suite made by hand: a host whose keys can be read, and one where they cannot.
#include "keyframe_flags.hpp"

#include <cstdarg>
#include <cstddef>
#include <iterator>
#include <map>

#include "check.hpp"

using namespace sparkvsr;
using namespace sparkvsr::plugin;

namespace {

// A stepped curve: the value of the last key at or before a time, else of the first key.
std::map<double, int> curve;
bool readable = true;
int constant = 0;

OfxStatus getValueAtTime(OfxParamHandle, OfxTime time, ...) {
  va_list rest;
  va_start(rest, time);
  int* value = va_arg(rest, int*);
  va_end(rest);
  auto after = curve.upper_bound(time);
  *value = curve.empty() ? constant : after == curve.begin() ? after->second : std::prev(after)->second;
  return kOfxStatOK;
}

OfxStatus setValueAtTime(OfxParamHandle, OfxTime time, ...) {
  va_list rest;
  va_start(rest, time);
  curve[time] = va_arg(rest, int);
  va_end(rest);
  return kOfxStatOK;
}

OfxStatus getNumKeys(OfxParamHandle, unsigned int* count) {
  *count = static_cast<unsigned int>(curve.size());
  return readable ? kOfxStatOK : kOfxStatErrUnsupported;
}

OfxStatus getKeyTime(OfxParamHandle, unsigned int nth, OfxTime* time) {
  *time = std::next(curve.begin(), static_cast<std::ptrdiff_t>(nth))->first;
  return kOfxStatOK;
}

OfxStatus deleteKey(OfxParamHandle, OfxTime time) { return curve.erase(time) > 0 ? kOfxStatOK : kOfxStatErrBadIndex; }

OfxParameterSuiteV1 makeSuite() {
  OfxParameterSuiteV1 suite{};
  suite.paramGetValueAtTime = getValueAtTime;
  suite.paramSetValueAtTime = setValueAtTime;
  suite.paramGetNumKeys = getNumKeys;
  suite.paramGetKeyTime = getKeyTime;
  suite.paramDeleteKey = deleteKey;
  return suite;
}

const OfxParameterSuiteV1 suite = makeSuite();
int something = 0;
const auto param = reinterpret_cast<OfxParamHandle>(&something);

FrameNumbers flagged() {
  FlagSnapshot snapshot;
  return snapshot.frames(suite, param, 0, 100);
}

void testKeys() {
  readable = true;
  curve = {{1, 1}, {10, 0}, {23.9999, 1}, {48, 1}};
  CHECK(flagged() == FrameNumbers({1, 24, 48}));
  curve = {};
  constant = 1;  // a value without a key flags nothing
  CHECK(flagged().empty());
  constant = 0;
}

void testRises() {
  readable = false;
  curve = {{0, 0}, {24, 1}, {25, 0}, {48, 1}, {49, 1}};
  CHECK(flagged() == FrameNumbers({24, 48}));
}

void testButtons(bool keysAreReadable) {
  readable = keysAreReadable;
  curve = {};
  for (const std::int64_t time : {24, 1, 48}) CHECK(flagFrame(suite, param, time) == kOfxStatOK);
  CHECK(flagged() == FrameNumbers({1, 24, 48}));
  CHECK(unflagFrame(suite, param, 24) == kOfxStatOK);
  CHECK(flagged() == FrameNumbers({1, 48}));
  CHECK(unflagFrame(suite, param, 30) == kOfxStatOK);
  CHECK(flagged() == FrameNumbers({1, 48}));
}

void testSnapshotStands() {
  readable = true;
  curve = {{5, 1}};
  FlagSnapshot snapshot;
  CHECK(snapshot.frames(suite, param, 0, 100) == FrameNumbers{5});
  curve = {{6, 1}};
  CHECK(snapshot.frames(suite, param, 0, 100) == FrameNumbers{5});
  snapshot.refresh(suite, param);
  CHECK(snapshot.frames(suite, param, 0, 100) == FrameNumbers{6});
  CHECK(snapshot.frames(suite, nullptr, 0, 100).empty());
}

}  // namespace

int main() {
  testKeys();
  testRises();
  testButtons(true);
  testButtons(false);
  testSnapshotStands();
  return check::report();
}
