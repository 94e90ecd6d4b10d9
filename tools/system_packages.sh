#!/bin/sh
# Installs what is missing of the system packages that the build needs, by apt, as root or with sudo. Says what and why;
# does nothing where everything is there. Usage: system_packages.sh PYTHON
set -eu

python=${1:-python3}
missing=""
need() { # need PACKAGE REASON...
  package=$1
  shift
  missing="$missing $package"
  printf '  %-20s %s\n' "$package" "$*"
}
has() { command -v "$1" >/dev/null 2>&1; }
header() { echo "#include <$1>" | g++ -E -x c++ - >/dev/null 2>&1; }

echo "system packages that the build needs and this machine lacks:"
has g++ || need g++ "compiles the plugin, the link and the headless host"
has cmake || need cmake "configures the build"
has ninja || need ninja-build "runs the build"
has nm || has g++ || need binutils "inspects the plugin's symbols in tests"
has dpkg-source || ! has apt-get || need dpkg-dev "unpacks libzmq's source package"
[ -e /etc/ssl/certs/ca-certificates.crt ] || need ca-certificates "lets pip check whom it talks to"
if has g++; then
  header nlohmann/json.hpp || need nlohmann-json3-dev "JSON and MessagePack in C++ (headers only)"
  header xxhash.h || need libxxhash-dev "fingerprints of frames (header only)"
else
  need nlohmann-json3-dev "JSON and MessagePack in C++ (headers only)"
  need libxxhash-dev "fingerprints of frames (header only)"
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null || need python3-venv "makes the virtual environment"
"$python" -c 'import os, sysconfig; assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))' 2>/dev/null ||
  need python3-dev "compiles the Python bindings"

if [ -z "$missing" ]; then
  echo "  none"
  exit 0
fi
if ! has apt-get; then
  echo "no apt-get here: please install the equivalents of:$missing" >&2
  exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  has sudo || { echo "neither root nor sudo: please install as root: apt-get install$missing" >&2; exit 1; }
  as_root="sudo"
fi
echo "installing them: $as_root apt-get install$missing"
$as_root apt-get update -q
# shellcheck disable=SC2086  # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
