"""What fits a memory budget: pure functions of shapes and bytes.

Two kinds of choices are kept apart. Arithmetic, tiles and chunk length change pixels: they are proposed once
(``propose``), and the artist keeps them as options. Where the weights lie and whether stages overlap (``Residency``)
leaves the bytes alone: it is chosen anew at any time (``residency_for``), and stepped down when memory runs out all the
same. Two more savings leave the bytes alone and cost nothing, so they are always made: the passes with and without
keyframes run one after the other, and the autoencoder works on a slice of 8 frames at a time.

The estimates count the tensors that live at once, from the networks' shapes; the factors are ours, rounded up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, TypeAlias

import torch

from sparkvsr.cogvideox.errors import MemoryBudgetError
from sparkvsr.cogvideox.geometry import SPATIAL, Padding, latent_length, padded_length, tokens
from sparkvsr.cogvideox.options import CHUNKS, DTYPES, EngineOptions, autoencoder_can, written

GB: Final = 1_000_000_000
_CONTEXT = 1 * GB
"""What the driver, its libraries and gaps between tensors take."""
# Tensors of the size of all tokens in a block's feed-forward part (4 before and 4 after its activation, what goes in,
# what comes out, the residual) and in its attention (queries and keys are turned in float32).
_TOKEN_TENSORS = 14
# Tensors of full size and the first level's channels in a residual block with a spatial norm.
_PICTURE_TENSORS = 6
# Frames that the autoencoder has at hand at once: 8, and one before them.
_FRAMES_AT_ONCE = 9
_STREAMED_BLOCKS = 2
PLANNED: Final = ("dtype", "tile", "vae", "chunk")
"""The options that are proposed."""
# Smaller ones are tried later.
_TILES: Final = (1024, 768, 512)
_VAE_TILES: Final = ((0, 1024, 768, 512), (384, 256))


class Residency(IntEnum):
    """Where the weights lie; further down takes less memory and more time, and gives the same bytes."""

    OVERLAPPED = 0
    RESIDENT = 1
    PARKED = 2
    STREAMED = 3

    @property
    def in_words(self) -> str:
        """For messages."""
        return (
            "all weights on the device, the stages of neighbouring chunks at work at once",
            "all weights on the device",
            "transformer and autoencoder take turns on the device",
            "the transformer's blocks come to the device one by one",
        )[self]


_TURNS: Final = ((Residency.RESIDENT, Residency.PARKED), (Residency.STREAMED,))


@dataclass(frozen=True, slots=True)
class Architecture:
    """Numbers of the networks that memory depends on."""

    transformer_parameters: int
    transformer_layers: int
    width: int
    text_tokens: int
    vae_parameters: int
    vae_channels: int


PUBLISHED: Final = Architecture(
    transformer_parameters=5_571_594_880,
    transformer_layers=42,
    width=3072,
    text_tokens=226,
    vae_parameters=215_583_907,
    vae_channels=128,
)


@dataclass(frozen=True, slots=True)
class Card:
    """What a device can compute in. ``kind`` "cuda" or "cpu"."""

    kind: str = "cuda"
    bfloat16: bool = True

    @property
    def arithmetic(self) -> tuple[tuple[str, str], ...]:
        """Types to try, the best first, and why."""
        if self.kind == "cpu":
            return ("float32", "exact, on a processor"), ("bfloat16", "as float32 does not fit")
        if self.bfloat16:
            return (("bfloat16", "as the network was trained"),)
        return (("float16", "as the device has no bfloat16"),)


GPU: Final = Card()


@dataclass(frozen=True, slots=True)
class Work:
    """A chunk: size of the output and number of frames."""

    height: int
    width: int
    frames: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes on the device while each part works, all included."""

    encode: int
    transformer: int
    decode: int

    @property
    def peak(self) -> int:
        """The most at any time."""
        return max(self.encode, self.transformer, self.decode)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Settings that fit, to be kept as engine options (``text``), and why they were chosen.

    ``options``: with nothing left to ``auto``. ``residency``: what a device with this budget will do at first.
    """

    options: EngineOptions
    residency: Residency
    estimate: Estimate
    why: str

    @property
    def text(self) -> str:
        """Engine options such as ``dtype=bfloat16,tile=0,vae=768,chunk=33``."""
        return written(self.options, PLANNED)


def estimate(
    work: Work, options: EngineOptions, dtype: torch.dtype, residency: Residency, form: Architecture = PUBLISHED
) -> Estimate:
    """What a chunk takes under these settings."""
    size = dtype.itemsize
    transformer, vae = form.transformer_parameters * size, form.vae_parameters * size
    beside_vae, beside_transformer = transformer, vae
    if residency > Residency.RESIDENT:
        beside_vae = beside_transformer = 0
    if residency is Residency.STREAMED:
        transformer = transformer * _STREAMED_BLOCKS // form.transformer_layers
    passing = _activations(work, options, form) * size
    encoding = _pictures(work, options, form) * size
    decoding = encoding + 3 * _video(work) * size
    together = residency is Residency.OVERLAPPED
    return Estimate(
        encode=_CONTEXT + vae + beside_vae + encoding + together * passing,
        transformer=_CONTEXT + transformer + beside_transformer + passing + together * decoding,
        decode=_CONTEXT + vae + beside_vae + decoding + together * passing,
    )


def residency_for(
    work: Work, options: EngineOptions, dtype: torch.dtype, budget: int, form: Architecture = PUBLISHED
) -> Residency:
    """The first residency that fits. Raises MemoryBudgetError, which says what would."""
    for residency in Residency:
        if estimate(work, options, dtype, residency, form).peak <= budget:
            return residency
    least = estimate(work, options, dtype, Residency.STREAMED, form).peak
    raise MemoryBudgetError(
        f"{work.width}×{work.height}, {work.frames} frames: expected at most {budget / GB:.1f} GB, found "
        f"{least / GB:.1f} GB at the least; {advice(work, options, dtype, budget, form)}"
    )


def propose(
    height: int,
    width: int,
    budget: int,
    card: Card = GPU,
    options: EngineOptions = EngineOptions(),  # noqa: B008 - frozen
    fixed: Collection[str] = (),
    form: Architecture = PUBLISHED,
) -> Proposal:
    """Settings for an output of this size in ``budget`` bytes that change pixels as little as can be.

    ``fixed``: names of options that are kept as they are in ``options``. Smaller tiles of the autoencoder come first,
    as they are seen least; then weights that take turns; then tiles of the transformer; blocks that come one by one,
    which cost most time, last. Chunks are long where that costs no tile. Raises MemoryBudgetError.
    """
    for reason, residency, tried in _candidates(height, width, card, options, fixed):
        if not autoencoder_can(tried.vae, height, width):
            continue
        dtype = DTYPES[tried.dtype]
        found = estimate(Work(height, width, tried.chunk), tried, dtype, residency, form)
        if found.peak <= budget:
            return _proposal(Work(height, width, tried.chunk), tried, reason, budget, form)
    raise MemoryBudgetError(f"{width}×{height} does not fit {budget / GB:.1f} GB in any way; lower the output's size")


def _proposal(work: Work, options: EngineOptions, reason: str, budget: int, form: Architecture) -> Proposal:
    dtype = DTYPES[options.dtype]
    residency = residency_for(work, options, dtype, budget, form)
    found = estimate(work, options, dtype, residency, form)
    tiles = _tiles_in_words(options, work.height, work.width)
    numbers = in_numbers(residency, found, budget)
    why = f"{options.dtype}, {reason}; {tiles}; {work.frames} frames at once; {numbers}"
    return Proposal(options, residency, found, why)


def in_numbers(residency: Residency, found: Estimate, budget: int) -> str:
    """What was chosen, and how much of the budget that takes."""
    return f"{residency.in_words}; about {found.peak / GB:.1f} of {budget / GB:.1f} GB at the most"


def advice(work: Work, options: EngineOptions, dtype: torch.dtype, budget: int, form: Architecture = PUBLISHED) -> str:
    """What would fit, with arithmetic and length of chunks as they are."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    kept = replace(options, dtype=names[dtype])
    try:
        found = propose(work.height, work.width, budget, GPU, kept, ("dtype", "chunk"), form)
    except MemoryBudgetError:
        return "lower the output's size"
    return f"engine options tile={found.options.tile},vae={found.options.vae} fit"


