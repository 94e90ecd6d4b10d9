// SPDX-License-Identifier: Apache-2.0
// Compiled once per instruction set: SPARKVSR_XXH3_FUNCTION names the accessor, the compiler's flags choose XXH_VECTOR.
#include "xxh3_kernel.hpp"

#include <xxhash.h>

namespace sparkvsr::xxh3 {
namespace {

static_assert(sizeof(XXH3_state_t) <= sizeof(State), "State must hold xxHash's own state");
static_assert(alignof(XXH3_state_t) <= alignof(State), "State must be aligned like xxHash's own state");

void reset(State* state, uint64_t seed) {
  XXH3_state_t* own = reinterpret_cast<XXH3_state_t*>(state->bytes);
  XXH3_INITSTATE(own);
  (void)XXH3_128bits_reset_withSeed(own, seed);
}

void update(State* state, const void* data, size_t bytes) {
  (void)XXH3_128bits_update(reinterpret_cast<XXH3_state_t*>(state->bytes), data, bytes);
}

void digest(const State* state, unsigned char* canonical16) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(reinterpret_cast<const XXH3_state_t*>(state->bytes)));
  for (int i = 0; i < 16; ++i) canonical16[i] = canonical.digest[i];
}

}  // namespace

const Kernel& SPARKVSR_XXH3_FUNCTION() noexcept {
  static constexpr Kernel kernel{reset, update, digest, SPARKVSR_XXH3_NAME};
  return kernel;
}

}  // namespace sparkvsr::xxh3
