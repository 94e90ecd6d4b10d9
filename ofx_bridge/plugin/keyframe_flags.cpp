// SPDX-License-Identifier: Apache-2.0
#include "keyframe_flags.hpp"

#include <algorithm>

namespace sparkvsr::plugin {
namespace {

int flagAt(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe, double time) {
  int value = 0;
  return suite.paramGetValueAtTime(keyframe, time, &value) == kOfxStatOK ? value : 0;
}

OfxStatus writeFlag(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe, std::int64_t time, int value) {
  return suite.paramSetValueAtTime(keyframe, static_cast<double>(time), value);
}

/// Where only values count, a flag is a rise: its neighbours must be 0 (unless they are flags themselves).
void writeNeighbours(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe, std::int64_t time) {
  for (const std::int64_t neighbour : {time - 1, time + 1}) {
    if (flagAt(suite, keyframe, static_cast<double>(neighbour)) == 0) writeFlag(suite, keyframe, neighbour, 0);
  }
}

}  // namespace

std::optional<FrameNumbers> readFlagKeys(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe) {
  unsigned int count = 0;
  if (keyframe == nullptr || suite.paramGetNumKeys(keyframe, &count) != kOfxStatOK) return std::nullopt;
  FrameNumbers frames;
  for (unsigned int n = 0; n < count; ++n) {
    double time = 0;
    if (suite.paramGetKeyTime(keyframe, n, &time) != kOfxStatOK) return std::nullopt;
    if (flagAt(suite, keyframe, time) == 1) frames.push_back(nearestFrame(time));
  }
  std::sort(frames.begin(), frames.end());
  frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
  return frames;
}

FrameNumbers sampleRises(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe, std::int64_t first,
                         std::int64_t last) {
  FrameNumbers frames;
  int before = flagAt(suite, keyframe, static_cast<double>(first - 1));
  for (std::int64_t time = first; time <= last; ++time) {
    const int now = flagAt(suite, keyframe, static_cast<double>(time));
    if (before == 0 && now == 1) frames.push_back(time);
    before = now;
  }
  return frames;
}

void FlagSnapshot::refresh(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe) {
  auto keys = readFlagKeys(suite, keyframe);
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
  taken_ = true;
}

FrameNumbers FlagSnapshot::frames(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe, std::int64_t first,
                                  std::int64_t last) {
  if (keyframe == nullptr) return {};
  {
    const std::lock_guard lock(mutex_);
    if (taken_ && keys_) return *keys_;
    if (!taken_) keys_ = readFlagKeys(suite, keyframe);
    taken_ = true;
    if (keys_) return *keys_;
  }
  return sampleRises(suite, keyframe, first, last);
}

OfxStatus flagFrame(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe, std::int64_t time) {
  if (keyframe == nullptr) return kOfxStatErrBadHandle;
  if (!readFlagKeys(suite, keyframe)) writeNeighbours(suite, keyframe, time);
  return writeFlag(suite, keyframe, time, 1);
}

OfxStatus unflagFrame(const OfxParameterSuiteV1& suite, OfxParamHandle keyframe, std::int64_t time) {
  if (keyframe == nullptr) return kOfxStatErrBadHandle;
  const OfxStatus deleted = suite.paramDeleteKey(keyframe, static_cast<double>(time));
  if (flagAt(suite, keyframe, static_cast<double>(time)) == 0) return kOfxStatOK;
  // Without its key the neighbours' values may still give a 1 here, which counts only where keys cannot be read.
  if (deleted == kOfxStatOK && readFlagKeys(suite, keyframe)) return kOfxStatOK;
  return writeFlag(suite, keyframe, time, 0);
}

}  // namespace sparkvsr::plugin
