"""Frames and keyframes of one scene: from real clips, and from photographs that a camera and a layer move over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from sparkvsr.training.material import Material, Pixels, Shot

_cv2: Any = cv2  # its stubs know no optional arguments
_Random = np.random.Generator

_CLIP_ODDS = 0.65
_VIEW = (416, 640)  # of a photograph's camera
_FARTHEST = 60


@dataclass(frozen=True, slots=True)
class Scene:
    """A frame [3, H, W], the frames of one or two keyframes, and a picture of something else; sides multiples of 4."""

    frame: torch.Tensor
    keyframes: tuple[torch.Tensor, ...]
    foreign: torch.Tensor


def draw(material: Material, random: _Random) -> Scene:
    """A scene, its keyframes at distances from 1 to 60 frames, near ones more often."""
    count = 1 if random.random() < 0.35 else 2
    if random.random() < _CLIP_ODDS:
        pictures = _from_clip(_any(material.clips, random), count, random)
    else:
        pictures = _from_photos(_any(material.photos, random), _any(material.photos, random), count, random)
    frame, *keyframes = (_tensor(picture) for picture in pictures)
    other = _any(material.clips, random)
    foreign = _cv2.resize(other.frames[0], (frame.shape[2], frame.shape[1]), interpolation=_cv2.INTER_AREA)
    return Scene(frame, tuple(keyframes), _tensor(foreign))


def _any(shots: tuple[Shot, ...], random: _Random) -> Shot:
    return shots[int(random.integers(len(shots)))]


def _tensor(pixels: Pixels) -> torch.Tensor:
    height, width = (side // 4 * 4 for side in pixels.shape[:2])
    return torch.from_numpy(pixels[:height, :width].copy()).permute(2, 0, 1).float() / 255


def _from_clip(shot: Shot, count: int, random: _Random) -> list[Pixels]:
    last = len(shot.frames) - 1
    t = int(random.integers(0, last + 1))
    times = []
    for direction in random.permutation([-1, 1])[:count]:
        distance = round(float(np.exp(random.uniform(0.0, np.log(_FARTHEST)))))
        time = t + int(direction) * distance
        if not 0 <= time <= last:  # rather the other way than out of the shot
            time = t - int(direction) * distance
        times.append(int(np.clip(time, 0, last)))
    return [_crop(shot.frames[time], shot.frames[t].shape) for time in (t, *times)]


def _crop(frame: Pixels, shape: tuple[int, ...]) -> Pixels:
    """At most 720 × 960 pixels from the middle: larger frames teach no more and cost more."""
    height, width = min(shape[0], 720), min(shape[1], 960)
    y, x = (shape[0] - height) // 2, (shape[1] - width) // 2
    return frame[y : y + height, x : x + width]


def _from_photos(far: Shot, near: Shot, count: int, random: _Random) -> list[Pixels]:
    """A camera over one photograph, and a piece of another that moves before it."""
    base_camera, base_layer = _motion(random, 0.3), _motion(random, 0.3)
    drift_camera, drift_layer = _motion(random, 1.0), _motion(random, 1.0)
    mask = _blob(random)
    if random.random() < 0.3:  # a camera that stands still, as on a tripod
        drift_camera[:] = 0.0
    times = [0.0, *(direction * random.uniform(0.05, 1.0) for direction in random.permutation([-1, 1])[:count])]
    grain = float(random.uniform(0.0, 1.5))
    return [
        _composed(
            _seen(far.frames[0], base_camera + time * drift_camera, _cv2.BORDER_REFLECT_101),
            _seen(near.frames[0], base_layer + time * drift_layer, _cv2.BORDER_REFLECT_101),
            _seen(mask, base_layer + time * drift_layer, _cv2.BORDER_CONSTANT),
            random.normal(0.0, grain, (*_VIEW, 3)).astype(np.float32),
        )
        for time in times
    ]


def _motion(random: _Random, size: float) -> npt.NDArray[np.float64]:
    """x, y in pixels, turn in radians, logarithm of the zoom."""
    return np.array(random.normal(0.0, 1.0, 4) * np.array([40.0, 25.0, 0.05, 0.08]) * size)


def _seen(picture: Pixels, motion: npt.NDArray[np.float64], border: int) -> Pixels:
    height, width = _VIEW
    zoom = float(np.exp(motion[3]))
    cosine, sine = zoom * np.cos(motion[2]), zoom * np.sin(motion[2])
    centre = np.array([picture.shape[1] / 2 + motion[0], picture.shape[0] / 2 + motion[1]])
    matrix = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0]])
    matrix[:, 2] = centre - matrix[:, :2] @ np.array([width / 2, height / 2])
    seen: Pixels = _cv2.warpAffine(
        picture, matrix, (width, height), flags=_cv2.INTER_CUBIC | _cv2.WARP_INVERSE_MAP, borderMode=border
    )
    return seen


def _blob(random: _Random) -> Pixels:
    """A soft-edged ellipse, or nothing."""
    mask = np.zeros((900, 1200), np.uint8)
    if random.random() < 0.6:
        axes = (int(random.integers(40, 160)), int(random.integers(40, 160)))
        _cv2.ellipse(mask, (600, 450), axes, float(random.uniform(0, 180)), 0, 360, 255, -1)
    blurred: Pixels = _cv2.GaussianBlur(mask, (0, 0), 1.2)
    return blurred


def _composed(far: Pixels, near: Pixels, mask: Pixels, grain: npt.NDArray[np.float32]) -> Pixels:
    share = mask[..., None].astype(np.float32) / 255
    mixed: Pixels = (far * (1 - share) + near * share + grain).round().clip(0, 255).astype(np.uint8)
    return mixed
