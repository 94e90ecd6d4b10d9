"""Image models: weights files, commands, callables, the blind part; what they are given, and how they fail."""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparkvsr.engine import CancelledError, Engine, EngineSettings, Mix, Watch, WindowFrame, default_registry
from sparkvsr.keyframes.models import ImageModelError, ImageModels, UnknownImageModelError, make_picture
from sparkvsr.keyframes.models import weights as weights_module
from sparkvsr.keyframes.models.command import CommandModel
from sparkvsr.keyframes.models.function import FunctionModel, imported
from sparkvsr.keyframes.models.weights import WeightsModel, load, tiles_of
from sparkvsr.resample import resize

HEIGHT, WIDTH = 12, 16


def picture(seed: int = 1) -> torch.Tensor:
    return torch.rand(3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed))


def doubled(array: np.ndarray) -> np.ndarray:
    """An image model in a line."""
    return np.repeat(np.repeat(array, 2, axis=0), 2, axis=1)


def models(**options: Any) -> ImageModels:
    def engine() -> Engine:
        return default_registry().create("lite", torch.device("cpu"))

    return ImageModels(engine, **{"names": dict, **options})


# --- the contract --------------------------------------------------------------------------------------------------


def test_a_model_sees_the_range_of_srgb_and_highlights_come_back() -> None:
    seen: list[np.ndarray] = []

    def function(array: np.ndarray) -> np.ndarray:
        seen.append(array.copy())
        return doubled(array)

    source = picture()
    source[:, 2:6, 2:6], source[:, 8:, 8:] = 4.0, -0.5
    made = make_picture(FunctionModel(function, "twice"), source, Watch())
    assert seen[0].shape == (HEIGHT, WIDTH, 3)
    assert (seen[0].min(), seen[0].max()) == (0.0, 1.0)
    beyond = resize(source - source.clamp(0, 1), (2 * HEIGHT, 2 * WIDTH), "lanczos3")
    torch.testing.assert_close(made, torch.from_numpy(doubled(seen[0]).transpose(2, 0, 1)) + beyond)
    assert float(made[0, 8, 8]) == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda a: a[::2, ::2], r"expected a picture larger than 16×12, found 8×6"),
        (lambda a: np.repeat(a, 2, axis=0), r"expected the aspect ratio of 16×12, found 16×24"),
        (lambda a: doubled(a) * np.nan, "NaN"),
        (lambda a: doubled(a)[..., 0], r"expected an array of floats \[H, W, 3\]"),
        (lambda a: (doubled(a) * 255).astype(np.uint8), "expected an array of floats"),
        (lambda a: None, "expected an array of floats"),
        (lambda a: a[99], "failed: IndexError"),
    ],
)
def test_what_is_no_picture_is_named(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(ImageModelError, match=message):
        make_picture(FunctionModel(function, "odd"), picture(), Watch())


# --- the blind part ------------------------------------------------------------------------------------------------


def test_blind_is_the_engines_own_result_without_keyframes() -> None:
    engine = default_registry().create("lite", torch.device("cpu"))
    settings = EngineSettings(scale=4)
    latents = engine.encode_source([WindowFrame(0, picture())], settings, Watch())
    (propagation,) = engine.propagate(latents, [], settings, Watch())
    made = make_picture(models().get("blind"), picture(), Watch())
    torch.testing.assert_close(made, engine.decode(propagation, Mix(), Watch()).frame)
    assert made.shape == (3, 4 * HEIGHT, 4 * WIDTH)


# --- weights files -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    """A tiny network of a published architecture, with weights of no merit."""
    pytest.importorskip("safetensors")
    with weights_module.importable():
        compact = pytest.importorskip("spandrel.architectures.Compact")
    torch.manual_seed(3)
    made: torch.nn.Module = compact.Compact(num_feat=8, num_conv=2, upscale=2).eval()
    return made


def saved(network: torch.nn.Module, path: Path) -> Path:
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file(network.state_dict(), path)
    else:
        torch.save({"params": network.state_dict()}, path)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_weights_file_gives_its_networks_picture(network: torch.nn.Module, tmp_path: Path, suffix: str) -> None:
    model = models().get(str(saved(network, tmp_path / f"m{suffix}")))
    made = make_picture(model, picture(), Watch())
    with torch.no_grad():
        expected = network(picture().unsqueeze(0)).squeeze(0).clamp(0, 1)
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)


