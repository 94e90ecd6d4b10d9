"""The Engine contract: what an engine promises, and the registry of engines.

An engine is a pure function of pixels and settings, cut at the places where caching pays:

    encode_source    frames of the window          -> source latents      (cached per window)
    encode_keyframe  picture + its source frame    -> keyframe latents    (cached per keyframe)
    propagate        latents + keyframes           -> propagations        (cached per frame; no guidance, no trust)
    decode           a propagation + mix           -> HR frame, confidence (cheap: moving a slider costs only this)

An engine with ``grids`` works in chunks of a grid (``sparkvsr.propagation.chunks_at``): the window is a chunk, offsets
count from its first frame, ``propagate`` yields one propagation for all of it, and ``decode`` is cut in two
(``ChunkEngine``): the dear part once a chunk, the cheap one for each frame. Where two chunks hold a frame, the caller
adds up their pictures by the chunks' weights.

All pictures are *working pictures*: float32 tensors of shape [3, H, W], rows from the top, display-referred RGB where
0..1 is the nominal range of an sRGB picture; values outside it (highlights through the shaper, negatives) are legal
and must survive. Nothing above this contract names a network; nothing below it knows sockets, hosts, alpha or
transfer curves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch


class EngineError(Exception):
    """Base of what an engine raises; the caller may go on with other requests."""


class UnknownEngineError(EngineError):
    """No engine of this name is registered."""


class EngineUnavailableError(EngineError):
    """The engine exists but cannot run here: a package or its weights are missing. Says what to install."""


class UnsupportedSettingError(EngineError):
    """A setting has a value that the engine does not offer; it is never replaced by another."""


class CancelledError(EngineError):
    """The request was withdrawn while the engine worked."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What a caller must know before it sends pixels.

    ``window``: radius in frames around t that ``encode_source`` likes to have (0: the frame alone).
    ``identity``: changes whenever the same inputs could give other pixels (version, weights' SHA-256).
    ``low_agreement``: an ``agreement`` below it is worth the notice "check the offset".
    ``takes_views``: pictures may be strided views of host pixels, because the engine's bytes do not depend on strides.
    ``grids``: strides of the chunk grid that the engine offers, the usual one first; empty: it makes frames one by one.
    ``qualities``: those of ``EngineSettings.quality`` that it offers.
    """

    name: str
    scales: tuple[int, ...]
    window: int
    identity: str
    size_multiple: int = 1
    low_agreement: float = 0.7
    takes_views: bool = False
    grids: tuple[int, ...] = ()
    qualities: tuple[str, ...] = ("full",)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Settings that change what is computed before the mix. ``scale`` 1..4, ``precision`` "float32" or "bfloat16".

    ``quality``: "full", or "draft": what is quick enough for scrubbing, of the same look.
    """

    scale: int = 4
    precision: str = "float32"
    quality: str = "full"


@dataclass(frozen=True, slots=True)
class Mix:
    """The artist's hand on the result: ``guidance`` 0 (blind) .. 2, ``trust`` 0 (Strict) .. 1 (Paint)."""

    guidance: float = 1.0
    trust: float = 0.0


@dataclass(frozen=True, slots=True)
class WindowFrame:
    """One LR frame of the window; ``offset`` in frames from the frame to be made."""

    offset: int
    picture: torch.Tensor  # [3, h, w]


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A keyframe in use: latents of ``encode_keyframe``; ``offset`` = its time - t; ``strength`` 0..1."""

    offset: int
    latents: Any
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pictures of one frame at ``scale`` times the source's size.

    ``frame``, ``blind``: [3, H, W]. ``confidence``: [1, H, W] in 0..1, 0 where nothing was propagated.
    ``influence``: [K, H, W], the weight of each keyframe in the order given to ``propagate``; K may be 0.
    ``blind`` is None only from a ChunkEngine's ``frame_of``, where it was not decoded.
    Tensors may be shared with what is cached: they are for reading only.
    """

    frame: torch.Tensor
    blind: torch.Tensor | None
    confidence: torch.Tensor
    influence: torch.Tensor


@dataclass(frozen=True, slots=True)
class Propagation:
    """What was carried to the frame at ``offset``; opaque to all but its engine. ``nbytes``: its weight in a cache."""

    offset: int
    data: Any
    nbytes: int = 0


@dataclass(slots=True)
class Watch:
    """How a long computation reports and is stopped. ``cancelled`` is polled between steps of at most ~50 ms."""

    progress: Callable[[float, str], None] = lambda fraction, stage: None
    cancelled: Callable[[], bool] = lambda: False

    def step(self, fraction: float, stage: str) -> None:
        """Report ``fraction`` (0..1); raise CancelledError if the request was withdrawn."""
        if self.cancelled():
            raise CancelledError(stage)
        self.progress(fraction, stage)

    def part(self, first: float, last: float) -> Watch:
        """A watch that reports 0..1 as ``first``..``last`` of this one."""
        return Watch(
            progress=lambda fraction, stage: self.progress(first + fraction * (last - first), stage),
            cancelled=self.cancelled,
        )


class Engine(Protocol):
    """An engine. Methods are thread-safe, deterministic, and never change their arguments."""

    @property
    def info(self) -> EngineInfo:
        """Identity and limits."""

    def encode_source(self, window: Sequence[WindowFrame], settings: EngineSettings, watch: Watch) -> Any:
        """Latents of the frame at offset 0, from the frames of the window that the host could give, 0 among them."""

    def encode_keyframe(
        self, picture: torch.Tensor, source: torch.Tensor | None, settings: EngineSettings, watch: Watch
    ) -> Any:
        """Latents of a keyframe: ``picture`` [3, H, W] already at scale times the source's size; ``source`` [3, h,
        w], or None in a host blind to time: then the picture reduced to the source's size stands in."""

    def propagate(
        self, latents: Any, keyframes: Sequence[Keyframe], settings: EngineSettings, watch: Watch
    ) -> Iterator[Propagation]:
        """Carry the keyframes' detail to the frame (and, in engines that work in chunks, to its neighbours)."""

    def decode(self, propagation: Propagation, mix: Mix, watch: Watch) -> Decoded:
        """``blind + s*g*(keyed - blind)`` and its confidence."""

    def agreement(self, keyframe_latents: Any) -> float:
        """Mean agreement (0..1) of a keyframe's picture with its own source frame; low: "check the offset"."""


@runtime_checkable
class ChunkEngine(Engine, Protocol):
    """An engine with ``info.grids``."""

    def decode_chunk(self, propagation: Propagation, mix: Mix, watch: Watch) -> Any:
        """All frames of a chunk, in whatever form: cached per mix."""

    def frame_of(self, chunk: Any, offset: int) -> Decoded:
        """One frame of what ``decode_chunk`` gave; ``offset`` counts from the chunk's first frame. Cheap."""


EngineFactory = Callable[[torch.device], Engine]
EngineFactoryWithOptions = Callable[[torch.device, str], Engine]


@dataclass(slots=True)
class EngineRegistry:
    """Engines by name, made on first use, one per device.

    A name may go on with ``?`` and options, for an engine that has any: ``sparkvsr-5b?tile=768``.
    """

    factories: dict[str, EngineFactory] = field(default_factory=dict)
    with_options: dict[str, EngineFactoryWithOptions] = field(default_factory=dict)

    def register(self, name: str, factory: EngineFactory) -> None:
        """Offer an engine. Raises ValueError when the name is taken."""
        if name in self.factories:
            raise ValueError(f"engine {name!r} is already registered")
        self.factories[name] = factory

    def register_with_options(self, name: str, factory: EngineFactoryWithOptions) -> None:
        """Offer an engine that has options. Raises ValueError when the name is taken."""
        self.register(name, lambda device: factory(device, ""))
        self.with_options[name] = factory

    def create(self, name: str, device: torch.device) -> Engine:
        """Make an engine. Raises UnknownEngineError, UnsupportedSettingError for options that it has not."""
        base, mark, options = name.partition("?")
        if base not in self.factories:
            known = ", ".join(sorted(self.factories))
            raise UnknownEngineError(f"no engine {name!r}; there are: {known}")
        if not mark:
            return self.factories[base](device)
        if base not in self.with_options:
            raise UnsupportedSettingError(f"expected the engine {base} without options, found {options!r}")
        return self.with_options[base](device, options)


def default_registry() -> EngineRegistry:
    """The engines of this package."""
    from sparkvsr.cogvideox import create_cogvideox_engine
    from sparkvsr.lite import create_lite_engine

    registry = EngineRegistry()
    registry.register("lite", create_lite_engine)
    registry.register_with_options("sparkvsr-5b", create_cogvideox_engine)
    return registry
