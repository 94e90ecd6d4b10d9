"""The lite engine behind the Engine contract: blind part, motion, one warp, gate; every frame on its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from typing import Any, Final

import torch

from sparkvsr import evidence, guidance, motion
from sparkvsr.engine import (
    Decoded,
    EngineError,
    EngineInfo,
    EngineSettings,
    Keyframe,
    Mix,
    Propagation,
    UnsupportedSettingError,
    Watch,
    WindowFrame,
)
from sparkvsr.lite.blind import upscale
from sparkvsr.lite.consistency import corrected, residual
from sparkvsr.motion import luma
from sparkvsr.resample import resize
from sparkvsr.warp import carry

IDENTITY: Final = "lite-handmade-1"
SCALES: Final = (1, 2, 3, 4)
# Measured on real clips: true keyframes 0.98 and more, JPEG 85, sharpened or noisy ones 0.91 and more, the picture of
# a frame beside them 0.2 to 0.9 as things move, shifted by 2 px 0.7 and less, mirrored or foreign ones below 0.05.
AGREEMENT_NOTICE: Final = 0.8
_POLL_SECONDS = 0.02


class PictureSizeError(EngineError):
    """A keyframe's picture is not scale times as large as its source frame."""


@dataclass(frozen=True, slots=True)
class SourceLatents:
    """A source frame: ``picture`` [3, h, w], its ``blind`` result [3, H, W], and what DIS sees of that.

    ``small`` [3, H', W'] is the blind result at the evidence's size, ``contrast`` [1, H', W'] its local contrast.
    """

    picture: torch.Tensor
    blind: torch.Tensor
    small: torch.Tensor
    contrast: torch.Tensor
    gray: motion.Gray

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return _nbytes(self.picture, self.blind, self.small, self.contrast) + self.gray.nbytes


@dataclass(frozen=True, slots=True)
class KeyframeLatents:
    """A keyframe: its ``picture`` and the ``blind`` result of its source frame, both [3, H, W], and how well they
    agree.

    ``agreement`` is None in a host blind to time, where the reduced picture stands in for the source and agrees by
    construction.
    """

    picture: torch.Tensor
    blind: torch.Tensor
    small: torch.Tensor
    agreement: evidence.Agreement | None
    gray: motion.Gray

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        errors = () if self.agreement is None else (self.agreement.error,)
        return _nbytes(self.picture, self.blind, self.small, *errors) + self.gray.nbytes


@dataclass(frozen=True, slots=True)
class Carried:
    """One keyframe at the frame: the keyed picture [3, H, W] that it proposes, and the evidence.

    ``lacking`` is what back-projection would give back to ``keyed``; None where the picture is to stay as it is.
    """

    keyed: torch.Tensor
    terms: guidance.GateTerms
    lacking: torch.Tensor | None

    def proposal(self, trust: float) -> torch.Tensor:
        """The keyed picture [3, H, W], corrected by the source frame as far as ``trust`` leaves it to."""
        if self.lacking is None:
            return self.keyed
        return corrected(self.keyed, self.lacking, self.terms.agreement, trust)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        lacking = 0 if self.lacking is None else _nbytes(self.lacking)
        return _nbytes(self.keyed, self.terms.motion, self.terms.agreement) + lacking


@dataclass(frozen=True, slots=True)
class LitePropagation:
    """Everything that ``decode`` needs: moving guidance or trust computes no motion."""

    blind: torch.Tensor
    carried: tuple[Carried, ...]

    @property
    def nbytes(self) -> int:
        """Bytes held, the blind result included, which a cached propagation keeps alive."""
        return _nbytes(self.blind) + sum(one.nbytes for one in self.carried)


