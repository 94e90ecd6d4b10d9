"""How LR frames come about: reductions, and what cameras and codecs add."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import torch

from sparkvsr.resample import Kernel, blur, resize

_cv2: Any = cv2  # its stubs know no optional arguments
_Random = np.random.Generator

# Reductions of clean material and how often each is drawn.
CLEAN: Final = {"bicubic": 0.42, "bd": 0.28, "area": 0.12, "blur": 0.18}
# σ of "blur" in HR pixels, as a part of the scale: 0.8 to 2.0 at ×4.
_BLURS: Final = (0.2, 0.5)


def blur_and_decimate(pictures: torch.Tensor, scale: int, sigma: float = 1.6) -> torch.Tensor:
    """BD, centred: Gaussian of ``sigma`` HR pixels, sampled at the centre of each block of ``scale`` × ``scale``.

    [C, H, W] to [C, H/scale, W/scale]. Where the centre lies between two pixels, their mean counts, in each direction.
    """
    smooth = blur(pictures, sigma)
    low, high = (scale - 1) // 2, scale // 2
    rows = (smooth[:, low::scale] + smooth[:, high::scale]) / 2
    return (rows[:, :, low::scale] + rows[:, :, high::scale]) / 2


def reduce_clean(pictures: torch.Tensor, scale: int, random: _Random) -> torch.Tensor:
    """[C, H, W] to [C, H/scale, W/scale] by one of ``CLEAN``, rounded to 8 bits as a decoder gives it."""
    kind = str(random.choice(list(CLEAN), p=list(CLEAN.values())))
    size = (pictures.shape[1] // scale, pictures.shape[2] // scale)
    if kind == "bd":
        small = blur_and_decimate(pictures, scale, 0.4 * scale)
    elif kind == "blur":
        small = blur_and_decimate(pictures, scale, float(random.uniform(*_BLURS)) * scale)
    else:
        kernel: Kernel = "bicubic" if kind == "bicubic" else "area"
        small = resize(pictures, size, kernel)
    return rounded(small)


def soften(pictures: torch.Tensor, random: _Random) -> torch.Tensor:
    """What restoring at ×1 takes back: slight blur and noise, rarely JPEG; three in ten stay as they are."""
    if random.random() < 0.3:
        return rounded(pictures)
    worse = blur(pictures, float(random.uniform(0.3, 1.0)))
    if random.random() < 0.6:
        worse = worse + noise(worse, float(random.uniform(0.5, 4.0)), random)
    if random.random() < 0.3:
        worse = jpeg(worse, int(random.integers(50, 96)))
    return rounded(worse)


def noise(pictures: torch.Tensor, sigma: float, random: _Random) -> torch.Tensor:
    """Gaussian noise of the shape of ``pictures``, ``sigma`` in 1/255."""
    grains = random.standard_normal(tuple(pictures.shape), dtype=np.float32)
    return torch.from_numpy(grains) * (sigma / 255.0)


def jpeg(pictures: torch.Tensor, quality: int) -> torch.Tensor:
    """[3·n, H, W]: each RGB picture through JPEG of ``quality`` 1..100."""
    return torch.cat([_jpeg(picture, quality) for picture in torch.split(pictures, 3)])


def _jpeg(picture: torch.Tensor, quality: int) -> torch.Tensor:
    pixels = picture.clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).numpy()[..., ::-1]
    done, packed = _cv2.imencode(".jpg", np.ascontiguousarray(pixels), [_cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RuntimeError("expected OpenCV to encode JPEG, found that it cannot")
    decoded = np.ascontiguousarray(_cv2.imdecode(packed, _cv2.IMREAD_COLOR)[..., ::-1])
    return torch.from_numpy(decoded).permute(2, 0, 1).float() / 255


def rounded(pictures: torch.Tensor) -> torch.Tensor:
    """Values of an 8-bit picture, in 0..1."""
    return pictures.clamp(0, 1).mul(255).round().div(255)
