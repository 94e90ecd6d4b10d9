"""The lite engine behind the Engine contract: blind part, motion, one warp, gate; every frame on its own."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
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
from sparkvsr.lite import fusion, handmade
from sparkvsr.lite.blind import LanczosBlind
from sparkvsr.lite.inference import PRECISIONS
from sparkvsr.lite.latents import KeyframeLatents, LitePropagation, SourceLatents
from sparkvsr.lite.parts import LiteParts, trained_parts
from sparkvsr.motion import luma
from sparkvsr.resample import resize

SCALES: Final = (1, 2, 3, 4)
QUALITIES: Final = ("full", "draft")
# Measured on real clips: true keyframes 0.98 and more, JPEG 85, sharpened or noisy ones 0.91 and more, the picture of
# a frame beside them 0.2 to 0.9 as things move, shifted by 2 px 0.7 and less, mirrored or foreign ones below 0.05.
AGREEMENT_NOTICE: Final = 0.8
_POLL_SECONDS = 0.02
_DRAFT_BLIND: Final = LanczosBlind()


class PictureSizeError(EngineError):
    """A keyframe's picture is not scale times as large as its source frame."""


class LiteEngine:
    """Blind part, motion, one warp, gate, and a network that refines them.

    ``parts`` says by what; without trained parts it is the hand-made engine. Stateless but for its pool of threads, so
    safe to call from any number of threads. A draft is hand-made whatever the parts, by motion at half resolution.
    """

    def __init__(self, device: torch.device, parts: LiteParts) -> None:
        self._device = device
        self._parts = parts
        self._pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1), thread_name_prefix="lite-motion")

    @property
    def info(self) -> EngineInfo:
        """Identity and limits."""
        return EngineInfo(
            name="lite",
            scales=SCALES,
            window=0,
            identity=self._parts.identity,
            low_agreement=AGREEMENT_NOTICE,
            qualities=QUALITIES,
        )

    def encode_source(self, window: Sequence[WindowFrame], settings: EngineSettings, watch: Watch) -> SourceLatents:
        """The frame's blind result and what it is compared by; frames beside it are not needed."""
        _require_supported(settings)
        own = next((frame.picture for frame in window if frame.offset == 0), None)
        if own is None:
            raise EngineError(f"expected the frame at offset 0, found {[frame.offset for frame in window]}")
        watch.step(0.0, "blind")
        picture = own.to(self._device)
        blind, small = self._blind_pair(picture, settings)
        contrast = evidence.contrast(small, blind.shape[1] / small.shape[1])
        return SourceLatents(picture, blind, small, contrast, _seen_by_motion(picture, settings))

    def encode_keyframe(
        self, picture: torch.Tensor, source: torch.Tensor | None, settings: EngineSettings, watch: Watch
    ) -> KeyframeLatents:
        """The keyframe beside the blind result of its source frame. Raises PictureSizeError."""
        _require_supported(settings)
        watch.step(0.0, "keyframe")
        picture = picture.to(self._device)
        if source is None:
            own, agreement = _stand_in(picture, settings.scale), None
        else:
            own = source.to(self._device)
            _require_size(picture, own, settings.scale)
            agreement = evidence.agreement_with(picture, own)
        blind, small = self._blind_pair(own, settings)
        lack = handmade.lack_of_detail(picture, blind, own)
        disagreement = handmade.disagreement(picture, own, agreement)
        gray = _seen_by_motion(own, settings)
        return KeyframeLatents(picture, blind, small, agreement, lack, disagreement, gray)

    def propagate(
        self, latents: SourceLatents, keyframes: Sequence[Keyframe], settings: EngineSettings, watch: Watch
    ) -> Iterator[Propagation]:
        """One propagation, for the frame itself. The keyframes' motions are measured side by side."""
        data = self._carry(latents, keyframes, settings, watch)
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
        if data.refinement is not None:
            frame = torch.addcmul(frame, data.refinement, _strict_gate(data, gate, mix), value=mix.guidance)
        return Decoded(frame, data.blind, gate, shares)

    def agreement(self, keyframe_latents: Any) -> float:
        """Mean of exp(−(o/tolerance)²) over the source frame; below ``AGREEMENT_NOTICE`` the offset is worth a check.

        1.0 where the keyframe has no source frame to be compared with.
        """
        latents: KeyframeLatents = keyframe_latents
        return 1.0 if latents.agreement is None else latents.agreement.mean

    def _blind_pair(self, picture: torch.Tensor, settings: EngineSettings) -> tuple[torch.Tensor, torch.Tensor]:
        """The blind result, and the frame itself at the evidence's size."""
        small = resize(picture, evidence.size_of(picture, settings.scale), "lanczos3")
        part = _DRAFT_BLIND if _is_draft(settings) else self._parts.blind
        return part.upscale(picture, settings.scale, settings.precision), small

    def _carry(
        self, latents: SourceLatents, keyframes: Sequence[Keyframe], settings: EngineSettings, watch: Watch
    ) -> LitePropagation:
        _require_supported(settings)
        for keyframe in keyframes:
            _require_size(keyframe.latents.picture, latents.picture, settings.scale)
        moving = [keyframe for keyframe in keyframes if keyframe.offset != 0]
        tasks = [self._pool.submit(motion.measure, latents.gray, keyframe.latents.gray) for keyframe in moving]
        size = (latents.blind.shape[1], latents.blind.shape[2])
        flows = [motion.enlarge(flow, size) for flow in _gather(tasks, watch)]
        moved = [handmade.move(latents, keyframe, flow) for keyframe, flow in zip(moving, flows, strict=True)]
        network = None if _is_draft(settings) else self._parts.fusion
        if moved and len(moved) == len(keyframes) and network is not None:
            watch.step(0.5, "fusion")
            return fusion.refined(network.of(settings.precision), latents, moved)
        arrived = iter(moved)
        carried = [
            handmade.stay(latents, keyframe) if keyframe.offset == 0 else next(arrived).carried
            for keyframe in keyframes
        ]
        return LitePropagation(latents.blind, tuple(carried))


