"""The doctor's look at the machine: packages, processor, CUDA, shared memory."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from sparkvsr.arithmetic import arithmetic_of
from sparkvsr.cli.findings import Finding, fail, ok, warn
from sparkvsr.cli.status import size

PACKAGES = ("torch", "numpy", "cv2", "av", "OpenImageIO", "zmq", "msgpack", "xxhash")
_FEATURES = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16")
# The ring for one UHD RGBA float session: sources, keyframes and results in flight.
COMFORTABLE_SHM = 512 << 20
SHM = Path("/dev/shm")  # noqa: S108


def packages() -> Iterator[Finding]:
    """What the backend imports."""
    versions = []
    for name in PACKAGES:
        found = _imported(name)
        if isinstance(found, Finding):
            yield found
        else:
            versions.append(found)
    yield ok("packages", f"Python {platform.python_version()}, {', '.join(versions)}")


def _imported(name: str) -> str | Finding:
    """Name and version, or what is wrong."""
    try:
        module = import_module(name)
    except ImportError as error:
        return fail("packages", f"{name} cannot be imported: {error}", "pip install sparkvsr again")
    return f"{name} {getattr(module, '__version__', '')}".strip()


def processor() -> Iterator[Finding]:
    """Cores and what the arithmetic can use."""
    cores = len(os.sched_getaffinity(0))
    flags = _cpu_flags()
    has = [name for name in _FEATURES if name in flags]
    text = f"{cores} cores, {', '.join(has) or 'no vector extensions found'}"
    if cores < 2:
        yield warn("processor", text, "two cores or more keep a host responsive while it renders")
    elif platform.machine() == "x86_64" and "avx2" not in flags:
        yield warn("processor", text, "a processor with AVX2 is several times faster")
    else:
        yield ok("processor", text)
    yield ok("arithmetic", _arithmetic())


def _arithmetic() -> str:
    """What ``--arithmetic`` takes."""
    import torch

    return arithmetic_of(torch.device("cpu"))


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    found = (line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features")))
    return set(next(found, []))


def cuda() -> Iterator[Finding]:
    """GPU, and CuPy, which wraps the shared slots."""
    import torch

    if not torch.cuda.is_available():
        yield ok("CUDA", f"none; the processor computes (torch {torch.__version__})")
        return
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    yield ok("CUDA", ", ".join(names))
    try:
        cupy = import_module("cupy")
    except ImportError as error:
        major = (torch.version.cuda or "12").split(".")[0]
        yield warn("CuPy", f"cannot be imported: {error}", f"pip install 'sparkvsr[cuda{major}]'")
    else:
        yield ok("CuPy", str(cupy.__version__))


def shared_memory() -> Iterator[Finding]:
    """Room for the ring between plugin and backend."""
    try:
        usage = shutil.disk_usage(SHM)
    except OSError as error:
        yield warn(
            "shared memory", f"{SHM}: {error.strerror}", "mount a tmpfs there; frames go through the socket instead"
        )
        return
    text = f"{size(usage.free)} free of {size(usage.total)} in {SHM}"
    if not os.access(SHM, os.W_OK):
        yield warn(
            "shared memory", f"{SHM} cannot be written to", f"chmod 1777 {SHM}; frames go through the socket instead"
        )
    elif usage.free < COMFORTABLE_SHM:
        fix = f"mount -o remount,size=2G {SHM} (docker: --shm-size 2g)"
        yield warn("shared memory", text, f"{fix}; frames go through the socket where it is too small")
    else:
        yield ok("shared memory", text)
