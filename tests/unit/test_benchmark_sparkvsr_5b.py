"""The benchmark of the 5B engine, tried out on a processor: everything in it runs, and it ends when it must."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("diffusers", reason="the extra `cogvideox` is not installed")

import gpu_sparkvsr_5b as benchmark

DEVICE = ["--device", "cpu", "--network", "tiny", "--dtype", "float32", "--no-compile"]
TRY = [*DEVICE, "--sizes", "64x48", "--frames", "5", "--seconds", "9999"]


@pytest.fixture(autouse=True)
def small_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparkvsr_5b.checks.SIDE", 32)
    monkeypatch.setattr("sparkvsr_5b.checks.COUNT", 5)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_everything_in_it_runs(tmp_path: Path) -> None:
    output = tmp_path / "5b.json"
    report = benchmark.main([*TRY, "--budgets", "2", "4", "--output", str(output)])
    assert json.loads(output.read_text()) == report
    assert len(report["checks"]) >= 6
    assert all(check["holds"] for check in report["checks"].values()), report["checks"]
    (room,) = report["sizes"].values()
    assert not [name for name, found in room.items() if "failed" in found or "left_out" in found], room
    for name in ("published, 2 GB", "default, 4 GB", "channels last"):
        found = room[name]
        assert set(found["split"]) == {"encode", "transformer", "decode"}
        assert min(found["split"].values()) > 0
        assert found["times_faster"] > 0
    assert "about 1.0 of 2.0 GB at the most" in room["published, 2 GB"]["plan"]
    assert set(room["reference"]["split"]) == {"encode", "transformer", "decode"}
    assert room["3 chunks, overlapped"]["seconds"] > 0


def test_when_the_time_is_over_it_says_what_it_left_out() -> None:
    report = benchmark.main([*TRY, "--budgets", "2", "--seconds", "0"])
    assert all(set(check) == {"left_out"} for check in report["checks"].values())
    (room,) = report["sizes"].values()
    assert room["reference"] == {"left_out": "no time"}
    assert room["channels last"] == {"left_out": "no time"}


def test_what_fails_is_told_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(benchmark, "reference", broken)
    monkeypatch.setattr(benchmark, "checks", lambda *_: {})
    monkeypatch.setattr(benchmark, "ways_to_be_faster", lambda *_: None)
    report = benchmark.main([*TRY, "--budgets", "2"])
    (room,) = report["sizes"].values()
    assert room["reference"] == {"failed": "RuntimeError: no such kernel"}
    assert room["published, 2 GB"]["seconds"] > 0