def _strict_gate(data: LitePropagation, gate: torch.Tensor, mix: Mix) -> torch.Tensor:
    """What a network refined holds only where keyframes that are true to their source have a say."""
    if mix.trust == 0.0:
        return gate
    strict = torch.cat([one.terms.confidence(0.0) for one in data.carried]).amax(dim=0, keepdim=True)
    return resize(strict, (gate.shape[1], gate.shape[2]), "linear")


def create_lite_engine(device: torch.device) -> LiteEngine:
    """The trained engine on ``device``; motion is measured on the CPU in any case. Raises WeightsError."""
    return LiteEngine(device, trained_parts(device))


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
    if settings.precision not in PRECISIONS:
        raise UnsupportedSettingError(f"expected a precision of {', '.join(PRECISIONS)}, found {settings.precision!r}")
    if settings.quality not in QUALITIES:
        raise UnsupportedSettingError(f"expected a quality of {', '.join(QUALITIES)}, found {settings.quality!r}")


def _require_size(picture: torch.Tensor, source: torch.Tensor, scale: int) -> None:
    expected = (3, source.shape[1] * scale, source.shape[2] * scale)
    if tuple(picture.shape) != expected:
        raise PictureSizeError(f"expected a keyframe of shape {expected}, found {tuple(picture.shape)}")


def _is_draft(settings: EngineSettings) -> bool:
    return settings.quality == "draft"


def _seen_by_motion(picture: torch.Tensor, settings: EngineSettings) -> motion.Gray:
    """The luma of a source frame, interpolated: motion depends on no network and is the same in any precision.

    Half as large for a draft, but no smaller than the frame itself.
    """
    times = max(1.0, settings.scale / 2) if _is_draft(settings) else settings.scale
    size = (math.ceil(picture.shape[1] * times), math.ceil(picture.shape[2] * times))
    return motion.gray8(resize(luma(picture), size, "lanczos3"))


def _stand_in(picture: torch.Tensor, scale: int) -> torch.Tensor:
    height, width = picture.shape[1:]
    if height % scale or width % scale:
        raise PictureSizeError(f"expected sides that are multiples of {scale}, found {height}×{width}")
    return resize(picture, (height // scale, width // scale), "bicubic")
