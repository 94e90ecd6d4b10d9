# Finds xxHash's header and defines sparkvsr::xxhash, used inline: no library, no symbol of it in the plugin.
include(FindPackageHandleStandardArgs)
include(PrivateHeaders)

find_path(XXHash_INCLUDE_DIR xxhash.h)
find_package_handle_standard_args(
  XXHash REQUIRED_VARS XXHash_INCLUDE_DIR REASON_FAILURE_MESSAGE "xxhash.h not found (Debian: libxxhash-dev)"
)

if(XXHash_FOUND AND NOT TARGET sparkvsr::xxhash)
  add_library(sparkvsr::xxhash INTERFACE IMPORTED GLOBAL)
  sparkvsr_private_headers(folder xxhash.h "${XXHash_INCLUDE_DIR}")
  set_target_properties(
    sparkvsr::xxhash PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${folder}" INTERFACE_COMPILE_DEFINITIONS XXH_INLINE_ALL
  )
endif()
