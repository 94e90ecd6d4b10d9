"""What changes the engine's pixels beside the request: a short text such as ``tile=768,color=off``.

The text is part of the engine's name (``sparkvsr-5b?tile=768``) and, resolved and written out in full, of its identity.
Nothing in it depends on how much memory a machine has: the planner (``planner.propose``) proposes options for a budget
once, and what it proposed is kept with the project. Left out, the arithmetic depends on the kind of device alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import torch

from sparkvsr.engine import UnsupportedSettingError

DTYPES: Final[Mapping[str, torch.dtype]] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
AUTO: Final = "auto"
ASK: Final = "plan"
"""In the place of options: refuse to work, and say what this device has room for."""
_STEP = 64
_SMALLEST = 128
# Attention grows with the square of a tile's area. Up to here a picture is one tile: a little above 1088×1920.
_LARGEST_WHOLE = 2_200_000
_TILE_OF_LARGER = 1024
# diffusers cuts convolutions in time above a size, and from here on into pieces shorter than its kernels, which fail.
_LARGEST_VAE_TILE = 1_600_000
CHUNKS: Final = (33, 49)
"""Lengths of a chunk in frames."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Resolved by ``parse_options``; what every field means, docs/models/sparkvsr-5b.md says.

    ``tile``: side in pixels of the transformer's tiles, 0 whole, None by the picture's size. ``vae``: side of the
    autoencoder's tiles, 0 whole. ``chunk``: frames. ``channels``: whether they come last in the autoencoder's memory.
    ``compile``: whose blocks run as torch.compile makes them.
    """

    dtype: str = AUTO
    tile: int | None = None
    vae: int = 512
    chunk: int = CHUNKS[0]
    color: bool = True
    gate: bool = True
    borrow: bool = True
    channels: str = "first"
    compile: str = "off"

    def __str__(self) -> str:
        return ",".join(f"{field.name}={_WRITERS[field.name](getattr(self, field.name))}" for field in fields(self))

    def resolved(self, device: torch.device) -> EngineOptions:
        """With the arithmetic that ``auto`` stands for on this kind of device."""
        names = {dtype: name for name, dtype in DTYPES.items()}
        return replace(self, dtype=names[self.arithmetic(device, "float32")])

    def arithmetic(self, device: torch.device, precision: str) -> torch.dtype:
        """``auto`` is float32 on a processor, else bfloat16; ``precision`` "bfloat16" asks for that anywhere."""
        if self.dtype != AUTO:
            return DTYPES[self.dtype]
        lowered = device.type != "cpu" or precision == "bfloat16"
        return torch.bfloat16 if lowered else torch.float32

    def tile_for(self, height: int, width: int) -> int:
        """Side of the transformer's tiles for a picture of this size, 0: whole."""
        if self.tile is not None:
            return self.tile
        return 0 if height * width <= _LARGEST_WHOLE else _TILE_OF_LARGER


def autoencoder_can(side: int, height: int, width: int) -> bool:
    """Whether tiles of this side (0: whole) of a picture of this size are small enough for the autoencoder."""
    rows, columns = (min(side or length, length) for length in (height, width))
    return rows * columns <= _LARGEST_VAE_TILE


def overlap_of(tile: int) -> int:
    """How far tiles of this side overlap: an eighth, in steps of 16 pixels."""
    return tile // 8 // 16 * 16


def parse_options(text: str) -> EngineOptions:
    """Raises UnsupportedSettingError, which names the options there are or the values that one may have."""
    return EngineOptions(**given_options(text))


def written(options: EngineOptions, names: Sequence[str]) -> str:
    """The options of these names, as ``parse_options`` reads them."""
    return ",".join(f"{name}={_WRITERS[name](getattr(options, name))}" for name in names)


def given_options(text: str) -> dict[str, Any]:
    """The options that the text names, by name. Raises UnsupportedSettingError."""
    chosen: dict[str, Any] = {}
    for item in filter(None, (item.strip() for item in text.split(","))):
        name, equals, value = item.partition("=")
        if name not in _READERS or not equals:
            known = ", ".join(f"{known}={_EXPECTED[known]}" for known in _READERS)
            raise UnsupportedSettingError(f"expected engine options like {known}; found {item!r}")
        if name in chosen:
            raise UnsupportedSettingError(f"expected each engine option once, found {name} twice")
        try:
            chosen[name] = _READERS[name](value)
        except (KeyError, ValueError):
            raise UnsupportedSettingError(f"expected {name}={_EXPECTED[name]}, found {value!r}") from None
    return chosen


def _side(text: str) -> int:
    side = int(text)
    if side != 0 and (side < _SMALLEST or side % _STEP):
        raise ValueError(text)
    return side


def _side_or_auto(text: str) -> int | None:
    return None if text == AUTO else _side(text)


def _switch(text: str) -> bool:
    return {"on": True, "off": False}[text]


def _chunk(text: str) -> int:
    return {str(length): length for length in CHUNKS}[text]


def _word(*words: str) -> Callable[[str], str]:
    return lambda text: {word: word for word in words}[text]


def _write_switch(value: bool) -> str:
    return "on" if value else "off"


def _write_side(value: int | None) -> str:
    return AUTO if value is None else str(value)


_SIDES: Final = f"0 (whole) or a multiple of {_STEP} from {_SMALLEST} on"
_EXPECTED: Final[Mapping[str, str]] = {
    "dtype": "|".join((AUTO, *DTYPES)),
    "tile": f"{AUTO}, {_SIDES}",
    "vae": _SIDES,
    "chunk": "|".join(map(str, CHUNKS)),
    "color": "on|off",
    "gate": "on|off",
    "borrow": "on|off",
    "channels": "first|last",
    "compile": "off|transformer|all",
}
_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "dtype": _word(AUTO, *DTYPES),
    "tile": _side_or_auto,
    "vae": _side,
    "chunk": _chunk,
    "color": _switch,
    "gate": _switch,
    "borrow": _switch,
    "channels": _word("first", "last"),
    "compile": _word("off", "transformer", "all"),
}
_WRITERS: Final[Mapping[str, Callable[[Any], str]]] = {
    "dtype": str,
    "tile": _write_side,
    "vae": _write_side,
    "chunk": str,
    "color": _write_switch,
    "gate": _write_switch,
    "borrow": _write_switch,
    "channels": str,
    "compile": str,
}
