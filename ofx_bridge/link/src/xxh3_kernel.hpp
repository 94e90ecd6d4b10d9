// SPDX-License-Identifier: Apache-2.0
// XXH3-128 behind plain functions: one translation unit is compiled several times for different instruction sets, so
// nothing but the C parts of xxHash may be included where they are defined (an inline C++ function compiled for AVX2
// could win over its portable twin in the linker).
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace sparkvsr::xxh3 {

/// Room for an XXH3_state_t; aligned as xxHash demands.
struct alignas(64) State {
  unsigned char bytes[640];
};

/// One instruction set's XXH3.
struct Kernel {
  void (*reset)(State* state, uint64_t seed);
  void (*update)(State* state, const void* data, size_t bytes);
  void (*digest)(const State* state, unsigned char* canonical16);
  const char* name;
};

const Kernel& baselineKernel() noexcept;
#if defined(SPARKVSR_XXH3_WITH_AVX2)
const Kernel& avx2Kernel() noexcept;
#endif

}  // namespace sparkvsr::xxh3
