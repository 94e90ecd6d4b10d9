# Builds libzmq as part of this build: static, hidden, position-independent, without anything that could clash with a host.
#
# A system's libzmq.a is not position-independent, and a private shared copy would bind to the host's libzmq when that was
# loaded first. Built from source it is also instrumented by the sanitizers.
#
# Source: the folder SPARKVSR_ZEROMQ_SOURCE; else build/_deps/zeromq-src, where tools/fetch_zeromq.sh puts Debian's source
# package; else the pinned official release, downloaded. Defines sparkvsr_libzmq (sparkvsr::libzmq).
include(FetchContent)

set(SPARKVSR_ZEROMQ_URL "https://github.com/zeromq/libzmq/releases/download/v4.3.5/zeromq-4.3.5.tar.gz")
set(SPARKVSR_ZEROMQ_SHA256 "6653ef5910f17954861fe72332e68b03ca6e4d9c7160eb3a8de5a5a913bfab43")

# sparkvsr_find_zeromq_source(<result>): a folder with libzmq's CMakeLists.txt, or a fatal error.
function(sparkvsr_find_zeromq_source result)
  set(cached "${PROJECT_SOURCE_DIR}/build/_deps/zeromq-src")
  if(SPARKVSR_ZEROMQ_SOURCE)
    if(NOT EXISTS "${SPARKVSR_ZEROMQ_SOURCE}/src/zmq.cpp")
      message(
        FATAL_ERROR "SPARKVSR_ZEROMQ_SOURCE='${SPARKVSR_ZEROMQ_SOURCE}' is no source folder of libzmq (no src/zmq.cpp)"
      )
    endif()
    set(${result} "${SPARKVSR_ZEROMQ_SOURCE}" PARENT_SCOPE)
  elseif(EXISTS "${cached}/src/zmq.cpp")
    set(${result} "${cached}" PARENT_SCOPE)
  else()
    message(STATUS "Downloading libzmq (or run tools/fetch_zeromq.sh, or set SPARKVSR_ZEROMQ_SOURCE)")
    FetchContent_Declare(
      zeromq URL "${SPARKVSR_ZEROMQ_URL}" URL_HASH SHA256=${SPARKVSR_ZEROMQ_SHA256}
      DOWNLOAD_EXTRACT_TIMESTAMP FALSE SOURCE_SUBDIR
      not-configured-here # only the files are wanted: options and flags follow below
    )
    FetchContent_MakeAvailable(zeromq)
    set(${result} "${zeromq_SOURCE_DIR}" PARENT_SCOPE)
  endif()
endfunction()

# Options of libzmq's own build. Everything that brings a dependency, a symbol or a tool is off.
macro(sparkvsr_set_zeromq_options)
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW) # let these variables win over libzmq's option()
  set(CMAKE_POLICY_DEFAULT_CMP0063 NEW) # hidden visibility for its object library too
  set(CMAKE_POLICY_VERSION_MINIMUM 3.5) # libzmq 4.3.4 asks for less than CMake 4 will pretend to be
  set(CMAKE_WARN_DEPRECATED OFF)
  set(CMAKE_SUPPRESS_DEVELOPER_WARNINGS ON)
  set(BUILD_STATIC ON)
  foreach(
    off
    BUILD_SHARED
    BUILD_TESTS
    ENABLE_CPACK
    ENABLE_CURVE
    ENABLE_DRAFTS
    ENABLE_PRECOMPILED
    ENABLE_WS
    LIBZMQ_PEDANTIC
    WITH_DOC
    WITH_DOCS
    WITH_GSSAPI_KRB5
    WITH_LIBBSD
    WITH_LIBSODIUM
    WITH_LIBSODIUM_STATIC
    WITH_NORM
    WITH_NSS
    WITH_OPENPGM
    WITH_PERF_TOOL
    WITH_TLS
    WITH_VMCI
  )
    set(${off} OFF)
  endforeach()
endmacro()

# In a function: libzmq's CMakeLists.txt changes flags, and those changes must not leak out.
function(sparkvsr_add_zeromq)
  sparkvsr_find_zeromq_source(source)
  message(STATUS "libzmq's source: ${source}")
  sparkvsr_set_zeromq_options()
  set(CMAKE_MESSAGE_LOG_LEVEL WARNING)
  add_subdirectory("${source}" "${PROJECT_BINARY_DIR}/zeromq" EXCLUDE_FROM_ALL SYSTEM)
  set_target_properties(
    libzmq-static PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden
                             EXPORT_COMPILE_COMMANDS OFF
  )
  # Ninety small files that all include the same: together they compile in a fifth of the time.
  set_target_properties(objects libzmq-static PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 24)
  # Its headers force default visibility; sparkvsr_hide_symbols() undoes that when something is linked from it.
  target_compile_options(libzmq-static PRIVATE -w)
  add_library(sparkvsr_libzmq INTERFACE)
  target_link_libraries(sparkvsr_libzmq INTERFACE libzmq-static)
  target_compile_definitions(sparkvsr_libzmq INTERFACE ZMQ_STATIC)
  target_include_directories(sparkvsr_libzmq SYSTEM INTERFACE "${source}/include")
  add_library(sparkvsr::libzmq ALIAS sparkvsr_libzmq)

  # Its licence travels with every binary that contains it. (Releases differ in the file's name.)
  find_file(license NAMES LICENSE COPYING.LESSER COPYING PATHS "${source}" NO_DEFAULT_PATH NO_CACHE REQUIRED)
  configure_file("${license}" "${PROJECT_BINARY_DIR}/libzmq-LICENSE.txt" COPYONLY)
endfunction()

sparkvsr_add_zeromq()
