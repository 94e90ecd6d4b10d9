"""What fits a memory budget: pure functions of shapes and bytes.

Two kinds of choices are kept apart. Tiles and chunk length change pixels: they are proposed once, and the artist keeps
them as options. Where the weights lie while others work (``Residency``) leaves the bytes alone: it is chosen anew at
any time, and stepped down when memory runs out all the same.

The estimates count the tensors that live at once, from the networks' shapes; the factors are ours, rounded up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import torch

from sparkvsr.cogvideox.errors import MemoryBudgetError
from sparkvsr.cogvideox.geometry import SPATIAL, Padding, latent_length, padded_length, tokens
from sparkvsr.cogvideox.options import EngineOptions

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


class Residency(IntEnum):
    """Where the weights lie; further down takes less memory and more time, and gives the same bytes."""

    RESIDENT = 0
    PARKED = 1
    STREAMED = 2

    @property
    def in_words(self) -> str:
        """For messages."""
        return (
            "all weights on the device",
            "transformer and autoencoder take turns on the device",
            "the transformer's blocks come to the device one by one",
        )[self]


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
    """Settings that fit, and why they were chosen. ``chunk``: frames."""

    options: EngineOptions
    chunk: int
    residency: Residency
    estimate: Estimate
    why: str


def estimate(
    work: Work, options: EngineOptions, dtype: torch.dtype, residency: Residency, form: Architecture = PUBLISHED
) -> Estimate:
    """What a chunk takes under these settings."""
    size = dtype.itemsize
    transformer, vae = form.transformer_parameters * size, form.vae_parameters * size
    if residency is Residency.RESIDENT:
        beside_vae, beside_transformer = transformer, vae
    else:
        beside_vae = beside_transformer = 0
    if residency is Residency.STREAMED:
        transformer = transformer * _STREAMED_BLOCKS // form.transformer_layers
    pictures = _pictures(work, options, form) * size
    return Estimate(
        encode=_CONTEXT + vae + beside_vae + pictures,
        transformer=_CONTEXT + transformer + beside_transformer + _activations(work, options, form) * size,
        decode=_CONTEXT + vae + beside_vae + pictures + 3 * _video(work) * size,
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
        f"{least / GB:.1f} GB at the least; {_advice(work, options, dtype, budget, form)}"
    )


def propose(
    work: Work, options: EngineOptions, dtype: torch.dtype, budget: int, form: Architecture = PUBLISHED
) -> Proposal:
    """Settings for ``budget`` bytes that change pixels as little as can be. Raises MemoryBudgetError.

    Smaller tiles of the autoencoder come first, as they are seen least; then weights that take turns; then tiles of the
    transformer; blocks that come one by one, which cost most time, last.
    """
    for residency, tried in _candidates(work, options):
        found = estimate(work, tried, dtype, residency, form)
        if found.peak <= budget:
            why = (
                f"{residency.in_words}; {_tiles_in_words(tried, work)}; about {found.peak / GB:.1f} of "
                f"{budget / GB:.1f} GB at the most"
            )
            return Proposal(tried, work.frames, residency, found, why)
    raise MemoryBudgetError(
        f"{work.width}×{work.height}, {work.frames} frames do not fit {budget / GB:.1f} GB in any way; lower the "
        "output's size"
    )


def _candidates(work: Work, options: EngineOptions) -> Iterator[tuple[Residency, EngineOptions]]:
    whole = replace(options, tile=options.tile_for(*Padding(work.height, work.width).padded))
    tiles = [whole.tile, *(tile for tile in (1024, 768, 512) if not whole.tile or tile < whole.tile)]
    for residencies in ((Residency.RESIDENT, Residency.PARKED), (Residency.STREAMED,)):
        for tile in tiles:
            for residency in residencies:
                for vae in (0, 1024, 768, 512, 384, 256):
                    yield residency, replace(whole, tile=tile, vae=vae)


def _advice(work: Work, options: EngineOptions, dtype: torch.dtype, budget: int, form: Architecture) -> str:
    try:
        proposal = propose(work, options, dtype, budget, form)
    except MemoryBudgetError:
        return "lower the output's size"
    return f"engine options tile={proposal.options.tile},vae={proposal.options.vae} fit"


def _tiles_in_words(options: EngineOptions, work: Work) -> str:
    parts = (("transformer", options.tile or 0), ("autoencoder", options.vae))
    return ", ".join(f"{name} {'in tiles of ' + str(side) if _tiled(side, work) else 'whole'}" for name, side in parts)


def _tiled(side: int, work: Work) -> bool:
    return 0 < side < max(Padding(work.height, work.width).padded)


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
