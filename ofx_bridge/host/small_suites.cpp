// SPDX-License-Identifier: Apache-2.0
// The memory, multithread, progress and timeline suites.
#include <ofxMemory.h>
#include <ofxMultiThread.h>
#include <ofxProgress.h>
#include <ofxTimeLine.h>

#include <cstdlib>
#include <thread>

#include "host/effect.hpp"
#include "host/suites.hpp"

namespace sparkvsr::host {
namespace {

// ---- memory

OfxStatus memoryAlloc(void*, size_t count, void** allocated) {
  return guarded("memoryAlloc", [&] {
    HostContext& host = *currentHost();
    void* block = std::malloc(count);
    if (block == nullptr) return static_cast<OfxStatus>(kOfxStatErrMemory);
    const std::lock_guard lock(host.mutex);
    host.memory[block] = count;
    *allocated = block;
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

OfxStatus memoryFree(void* block) {
  return guarded("memoryFree", [&] {
    HostContext& host = *currentHost();
    std::unique_lock lock(host.mutex);
    if (block == nullptr) return static_cast<OfxStatus>(kOfxStatOK);
    const bool known = host.memory.erase(block) != 0;
    lock.unlock();
    if (known) std::free(block);
    if (!known) report("BadHandle", "memoryFree: not a block of memoryAlloc, or freed before");
    return static_cast<OfxStatus>(known ? kOfxStatOK : kOfxStatErrBadHandle);
  });
}

// ---- threads

thread_local unsigned int workerIndex = 0;
thread_local bool isWorker = false;

OfxStatus multiThread(OfxThreadFunctionV1 function, unsigned int count, void* argument) {
  return guarded("multiThread", [&] {
    if (isWorker) return static_cast<OfxStatus>(kOfxStatErrExists);
    if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
    ActionScope* scope = currentScope();
    std::vector<std::thread> workers;
    for (unsigned int i = 0; i < count; ++i) {
      workers.emplace_back([=] {
        const ScopeEntry entry(scope);
        isWorker = true;
        workerIndex = i;
        try {
          function(i, count, argument);
        } catch (...) {
          report("ExceptionEscaped", "out of a function that multiThread called");
        }
      });
    }
    for (std::thread& worker : workers) worker.join();
    return static_cast<OfxStatus>(kOfxStatOK);
  });
}

OfxStatus numCpus(unsigned int* count) {
  return guarded("multiThreadNumCPUs", [&] {
    *count = std::max(1U, std::thread::hardware_concurrency());
    return kOfxStatOK;
  });
}

OfxStatus threadIndex(unsigned int* index) {
  return guarded("multiThreadIndex", [&] {
    *index = workerIndex;
    return isWorker ? kOfxStatOK : kOfxStatFailed;
  });
}

int isSpawnedThread() { return isWorker ? 1 : 0; }

struct HostMutex : public Handled<HostMutex, HandleKind::Mutex> {
  std::recursive_mutex mutex;
};

template <typename Body>
OfxStatus withMutex(const char* function, OfxMutexHandle handle, Body&& body) noexcept {
  return guarded(function, [&] {
    HostMutex* mutex = HostMutex::find(handle);
    if (mutex == nullptr) {
      report("BadHandle", std::string(function) + ": this mutex does not exist (any more)");
      return static_cast<OfxStatus>(kOfxStatErrBadHandle);
    }
    return static_cast<OfxStatus>(body(*mutex));
  });
}

OfxStatus mutexCreate(OfxMutexHandle* mutex, int lockCount) {
  return guarded("mutexCreate", [&] {
    auto made = std::make_unique<HostMutex>();
    for (int i = 0; i < lockCount; ++i) made->mutex.lock();
    ++currentHost()->mutexes;
    *mutex = made.release()->as<OfxMutexHandle>();
    return kOfxStatOK;
  });
}

OfxStatus mutexDestroy(OfxMutexHandle handle) {
  return withMutex("mutexDestroy", handle, [](HostMutex& mutex) {
    --currentHost()->mutexes;
    delete &mutex;
    return kOfxStatOK;
  });
}

OfxStatus mutexLock(OfxMutexHandle handle) {
  return withMutex("mutexLock", handle, [](HostMutex& mutex) {
    mutex.mutex.lock();
    return kOfxStatOK;
  });
}

OfxStatus mutexUnLock(OfxMutexHandle handle) {
  return withMutex("mutexUnLock", handle, [](HostMutex& mutex) {
    mutex.mutex.unlock();
    return kOfxStatOK;
  });
}

OfxStatus mutexTryLock(OfxMutexHandle handle) {
  return withMutex("mutexTryLock", handle,
                   [](HostMutex& mutex) { return mutex.mutex.try_lock() ? kOfxStatOK : kOfxStatFailed; });
}

// ---- progress and timeline

template <typename Body>
OfxStatus withInstance(const char* function, void* handle, Body&& body) noexcept {
  return guarded(function, [&] {
    Effect* effect = Effect::find(handle);
    if (effect == nullptr || !effect->isInstance()) {
      report("BadHandle", std::string(function) + ": not a living instance");
      return static_cast<OfxStatus>(kOfxStatErrBadHandle);
    }
    return static_cast<OfxStatus>(body(*effect));
  });
}

/// A progress dialog is modal in many hosts: only actions of the artist may open one.
void checkProgressAllowed() {
  const ActionScope* scope = currentScope();
  if (scope != nullptr && scope->action == kOfxImageEffectActionRender) {
    report("ProgressInRender", "the progress suite was used while rendering");
  }
}

/// One bar at a time, within one action: `change` is 1 at its start, 0 meanwhile, -1 at its end.
void countProgress(int change) {
  ActionScope* scope = currentScope();
  if (scope == nullptr) return;
  const std::lock_guard lock(scope->mutex);
  const bool expected = scope->progressOpen == (change > 0 ? 0 : 1);
  if (!expected) report("BadProgress", change > 0 ? "a second bar was started" : "no bar is open");
  if (expected) scope->progressOpen += change;
}

OfxStatus noteProgress(Effect& effect, const char* kind, double fraction, const char* text) {
  Record& record = effect.record();
  const std::lock_guard lock(record.mutex);
  record.progress.push_back({kind, fraction, text != nullptr ? text : ""});
  return kOfxStatOK;
}

OfxStatus progressStart(void* handle, const char* label) {
  return withInstance("progressStart", handle, [&](Effect& effect) {
    checkProgressAllowed();
    countProgress(1);
    return noteProgress(effect, "start", 0, label);
  });
}

OfxStatus progressStartV2(void* handle, const char* message, const char*) { return progressStart(handle, message); }

OfxStatus progressUpdate(void* handle, double fraction) {
  return withInstance("progressUpdate", handle, [&](Effect& effect) {
    if (!(fraction >= 0 && fraction <= 1)) report("BadProgress", "progress " + std::to_string(fraction));
    countProgress(0);
    noteProgress(effect, "update", fraction, "");
    return effect.record().cancelProgress.load() ? kOfxStatReplyNo : kOfxStatOK;
  });
}

OfxStatus progressEnd(void* handle) {
  return withInstance("progressEnd", handle, [](Effect& effect) {
    countProgress(-1);
    return noteProgress(effect, "end", 1, "");
  });
}

OfxStatus getTime(void* handle, double* time) {
  return withInstance("getTime", handle, [&](Effect& effect) {
    if (effect.host().personality.timelineUnsupported) return kOfxStatErrUnsupported;
    const ActionScope* scope = currentScope();
    *time = scope != nullptr ? scope->now : 0;
    return kOfxStatOK;
  });
}

OfxStatus gotoTime(void* handle, double time) {
  return withInstance("gotoTime", handle, [&](Effect& effect) {
    if (effect.host().personality.timelineUnsupported) return kOfxStatErrUnsupported;
    const std::lock_guard lock(effect.record().mutex);
    effect.record().gotoTimes.push_back(time);
    return kOfxStatOK;
  });
}

OfxStatus getTimeBounds(void* handle, double* first, double* last) {
  return withInstance("getTimeBounds", handle, [&](Effect& effect) {
    const Clip* source = effect.clip(kOfxImageEffectSimpleSourceClipName);
    const bool unknown = source == nullptr || source->input() == nullptr;
    if (unknown || effect.host().personality.timelineUnsupported) return kOfxStatErrUnsupported;
    *first = source->input()->first - effect.timeOffset();
    *last = source->input()->last - effect.timeOffset();
    return kOfxStatOK;
  });
}

const OfxMemorySuiteV1 kMemory = {memoryAlloc, memoryFree};
const OfxMultiThreadSuiteV1 kMultiThread = {multiThread,  numCpus,   threadIndex, isSpawnedThread, mutexCreate,
                                            mutexDestroy, mutexLock, mutexUnLock, mutexTryLock};
const OfxProgressSuiteV1 kProgressV1 = {progressStart, progressUpdate, progressEnd};
const OfxProgressSuiteV2 kProgressV2 = {progressStartV2, progressUpdate, progressEnd};
const OfxTimeLineSuiteV1 kTimeLine = {getTime, gotoTime, getTimeBounds};

}  // namespace

const void* memorySuite() { return &kMemory; }
const void* multiThreadSuite() { return &kMultiThread; }
const void* progressSuiteV1() { return &kProgressV1; }
const void* progressSuiteV2() { return &kProgressV2; }
const void* timeLineSuite() { return &kTimeLine; }

}  // namespace sparkvsr::host