def test_tiles_give_the_whole_networks_picture(
    network: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = torch.rand(3, 70, 90, generator=torch.Generator().manual_seed(2))
    model = WeightsModel(saved(network, tmp_path / "m.pth"))
    whole = model.enlarge(large, Watch())
    monkeypatch.setattr(weights_module, "TILE", 32)
    steps: list[float] = []
    tiled = model.enlarge(large, Watch(progress=lambda fraction, stage: steps.append(fraction)))
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=0)
    assert len(steps) == 9


def test_tiles_cover_every_pixel_once() -> None:
    seen = np.zeros((300, 530), int)
    for tile in tiles_of(300, 530):
        seen[tile.core] += 1
        for core, outer in zip(tile.core, tile.outer, strict=True):
            assert outer.start <= core.start < core.stop <= outer.stop
    assert (seen == 1).all()


def test_identity_is_the_files_content(network: torch.nn.Module, tmp_path: Path) -> None:
    first, second = saved(network, tmp_path / "a.safetensors"), tmp_path / "b.safetensors"
    second.write_bytes(first.read_bytes())
    assert WeightsModel(first).identity == WeightsModel(second).identity
    second.write_bytes(first.read_bytes()[:-1] + b"\x01")
    assert WeightsModel(first).identity != WeightsModel(second).identity
    with pytest.raises(ImageModelError, match="No such file"):
        _ = WeightsModel(tmp_path / "c.pth").identity


def test_a_cancelled_request_ends_between_tiles(network: torch.nn.Module, tmp_path: Path) -> None:
    with pytest.raises(CancelledError):
        WeightsModel(saved(network, tmp_path / "m.pth")).enlarge(picture(), Watch(cancelled=lambda: True))


