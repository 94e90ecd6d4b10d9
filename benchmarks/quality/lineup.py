"""The engines that are compared, and what they share, so that no motion and no blind result is made twice."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import xxhash
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from sparkvsr import motion
from sparkvsr.lite import weights
from sparkvsr.lite.blind import BlindPart, LanczosBlind, TrainedBlind
from sparkvsr.lite.engine import LiteEngine
from sparkvsr.lite.inference import Precisions
from sparkvsr.lite.network import BlindNetwork, FusionInput, FusionNetwork, FusionOutput
from sparkvsr.lite.parts import LiteParts

from .clips import Recent

LANCZOS = "Lanczos"
BLIND = "blind"
HANDMADE_LANCZOS = "hand-made on Lanczos"
HANDMADE = "hand-made on blind"
KEYED = "keyed"
NO_GATE = "without the trained gate"
NO_WINDOW = "attention to one place"
NO_ATTENTION = "without attention"
NO_STAGE_2 = "without stage 2"
NO_REFINEMENT = "without refinement"
ABLATIONS = (NO_GATE, NO_WINDOW, NO_ATTENTION, NO_STAGE_2, NO_REFINEMENT)

_MINUS_MUCH = -1e4  # of a logit: no weight at all


class RememberingBlind:
    """A blind part that knows its last results; by what the frames hold."""

    def __init__(self, inner: BlindPart) -> None:
        self._inner = inner
        self._made: Recent[tuple[bytes, int, str], torch.Tensor] = Recent(24)

    def upscale(self, frame: torch.Tensor, scale: int, precision: str) -> torch.Tensor:
        key = (_digest(frame), scale, precision)
        return self._made.get(key, lambda: self._inner.upscale(frame, scale, precision))


def _digest(picture: torch.Tensor) -> bytes:
    shape = repr(tuple(picture.shape)).encode()
    return xxhash.xxh3_128_digest(shape + picture.detach().cpu().contiguous().numpy().tobytes())


@contextlib.contextmanager
def shared_motion() -> Iterator[None]:
    """Engines measure the motion between two pictures once. Motion is a function of them alone."""
    measure = motion.measure
    known: Recent[tuple[bytes, bytes], motion.Flow] = Recent(48)

    def measured(frame: motion.Gray, keyframe: motion.Gray) -> motion.Flow:
        pair = (xxhash.xxh3_128_digest(frame.tobytes()), xxhash.xxh3_128_digest(keyframe.tobytes()))
        return known.get(pair, lambda: measure(frame, keyframe))

    motion.measure = measured
    try:
        yield
    finally:
        motion.measure = measure


@dataclass(frozen=True)
class Networks:
    """The trained networks, None where there is none yet."""

    blind: BlindNetwork | None
    fusion: FusionNetwork | None
    identity: str


def networks(blind: Path | None, fusion: Path | None) -> Networks:
    """Those of the package, or what the files hold: weights, or checkpoints of a training run (their running mean)."""
    own_blind, own_fusion = BlindNetwork(), FusionNetwork()
    digests = [_load(own_blind, "blind", blind), _load(own_fusion, "fusion", fusion)]
    if digests[1] and not digests[0]:
        raise SystemExit("expected weights of the blind part beside those of the fusion network, found none")
    identity = "-".join(digest[:16] for digest in digests if digest) or "no weights"
    return Networks(own_blind if digests[0] else None, own_fusion if digests[1] else None, identity)


def _load(network: nn.Module, part: weights.Part, path: Path | None) -> str:
    """What the weights' bytes are known by; empty where the package has none."""
    if path is None:
        try:
            return weights.load_into(network, part)
        except weights.WeightsError:
            return ""
    try:
        tensors = load_file(str(path))
        mean = {name.removeprefix("mean."): tensor for name, tensor in tensors.items() if name.startswith("mean.")}
        network.load_state_dict(mean or tensors, strict=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise SystemExit(f"expected weights of {type(network).__name__} in {path}, found: {error}") from error
    return xxhash.xxh3_128_hexdigest(path.read_bytes())


class WithoutGate(nn.Module):
    """The fusion network with the hand-made evidence in the place of its own."""

    def __init__(self, network: FusionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, known: FusionInput) -> FusionOutput:
        made: FusionOutput = self.network(known)
        return replace(made, motion=known.motion, agreement=known.agreement)


class WithoutRefinement(nn.Module):
    """The fusion network with nothing to add: its gate alone."""

    def __init__(self, network: FusionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, known: FusionInput) -> FusionOutput:
        made: FusionOutput = self.network(known)
        return replace(made, refinement=torch.zeros_like(made.refinement))


@torch.no_grad()
def _to_one_place(network: FusionNetwork) -> FusionNetwork:
    centre = network.place.numel() // 2
    kept = network.place[centre].clone()
    network.place.fill_(_MINUS_MUCH)
    network.place[centre] = kept
    return network


@torch.no_grad()
def _to_nothing(network: FusionNetwork) -> FusionNetwork:
    network.nothing.fill_(-_MINUS_MUCH)
    return network


@torch.no_grad()
def _stage_1_alone(network: FusionNetwork) -> FusionNetwork:
    network.pixels.weight.zero_()
    if network.pixels.bias is not None:
        network.pixels.bias.zero_()
    return network


def _ablated(network: FusionNetwork, name: str) -> nn.Module:
    own = copy.deepcopy(network)
    if name == NO_GATE:
        return WithoutGate(own)
    if name == NO_REFINEMENT:
        return WithoutRefinement(own)
    return {NO_WINDOW: _to_one_place, NO_ATTENTION: _to_nothing, NO_STAGE_2: _stage_1_alone}[name](own)


@dataclass(frozen=True)
class Variant:
    """An engine, and the name of the blind part by which it encodes: its latents serve all with the same."""

    blind: str
    engine: LiteEngine


class Lineup:
    """All engines of a comparison by name; ``remember`` False: each makes everything itself."""

    def __init__(self, trained: Networks, device: torch.device, *, remember: bool = True) -> None:
        self.variants: dict[str, Variant] = {}
        self._device, self._remember = device, remember
        self._add(HANDMADE_LANCZOS, LANCZOS, self._blind_part(LanczosBlind()), None)
        if trained.blind is None:
            return
        blind = self._blind_part(TrainedBlind(Precisions(trained.blind, device)))
        self._add(HANDMADE, BLIND, blind, None)
        if trained.fusion is None:
            return
        self._add(KEYED, BLIND, blind, trained.fusion)
        for name in ABLATIONS:
            self._add(name, BLIND, blind, _ablated(trained.fusion, name))

    def _blind_part(self, inner: BlindPart) -> BlindPart:
        return RememberingBlind(inner) if self._remember else inner

    def _add(self, name: str, blind_name: str, blind: BlindPart, fusion: nn.Module | None) -> None:
        network = None if fusion is None else Precisions(fusion, self._device)
        self.variants[name] = Variant(blind_name, LiteEngine(self._device, LiteParts(blind, network, name)))

    def __contains__(self, name: str) -> bool:
        return name in self.variants

    @property
    def best(self) -> str:
        """The engine that is to be judged: the trained one, or the best there is so far."""
        return self.baseline_and_best[-1]

    @property
    def baseline_and_best(self) -> tuple[str, ...]:
        """The engine that is to be judged, and before it the hand-made one that it has to beat, where there is one."""
        return self.among(HANDMADE_LANCZOS, HANDMADE, KEYED)[-2:]

    def among(self, *names: str) -> tuple[str, ...]:
        """Those of ``names`` that there are."""
        return tuple(name for name in names if name in self.variants)