class LiteEngine:
    """Hand-made propagation. Stateless but for its pool of threads, so safe to call from any number of threads."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1), thread_name_prefix="lite-motion")

    @property
    def info(self) -> EngineInfo:
        """Identity and limits."""
        return EngineInfo(name="lite", scales=SCALES, window=0, identity=IDENTITY, low_agreement=AGREEMENT_NOTICE)

    def encode_source(self, window: Sequence[WindowFrame], settings: EngineSettings, watch: Watch) -> SourceLatents:
        """The frame's blind result and what it is compared by; frames beside it are not needed."""
        _require_supported(settings)
        own = next((frame.picture for frame in window if frame.offset == 0), None)
        if own is None:
            raise EngineError(f"expected the frame at offset 0, found {[frame.offset for frame in window]}")
        watch.step(0.0, "blind")
        picture = own.to(self._device)
        blind, small = _blind_pair(picture, settings.scale)
        contrast = evidence.contrast(small, blind.shape[1] / small.shape[1])
        return SourceLatents(picture, blind, small, contrast, motion.gray8(luma(blind)))

    def encode_keyframe(
        self, picture: torch.Tensor, source: torch.Tensor | None, settings: EngineSettings, watch: Watch
    ) -> KeyframeLatents:
        """The keyframe beside the blind result of its source frame. Raises PictureSizeError."""
        _require_supported(settings)
        watch.step(0.0, "keyframe")
        picture = picture.to(self._device)
        if source is None:
            blind, small = _blind_pair(_stand_in(picture, settings.scale), settings.scale)
            return KeyframeLatents(picture, blind, small, None, motion.gray8(luma(blind)))
        source = source.to(self._device)
        _require_size(picture, source, settings.scale)
        agreement = evidence.agreement_with(picture, source)
        blind, small = _blind_pair(source, settings.scale)
        return KeyframeLatents(picture, blind, small, agreement, motion.gray8(luma(blind)))

    def propagate(
        self, latents: SourceLatents, keyframes: Sequence[Keyframe], settings: EngineSettings, watch: Watch
    ) -> Iterator[Propagation]:
        """One propagation, for the frame itself. The keyframes' motions are measured side by side."""
        _require_supported(settings)
        for keyframe in keyframes:
            _require_size(keyframe.latents.picture, latents.picture, settings.scale)
        moving = [keyframe for keyframe in keyframes if keyframe.offset != 0]
        tasks = [self._pool.submit(motion.measure, latents.gray, keyframe.latents.gray) for keyframe in moving]
        flows = _gather(tasks, watch)
        carried = [_stay(latents, one) if one.offset == 0 else _move(latents, one, next(flows)) for one in keyframes]
        data = LitePropagation(latents.blind, tuple(carried))
        yield Propagation(offset=0, data=data, nbytes=data.nbytes)

    def decode(self, propagation: Propagation, mix: Mix, watch: Watch) -> Decoded:
        """Gate and mix: about as much work as copying the frame a few times."""
        watch.step(0.0, "mix")
        data: LitePropagation = propagation.data
        height, width = data.blind.shape[1:]
        if not data.carried:
            nothing = data.blind.new_zeros((1, height, width))
            return Decoded(data.blind, data.blind, nothing, nothing[:0])
        confidences = [resize(one.terms.confidence(mix.trust), (height, width), "linear") for one in data.carried]
        shares, gate = guidance.weigh(confidences)
        frame = guidance.mix(data.blind, [one.proposal(mix.trust) for one in data.carried], shares, mix.guidance)
        return Decoded(frame, data.blind, gate, shares)

    def agreement(self, keyframe_latents: Any) -> float:
        """Mean of exp(−(o/tolerance)²) over the source frame; below ``AGREEMENT_NOTICE`` the offset is worth a check.

        1.0 where the keyframe has no source frame to be compared with.
        """
        latents: KeyframeLatents = keyframe_latents
        return 1.0 if latents.agreement is None else latents.agreement.mean


def create_lite_engine(device: torch.device) -> LiteEngine:
    """The engine on ``device``; motion is measured on the CPU in any case."""
    return LiteEngine(device)


