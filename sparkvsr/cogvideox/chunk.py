"""What is known of a chunk, stage by stage; everything lies in host memory and is for reading only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from sparkvsr import guidance
from sparkvsr.cogvideox.geometry import TEMPORAL, Padding
from sparkvsr.cogvideox.reference import Placed

_UNUSED = 0.0


class Once:
    """A tensor that is computed when it is first asked for, by one thread, and then kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: torch.Tensor | None = None

    def get(self, make: Callable[[], torch.Tensor]) -> torch.Tensor:
        """The tensor; what ``make`` raises leaves nothing behind."""
        with self._lock:
            if self._value is None:
                self._value = make()
            return self._value


@dataclass(frozen=True, slots=True)
class ChunkSource:
    """Source latents of a chunk of ``frames`` frames.

    ``latents`` [F', 16, h', w'] float32. ``slots``: the frames that slots stand for, [3, h, w] in 0..1. ``low``: low
    bands of all frames. ``excess``: what lies outside 0..1, by frame, where anything does. ``blind``: x0 without
    keyframes.
    """

    frames: int
    scale: int
    precision: str
    padding: Padding
    latents: torch.Tensor
    slots: tuple[torch.Tensor, ...]
    low: tuple[torch.Tensor, ...]
    excess: tuple[torch.Tensor | None, ...]
    blind: Once = field(default_factory=Once)

    @property
    def nbytes(self) -> int:
        """Bytes held, x0 without keyframes among them, whether it is there yet or not."""
        pictures = [*self.slots, *self.low, *(one for one in self.excess if one is not None)]
        return 2 * self.latents.nbytes + sum(one.nbytes for one in pictures)


@dataclass(frozen=True, slots=True)
class PlacedTerms:
    """A keyframe in use and its evidence at every latent: ``motion``, ``agreement`` [F', h', w']."""

    placed: Placed
    terms: guidance.GateTerms


@dataclass(frozen=True, slots=True)
class ChunkPropagation:
    """x0 with keyframes; ``keyed`` is None where none is used. ``given``: how many were given."""

    source: ChunkSource
    keyed: torch.Tensor | None
    used: tuple[PlacedTerms, ...]
    given: int

    @property
    def nbytes(self) -> int:
        """Bytes held, the source's included, which a cached propagation keeps alive."""
        own = 0 if self.keyed is None else self.keyed.nbytes
        terms = sum(one.terms.motion.nbytes + one.terms.agreement.nbytes for one in self.used)
        return self.source.nbytes + own + terms

    def confidences(self, trust: float) -> list[torch.Tensor]:
        """Of each keyframe in use, [1, F'·h', w']."""
        return [one.terms.confidence(trust).flatten(0, 1).unsqueeze(0) for one in self.used]


@dataclass(frozen=True, slots=True)
class Gate:
    """Region by region: ``gate`` [F', h', w'], the ``shares`` [K, F', h', w'] of the keyframes that were given.

    ``correct`` [F', h', w']: how far colours are corrected against the source; None: all the way.
    """

    gate: torch.Tensor
    shares: torch.Tensor
    correct: torch.Tensor | None

    @staticmethod
    def of(propagation: ChunkPropagation, trust: float, gated: bool) -> Gate:
        """``gated`` False: keyframes count everywhere, as in the published method."""
        shape = (propagation.source.latents.shape[0], *propagation.source.latents.shape[2:])
        if not propagation.used:
            return Gate(torch.zeros(shape), torch.zeros((propagation.given, *shape)), None)
        confidences = propagation.confidences(trust)
        if not gated:
            confidences = [torch.ones_like(one) for one in confidences]
        used, gate = guidance.weigh(confidences)
        shares = torch.zeros((propagation.given, *shape))
        for one, share in zip(propagation.used, used, strict=True):
            shares[one.placed.index] = share.view(shape)
        return Gate(gate.view(shape), shares, _correction(propagation, used.view(-1, *shape), trust))

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.gate.nbytes + self.shares.nbytes + (0 if self.correct is None else self.correct.nbytes)


def _correction(propagation: ChunkPropagation, shares: torch.Tensor, trust: float) -> torch.Tensor | None:
    """What an artist painted differs from the source on purpose: as Trust rises, its colours are left alone."""
    if trust <= _UNUSED:
        return None
    unlike = sum(
        (share * one.terms.agreement for one, share in zip(propagation.used, shares, strict=True)),
        torch.zeros_like(shares[0]),
    )
    return unlike.mul(-trust).exp()


@dataclass(frozen=True, slots=True)
class DecodedChunk:
    """``pictures`` [F, 3, H, W] in the network's type, nominally 0..1; ``keyed``: keyframes have a part in it."""

    source: ChunkSource
    pictures: torch.Tensor
    gate: Gate
    keyed: bool

    @property
    def nbytes(self) -> int:
        """Bytes held, the source's included."""
        return self.source.nbytes + self.pictures.nbytes + self.gate.nbytes


def between_latents(maps: torch.Tensor, frame: int) -> torch.Tensor:
    """[h', w'] at a frame, of maps [F', h', w'] that hold at the latents' own frames; linear between them."""
    before, step = divmod(frame, TEMPORAL)
    if not step:
        return maps[before]
    return torch.lerp(maps[before], maps[min(before + 1, maps.shape[0] - 1)], step / TEMPORAL)
