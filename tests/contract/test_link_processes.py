"""The link and processes: starting a backend, killing either side, fork, what is left behind (nothing)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.fake_backend import RENDER, FakeBackend

from sparkvsr_bridge.link import Link, LinkError

pytestmark = pytest.mark.timeout(90)

FAKE = Path(__file__).resolve().parents[1] / "support" / "fake_backend.py"
PICTURE = np.arange(16 * 20 * 4, dtype=np.float32).reshape(16, 20, 4)


def command(*options: object) -> str:
    return json.dumps([sys.executable, str(FAKE), "sparkvsr", *map(str, options)])


def render(link: Link, source: np.ndarray = PICTURE, **options: Any) -> Any:
    """put and render; NEED is met once."""
    for force in (False, True):
        fingerprint = link.put(source, force=force)
        outcome = link.render(target=(source.shape[1], source.shape[0]), frames=[(0, fingerprint)], **options)
        if not outcome.need:
            return outcome
    raise AssertionError("the backend needs what it was just given")


def backend_pid(folder: Path) -> int:
    return int(json.loads((folder / "endpoint-v1.json").read_text())["pid"])


def children() -> set[int]:
    """Child processes of this one, zombies included."""
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


def segments() -> set[str]:
    return {path.name for path in Path("/dev/shm").glob("sparkvsr-*")}


def wait_for(held: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not held():
        assert time.monotonic() < end, f"{what} did not come within {seconds} s"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Neither a segment nor a child process may outlive a test. (Names of others' segments come and go in a moment.)"""
    before = segments(), children()
    yield
    wait_for(lambda: segments() <= before[0], "an empty /dev/shm")
    assert children() <= before[1]


