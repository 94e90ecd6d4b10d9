"""A film made by code, with known truth: photographic-looking layers, each in a motion of its own, and one cut.

Layers are textures on planes (turning, zooming, in perspective, at different depths); cloth waves and leaves sway; near
layers cover far ones. All is composed in linear light at twice the size, then reduced: the truth is free of aliasing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt
import torch

from sparkvsr.color import Transfer
from sparkvsr.frames import Depth as SampleDepth
from sparkvsr.frames import Frame, PixelFormat, Premultiplication
from sparkvsr.media import textures
from sparkvsr.media.clip import ClipInfo, GeneratedClip
from sparkvsr.media.textures import Array
from sparkvsr.resample import resize

SUPERSAMPLING = 2
_LENS = 1.6  # focal length in heights of the picture
_SHADOW_GRID = 8  # shadows are soft: they are made at an eighth of the large picture's size

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a plane is: lengths in heights of the picture, angles in degrees; at ``zoom`` 1 its height fills it."""

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0

    def homography(self) -> Matrix:
        """From texture coordinates (origin in its centre, unit: its height) to the picture (likewise)."""
        roll, yaw, pitch = np.radians([self.roll, self.yaw, self.pitch])
        about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        turn = about_y @ about_x @ about_z
        placed = np.column_stack([turn[:, 0] * self.zoom, turn[:, 1] * self.zoom, [self.x, self.y, _LENS]])
        lens = np.diag([_LENS, _LENS, 1.0])
        return np.asarray(lens @ placed)


Sway = Callable[[float, Array, Array], tuple[Array, Array]]


@dataclass(frozen=True, slots=True)
class Layer:
    """A texture (RGB, or RGBA premultiplied) and its pose over time, t in 0..1 of the shot.

    ``sway``: displacements of the picture's points (t, x, y in heights), added before the texture is looked up.
    ``shadow``: how far, in heights, its soft shadow falls to the lower left; 0: none.
    """

    texture: Array
    pose: Callable[[float], Pose]
    sway: Sway | None = None
    shadow: float = 0.0


@dataclass(frozen=True, slots=True)
class Shot:
    """Layers from the farthest to the nearest."""

    layers: tuple[Layer, ...]


def _pixel_grid(width: int, height: int) -> tuple[Array, Array]:
    """Coordinates of sample centres in heights from the middle of the picture."""
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / height
    y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2) / height
    columns, rows = np.meshgrid(x, y)
    return np.asarray(columns, np.float32), np.asarray(rows, np.float32)


def _looked_up(layer: Layer, t: float, width: int, height: int) -> Array:
    """The layer as seen in a picture of this size; RGBA premultiplied for textures with alpha."""
    x, y = _pixel_grid(width, height)
    if layer.sway is not None:
        dx, dy = layer.sway(t, x, y)
        x, y = x + dx, y + dy
    inverse = np.linalg.inv(layer.pose(t).homography()).astype(np.float32)
    u, v, w = (row[0] * x + row[1] * y + row[2] for row in inverse)
    texels = layer.texture.shape[0]
    map_u, map_v = (
        (coordinate / w * texels + side / 2 - 0.5).astype(np.float32)
        for coordinate, side in ((u, layer.texture.shape[1]), (v, texels))
    )
    opaque = layer.texture.shape[2] == 3
    border = cv2.BORDER_REFLECT_101 if opaque else cv2.BORDER_CONSTANT
    return np.asarray(cv2.remap(layer.texture, map_u, map_v, cv2.INTER_LINEAR, borderMode=border), np.float32)


def compose(shot: Shot, t: float, width: int, height: int) -> Array:
    """Linear-light picture [height, width, 3] of the shot at t in 0..1."""
    large = (width * SUPERSAMPLING, height * SUPERSAMPLING)
    picture = np.zeros((large[1], large[0], 3), np.float32)
    for layer in shot.layers:
        seen = _looked_up(layer, t, *large)
        if seen.shape[2] == 3:
            picture = seen
        else:
            picture = seen[:, :, :3] + _shadowed(picture, seen[:, :, 3], layer.shadow) * (1 - seen[:, :, 3:])
    planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
    return np.asarray(resize(planes, (height, width), "bicubic").numpy().transpose(1, 2, 0), np.float32)


