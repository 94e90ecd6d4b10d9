// SPDX-License-Identifier: Apache-2.0
// The memory suite.
// Our own declarations of the published OpenFX ABI, under the SDK's file and macro names; see README.md in this folder.
#ifndef SPARKVSR_OFX_MEMORY_H
#define SPARKVSR_OFX_MEMORY_H

#include "ofxCore.h"

#ifdef __cplusplus
extern "C" {
#endif

#define kOfxMemorySuite "OfxMemorySuite"

/// `handle` is an effect instance, or NULL.
typedef struct OfxMemorySuiteV1 {
  OfxStatus (*memoryAlloc)(void* handle, size_t nBytes, void** allocatedData);
  OfxStatus (*memoryFree)(void* allocatedData);
} OfxMemorySuiteV1;

#ifdef __cplusplus
}  // extern "C"
#endif

#endif
