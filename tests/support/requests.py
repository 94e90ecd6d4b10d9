"""Pictures and requests for tests of the backend, with as little ceremony as possible."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sparkvsr.color import Transfer
from sparkvsr.frames import Depth, Frame, PixelFormat, Premultiplication, fingerprint
from sparkvsr_backend.requests import (
    KeyframeUse,
    Picture,
    Priority,
    RenderRequest,
    Settings,
    Target,
    View,
)


def picture(
    height: int = 6, width: int = 8, *, seed: int = 0, components: int = 4, dtype: str = "float32"
) -> npt.NDArray[Any]:
    """Random samples of the whole range, alpha included."""
    values = np.random.default_rng(seed).random((height, width, components), dtype=np.float32)
    whole = np.iinfo(dtype).max if np.issubdtype(np.dtype(dtype), np.integer) else 1
    return (values * whole).astype(dtype)


def frame(
    height: int = 6,
    width: int = 8,
    *,
    seed: int = 0,
    components: int = 4,
    dtype: str = "float32",
    premultiplication: Premultiplication = Premultiplication.STRAIGHT,
) -> Frame:
    array = picture(height, width, seed=seed, components=components, dtype=dtype)
    return Frame.from_numpy(array, premultiplication)


def request_for(
    source: Frame | tuple[bytes, PixelFormat],
    *,
    time: int = 0,
    engine: str = "copy",
    scale: int = 1,
    view: View = View.RESULT,
    guidance: float = 1.0,
    transfer: Transfer = Transfer.SRGB,
    keyframes: tuple[KeyframeUse, ...] = (),
    target: Target | None = None,
    depth: Depth | None = None,
    components: int | None = None,
    premultiplication: Premultiplication | None = None,
    session: str = "test",
    priority: Priority = Priority.INTERACTIVE,
    window: tuple[tuple[int, bytes], ...] | None = None,
    **settings: Any,
) -> RenderRequest:
    """Render ``source`` whole, at scale times its size, in its own format unless told otherwise."""
    own, layout = source if isinstance(source, tuple) else (fingerprint(source), source.format)
    target = target or Target.whole(layout.width * scale, layout.height * scale)
    x1, y1, x2, y2 = target.window
    output = PixelFormat(
        x2 - x1,
        y2 - y1,
        components or layout.components,
        depth or layout.depth,
        premultiplication or layout.premultiplication,
    )
    return RenderRequest(
        session=session,
        priority=priority,
        time=time,
        settings=Settings(engine=engine, scale=scale, view=view, guidance=guidance, transfer=transfer, **settings),
        window=window or ((time, own),),
        keyframes=keyframes,
        range=(0, 99),
        target=target,
        output=output,
    )


def keyframe(time: int, picture_of: Frame | str, source: Frame | None = None, strength: float = 1.0) -> KeyframeUse:
    """A keyframe whose picture is a frame, or a file."""
    shown = Picture(path=picture_of) if isinstance(picture_of, str) else Picture(fingerprint=fingerprint(picture_of))
    own = None if source is None else fingerprint(source)
    return KeyframeUse(time=time, picture=shown, source=own, strength=strength)
