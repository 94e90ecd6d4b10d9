"""Ctrl-C ends with one line and exit code 130, wherever it comes: also while modules are loaded, and twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.clips_on_disk import flat

from sparkvsr.cli import interruption
from sparkvsr.media import write_still

# Presses Ctrl-C when the module named by the first argument is looked for.
AT_IMPORT = """
import os, signal, sys
trap = sys.argv.pop(1)
class Trap:
    def find_spec(self, name, path=None, target=None):
        if name == trap:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Trap())
from sparkvsr.cli import main
sys.exit(main())
"""

# Presses Ctrl-C while the second frame is rendered, and again while that unwinds.
AT_WORK = """
import os, signal, sys
from sparkvsr.cli import main
from sparkvsr.cli.clip_renderer import ClipRenderer
real, calls = ClipRenderer.render, []
def render(self, number):
    calls.append(number)
    try:
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return real(self, number)
    finally:
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
ClipRenderer.render = render
sys.exit(main())
"""


def run_interrupted(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, timeout=120, check=False
    )


def require_one_line(ended: subprocess.CompletedProcess[str]) -> None:
    assert ended.returncode == 130, ended.stderr
    assert ended.stderr.splitlines() == ["error: Interrupted: nothing half-written is left behind"]
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("sparkvsr.cli.commands", "upscale"),
        ("rich", "status"),
        ("torch", "upscale"),
        ("torch.autograd", "upscale"),
        ("av", "demo"),
        ("torch", "serve"),
    ],
)
def test_while_modules_are_loaded(module: str, command: str, fresh_runtime_dir: Path) -> None:
    require_one_line(run_interrupted(AT_IMPORT, module, command, "in.mp4", "out.mp4", "--debug"))
    assert not (fresh_runtime_dir / "endpoint-v1.json").exists()


def test_twice_while_a_film_is_written(tmp_path: Path) -> None:
    for number in range(3):
        write_still(tmp_path / f"a.{number}.png", flat(number * 20))
    words = ("upscale", tmp_path / "a.%d.png", tmp_path / "out" / "a.mp4", "--scale", "1", "--fps", "24", "--quiet")
    require_one_line(run_interrupted(AT_WORK, *words))
    assert list((tmp_path / "out").iterdir()) == []


def test_the_first_press_unwinds_the_second_does_not_disturb_and_the_third_ends(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    press = interruption.Interruptions()
    with pytest.raises(KeyboardInterrupt):
        press(signal.SIGINT, None)
    press(signal.SIGINT, None)
    assert left == []
    press(signal.SIGINT, None)
    assert left == [130]
    assert "Interrupted" in capfd.readouterr().err


def test_a_caller_in_the_same_process_gets_its_handler_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interruption.guarded_loading(ends_process=False):
        assert signal.getsignal(signal.SIGINT) is interruption.leave_at_once
        interruption.working()
        assert isinstance(signal.getsignal(signal.SIGINT), interruption.Interruptions)
    assert signal.getsignal(signal.SIGINT) is before


def test_names_that_the_terminal_cannot_show_are_escaped(tmp_path: Path) -> None:
    write_still(tmp_path / "größe.png", flat(1))
    ended = subprocess.run(
        [sys.executable, "-m", "sparkvsr.cli", "upscale", tmp_path / "größe.png", tmp_path / "ü.png", "--scale", "1"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, os.fsencode(tmp_path) + b"/\\xfc.png")