class _Runs:
    """A pickle that would make a folder when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def test_nothing_in_a_weights_file_can_run(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    (tmp_path / "m.pth").write_bytes(pickle.dumps(_Runs(trap)))
    torch.save({"params": _Runs(trap)}, tmp_path / "n.pth")
    for name in ("m.pth", "n.pth"):
        with pytest.raises(ImageModelError, match="cannot be read"):
            load(tmp_path / name)
    assert not trap.exists()


def test_weights_of_no_known_model_are_named(tmp_path: Path) -> None:
    torch.save({"some.weight": torch.zeros(3)}, tmp_path / "m.pth")
    with pytest.raises(ImageModelError, match="spandrel knows no model"):
        load(tmp_path / "m.pth")


# --- commands ------------------------------------------------------------------------------------------------------

DOUBLE = (
    "import sys, cv2\n"
    "picture = cv2.imread(sys.argv[1], cv2.IMREAD_UNCHANGED)\n"
    "cv2.imwrite(sys.argv[2], picture.repeat(2, axis=0).repeat(2, axis=1))\n"
)


def command(tmp_path: Path, script: str, words: str = "{in} {out}", limit_s: float = 60.0) -> CommandModel:
    path = tmp_path / "a script.py"
    path.write_text(script)
    return CommandModel(f"{sys.executable} '{path}' {words}", limit_s)


def test_a_command_gets_and_gives_sixteen_bits(tmp_path: Path) -> None:
    made = make_picture(command(tmp_path, DOUBLE), picture(), Watch())
    expected = picture().repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    torch.testing.assert_close(made, expected, atol=1 / 65535, rtol=0)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import sys; print('out of luck'); sys.exit(3)", "expected exit code 0, found 3: out of luck"),
        ("pass", "the command wrote no picture"),
        ("import sys; open(sys.argv[2], 'w').write('no')", "the command wrote no picture"),
        ("import time; time.sleep(600)", r"expected a picture within 0\.5 s"),
    ],
    ids=["fails", "writes nothing", "writes nonsense", "hangs"],
)
def test_commands_that_fail_are_named(tmp_path: Path, script: str, message: str) -> None:
    with pytest.raises(ImageModelError, match=message):
        command(tmp_path, script, limit_s=0.5 if "sleep" in script else 60.0).enlarge(picture(), Watch())


def test_a_withdrawn_request_ends_the_command(tmp_path: Path) -> None:
    script = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    pid = tmp_path / "pid"
    with pytest.raises(CancelledError):
        command(tmp_path, script).enlarge(picture(), Watch(cancelled=lambda: pid.exists() and bool(pid.read_text())))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    words = f"{{in}} {{out}} ; touch {tmp_path / 'sprung'}"
    make_picture(command(tmp_path, DOUBLE, words), picture(), Watch())
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("line", ["", "upscale", "upscale {in}", "upscale {out}", "upscale '{in} {out}"])
def test_a_command_names_both_files(line: str) -> None:
    with pytest.raises(ImageModelError, match=r"found|cannot be read"):
        CommandModel(line)


def test_a_missing_program_is_named() -> None:
    with pytest.raises(ImageModelError, match="no-such-program-here: No such file"):
        CommandModel("no-such-program-here {in} {out}").enlarge(picture(), Watch())


# --- callables -----------------------------------------------------------------------------------------------------


def test_a_callable_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "twice_as_large.py").write_text(
        "import numpy as np\n\n\nclass Models:\n    @staticmethod\n    def double(array):\n"
        "        return np.repeat(np.repeat(array, 2, axis=0), 2, axis=1)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    made = make_picture(imported("twice_as_large:Models.double"), picture(), Watch())
    assert torch.equal(made, picture().repeat_interleave(2, dim=1).repeat_interleave(2, dim=2))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere_at_all:f", "cannot be imported"),
        ("math:nothing", "cannot be imported"),
        ("math", "expected package.module:function"),
        ("math:pi", "expected a callable, found float"),
    ],
)
def test_what_is_no_callable_is_named(name: str, message: str) -> None:
    with pytest.raises(ImageModelError, match=message):
        imported(name)


# --- names ---------------------------------------------------------------------------------------------------------


def test_a_project_cannot_name_a_program() -> None:
    for text in ("command:touch {in} {out}", "python:os:system"):
        with pytest.raises(UnknownImageModelError, match="a project cannot name a program by itself"):
            models().get(text)
        assert models(trusted=True).get(text) is not None


def test_users_name_their_own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    from sparkvsr.keyframes.models.registry import names_of_user, user_file

    assert names_of_user() == {}
    user_file().parent.mkdir()
    user_file().write_text(json.dumps({"ours": "command:upscale {in} {out}"}))
    made = models(names=names_of_user).get("ours")
    assert isinstance(made, CommandModel)
    assert made.line == "upscale {in} {out}"
    user_file().write_text("[1]")
    with pytest.raises(ImageModelError, match=r"image_models\.json: expected"):
        models(names=names_of_user).get("ours")


def test_models_of_ones_own_are_added_and_kept() -> None:
    known, model = models(), FunctionModel(doubled, "mine")
    known.add("mine", model)
    assert known.get("mine") is model
    assert known.get("blind") is known.get("blind")


@pytest.mark.parametrize("text", ["", "esrgan", "/tmp/model.bin"])
def test_what_names_no_model_is_told(text: str) -> None:
    with pytest.raises(UnknownImageModelError, match="expected blind, a weights file"):
        models().get(text)


def test_a_weights_file_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(ImageModelError, match="no such file"):
        models().get("/nowhere/model.pth")


def test_a_hanging_command_does_not_outlive_its_limit(tmp_path: Path) -> None:
    """Nor does what it started."""
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    with pytest.raises(ImageModelError, match="still at work"):
        command(tmp_path, script, limit_s=3.0).enlarge(picture(), Watch())
    end = time.monotonic() + 10.0
    pid = int((tmp_path / "pid").read_text())
    while _lives(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
