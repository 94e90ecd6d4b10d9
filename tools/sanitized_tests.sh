#!/bin/sh
# Builds plugin, link, headless host and libzmq with a sanitizer and runs against them what can run there.
# Usage: sanitized_tests.sh address|thread
set -eu

cd "$(dirname "$0")/.."
case $1 in
  address) preset=asan ;;
  thread) preset=tsan ;;
  *) echo "usage: sanitized_tests.sh address|thread" >&2; exit 2 ;;
esac

export ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:${UBSAN_OPTIONS:-}"
export TSAN_OPTIONS="halt_on_error=0:exitcode=66:second_deadlock_stack=1:${TSAN_OPTIONS:-}"

cmake --preset "$preset"
cmake --build "build/$preset"
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error
