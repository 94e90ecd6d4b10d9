// SPDX-License-Identifier: Apache-2.0
// Checks that the OpenFX headers in force, ours or the SDK's, describe the binary interface that hosts were built with.
// Included by a C and by a C++ file; nothing is compiled into the plugin.
#ifndef SPARKVSR_OFX_ABI_H
#define SPARKVSR_OFX_ABI_H

#include <ofxCore.h>
#include <ofxGPURender.h>
#include <ofxImageEffect.h>
#include <ofxMemory.h>
#include <ofxMessage.h>
#include <ofxMultiThread.h>
#include <ofxParam.h>
#include <ofxProgress.h>
#include <ofxProperty.h>
#include <ofxTimeLine.h>
#include <stddef.h>

#ifdef __cplusplus
#define OFX_ABI_ASSERT(condition, text) static_assert(condition, text)
#else
#define OFX_ABI_ASSERT(condition, text) _Static_assert(condition, text)
#endif

// A suite is a table of function pointers: its size is their number, and each has its place.
#define OFX_ABI_SUITE(suite, members) \
  OFX_ABI_ASSERT(sizeof(suite) == (members) * sizeof(void*), #suite " has " #members " members")
#define OFX_ABI_MEMBER(suite, member, place) \
  OFX_ABI_ASSERT(offsetof(suite, member) == (place) * sizeof(void*), #suite "." #member " is no. " #place)

// Plain types and records.
OFX_ABI_ASSERT(sizeof(OfxStatus) == sizeof(int), "OfxStatus is an int");
OFX_ABI_ASSERT(sizeof(OfxTime) == sizeof(double), "OfxTime is a double");
OFX_ABI_ASSERT(sizeof(OfxPropertySetHandle) == sizeof(void*), "handles are pointers");
OFX_ABI_ASSERT(sizeof(OfxRangeD) == 2 * sizeof(double) && sizeof(OfxRangeI) == 2 * sizeof(int), "ranges");
OFX_ABI_ASSERT(sizeof(OfxPointD) == 2 * sizeof(double) && sizeof(OfxPointI) == 2 * sizeof(int), "points");
OFX_ABI_ASSERT(sizeof(OfxRectD) == 4 * sizeof(double) && sizeof(OfxRectI) == 4 * sizeof(int), "rectangles");
OFX_ABI_ASSERT(offsetof(OfxRectI, x1) == 0 && offsetof(OfxRectI, y1) == 4, "OfxRectI begins x1, y1");
OFX_ABI_ASSERT(offsetof(OfxRectI, x2) == 8 && offsetof(OfxRectI, y2) == 12, "OfxRectI ends x2, y2");
OFX_ABI_ASSERT(offsetof(OfxRectD, x1) == 0 && offsetof(OfxRectD, y1) == 8, "OfxRectD begins x1, y1");
OFX_ABI_ASSERT(offsetof(OfxRectD, x2) == 16 && offsetof(OfxRectD, y2) == 24, "OfxRectD ends x2, y2");

OFX_ABI_SUITE(OfxHost, 2);
OFX_ABI_MEMBER(OfxHost, host, 0);
OFX_ABI_MEMBER(OfxHost, fetchSuite, 1);

#if defined(__LP64__) || defined(_WIN64)
// Two pairs of 32-bit numbers lie among pointers, so the record is 6 words long where a word is 64 bits.
OFX_ABI_ASSERT(sizeof(OfxPlugin) == 48, "size of OfxPlugin");
OFX_ABI_ASSERT(offsetof(OfxPlugin, pluginApi) == 0, "OfxPlugin.pluginApi");
OFX_ABI_ASSERT(offsetof(OfxPlugin, apiVersion) == 8, "OfxPlugin.apiVersion");
OFX_ABI_ASSERT(offsetof(OfxPlugin, pluginIdentifier) == 16, "OfxPlugin.pluginIdentifier");
OFX_ABI_ASSERT(offsetof(OfxPlugin, pluginVersionMajor) == 24, "OfxPlugin.pluginVersionMajor");
OFX_ABI_ASSERT(offsetof(OfxPlugin, pluginVersionMinor) == 28, "OfxPlugin.pluginVersionMinor");
OFX_ABI_ASSERT(offsetof(OfxPlugin, setHost) == 32, "OfxPlugin.setHost");
OFX_ABI_ASSERT(offsetof(OfxPlugin, mainEntry) == 40, "OfxPlugin.mainEntry");
#endif

OFX_ABI_SUITE(OfxPropertySuiteV1, 18);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propSetPointer, 0);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propSetString, 1);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propSetDouble, 2);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propSetInt, 3);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propSetPointerN, 4);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propSetStringN, 5);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propSetDoubleN, 6);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propSetIntN, 7);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propGetPointer, 8);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propGetString, 9);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propGetDouble, 10);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propGetInt, 11);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propGetPointerN, 12);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propGetStringN, 13);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propGetDoubleN, 14);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propGetIntN, 15);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propReset, 16);
OFX_ABI_MEMBER(OfxPropertySuiteV1, propGetDimension, 17);

