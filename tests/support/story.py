"""The artist's story, told in any host: load a shot, scrub, flag keyframes, give pictures, look at the confidence, flag
one more where the detail does not hold, save. Used by the test of it and by the contact sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from support import small_clip

from sparkvsr.frames import Frame, Premultiplication
from sparkvsr.media import write_still

FIRST, LENGTH, SCALE = 1, 50, 4
KEYFRAMES = (1, 24, 48)
SCRUBBED = (1, 12, 24, 30, 36, 42, 48, 50)
PASSING = range(27, 46)  # frames in which something passes that no keyframe shows
Pixels = np.ndarray  # float32 [h, w, channels], row 0 at the top, sRGB
Rendered = dict[int, Pixels]


@dataclass(frozen=True)
class Way:
    """How an artist works in a host."""

    personality: str
    grows: bool  # the output may be larger than the source
    pictures: str  # "clip" or "files"
    flags: str  # "button", "keys" (set by the host's own editor), or "list"
    farm: str = ""  # the personality that renders for it, where it is another

    @property
    def renders_as(self) -> str:
        return self.farm or self.personality


WAYS = {
    way.personality: way
    for way in (
        Way("nuke", True, "clip", "button"),
        Way("natron", True, "clip", "button"),
        Way("fusion", True, "clip", "button"),
        Way("resolve-fusion", True, "files", "button"),
        Way("strict", True, "clip", "keys"),
        Way("resolve", False, "files", "button"),
        Way("vegas", False, "files", "button"),
        Way("flame", False, "files", "button", farm="flame-background"),
        Way("flame-background", False, "files", "keys"),
        Way("mlt", False, "files", "list"),
    )
}


# ---- the shot


@dataclass(frozen=True)
class Shot:
    """``truth``: HR frames by number. ``low``: their reduction. ``soft``: that, enlarged by a host of one size."""

    truth: dict[int, Pixels]
    low: dict[int, Pixels]
    soft: dict[int, Pixels]

    def of(self, way: Way) -> dict[int, Pixels]:
        return self.low if way.grows else self.soft


def small_shot(width: int = 192, height: int = 128) -> Shot:
    """A textured wall that drifts and turns slowly; a disc crosses it in the frames ``PASSING``."""
    rng = np.random.default_rng(11)
    wall, disc = small_clip._texture(rng, 1024), small_clip._texture(rng, 512)
    return shot_of({t: _frame(wall, disc, t, width, height) for t in range(FIRST, FIRST + LENGTH)})


def shot_of(truth: Mapping[int, Pixels]) -> Shot:
    """A shot of HR frames, sRGB 0..1."""
    low = {t: small_clip.reduce([frame], SCALE)[0] for t, frame in truth.items()}
    soft = {
        t: np.clip(cv2.resize(f, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC), 0, 1) for t, f in low.items()
    }
    return Shot(dict(truth), low, soft)


def _frame(wall: Pixels, disc: Pixels, t: int, width: int, height: int) -> Pixels:
    big = (width * 2, height * 2)
    picture = small_clip._warp(wall, big, 0.05 * t, 1.1, (0.7 * t, 0.3 * t))
    if t in PASSING:
        step = (t - PASSING[0]) / len(PASSING)
        mask = np.zeros((big[1], big[0], 1), np.float32)
        centre = (int(big[0] * (0.15 + 0.7 * step)), int(big[1] * 0.5))
        cv2.circle(mask, centre, big[1] // 4, 1.0, -1, cv2.LINE_AA)
        mask = mask.reshape(big[1], big[0], 1)
        turned = small_clip._warp(disc, big, -2.0 * t, 1.0, (centre[0] - big[0] / 2, 0.0))
        picture = picture * (1 - mask) + turned * mask
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def rgba(picture: Pixels) -> Pixels:
    return small_clip.rgba([picture])[0]


def write_pictures(shot: Shot, folder: Path, times: Sequence[int]) -> None:
    """Keyframes as an artist saves them: 16-bit sRGB PNGs, ``key.0024.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    for t in times:
        levels = np.rint(shot.truth[t] * 65535).astype(np.uint16)
        write_still(folder / f"key.{t:04d}.png", Frame.from_numpy(levels, premultiplication=Premultiplication.OPAQUE))


