"""Keyframe pictures that an image model makes of the keyframe's source frame, and keyframes that are left out."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch

from sparkvsr.engine import Watch
from sparkvsr.keyframes.models import ImageModelError, ImageModels, make_picture
from sparkvsr_backend.errors import BackendError
from sparkvsr_backend.protocol import Notice
from sparkvsr_backend.requests import KeyframeUse, RenderRequest

_REMEMBERED = 1024


class KeyframeLeftOutError(BackendError):
    """A keyframe has no picture because its image model failed; the frame is made without it, and that is told."""

    name = "KeyframeLeftOut"

    def __init__(self, use: KeyframeUse, reason: str) -> None:
        super().__init__(f"{use.name} is left out: the image model gave no picture: {reason}")
        self.time = use.time

    @property
    def notice(self) -> Notice:
        """What the artist is told."""
        return Notice(name=self.name, text=self.message)

    def without(self, request: RenderRequest) -> RenderRequest:
        """The request without the keyframe."""
        kept = tuple(keyframe for keyframe in request.keyframes if keyframe.time != self.time)
        return replace(request, keyframes=kept)


@dataclass
class KeyframeMaker:
    """Pictures by image models. A failure is remembered until the caches are cleared, not tried for every frame."""

    models: ImageModels
    _failed: OrderedDict[tuple[bytes, bytes], str] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def content(self, use: KeyframeUse) -> bytes:
        """16 bytes that stand for the model. Raises KeyframeLeftOutError."""
        try:
            return self.models.get(str(use.picture.model)).identity
        except ImageModelError as error:
            raise KeyframeLeftOutError(use, str(error)) from error

    def picture(
        self, use: KeyframeUse, content: bytes, picture_of: Callable[[bytes], torch.Tensor], watch: Watch
    ) -> torch.Tensor:
        """The picture [3, H, W], in whatever size, of the source frame; ``picture_of`` gives that by its fingerprint.

        Both are working pictures. Raises KeyframeLeftOutError, CancelledError, and what ``picture_of`` raises.
        """
        if use.source is None:
            raise KeyframeLeftOutError(use, "the host is blind to time, so there is no source frame to enlarge")
        known = self._failed.get((content, use.source))
        if known is not None:
            raise KeyframeLeftOutError(use, known)
        try:
            return make_picture(self.models.get(str(use.picture.model)), picture_of(use.source), watch)
        except ImageModelError as error:
            self._remember((content, use.source), str(error))
            raise KeyframeLeftOutError(use, str(error)) from error

    def clear(self) -> None:
        """Forget failures: what failed may be mended."""
        with self._lock:
            self._failed.clear()

    def _remember(self, key: tuple[bytes, bytes], text: str) -> None:
        with self._lock:
            self._failed[key] = text
            if len(self._failed) > _REMEMBERED:
                self._failed.popitem(last=False)