OFX_ABI_SUITE(OfxImageEffectSuiteV1, 13);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, getPropertySet, 0);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, getParamSet, 1);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, clipDefine, 2);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, clipGetHandle, 3);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, clipGetPropertySet, 4);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, clipGetImage, 5);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, clipReleaseImage, 6);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, clipGetRegionOfDefinition, 7);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, abort, 8);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, imageMemoryAlloc, 9);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, imageMemoryFree, 10);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, imageMemoryLock, 11);
OFX_ABI_MEMBER(OfxImageEffectSuiteV1, imageMemoryUnlock, 12);

OFX_ABI_SUITE(OfxParameterSuiteV1, 18);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramDefine, 0);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramGetHandle, 1);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramSetGetPropertySet, 2);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramGetPropertySet, 3);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramGetValue, 4);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramGetValueAtTime, 5);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramGetDerivative, 6);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramGetIntegral, 7);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramSetValue, 8);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramSetValueAtTime, 9);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramGetNumKeys, 10);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramGetKeyTime, 11);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramGetKeyIndex, 12);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramDeleteKey, 13);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramDeleteAllKeys, 14);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramCopy, 15);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramEditBegin, 16);
OFX_ABI_MEMBER(OfxParameterSuiteV1, paramEditEnd, 17);

OFX_ABI_SUITE(OfxMemorySuiteV1, 2);
OFX_ABI_MEMBER(OfxMemorySuiteV1, memoryAlloc, 0);
OFX_ABI_MEMBER(OfxMemorySuiteV1, memoryFree, 1);

OFX_ABI_SUITE(OfxMultiThreadSuiteV1, 9);
OFX_ABI_MEMBER(OfxMultiThreadSuiteV1, multiThread, 0);
OFX_ABI_MEMBER(OfxMultiThreadSuiteV1, multiThreadNumCPUs, 1);
OFX_ABI_MEMBER(OfxMultiThreadSuiteV1, multiThreadIndex, 2);
OFX_ABI_MEMBER(OfxMultiThreadSuiteV1, multiThreadIsSpawnedThread, 3);
OFX_ABI_MEMBER(OfxMultiThreadSuiteV1, mutexCreate, 4);
OFX_ABI_MEMBER(OfxMultiThreadSuiteV1, mutexDestroy, 5);
OFX_ABI_MEMBER(OfxMultiThreadSuiteV1, mutexLock, 6);
OFX_ABI_MEMBER(OfxMultiThreadSuiteV1, mutexUnLock, 7);
OFX_ABI_MEMBER(OfxMultiThreadSuiteV1, mutexTryLock, 8);

OFX_ABI_SUITE(OfxMessageSuiteV1, 1);
OFX_ABI_SUITE(OfxMessageSuiteV2, 3);
OFX_ABI_MEMBER(OfxMessageSuiteV2, message, 0);
OFX_ABI_MEMBER(OfxMessageSuiteV2, setPersistentMessage, 1);
OFX_ABI_MEMBER(OfxMessageSuiteV2, clearPersistentMessage, 2);

OFX_ABI_SUITE(OfxProgressSuiteV1, 3);
OFX_ABI_MEMBER(OfxProgressSuiteV1, progressStart, 0);
OFX_ABI_MEMBER(OfxProgressSuiteV1, progressUpdate, 1);
OFX_ABI_MEMBER(OfxProgressSuiteV1, progressEnd, 2);
OFX_ABI_SUITE(OfxProgressSuiteV2, 3);
OFX_ABI_MEMBER(OfxProgressSuiteV2, progressStart, 0);
OFX_ABI_MEMBER(OfxProgressSuiteV2, progressUpdate, 1);
OFX_ABI_MEMBER(OfxProgressSuiteV2, progressEnd, 2);

OFX_ABI_SUITE(OfxTimeLineSuiteV1, 3);
OFX_ABI_MEMBER(OfxTimeLineSuiteV1, getTime, 0);
OFX_ABI_MEMBER(OfxTimeLineSuiteV1, gotoTime, 1);
OFX_ABI_MEMBER(OfxTimeLineSuiteV1, getTimeBounds, 2);

// Numbers that cross the boundary.
OFX_ABI_ASSERT(kOfxStatOK == 0 && kOfxStatFailed == 1 && kOfxStatErrFatal == 2 && kOfxStatErrUnknown == 3,
               "status 0-3");
OFX_ABI_ASSERT(kOfxStatErrMissingHostFeature == 4 && kOfxStatErrUnsupported == 5 && kOfxStatErrExists == 6,
               "status 4-6");
OFX_ABI_ASSERT(kOfxStatErrFormat == 7 && kOfxStatErrMemory == 8 && kOfxStatErrBadHandle == 9, "status 7-9");
OFX_ABI_ASSERT(kOfxStatErrBadIndex == 10 && kOfxStatErrValue == 11 && kOfxStatReplyYes == 12, "status 10-12");
OFX_ABI_ASSERT(kOfxStatReplyNo == 13 && kOfxStatReplyDefault == 14, "status 13-14");
OFX_ABI_ASSERT(kOfxStatErrImageFormat == 1000 && kOfxImageEffectPluginApiVersion == 1, "image effect numbers");
OFX_ABI_ASSERT(kOfxStatGPUOutOfMemory == 1001 && kOfxStatGPURenderFailed == 1002, "GPU numbers");

#endif
