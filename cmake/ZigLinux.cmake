# Toolchain of the release build: zig's C++ compiler (the PyPI package `ziglang`) builds for an old glibc whatever the machine
# has, with a C++ runtime of its own, linked statically. Used by the preset `release`.
#
# SPARKVSR_ZIG names the program; by default that of the virtual environment, else the one on PATH.
# No cross build for CMake (no CMAKE_SYSTEM_NAME): what is built runs here too, and libzmq asks by running programs whether
# sockets can be kept from the host's children.
set(SPARKVSR_GLIBC "2.28" CACHE STRING
                                "Oldest glibc that the binary shall run on (EL8 and VFX Platform CY2024 have 2.28)"
)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SPARKVSR_ZIG SPARKVSR_GLIBC)

file(GLOB _zigs "${CMAKE_CURRENT_LIST_DIR}/../.venv/lib/python3*/site-packages/ziglang")
find_program(SPARKVSR_ZIG zig HINTS ${_zigs} ENV SPARKVSR_ZIG)
if(NOT SPARKVSR_ZIG)
  message(
    FATAL_ERROR
      "The release build needs zig's C++ compiler: `make setup`, or `pip install ziglang` and -DSPARKVSR_ZIG=…/zig"
  )
endif()

set(_target x86_64-linux-gnu.${SPARKVSR_GLIBC})
set(CMAKE_C_COMPILER "${SPARKVSR_ZIG}" cc -target ${_target})
set(CMAKE_CXX_COMPILER "${SPARKVSR_ZIG}" c++ -target ${_target})
