"""``upscale --vram``: options of the 5B engine for a memory budget, told once, then part of the engine's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.shifting_clip import clip

from sparkvsr import device_memory
from sparkvsr.cli import main
from sparkvsr.cli.errors import UsageError
from sparkvsr.cli.planned_engine import planned_engine
from sparkvsr.cogvideox.budget import VARIABLE, budget_of
from sparkvsr.cogvideox.record import record_of, write_record
from sparkvsr.engine import EngineRegistry
from sparkvsr.frames import Frame
from sparkvsr.media import read_still, write_still
from sparkvsr_backend.engine_loop import EngineLoop

CPU = torch.device("cpu")
HD = (1080, 1920)


def test_what_the_name_has_stays_and_the_rest_is_proposed() -> None:
    assert planned_engine("sparkvsr-5b", 60.0, HD, CPU)[0] == "sparkvsr-5b?dtype=float32,tile=0,vae=1024,chunk=49"
    name, why = planned_engine("sparkvsr-5b?color=off,vae=256", 20.0, HD, CPU, chunk=49)
    assert name == "sparkvsr-5b?dtype=bfloat16,tile=0,vae=256,chunk=49,color=off"
    assert "of 20.0 GB" in why
    with pytest.raises(UsageError, match="--vram"):
        planned_engine("lite", 60.0, HD, CPU)


def test_the_budget_is_what_was_said_before_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert budget_of(CPU) is None
    monkeypatch.setenv(VARIABLE, "12.5")
    assert budget_of(CPU) == 12_500_000_000
    loop = EngineLoop(EngineRegistry())
    loop.limit(None, 7)  # as BUDGET does
    try:
        assert budget_of(torch.device("cuda")) == 7
        assert budget_of(CPU) == 12_500_000_000  # a processor has no such memory
    finally:
        loop.limit(None, None)
    assert device_memory.limit() is None
    with pytest.raises(ValueError, match="expected at least one byte"):
        device_memory.set_limit(0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_command_plans_and_says_what_to_keep(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_record(record_of(tiny_checkpoint), tmp_path / "weights")
    monkeypatch.setenv("SPARKVSR_WEIGHTS_DIR", str(tmp_path / "weights"))
    for number, picture in enumerate(clip(2, 8, 8, 1)[0]):
        rgb = np.ascontiguousarray(picture.permute(1, 2, 0).numpy())
        write_still(tmp_path / f"lr.{number:04d}.exr", Frame.from_numpy(rgb))
    source = str(tmp_path / "lr.%04d.exr")
    ask = ["upscale", source, str(tmp_path / "a.%04d.exr"), "--scale", "2", "--engine", "sparkvsr-5b?gate=off"]
    monkeypatch.setenv(VARIABLE, "60")
    assert main([*ask, "--vram", "auto"]) == 0
    told = capsys.readouterr().err
    assert "planned --engine 'sparkvsr-5b?dtype=float32,tile=0,vae=0,chunk=49,gate=off'" in " ".join(told.split())
    assert "16×16, 2 frames: all weights on the device, the stages of neighbouring chunks at work at once" in told
    kept = ["upscale", source, str(tmp_path / "b.%04d.exr"), "--scale", "2"]
    assert main([*kept, "--engine", "sparkvsr-5b?dtype=float32,tile=0,vae=0,chunk=49,gate=off"]) == 0
    for number in range(2):
        first, second = (read_still(tmp_path / f"{name}.{number:04d}.exr").frame.pixels for name in "ab")
        assert torch.equal(first, second)