def _shadowed(picture: Array, alpha: Array, reach: float) -> Array:
    """The picture under the soft shadow of what covers it by ``alpha``."""
    if reach <= 0:
        return picture
    height, width = alpha.shape
    small = cv2.resize(alpha, (width // _SHADOW_GRID, height // _SHADOW_GRID), interpolation=cv2.INTER_AREA)
    step = reach * small.shape[0]
    fallen = cv2.warpAffine(small, np.array([[1, 0, -0.6 * step], [0, 1, 0.8 * step]]), small.shape[::-1])
    soft = cv2.GaussianBlur(fallen, (0, 0), max(0.35 * step, 0.5))
    light = 1 - 0.6 * cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(picture * np.clip(light, 0.3, 1)[:, :, None], np.float32)


def _premultiplied(texture: Array) -> Array:
    return np.concatenate([texture[:, :, :3] * texture[:, :, 3:], texture[:, :, 3:]], axis=2)


def _waving(reach: float, waves: float, speed: float) -> Sway:
    """Sway of cloth or branches: two sine waves that run through the picture, ``reach`` in heights."""

    def sway(t: float, x: Array, y: Array) -> tuple[Array, Array]:
        turn = 2 * np.pi * speed * t
        dx = reach * np.sin(2 * np.pi * waves * y + turn) * (0.6 + 0.4 * np.cos(2 * np.pi * waves * 0.6 * x))
        dy = reach * 0.7 * np.sin(2 * np.pi * waves * 0.8 * x - 1.3 * turn)
        return np.asarray(dx, np.float32), np.asarray(dy, np.float32)

    return sway


def _street(rng: np.random.Generator, unit: int) -> Shot:
    """A wall in perspective under an evening sky, a poster, swaying leaves, a waving cloth that passes."""
    sheet, square = int(unit * 0.60), int(unit * 0.43)  # a texel is about a sample where a plane comes nearest
    sky = textures.sky(rng, int(unit * 1.3), int(unit * 2.4))
    wall = _sheet(textures.bricks(rng, unit, unit * 3, unit // 5))
    poster = _sheet(textures.page(rng, sheet, int(sheet * 0.72), sheet // 26, "SPARKVSR"))
    leaves = _premultiplied(textures.foliage(rng, unit, int(unit * 1.6), unit // 9, 0.75))
    cloth = _sheet(textures.cloth(rng, square, int(square * 0.8), max(unit // 220, 3)))

    def on_wall(t: float, x: float, y: float, zoom: float, roll: float = 0.0) -> Pose:
        return Pose(x - 0.25 * t, y, zoom * (1 + 0.20 * t), roll, yaw=-33 + 9 * t)

    def passing(t: float) -> Pose:
        return Pose(x=-1.05 + 1.25 * t, y=0.47 - 0.05 * t, zoom=0.42, roll=-9 + 20 * t)

    return Shot(
        (
            Layer(sky, lambda t: Pose(x=-0.03 * t, zoom=1.30 + 0.05 * t)),
            Layer(wall, lambda t: on_wall(t, 0.42, 0.26, 0.98)),
            Layer(poster, lambda t: on_wall(t, 0.30, 0.14, 0.52, roll=2), shadow=0.008),
            Layer(
                leaves,
                lambda t: Pose(x=-0.62 - 0.16 * t, y=-0.22, zoom=0.95 + 0.16 * t, roll=-7 * t),
                _waving(0.010, 1.1, 1.6),
                shadow=0.06,
            ),
            Layer(cloth, passing, _waving(0.016, 1.7, 2.3), shadow=0.05),
        )
    )


def _table(rng: np.random.Generator, unit: int) -> Shot:
    """A table seen from above while the camera turns and rises: a page, a turning clock, stones, a twig."""
    sheet, heap, face, bough = (int(unit * zoom) for zoom in (0.82, 0.46, 0.52, 0.72))
    board = textures.wood(rng, int(unit * 1.5), int(unit * 2.6), unit / 38)
    page = _sheet(textures.page(rng, sheet, int(sheet * 0.8), sheet // 30, "THE KEYFRAME"))
    stones = _premultiplied(_round(textures.pebbles(rng, heap, heap, max(heap // 13, 6))))
    dial = _premultiplied(textures.clock(rng, face))
    twig = _premultiplied(textures.foliage(rng, bough, int(bough * 1.28), bough // 5, 0.5))

    def lying(t: float, x: float, y: float, zoom: float, roll: float, turn: float = -16.0) -> Pose:
        return Pose(x * (1 - 0.09 * t), y, zoom * (1 - 0.10 * t), roll + turn * t, pitch=18)

    return Shot(
        (
            Layer(board, lambda t: lying(t, 0, 0, 2.05, 8)),
            Layer(page, lambda t: lying(t, -0.42, 0.02, 0.80, -4), shadow=0.008),
            Layer(stones, lambda t: lying(t, 0.62, 0.27, 0.44, 12), shadow=0.02),
            Layer(dial, lambda t: lying(t, 0.38, -0.17, 0.50, 30, turn=-65), shadow=0.025),
            Layer(
                twig,
                lambda t: Pose(x=-0.85 + 1.3 * t, y=-0.42 + 0.35 * t, zoom=0.60 + 0.12 * t, roll=-40 * t),
                _waving(0.006, 1.4, 1.2),
                shadow=0.07,
            ),
        )
    )


def _sheet(texture: Array) -> Array:
    """An opaque texture with a clear rim of one texel, so that its border is smooth when it is looked up."""
    alpha = np.zeros((*texture.shape[:2], 1), np.float32)
    alpha[1:-1, 1:-1] = 1.0
    return _premultiplied(np.concatenate([texture, alpha], axis=2))


def _round(texture: Array) -> Array:
    """Cut a round heap out of a texture."""
    x, y = _pixel_grid(texture.shape[1], texture.shape[0])
    alpha = np.clip((0.48 - np.hypot(x, y)) * texture.shape[0] / 2, 0, 1).astype(np.float32)
    return np.concatenate([texture, alpha[:, :, None]], axis=2)


class SyntheticFilm:
    """The film: shot after shot, made frame by frame when asked. ``cut``: first frame of the second shot."""

    def __init__(
        self, width: int = 960, height: int = 540, frames: int = 52, cut: int | None = None, seed: int = 1
    ) -> None:
        """Raises ValueError for fewer than 4 frames, or a cut that leaves a shot empty."""
        self.width, self.height, self.frames, self.seed = width, height, frames, seed
        self.cut = (frames * 7) // 13 if cut is None else cut
        if frames < 4 or not 1 < self.cut < frames - 1:
            raise ValueError(f"expected at least 4 frames and a cut among them, found {frames} and {self.cut}")

    @cached_property
    def _shots(self) -> tuple[Shot, Shot]:
        unit = max(48, self.height * SUPERSAMPLING)
        return (
            _street(np.random.default_rng([self.seed, 0]), unit),
            _table(np.random.default_rng([self.seed, 1]), unit),
        )

    def linear(self, number: int) -> Array:
        """Scene-linear picture [H, W, 3] of a frame."""
        first = number < self.cut
        shot, start, length = (
            (self._shots[0], 0, self.cut) if first else (self._shots[1], self.cut, self.frames - self.cut)
        )
        return compose(shot, (number - start) / (length - 1), self.width, self.height)

    def srgb(self, number: int) -> Frame:
        """8-bit sRGB picture of a frame."""
        levels = encode_srgb(self.linear(number)) * 255
        return Frame.from_numpy(np.rint(levels).astype(np.uint8), Premultiplication.OPAQUE)

    def clip(self) -> GeneratedClip:
        """The film as a clip of 24 frames a second."""
        layout = PixelFormat(self.width, self.height, 3, SampleDepth.BYTE, Premultiplication.OPAQUE)
        info = ClipInfo(layout, Transfer.SRGB, Fraction(24), description="film made by code")
        return GeneratedClip(info, range(self.frames), self.srgb)


def encode_srgb(linear: Array) -> Array:
    """sRGB 0..1 of linear light; clipped."""
    light = np.clip(linear, 0.0, 1.0)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)