# --- what is tried ---------------------------------------------------------------------------------------------------

_Candidate: TypeAlias = tuple[str, Residency, EngineOptions]


def _candidates(
    height: int, width: int, card: Card, options: EngineOptions, fixed: Collection[str]
) -> Iterator[_Candidate]:
    """Best first, each with the reason for its arithmetic."""
    arithmetic = ((options.dtype, "as asked for"),) if "dtype" in fixed else card.arithmetic
    for dtype, reason in arithmetic:
        start = replace(options, dtype=dtype, tile=options.tile_for(*Padding(height, width).padded))
        if "chunk" not in fixed and not start.tile:
            largest = next(side for side in _VAE_TILES[0] if autoencoder_can(side, height, width))
            longer = replace(start, chunk=CHUNKS[-1], vae=options.vae if "vae" in fixed else largest)
            yield reason, Residency.RESIDENT, longer
        kept = start if "chunk" in fixed else replace(start, chunk=CHUNKS[0])
        for residency, tried in _smaller_and_smaller(kept, card, fixed):
            yield reason, residency, tried


def _smaller_and_smaller(
    start: EngineOptions, card: Card, fixed: Collection[str]
) -> Iterator[tuple[Residency, EngineOptions]]:
    smaller = () if "tile" in fixed else tuple(side for side in _TILES if not start.tile or side < start.tile)
    turns = ((Residency.RESIDENT,),) if card.kind == "cpu" else _TURNS
    for residencies in turns:
        for tile in (start.tile, *smaller):
            for sides in ((start.vae,),) if "vae" in fixed else _VAE_TILES:
                for residency in residencies:
                    for vae in sides:
                        yield residency, replace(start, tile=tile, vae=vae)


