"""What kind of machine computes, and that requests bound to another are refused by name."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from support.engines import CopyEngine, registry_of
from support.requests import frame, request_for

from sparkvsr import arithmetic
from sparkvsr.arithmetic import UnknownIsaError, arithmetic_of, has_bfloat16, hold_to_common
from sparkvsr.frames import fingerprint
from sparkvsr_backend import plan
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import UnsupportedSettingError
from sparkvsr_backend.requests import Precision

CPU = torch.device("cpu")
TOLD = "import torch; from sparkvsr.arithmetic import arithmetic_of; print(arithmetic_of(torch.device('cpu')))"


def loop_with(source: object) -> EngineLoop:
    loop = EngineLoop(registry_of(CopyEngine()))
    loop.frames.put(fingerprint(source), source)  # type: ignore[arg-type]
    return loop


def test_the_kind_names_instructions_and_release() -> None:
    kind = arithmetic_of(CPU)
    assert kind.startswith("cpu-")
    assert kind.endswith(f"torch-{torch.__version__.partition('+')[0]}")
    assert torch.backends.cpu.get_cpu_capability().lower() in kind


def test_a_request_that_is_bound_to_this_kind_is_served_and_to_another_refused() -> None:
    source = frame()
    loop = loop_with(source)
    assert loop.arithmetic == arithmetic_of(CPU)
    assert torch.equal(loop.render(request_for(source, arithmetic=loop.arithmetic)).frame.pixels, source.pixels)
    with pytest.raises(UnsupportedSettingError, match="another kind") as caught:
        loop.render(request_for(source, arithmetic="cpu-intel-avx512-amx torch-2.13.0"))
    assert caught.value.expected == "cpu-intel-avx512-amx torch-2.13.0"
    assert caught.value.found == arithmetic_of(CPU)


def test_a_binding_changes_no_pixel_and_no_key() -> None:
    source = frame()
    loop = loop_with(source)
    loop.render(request_for(source))
    assert loop.render(request_for(source, arithmetic=loop.arithmetic)).cached


@pytest.mark.parametrize("there", [False, True])
def test_bfloat16_is_refused_where_it_would_be_emulated(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(plan, "has_bfloat16", lambda device: there)
    source = frame()
    loop = loop_with(source)
    request = request_for(source, precision=Precision.BFLOAT16)
    if there:
        loop.render(request)
        return
    with pytest.raises(UnsupportedSettingError, match="no bfloat16") as caught:
        loop.render(request)
    assert caught.value.found == "bfloat16"


@pytest.mark.parametrize(("bf16", "amx", "held", "expected"), [(0, 0, 0, 0), (1, 0, 0, 1), (0, 1, 0, 1), (1, 1, 1, 0)])
def test_bfloat16_needs_instructions_that_may_be_used(
    monkeypatch: pytest.MonkeyPatch, bf16: int, amx: int, held: int, expected: int
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bool(bf16))
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: bool(amx))
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2" if held else "")
    arithmetic._has_instructions.cache_clear()
    try:
        assert arithmetic._has_instructions() == bool(expected)
        assert has_bfloat16(CPU) <= bool(expected)
        assert has_bfloat16(torch.device("cuda"))
    finally:
        arithmetic._has_instructions.cache_clear()


def test_the_environment_decides_before_torch_is_there() -> None:
    environment: dict[str, str] = {}
    assert not hold_to_common(environment)
    assert not hold_to_common({"SPARKVSR_ISA": "auto"})
    with pytest.raises(RuntimeError, match="too late"):
        hold_to_common({"SPARKVSR_ISA": "avx2"})
    with pytest.raises(UnknownIsaError, match="expected SPARKVSR_ISA to be auto or avx2, found 'avx1024'"):
        hold_to_common({"SPARKVSR_ISA": "avx1024"})


@pytest.mark.slow
def test_a_process_that_is_held_to_common_instructions_says_so() -> None:
    program = f"from sparkvsr.arithmetic import hold_to_common; hold_to_common(); {TOLD}"
    told = [
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, **more}, capture_output=True, text=True, check=True
        ).stdout
        for more in ({}, {"SPARKVSR_ISA": "avx2"})
    ]
    assert "common" not in told[0]
    assert told[1].startswith("cpu-common-") or "default" in told[1]