def _move(latents: SourceLatents, keyframe: Keyframe, flow: motion.Flow) -> Carried:
    """A keyframe elsewhere: its detail carried along ``flow``, judged, and corrected by the frame.

    All tensors are worked on in the caller's thread, and so in its CUDA stream.
    """
    known: KeyframeLatents = keyframe.latents
    terms = _weigh_evidence(latents, keyframe, flow)
    keyed = carry(known.picture - known.blind, flow).add_(latents.blind)
    if known.agreement is None:
        return Carried(keyed, terms, None)
    return Carried(keyed, terms, residual(keyed, latents.picture, known.agreement.reduction))


def _weigh_evidence(latents: SourceLatents, keyframe: Keyframe, flow: motion.Flow) -> guidance.GateTerms:
    known: KeyframeLatents = keyframe.latents
    height, width = latents.small.shape[1:]
    coarse = motion.shrink(flow, (height, width))
    error = evidence.motion_error(carry(known.small, coarse), latents.small, flow.shape[0] / height)
    return guidance.GateTerms(
        evidence.MOTION.evidence(error, latents.contrast),
        _agreement_evidence(latents, known.agreement, coarse),
        keyframe.strength,
    )


def _stay(latents: SourceLatents, keyframe: Keyframe) -> Carried:
    """A keyframe at the frame itself proposes its picture as it is: no motion, so only the agreement is in question.

    In a host blind to time this is where the picture meets its true source frame.
    """
    known: KeyframeLatents = keyframe.latents
    agreement = known.agreement or evidence.agreement_with(known.picture, latents.picture)
    terms = guidance.GateTerms(
        torch.zeros_like(latents.contrast), _agreement_evidence(latents, agreement, None), keyframe.strength
    )
    return Carried(known.picture, terms, None)


def _agreement_evidence(
    latents: SourceLatents, agreement: evidence.Agreement | None, flow: motion.Flow | None
) -> torch.Tensor:
    if agreement is None:
        return torch.zeros_like(latents.contrast)
    height, width = latents.contrast.shape[1:]
    error = resize(agreement.error, (height, width), "linear")
    moved = error if flow is None else carry(error, flow)
    return evidence.AGREEMENT.evidence(moved, latents.contrast)


def _gather(tasks: list[Future[motion.Flow]], watch: Watch) -> Iterator[motion.Flow]:
    """Flows in the order of the tasks; a cancelled request leaves at once, and what is running ends by itself."""
    for done, task in enumerate(tasks):
        try:
            watch.step(done / len(tasks), "motion")
            while not task.done():
                wait_for([task], timeout=_POLL_SECONDS)
                watch.step(done / len(tasks), "motion")
        except EngineError:
            for waiting in tasks:
                waiting.cancel()
            raise
        yield task.result()


def _require_supported(settings: EngineSettings) -> None:
    if settings.scale not in SCALES:
        raise UnsupportedSettingError(f"expected a scale of {', '.join(map(str, SCALES))}, found {settings.scale}")
    if settings.precision != "float32":
        raise UnsupportedSettingError(f"expected the precision float32, found {settings.precision!r}")


def _require_size(picture: torch.Tensor, source: torch.Tensor, scale: int) -> None:
    expected = (3, source.shape[1] * scale, source.shape[2] * scale)
    if tuple(picture.shape) != expected:
        raise PictureSizeError(f"expected a keyframe of shape {expected}, found {tuple(picture.shape)}")


def _stand_in(picture: torch.Tensor, scale: int) -> torch.Tensor:
    height, width = picture.shape[1:]
    if height % scale or width % scale:
        raise PictureSizeError(f"expected sides that are multiples of {scale}, found {height}×{width}")
    return resize(picture, (height // scale, width // scale), "bicubic")


def _blind_pair(picture: torch.Tensor, scale: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The blind result, and the same at the evidence's size."""
    return upscale(picture, scale), resize(picture, evidence.size_of(picture, scale), "lanczos3")


def _nbytes(*tensors: torch.Tensor) -> int:
    """Bytes of the tensors' memory, shared memory counted once (at ×1 a frame is its own blind result)."""
    return sum({tensor.data_ptr(): tensor.numel() * tensor.element_size() for tensor in tensors}.values())
