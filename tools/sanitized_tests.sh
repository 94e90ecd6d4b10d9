#!/bin/sh
# Builds plugin, link, headless host, bindings and libzmq with a sanitizer and runs against them what can run there:
# ctest's native tests, and with AddressSanitizer the contract tests too, through the instrumented bindings (the backend
# itself stays as it is).
# Usage: sanitized_tests.sh address|thread [pytest arguments]
set -eu

cd "$(dirname "$0")/.."
root=$PWD
kind=${1:?usage: sanitized_tests.sh address|thread [pytest arguments]}
shift
case $kind in
  address) preset=asan runtime=libasan.so ;;
  thread) preset=tsan runtime="" ;;
  *) echo "usage: sanitized_tests.sh address|thread [pytest arguments]" >&2; exit 2 ;;
esac
tree=$root/build/$preset
python=$root/.venv/bin/python
logs=$tree/reports
rm -rf "$logs"
mkdir -p "$logs"

export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"

echo "== building with the $kind sanitizer"
cmake --preset "$preset" -DSPARKVSR_BUILD_PYTHON=ON -DPython_EXECUTABLE="$python" \
  -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)"
cmake --build "$tree"

echo "== native tests"
# host.live_backend: the plugin with its real link, instrumented, beside a backend of the plain Python.
export SPARKVSR_BACKEND_COMMAND="[\"$python\", \"-m\", \"sparkvsr_backend\", \"serve\", \"--device\", \"cpu\", \"--cache-gb\", \"1\", \"--idle-timeout\", \"20\"]"
ASAN_OPTIONS="detect_leaks=1" TSAN_OPTIONS="second_deadlock_stack=1" \
  ctest --test-dir "$tree" --output-on-failure --no-tests=error

if [ "$kind" = thread ]; then
  # An uninstrumented Python under TSan's runtime hangs before its first test. The native host runs the plugin in every
  # personality with four threads on a probe in place of the link, and in some with the real link beside a real backend;
  # the link's own tests run its I/O thread.
  echo "== no report"
  exit 0
fi
unset SPARKVSR_BACKEND_COMMAND

echo "== contract tests through the instrumented bindings"
# A folder with the instrumented package, in front of the editable install, whose import hook would otherwise win.
site=$tree/site
rm -rf "$site"
mkdir -p "$site"
cp -r ofx_bridge/python/sparkvsr_bridge "$site/"
cmake --install "$tree" --component python --prefix "$site" >/dev/null
cat >"$site/sitecustomize.py" <<'PY'
"""Takes the editable install's import hook out of the way."""

import sys

sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "ScikitBuildRedirectingFinder"]
PY

# (test_bundle.py judges how the shipped binary is linked; an instrumented one needs the sanitizer's runtime.)
# Python leaks by design, and neither it nor its extension modules are instrumented: only reports from our code count.
export ASAN_OPTIONS="detect_leaks=0:log_path=$logs/report:exitcode=66"
status=0
PYTHONPATH="$site:$root:$root/backend" LD_PRELOAD="$(gcc -print-file-name=$runtime) $(gcc -print-file-name=libstdc++.so)" \
  "$python" -m pytest tests/contract --ignore=tests/contract/test_bundle.py -m "not slow and not gpu" --timeout=600 -p no:cacheprovider "$@" || status=$?

if [ -n "$(ls -A "$logs")" ]; then
  echo "== the sanitizer reported:"
  cat "$logs"/*
  exit 66
fi
[ "$status" -eq 0 ] && echo "== no report"
exit "$status"
