"""What all tests share: a private place for backends, and the things that some tests need, or a reason to skip."""

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# As the backend has it, read when a test loads torch: idle threads leave the cores to others instead of spinning.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# A loaded machine is no reason to fail, and a failure must come back when the test is run again.
hypothesis.settings.register_profile("sparkvsr", deadline=None, derandomize=True)
hypothesis.settings.load_profile("sparkvsr")

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"

# Variables that would let a developer's own backend, log or plugin path leak into a test.
PRIVATE_VARIABLES = ("SPARKVSR_ADDRESS", "SPARKVSR_BACKEND_COMMAND", "SPARKVSR_LOG", "OFX_PLUGIN_PATH")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device here")


@pytest.fixture(scope="session", autouse=True)
def runtime_dir() -> Iterator[Path]:
    """The session's own SPARKVSR_RUNTIME_DIR: mode 0700, and short, since an ipc path may have 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="svsr-", dir="/tmp"))
    with pytest.MonkeyPatch.context() as patch:
        for name in PRIVATE_VARIABLES:
            patch.delenv(name, raising=False)
        patch.setenv("SPARKVSR_RUNTIME_DIR", str(folder))
        yield folder
    end_backend(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fresh_runtime_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory for one test: no backend runs in it at first, none after."""
    folder = Path(tempfile.mkdtemp(prefix="svsr-", dir="/tmp"))
    monkeypatch.setenv("SPARKVSR_RUNTIME_DIR", str(folder))
    yield folder
    end_backend(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the working tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real clips, kept beside the repository; absent elsewhere."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real clips here: {SHARED_DATA} does not exist")
    return SHARED_DATA


@pytest.fixture(scope="session")
def bundle() -> Path:
    """The plugin's bundle as the installed package finds it."""
    from sparkvsr_bridge import bundle_path

    return Path(bundle_path())


@pytest.fixture(scope="session")
def plugin_binary(bundle: Path) -> Path:
    """SparkVSR.ofx itself."""
    binaries = sorted(bundle.glob("Contents/*/SparkVSR.ofx"))
    assert len(binaries) == 1, f"expected one binary in {bundle}, found {binaries}"
    return binaries[0]


def end_backend(folder: Path, deadline_s: float = 5.0) -> None:
    """End the backend that an endpoint file in ``folder`` names, if it is one and still lives."""
    try:
        pid = int(json.loads((folder / "endpoint-v1.json").read_text())["pid"])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, KeyError):
        return
    if b"sparkvsr" not in command:
        return  # the number has gone to another process
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not _ended_after(pid, number, deadline_s):
            continue
        return
    raise RuntimeError(f"the backend {pid} of {folder} outlived SIGKILL by {deadline_s} s")


def _ended_after(pid: int, number: signal.Signals, deadline_s: float) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return True
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if _is_gone(pid):
            return True
        time.sleep(0.02)
    return False


def _is_gone(pid: int) -> bool:
    """True for a process that ended, reaped or not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the 5B engine's published layout, with few random tensors. Needs the extra `cogvideox`."""
    pytest.importorskip("diffusers", reason="the extra `cogvideox` is not installed")
    from sparkvsr.cogvideox.tiny import make_tiny

    return make_tiny(tmp_path_factory.mktemp("weights") / "tiny")
