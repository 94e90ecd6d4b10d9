"""The plugin's binary as hosts meet it: its exports, its needs, its place, and that it binds to no libzmq of a host."""

import os
import platform
import plistlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.ofx

ENTRY_POINTS = {"OfxGetNumberOfPlugins", "OfxGetPlugin", "OfxSetHost"}
# Part of every Linux system; anything else could be another version in a host. No libstdc++, no libgcc_s.
SYSTEM_LIBRARIES = {"libc", "libm", "libpthread", "libdl", "librt", "ld-linux-x86-64", "ld-linux-aarch64"}
ARCHITECTURES = {"x86_64": "Linux-x86-64", "aarch64": "Linux-aarch64"}


def run(*command: str | Path) -> str:
    return subprocess.run(
        [str(word) for word in command], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_layout(bundle: Path, plugin_binary: Path) -> None:
    assert bundle.name == "SparkVSR.ofx.bundle"
    assert plugin_binary.parent.name == ARCHITECTURES[platform.machine()]
    resources = {path.name for path in (bundle / "Contents" / "Resources").iterdir()}
    assert {"com.sparkvsr.SparkVSR.png", "com.sparkvsr.SparkVSR.svg", "NOTICE.md", "libzmq-LICENSE.txt"} <= resources
    info = plistlib.loads((bundle / "Contents" / "Info.plist").read_bytes())
    assert info["CFBundleExecutable"] == plugin_binary.name
    assert info["CFBundlePackageType"] == "BNDL"
    assert info["CFBundleIdentifier"] == "com.sparkvsr.SparkVSR"


def test_exactly_three_exports(plugin_binary: Path) -> None:
    names = {line.split()[-1] for line in run("nm", "-D", "--defined-only", plugin_binary).splitlines()}
    assert names == ENTRY_POINTS


def test_needs_only_the_system(plugin_binary: Path) -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.+?)\]", run("readelf", "-d", plugin_binary))
    assert {name.split(".so")[0] for name in needed} <= SYSTEM_LIBRARIES
    assert "libc" in {name.split(".so")[0] for name in needed}


def test_resolves_nothing_of_a_library_that_a_host_may_have(plugin_binary: Path) -> None:
    undefined = [line.split()[-1] for line in run("nm", "-D", "--undefined-only", plugin_binary).splitlines()]
    assert undefined
    assert not [
        name
        for name in undefined
        if re.match(r"zmq_|_?_?Z|_Unwind_|__gxx_|__cxa_(?!finalize|thread_atexit_impl|atexit)", name)
    ]


def test_binds_at_load_time_and_stays_mapped(plugin_binary: Path) -> None:
    flags = run("readelf", "-d", plugin_binary)
    for flag in ("SYMBOLIC", "BIND_NOW", "NODELETE"):
        assert flag in flags
    assert "RPATH" not in flags
    assert "RUNPATH" not in flags


def test_stack_is_not_executable(plugin_binary: Path) -> None:
    stack = next(line for line in run("readelf", "-lW", plugin_binary).splitlines() if "GNU_STACK" in line)
    assert "RWE" not in stack


# ---- a host that brings its own libzmq

LOADER = """
import ctypes, os, sys
host_libzmq, plugin, entry = sys.argv[1:4]
ctypes.CDLL(host_libzmq, mode=ctypes.RTLD_GLOBAL | os.RTLD_NOW)
getattr(ctypes.CDLL(plugin, mode=ctypes.RTLD_LOCAL | os.RTLD_NOW), entry)()
"""


@pytest.fixture(scope="module")
def foreign_libzmq() -> Path:
    """The shared libzmq that pyzmq's wheel carries."""
    import zmq

    folder = Path(zmq.__file__).resolve().parent
    found = sorted([*folder.parent.glob("pyzmq.libs/libzmq*.so*"), *folder.glob("**/libzmq*.so*")])
    assert found, f"no shared libzmq beside {folder}"
    return found[0]


def bindings(host_libzmq: Path, library: Path, entry: str, folder: Path) -> list[tuple[str, str]]:
    """(symbol, file bound to) of all references of ``library``, in a process that loaded ``host_libzmq`` first."""
    environment = {**os.environ, "LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": str(folder / "ld"), "LD_BIND_NOW": "1"}
    command = [sys.executable, "-c", LOADER, str(host_libzmq), str(library), entry]
    subprocess.run(command, check=True, env=environment, timeout=60)
    log = "\n".join(path.read_text(errors="replace") for path in folder.glob("ld.*"))
    pattern = re.compile(rf"binding file {re.escape(str(library))} \[\d+\] to (\S+) \[\d+\]: \w+ symbol `([^']+)'")
    return [(symbol, target) for target, symbol in pattern.findall(log)]


def test_binds_nothing_into_a_hosts_libzmq(plugin_binary: Path, foreign_libzmq: Path, tmp_path: Path) -> None:
    found = bindings(foreign_libzmq, plugin_binary, "OfxGetNumberOfPlugins", tmp_path)
    assert any("libc.so" in target for _, target in found), "the log shows no binding of the plugin at all"
    assert not [pair for pair in found if "libzmq" in pair[1]]
    assert not [pair for pair in found if "libstdc++" in pair[1]]


def test_the_binding_test_can_fail(foreign_libzmq: Path, tmp_path: Path) -> None:
    """A library with an open reference does bind into the host's libzmq, and the log shows it."""
    source, library = tmp_path / "victim.c", tmp_path / "victim.so"
    source.write_text("int zmq_errno(void); int entry(void) { return zmq_errno(); }")
    run("gcc", "-shared", "-fPIC", "-o", library, source)
    found = bindings(foreign_libzmq, library, "entry", tmp_path)
    assert ("zmq_errno", str(foreign_libzmq)) in found


def test_the_installed_package_carries_the_bundle(bundle: Path, plugin_binary: Path) -> None:
    """importlib.resources finds it, wherever pip put it; and what is found is a real folder that a host can scan."""
    from importlib.resources import files

    resource = files("sparkvsr_bridge") / "SparkVSR.ofx.bundle"
    assert Path(str(resource)) == bundle
    assert os.access(plugin_binary, os.R_OK)
