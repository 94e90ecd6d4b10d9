"""A small clip with known truth, made by code: a textured plane that turns and grows before a drifting background."""

from __future__ import annotations

import cv2
import numpy as np

SCALE = 4


def _texture(rng: np.random.Generator, size: int) -> np.ndarray:
    """Noise with a natural (1/f) spectrum plus sharp lines, float32 [size, size, 3] in 0.1..0.9."""
    total = np.zeros((size, size, 3), np.float32)
    for octave in range(2, 8):
        cells = 2**octave
        noise = rng.standard_normal((cells, cells, 3)).astype(np.float32)
        total += cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC) / octave
    total = (total - total.min()) / (total.max() - total.min())
    for _ in range(40):
        a, b = rng.integers(0, size, (2, 2))
        colour = tuple(float(v) for v in rng.uniform(0, 1, 3))
        cv2.line(total, tuple(map(int, a)), tuple(map(int, b)), colour, 2, cv2.LINE_AA)
    return np.asarray(0.1 + 0.8 * total, np.float32)


def _warp(
    texture: np.ndarray, size: tuple[int, int], angle: float, zoom: float, shift: tuple[float, float]
) -> np.ndarray:
    width, height = size
    centre = texture.shape[1] / 2, texture.shape[0] / 2
    matrix = cv2.getRotationMatrix2D(centre, angle, zoom)
    matrix[:, 2] += np.array([width / 2 - centre[0] + shift[0], height / 2 - centre[1] + shift[1]])
    return cv2.warpAffine(texture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def truth(
    frames: int = 12, width: int = 192, height: int = 128, seed: int = 7, cut: int | None = None
) -> list[np.ndarray]:
    """HR frames, float32 RGB [height, width, 3], sRGB-encoded 0..1; ``cut``: first frame of a second shot."""
    rng = np.random.default_rng(seed)
    shots = [(_texture(rng, 1024), _texture(rng, 1024)) for _ in range(2)]
    big = (width * 2, height * 2)
    result = []
    for t in range(frames):
        back, front = shots[int(cut is not None and t >= cut)]
        picture = _warp(back, big, 0.4 * t, 1.2, (2.2 * t, 0.9 * t))
        plane = _warp(front, big, -1.1 * t, 1.0 + 0.01 * t, (-1.7 * t, 0.0))
        mask = np.zeros((big[1], big[0], 1), np.float32)
        centre = (int(big[0] * 0.4 + 3.1 * t), int(big[1] * 0.5))
        cv2.circle(mask, centre, big[1] // 4, 1.0, -1, cv2.LINE_AA)
        mask = mask.reshape(big[1], big[0], 1)
        picture = picture * (1 - mask) + plane * mask
        result.append(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
    return result


def reduce(frames: list[np.ndarray], scale: int = SCALE) -> list[np.ndarray]:
    """LR frames by block average, float32 RGB."""
    return [
        cv2.resize(f, (f.shape[1] // scale, f.shape[0] // scale), interpolation=cv2.INTER_AREA).astype(np.float32)
        for f in frames
    ]


def rgba(frames: list[np.ndarray]) -> list[np.ndarray]:
    """The same with an opaque alpha channel, contiguous float32 [H, W, 4]."""
    return [np.ascontiguousarray(np.dstack([f, np.ones(f.shape[:2], np.float32)]), np.float32) for f in frames]