def _tiles_in_words(options: EngineOptions, height: int, width: int) -> str:
    longest = max(Padding(height, width).padded)
    parts = (("transformer", options.tile or 0), ("autoencoder", options.vae))
    tiled = {name: f"in tiles of {side}" if 0 < side < longest else "whole" for name, side in parts}
    return ", ".join(f"{name} {how}" for name, how in tiled.items())


# --- what lives at once ----------------------------------------------------------------------------------------------


def _tile_size(work: Work, side: int) -> tuple[int, int]:
    height, width = Padding(work.height, work.width).padded
    return (height, width) if side == 0 else (min(height, side), min(width, side))


def _activations(work: Work, options: EngineOptions, form: Architecture) -> int:
    """Samples that live at once in the transformer."""
    height, width = _tile_size(work, options.tile_for(*Padding(work.height, work.width).padded))
    latents = latent_length(padded_length(work.frames))
    seen = tokens(latents, height // SPATIAL, width // SPATIAL) + form.text_tokens
    return _TOKEN_TENSORS * seen * form.width


def _pictures(work: Work, options: EngineOptions, form: Architecture) -> int:
    """Samples that live at once in the autoencoder."""
    height, width = _tile_size(work, options.vae)
    frames = min(_FRAMES_AT_ONCE, padded_length(work.frames))
    return _PICTURE_TENSORS * frames * height * width * form.vae_channels


def _video(work: Work) -> int:
    """Samples of all frames."""
    height, width = Padding(work.height, work.width).padded
    return 3 * padded_length(work.frames) * height * width