@pytest.fixture
def spawning(fresh_runtime_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime directory in which a link may start the fake backend."""
    monkeypatch.setenv("SPARKVSR_BACKEND_COMMAND", command())
    return fresh_runtime_dir


def script(text: str, **variables: str) -> subprocess.Popen[str]:
    """A Python process that uses the link."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    )


# ---- starting ----


def test_a_backend_is_started_only_when_pixels_move(spawning: Path) -> None:
    link = Link()
    link.counters()
    with pytest.raises(LinkError, match="BackendNotFound"):
        link.status()
    assert not (spawning / "endpoint-v1.json").exists()
    render(link)
    assert link.counters()["spawns"] == 1
    assert render(Link()).pixels.shape == PICTURE.shape  # another link finds the same one
    assert link.shutdown_backend()
    assert Link().shutdown_backend() is False


def test_what_a_started_backend_is_given(spawning: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tmp_path / "report.json"
    monkeypatch.setenv("SPARKVSR_BACKEND_COMMAND", command("--report", report))
    hostile = {
        "LD_LIBRARY_PATH": "/opt/host/lib",
        "PYTHONHOME": "/opt/host/python",
        "PYTHONPATH": "/opt/host/modules",
        "PYTHONSTARTUP": "/opt/host/startup.py",
        "QT_PLUGIN_PATH": "/opt/host/qt",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    leaky = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(leaky, True)
    try:
        render(Link())
    finally:
        os.close(leaky)
    facts = json.loads(report.read_text())
    assert hostile.keys().isdisjoint(facts["environment"])
    assert facts["environment"]["SPARKVSR_RUNTIME_DIR"] == str(spawning)
    assert facts["environment"]["PATH"] == os.environ["PATH"]
    assert facts["descriptors"].keys() == {"0", "1", "2"}
    assert facts["descriptors"]["0"] == "/dev/null"
    assert facts["descriptors"]["1"] == facts["descriptors"]["2"] == str(spawning / "backend-v1.log")
    assert facts["session"] != os.getsid(0)
    assert facts["directory"] == "/"
    assert facts["pid"] not in children()


def test_a_backend_that_ends_leaves_no_zombie(spawning: Path) -> None:
    link = Link()
    render(link)
    pid = backend_pid(spawning)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the end of the killed backend")
    assert link.counters()["carrier"] == ""


def test_two_hosts_that_start_at_once_share_one_backend(spawning: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
        import json, numpy as np
        from sparkvsr_bridge.link import Link
        link = Link()
        link.put(np.zeros((4, 4, 4), np.float32))
        print(json.dumps([link.status()["instance"], link.counters()["spawns"]]))
    """
    slow = {"SPARKVSR_BACKEND_COMMAND": command("--delay", 1.0)}
    hosts = [script(text, **slow) for _ in range(3)]
    answers = [json.loads(host.communicate(timeout=60)[0]) for host in hosts]
    assert len({instance for instance, _ in answers}) == 1
    assert sum(spawns for _, spawns in answers) >= 1


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
        ("raise SystemExit('no licence')", "no licence"),
    ],
)
def test_a_start_that_fails_quotes_the_log(
    spawning: Path, monkeypatch: pytest.MonkeyPatch, line: str, found: str
) -> None:
    monkeypatch.setenv("SPARKVSR_BACKEND_COMMAND", json.dumps([sys.executable, "-c", line]))
    begin = time.monotonic()
    with pytest.raises(LinkError) as caught:
        Link().put(PICTURE)
    assert caught.value.name == "BackendStartFailed"
    assert found in caught.value.message
    assert str(spawning / "backend-v1.log") in caught.value.message
    assert time.monotonic() - begin < 10


def test_a_command_that_does_not_exist(spawning: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARKVSR_BACKEND_COMMAND", '["/nowhere/sparkvsr", "serve"]')
    with pytest.raises(LinkError) as caught:
        Link().put(PICTURE)
    assert caught.value.name == "BackendStartFailed"
    assert "/nowhere/sparkvsr serve" in caught.value.message


@pytest.mark.parametrize("words", [["/bin/sleep", "60"], ["/bin/true"]])
def test_a_start_that_comes_to_nothing_has_a_deadline(
    spawning: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("SPARKVSR_BACKEND_COMMAND", json.dumps(words))
    begin = time.monotonic()
    with pytest.raises(LinkError, match="no backend served within 500 ms"):
        Link(start=0.5).put(PICTURE)
    assert time.monotonic() - begin < 2


def test_a_start_can_be_aborted(spawning: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARKVSR_BACKEND_COMMAND", '["/bin/sleep", "60"]')
    begin = time.monotonic()
    with pytest.raises(LinkError, match="Aborted"):
        Link().put(PICTURE, abort_after_ms=200)
    assert time.monotonic() - begin < 0.35


def test_a_link_without_leave_to_start_does_not(spawning: Path) -> None:
    with pytest.raises(LinkError, match="BackendNotFound"):
        Link(allow_spawn=False).put(PICTURE)
    assert not (spawning / "backend-v1.log").exists()


def test_the_bundle_names_the_command(fresh_runtime_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "backend.json").write_text(json.dumps({"command": json.loads(command())}))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    render(Link(bundle_resources=str(tmp_path)))


# ---- killing ----


def test_a_backend_killed_in_mid_render(spawning: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARKVSR_BACKEND_COMMAND", command("--mute"))
    link = Link()
    fingerprint = link.put(PICTURE)
    pid = backend_pid(spawning)
    killed: list[float] = []

    def kill_after_a_while() -> bool:
        if not killed:
            killed.append(time.monotonic())
            os.kill(pid, signal.SIGKILL)
        return False

    with pytest.raises(LinkError) as caught:
        link.render(target=(20, 16), frames=[(0, fingerprint)], abort=kill_after_a_while)
    assert caught.value.name == "BackendDied"
    assert str(pid) in caught.value.message
    assert time.monotonic() - killed[0] < 2
    monkeypatch.setenv("SPARKVSR_BACKEND_COMMAND", command())
    np.testing.assert_array_equal(render(link).pixels, PICTURE)
    counters = link.counters()
    assert (counters["spawns"], counters["reconnects"], counters["frames_put"]) == (2, 1, 2)


def test_a_frozen_backend_is_given_up(spawning: Path) -> None:
    link = Link(silence=1.0, handshake=0.5, allow_spawn=True)
    fingerprint = link.put(PICTURE)
    pid = backend_pid(spawning)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(LinkError, match="BackendSilent"):
            link.render(target=(20, 16), frames=[(0, fingerprint)])
        with pytest.raises(LinkError, match="BackendSilent"):
            link.put(PICTURE)
    finally:
        os.kill(pid, signal.SIGCONT)
    np.testing.assert_array_equal(render(link).pixels, PICTURE)


def test_a_host_killed_with_slots_in_hand_leaves_nothing(fresh_runtime_dir: Path) -> None:
    fake = FakeBackend(fresh_runtime_dir)
    fake.mute = {RENDER}
    text = """
        import numpy as np
        from sparkvsr_bridge.link import Link
        link = Link(allow_spawn=False)
        fingerprint = link.put(np.ones((64, 64, 4), np.float32))
        print("ready", flush=True)
        link.render(target=(64, 64), frames=[(0, fingerprint)])
    """
    with fake.running():
        host = script(text)
        assert host.stdout is not None
        host.stdout.readline()
        wait_for(lambda: fake.count(RENDER) == 1, "the request")
        host.kill()
        host.communicate(timeout=10)
        wait_for(lambda: not segments(), "an empty /dev/shm")
        fake.mute = set()
        render(Link(allow_spawn=False))  # one host's end is nothing to another


@pytest.mark.parametrize("moment", range(6))
def test_a_host_killed_at_any_moment_leaves_nothing(fresh_runtime_dir: Path, moment: int) -> None:
    text = """
        import sys, numpy as np
        from sparkvsr_bridge.link import Link
        link = Link(allow_spawn=False)
        print("ready", flush=True)
        for height in range(64, 4096, 64):
            link.put(np.ones((height, 1024, 4), np.float32))
    """
    with FakeBackend(fresh_runtime_dir).running():
        host = script(text)
        assert host.stdout is not None
        host.stdout.readline()
        time.sleep(0.013 * moment)
        host.kill()
        host.communicate(timeout=10)
        render(Link(allow_spawn=False))  # what the dead one could not unlink is swept by the next to connect


# ---- fork, memory ----


FORK = """
    import os, sys, warnings, numpy as np
    from sparkvsr_bridge.link import Link
    warnings.simplefilter("ignore")

    def frame(link, value):
        source = np.full((8, 8, 4), value, np.float32)
        fingerprint = link.put(source)
        outcome = link.render(target=(8, 8), frames=[(0, fingerprint)])
        return not outcome.need and bool((outcome.pixels == value).all())

    link = Link(allow_spawn=False)
    good = frame(link, 1)
    child = os.fork()
    if child == 0:
        alone = frame(link, 2) and link.counters()["frames_put"] == 1
        sys.stdout.flush()
        os._exit(0 if alone else 1)
    good = good and frame(link, 3) and os.waitpid(child, 0)[1] == 0 and frame(link, 4)
    print("good" if good else "bad")
"""


def test_parent_and_child_each_have_their_own_connection(fresh_runtime_dir: Path) -> None:
    fake = FakeBackend(fresh_runtime_dir)
    with fake.running():
        host = script(FORK)
        out, _ = host.communicate(timeout=30)
    assert out == "good\n"
    hellos = [header for header in fake.received if header["type"] == 1]
    assert len({hello["pid"] for hello in hellos}) == 2


TINY = """
    import json, numpy as np
    from sparkvsr_bridge.link import Link
    link = Link(allow_spawn=False)
    source = np.random.default_rng(0).random((300, 400, 4), dtype=np.float32)
    outcome = link.render(target=(400, 300), frames=[(0, link.put(source))])
    assert (outcome.pixels == source).all()
    print(json.dumps(link.counters()))
"""


def counters_of(words: list[str]) -> dict[str, Any]:
    out = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=30, check=True).stdout
    counters: dict[str, Any] = json.loads(out)
    return counters


def test_a_tiny_shared_memory_means_inline(fresh_runtime_dir: Path) -> None:
    mount = 'mount -t tmpfs -o size=256k tmpfs /dev/shm && exec "$@"'
    words = ["unshare", "--mount", "sh", "-c", mount, "sh", sys.executable, "-c", textwrap.dedent(TINY)]
    if subprocess.run([*words[:4], "mount -t tmpfs tmpfs /dev/shm"], capture_output=True).returncode != 0:
        pytest.skip("a mount namespace of one's own needs root")
    with FakeBackend(fresh_runtime_dir).running():
        counters = counters_of(words)
    assert counters["carrier"] == "inline"
    assert "/dev/shm" in counters["carrier_reason"]


def test_a_limit_on_file_sizes_means_inline_and_kills_nobody(fresh_runtime_dir: Path) -> None:
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n{textwrap.dedent(TINY)}"
    with FakeBackend(fresh_runtime_dir).running():
        counters = counters_of([sys.executable, "-c", limited])
    assert counters["carrier"] == "inline"
    assert "RLIMIT_FSIZE" in counters["carrier_reason"]


def test_idle_segments_are_given_back(fresh_runtime_dir: Path) -> None:
    fake = FakeBackend(fresh_runtime_dir)
    with fake.running():
        link = Link(allow_spawn=False, idle_segment=0.1)
        render(link)
        wait_for(lambda: not fake.segments, "DETACH", 15)
        render(link, PICTURE + 1)
