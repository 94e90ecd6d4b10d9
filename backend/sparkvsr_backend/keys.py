"""Keys of the caches: pure functions of what determines the bytes, and of nothing else.

Times enter as offsets only, so that a trimmed or shifted clip finds what it had. An engine with a chunk grid counts
its offsets from the start of the chunk, so that all frames of a chunk share what was propagated for it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgpack

from sparkvsr.frames import PixelFormat
from sparkvsr.propagation import grid_phase
from sparkvsr_backend.requests import RenderRequest, Settings, View

Key: TypeAlias = bytes

KEY_BYTES = 16
_MIDDLE = 0.5


@dataclass(frozen=True)
class KeyframeContent:
    """What a keyframe is, by content.

    ``picture``: a fingerprint, the digest of a file, or what stands for the image model that makes it (``made``);
    ``source``: fingerprint or None; ``transfer``: the curve named for a file, "" where the file says it.
    """

    time: int
    picture: bytes
    from_file: bool
    source: bytes | None
    strength: float
    made: bool = False
    transfer: str = ""

    @property
    def picture_parts(self) -> list[Any]:
        """All that the picture depends on, but for the source frame."""
        return [self.picture, self.from_file, self.made, self.transfer]


def digest(kind: str, *parts: Any) -> Key:
    """16 bytes of numbers, texts, bytes, None and lists of them; equal for equal values on every machine."""
    packed = msgpack.packb([kind, *parts], use_bin_type=True)
    return hashlib.blake2b(packed, digest_size=KEY_BYTES).digest()


def offset_origin(request: RenderRequest) -> int:
    """The time that offsets count from: the frame's own, or the start of its chunk."""
    return request.time - grid_phase(request.time, request.settings.grid)


def source_key(identity: str, request: RenderRequest) -> Key:
    """Of ``encode_source``."""
    origin = offset_origin(request)
    window = sorted((time - origin, fingerprint) for time, fingerprint in request.window)
    return digest("source", identity, _computed(request.settings), request.time - origin, window)


def keyframe_key(identity: str, settings: Settings, content: KeyframeContent, size: tuple[int, int]) -> Key:
    """Of ``encode_keyframe``. ``size``: (h, w) of the frame that the picture is fitted to, before scaling."""
    return digest("keyframe", identity, _computed(settings), size, content.picture_parts, content.source)


def propagation_key(source: Key, keyframes: list[tuple[int, Key, float]], offset: int) -> Key:
    """Of one frame of ``propagate``. ``keyframes``: (offset, keyframe key, strength); ``offset``: the frame's own."""
    return digest("propagation", source, sorted(keyframes), offset)


def chunk_source_key(identity: str, request: RenderRequest) -> Key:
    """What the frames of a chunk have in common; without a grid the same thing as ``source_key``."""
    origin = offset_origin(request)
    window = sorted((time - origin, fingerprint) for time, fingerprint in request.window)
    return digest("chunk", identity, _computed(request.settings), request.settings.grid, window)


def result_key(identity: str, request: RenderRequest, keyframes: list[KeyframeContent]) -> Key:
    """Of the delivered pixels. Views that show no keyframe's work do not depend on any."""
    settings, target = request.settings, request.target
    shown = shows_keyframes(settings.view)
    return digest(
        "result",
        source_key(identity, request),
        settings.view.value,
        settings.split if settings.view is View.SPLIT else _MIDDLE,
        [settings.guidance, settings.trust] if shown else [],
        [target.width, target.height, *target.window],
        format_parts(request.output),
        _used(request, keyframes) if shown else [],
        [settings.grain, settings.sharpness] if shows_finish(settings.view) else [],
    )


def shows_keyframes(view: View) -> bool:
    """Whether keyframes, guidance and trust can change what this view shows."""
    return view not in (View.SOURCE, View.BLIND)


def shows_finish(view: View) -> bool:
    """Whether this view shows the finished result, with grain and sharpness; the others show what it is made of."""
    return view in (View.RESULT, View.SPLIT)


def format_parts(layout: PixelFormat) -> list[Any]:
    """A pixel format as plain values."""
    return [layout.width, layout.height, layout.components, layout.depth.value, layout.premultiplication.value]


def _used(request: RenderRequest, keyframes: list[KeyframeContent]) -> list[Any]:
    origin = offset_origin(request)
    used = sorted(keyframes, key=lambda keyframe: keyframe.time)
    return [[k.time - origin, k.picture_parts, k.source, k.strength] for k in used]


def _computed(settings: Settings) -> list[Any]:
    """The settings that change what is computed before the mix."""
    return [settings.scale, settings.precision.value, settings.transfer.value, settings.quality.value]
