#!/bin/sh
# Makes the virtual environment and installs the packages that the project needs, but not the project itself.
# Usage: python_environment.sh PYTHON FOLDER.  Quick when there is nothing to do.
set -eu

python=$1
folder=$2
root=$(cd "$(dirname "$0")/.." && pwd)

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
  { echo "Python 3.10 or newer is needed; $python is $("$python" --version)" >&2; exit 1; }
pip() { "$folder/bin/python" -m pip --disable-pip-version-check "$@"; }
[ -x "$folder/bin/python" ] || {
  echo "making the virtual environment $folder"
  "$python" -m venv "$folder"
  pip install -q --upgrade pip
}

torch=$(sed -n 's/^torch==//p' "$root/constraints.txt")
if ! "$folder/bin/python" -c "import importlib.metadata as m, sys; sys.exit(m.version('torch').split('+')[0] != '$torch')" 2>/dev/null; then
  echo "installing torch $torch, the build without CUDA where pip finds one"
  pip install -q "torch==$torch+cpu" 2>/dev/null || {
    echo "pip finds no CPU build of torch $torch: taking the default one, which may bring several GB of CUDA libraries."
    echo "(To avoid that, name PyTorch's CPU index in PIP_EXTRA_INDEX_URL and say 'make clean setup'.)"
    pip install -c "$root/constraints.txt" torch
  }
fi

echo "installing the Python packages listed in pyproject.toml"
requirements=$(mktemp)
trap 'rm -f "$requirements"' EXIT INT TERM
# (On Python 3.10 scikit-build-core brings tomli.)
pip install -q "scikit-build-core>=1.0" "pybind11>=3.0"
"$folder/bin/python" - "$root/pyproject.toml" >"$requirements" <<'PY'
import sys

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib
with open(sys.argv[1], "rb") as file:
    project = tomllib.load(file)["project"]
print("\n".join(project["dependencies"] + project["optional-dependencies"]["dev"]))
PY
pip install -q -c "$root/constraints.txt" -r "$requirements"
"$folder/bin/python" - <<'PY' || pip install -q "cmake>=3.25,<4" ninja
import re, subprocess, sys

found = re.search(r"(\d+)\.(\d+)", subprocess.run(["cmake", "--version"], capture_output=True, text=True).stdout)
sys.exit(not found or tuple(map(int, found.groups())) < (3, 25))
PY
