// SPDX-License-Identifier: Apache-2.0
#include "host/suites.hpp"

#include <ofxImageEffect.h>
#include <ofxMemory.h>
#include <ofxMessage.h>
#include <ofxMultiThread.h>
#include <ofxParam.h>
#include <ofxProgress.h>
#include <ofxProperty.h>
#include <ofxTimeLine.h>

#include <algorithm>
#include <cstring>

#include "host/effect.hpp"
#include "host/errors.hpp"
#include "host/param.hpp"
#include "host/property_set.hpp"

namespace sparkvsr::host {
namespace {

using Function = void (*)();

/// A suite: its table and the names of its members in order.
struct SuiteEntry {
  const char* name;
  int version;
  const void* table;
  std::size_t bytes;
  std::vector<const char*> members;
};

const std::vector<SuiteEntry>& entries() {
  static const std::vector<SuiteEntry> all = {
      {kOfxPropertySuite,
       1,
       propertySuite(),
       sizeof(OfxPropertySuiteV1),
       {"propSetPointer", "propSetString", "propSetDouble", "propSetInt", "propSetPointerN", "propSetStringN",
        "propSetDoubleN", "propSetIntN", "propGetPointer", "propGetString", "propGetDouble", "propGetInt",
        "propGetPointerN", "propGetStringN", "propGetDoubleN", "propGetIntN", "propReset", "propGetDimension"}},
      {kOfxImageEffectSuite,
       1,
       imageEffectSuite(),
       sizeof(OfxImageEffectSuiteV1),
       {"getPropertySet", "getParamSet", "clipDefine", "clipGetHandle", "clipGetPropertySet", "clipGetImage",
        "clipReleaseImage", "clipGetRegionOfDefinition", "abort", "imageMemoryAlloc", "imageMemoryFree",
        "imageMemoryLock", "imageMemoryUnlock"}},
      {kOfxParameterSuite,
       1,
       parameterSuite(),
       sizeof(OfxParameterSuiteV1),
       {"paramDefine", "paramGetHandle", "paramSetGetPropertySet", "paramGetPropertySet", "paramGetValue",
        "paramGetValueAtTime", "paramGetDerivative", "paramGetIntegral", "paramSetValue", "paramSetValueAtTime",
        "paramGetNumKeys", "paramGetKeyTime", "paramGetKeyIndex", "paramDeleteKey", "paramDeleteAllKeys", "paramCopy",
        "paramEditBegin", "paramEditEnd"}},
      {kOfxMemorySuite, 1, memorySuite(), sizeof(OfxMemorySuiteV1), {"memoryAlloc", "memoryFree"}},
      {kOfxMultiThreadSuite,
       1,
       multiThreadSuite(),
       sizeof(OfxMultiThreadSuiteV1),
       {"multiThread", "multiThreadNumCPUs", "multiThreadIndex", "multiThreadIsSpawnedThread", "mutexCreate",
        "mutexDestroy", "mutexLock", "mutexUnLock", "mutexTryLock"}},
      {kOfxMessageSuite, 1, messageSuiteV1(), sizeof(OfxMessageSuiteV1), {"message"}},
      {kOfxMessageSuite,
       2,
       messageSuiteV2(),
       sizeof(OfxMessageSuiteV2),
       {"message", "setPersistentMessage", "clearPersistentMessage"}},
      {kOfxProgressSuite,
       1,
       progressSuiteV1(),
       sizeof(OfxProgressSuiteV1),
       {"progressStart", "progressUpdate", "progressEnd"}},
      {kOfxProgressSuite,
       2,
       progressSuiteV2(),
       sizeof(OfxProgressSuiteV2),
       {"progressStart", "progressUpdate", "progressEnd"}},
      {kOfxTimeLineSuite, 1, timeLineSuite(), sizeof(OfxTimeLineSuiteV1), {"getTime", "gotoTime", "getTimeBounds"}},
  };
  return all;
}

bool isHole(const SuiteEntry& entry, const char* member, const Personality& personality, const Faults& faults) {
  const bool nullMessages = personality.messagesV2 == MessagesV2::NullMembers && entry.version == 2 &&
                            std::strcmp(entry.name, kOfxMessageSuite) == 0;
  return faults.nullFunctions.count(member) != 0 || (nullMessages && std::strcmp(member, "message") != 0);
}

bool isOffered(const SuiteEntry& entry, const Personality& personality, const Faults& faults) {
  const bool messagesV2 = entry.version == 2 && std::strcmp(entry.name, kOfxMessageSuite) == 0;
  if (messagesV2 && personality.messagesV2 == MessagesV2::Absent) return false;
  return faults.missingSuites.count(std::string(entry.name) + "/" + std::to_string(entry.version)) == 0;
}

bool isMember(const std::string& function) {
  return std::any_of(entries().begin(), entries().end(), [&](const SuiteEntry& entry) {
    return std::find(entry.members.begin(), entry.members.end(), function) != entry.members.end();
  });
}

void checkFaults(const Faults& faults) {
  for (const std::string& name : faults.nullFunctions) {
    if (!isMember(name)) throw HostError("BadFault", "no suite has a function " + name);
  }
  for (const auto& [name, fault] : faults.failing) {
    if (!isMember(name)) throw HostError("BadFault", "no suite has a function " + name);
  }
  for (const std::string& suite : faults.missingSuites) {
    const bool known = std::any_of(entries().begin(), entries().end(), [&](const SuiteEntry& entry) {
      return suite == std::string(entry.name) + "/" + std::to_string(entry.version);
    });
    if (!known) throw HostError("BadFault", "expected a suite as Name/version, found " + suite);
  }
}

}  // namespace

Suites::Suites(const Personality& personality, const Faults& faults) {
  checkFaults(faults);
  for (const SuiteEntry& entry : entries()) {
    if (!isOffered(entry, personality, faults)) continue;
    if (entry.bytes != entry.members.size() * sizeof(Function)) throw std::logic_error(entry.name);
    Table table(entry.members.size());
    std::memcpy(table.data(), entry.table, entry.bytes);
    for (std::size_t i = 0; i < table.size(); ++i) {
      if (isHole(entry, entry.members[i], personality, faults)) table[i] = nullptr;
    }
    tables_.emplace(std::pair(entry.name, entry.version), std::move(table));
  }
}

const void* Suites::fetch(const std::string& name, int version) const {
  const auto found = tables_.find({name, version});
  return found == tables_.end() ? nullptr : found->second.data();
}

}  // namespace sparkvsr::host