# ---- at the desk


@dataclass
class Desk:
    """An artist's node in a host. Frames are those of the shot, whatever the host counts from."""

    way: Way
    shot: Shot
    instance: Any
    folder: Path
    given: set[int] = field(default_factory=set)  # keyframes that have a picture

    @classmethod
    def open(cls, host: Any, way: Way, shot: Shot, folder: Path, project: Any = None) -> Desk:
        """A new node on the shot, or one from a saved project."""
        desk = cls(way, shot, host.create_instance(project=project), folder)
        frames = shot.of(way)
        desk.instance.connect("Source", [rgba(frames[t]) for t in sorted(frames)], first=FIRST)
        if project is None:
            desk._settle()
        return desk

    def _settle(self) -> None:
        self.instance.set("scale", SCALE)
        self.instance.set("inputTransfer", "sRGB")
        # Lists and files are numbered as the shot is, also where the host counts from 0.
        self.instance.set("frameOffset", round(FIRST - self.instance.host_time(FIRST)))
        if not self.way.grows:
            height, width = next(iter(self.shot.low.values())).shape[:2]
            self.instance.set("outputMode", "Undo host upscale")
            self.instance.set("sourceWidth", width)
            self.instance.set("sourceHeight", height)

    def at(self, frame: int) -> float:
        return float(self.instance.host_time(frame))

    def render(self, frame: int) -> Pixels:
        picture = self.instance.render(self.at(frame))
        top = np.iinfo(picture.dtype).max if np.issubdtype(picture.dtype, np.integer) else 1
        return np.asarray(picture[..., :3].astype(np.float32) / np.float32(top))

    def scrub(self, frames: Sequence[int] = SCRUBBED) -> Rendered:
        return {t: self.render(t) for t in frames}

    def look(self, view: str, frames: Sequence[int] = SCRUBBED) -> Rendered:
        """Another view, and back."""
        self.instance.set("view", view)
        seen = self.scrub(frames)
        self.instance.set("view", "Result")
        return seen

    def flag(self, *frames: int) -> None:
        self._flag({"button": self._press_flag, "keys": self._set_key, "list": self._type}[self.way.flags], frames)

    def _flag(self, do: Callable[[int], None], frames: Sequence[int]) -> None:
        for frame in frames:
            do(frame)

    def _press_flag(self, frame: int) -> None:
        self.instance.time = self.at(frame)
        self.instance.press("flagKeyframe", self.at(frame))

    def _set_key(self, frame: int) -> None:
        """In the host's curve editor: a key of 1 at the frame, of 0 beside it, so that no other frame reads 1."""
        for time, value in ((frame - 1, 0), (frame, 1), (frame + 1, 0)):
            self.instance.set_at("keyframe", self.at(time), value)

    def _type(self, frame: int) -> None:
        self.instance.set("keyframeList", f"{self.instance.get('keyframeList')} {frame}".strip())

    def unflag(self, frame: int) -> None:
        if self.way.flags == "button":
            self.instance.press("unflagKeyframe", self.at(frame))
        elif self.way.flags == "keys":
            self.instance.set_at("keyframe", self.at(frame), 0)
        else:
            left = [word for word in self.instance.get("keyframeList").split() if word != str(frame)]
            self.instance.set("keyframeList", " ".join(left))

    def give_pictures(self, *frames: int) -> None:
        """Pictures of these keyframes, beside those given before."""
        self.given |= set(frames)
        if self.way.pictures == "files":
            write_pictures(self.shot, self.folder, frames)
            self.instance.set("keyframeFiles", str(self.folder / "key.%04d.png"))
        else:
            self.connect_pictures(self.given)

    def connect_pictures(self, frames: set[int]) -> None:
        pictures = {t: rgba(self.shot.truth[t]) for t in frames}
        self.instance.connect("Keyframes", lambda t: pictures.get(round(t)), frame_range=(FIRST, FIRST + LENGTH - 1))


def psnr(a: Pixels, b: Pixels) -> float:
    """In dB, of values 0..1."""
    return float(-10 * np.log10(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2) + 1e-12))
