"""The C++ side's constants are those of the document and of the Python side; both sides fingerprint alike."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sparkvsr_backend.protocol as python_side
from sparkvsr.frames import Frame, Premultiplication
from sparkvsr.frames import fingerprint as python_fingerprint
from sparkvsr_bridge.link import fingerprint

REPOSITORY = Path(__file__).resolve().parents[2]
HEADER = (REPOSITORY / "ofx_bridge" / "link" / "protocol.hpp").read_text()
DOCUMENT = (REPOSITORY / "docs" / "protocol.md").read_text()


def constant(name: str) -> int:
    """An integer of protocol.hpp; products are multiplied out."""
    found = re.search(rf"\b{name} = ([\d *]+);", HEADER)
    assert found is not None, f"protocol.hpp has no {name}"
    product = 1
    for factor in found[1].split("*"):
        product *= int(factor)
    return product


def test_message_numbers() -> None:
    enum = re.search(r"enum class MessageType[^{]*{([^}]*)}", HEADER)
    assert enum is not None
    cpp = {
        re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper(): int(number)
        for name, number in re.findall(r"(\w+) = (\d+)", enum[1])
    }
    table = re.findall(r"^\| (\d+) +\| ([A-Z_]+) +\|", DOCUMENT, re.MULTILINE)
    assert cpp == {name: int(number) for number, name in table}
    assert cpp == {kind.name: int(kind) for kind in python_side.MessageType}


def test_versions() -> None:
    documented = re.search(r"Protocol version: \*\*(\d+)\*\*", DOCUMENT)
    assert documented is not None
    assert constant("kVersionMax") == int(documented[1]) == python_side.PROTOCOL_MAX
    assert constant("kVersionMin") == python_side.PROTOCOL_MIN
    for version in range(constant("kVersionMin"), constant("kVersionMax") + 1):
        assert (REPOSITORY / "tests" / "data" / "golden" / f"v{version}-hello.msgpack").exists()


def test_limits() -> None:
    assert constant("kMaxHeaderBytes") == 1 << 20
    assert "at most 1 MiB" in DOCUMENT
    assert f"1 … {constant('kMaxDimension')}" in DOCUMENT
    assert f"and {constant('kMaxSegments')} segments at a time" in DOCUMENT
    assert f"multiple of {constant('kSlotAlignment')}" in DOCUMENT
    assert f"sends PING every {constant('kPingIntervalMs')} ms" in DOCUMENT
    assert f"nothing came for {constant('kSilenceLimitMs') // 1000} s" in DOCUMENT


def test_names_of_errors_are_documented() -> None:
    used = set(re.findall(r'constexpr const char\* k\w+ = "([A-Z]\w+)"', HEADER))
    assert "BackendDied" in used
    section = DOCUMENT[DOCUMENT.index("## 7. Answers") :]
    assert {name for name in used if name not in section} == set()


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 70),
    height=st.integers(1, 12),
    components=st.sampled_from([3, 4]),
    dtype=st.sampled_from(["uint8", "uint16", "float16", "float32"]),
    meaning=st.sampled_from(list(Premultiplication)),
    seed=st.integers(0, 2**32 - 1),
)
def test_both_sides_fingerprint_alike(
    width: int, height: int, components: int, dtype: str, meaning: Premultiplication, seed: int
) -> None:
    size = height * width * components * np.dtype(dtype).itemsize
    raw = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    array = raw.view(dtype).reshape(height, width, components)
    assert fingerprint(array, str(meaning)) == python_fingerprint(Frame.from_numpy(array, meaning))


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.zeros((2, 2, 4)), np.zeros((2, 4, 4), np.float32)[:, ::2]])
def test_arrays_that_are_no_pictures_are_refused(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        fingerprint(array)
