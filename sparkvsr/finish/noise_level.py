"""How grainy a frame is: σ by brightness and component, and how coarse, from the places where the frame is smooth.

A curved surface is fitted to windows of 8×8 pixels: the frame without its noise, where there is little else. Of the
windows of like brightness those that it leaves the least of tell the level: their quantile is taken for that of noise
alone. How what is left resembles itself one pixel further tells how coarse the noise is, and so how much of it went
into the surface.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

LEVELS: Final = 12  # of brightness, 0 to 1
WINDOW: Final = 8
_PIXELS: Final = WINDOW * WINDOW
_MOST_WINDOWS: Final = 1 << 14
_LEAST_WINDOWS: Final = 48  # of a level, to be believed
_QUANTILE: Final = 0.02
_NORMAL_QUANTILE: Final = -2.0537  # of the standard normal distribution at 0.02
_ROUNDING: Final = (1.0 / 255.0) ** 2 / 12.0  # variance of 8-bit rounding, which is no grain
_MOST_ABOVE_QUARTER: Final = 2.5  # a level whose σ is so many times the lower quartile of all is texture
_SIZES: Final = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.7, 2.0)  # σ of smoothed white noise

_Array = npt.NDArray[np.float64]
# Brightness and two differences of colour; rows of an orthonormal matrix, so that σ of equal noise in R, G and B is σ.
_COMPONENTS: Final = (
    (1 / math.sqrt(3), 1 / math.sqrt(3), 1 / math.sqrt(3)),
    (1 / math.sqrt(2), 0.0, -1 / math.sqrt(2)),
    (1 / math.sqrt(6), -2 / math.sqrt(6), 1 / math.sqrt(6)),
)


@dataclass(frozen=True, slots=True)
class Grain:
    """``sigmas``: of brightness and two components of colour, at ``LEVELS`` levels of brightness from 0 to 1.

    ``sizes``: of brightness and of colour, σ in pixels of the smoothing that white noise would have gone through.
    """

    sigmas: tuple[tuple[float, ...], ...]
    sizes: tuple[float, float]

    @property
    def is_there(self) -> bool:
        """Whether there is any."""
        return any(sigma > 0.0 for line in self.sigmas for sigma in line)


def components_of(rgb: torch.Tensor) -> torch.Tensor:
    """[3, ...] of brightness and colour, from [3, ...] of R, G, B."""
    matrix = torch.tensor(_COMPONENTS, dtype=rgb.dtype, device=rgb.device)
    components: torch.Tensor = torch.tensordot(matrix, rgb, dims=1)
    return components


def rgb_of(components: torch.Tensor) -> torch.Tensor:
    """The inverse."""
    matrix = torch.tensor(_COMPONENTS, dtype=components.dtype, device=components.device)
    rgb: torch.Tensor = torch.tensordot(matrix.T.contiguous(), components, dims=1)
    return rgb


def measure_grain(picture: torch.Tensor) -> Grain:
    """The grain of a working picture [3, h, w]; none where it is smaller than a few windows."""
    nothing = Grain(((0.0,) * LEVELS,) * 3, (0.0, 0.0))
    if min(picture.shape[1:]) < 2 * WINDOW:
        return nothing
    windows = _Windows(components_of(picture.detach().cpu().double()))
    sizes = [windows.size_of((0,)), windows.size_of((1, 2))]
    sigmas = tuple(windows.sigmas(component, sizes[min(component, 1)]) for component in range(3))
    return Grain(sigmas, (sizes[0], sizes[1]))


class _Windows:
    """A picture's windows: ``patches`` [3, n, 64] less their surfaces, ``level`` [n] of brightness."""

    def __init__(self, components: torch.Tensor) -> None:
        height, width = components.shape[1:]
        step = max(WINDOW // 2, math.ceil(math.sqrt(height * width / _MOST_WINDOWS)))
        cut = F.unfold(components.unsqueeze(1), WINDOW, stride=step).transpose(1, 2)  # [3, n, 64]
        brightness = (cut[0].mean(dim=1) / math.sqrt(3.0)).clamp(0.0, 1.0)
        self.level: npt.NDArray[np.int64] = (brightness * (LEVELS - 1)).round().to(torch.int64).numpy()
        left = torch.from_numpy(_leaving())
        self.patches: _Array = (cut @ left).numpy()
        self.power: _Array = np.square(self.patches).mean(axis=2)  # [3, n]
        self.varies: npt.NDArray[np.bool_] = self.power > 0.0

    def sigmas(self, component: int, size: float) -> tuple[float, ...]:
        """σ at each level; a level with too few windows takes it from its neighbours."""
        kept, freedom = _expected(size)
        found = np.full(LEVELS, np.nan)
        for level in range(LEVELS):
            power = self.power[component][(self.level == level) & self.varies[component]]
            if len(power) >= _LEAST_WINDOWS:
                variance = float(np.quantile(power, _QUANTILE)) / (_quantile_of_noise(freedom) * kept)
                found[level] = math.sqrt(max(0.0, variance - _ROUNDING))
        known = np.flatnonzero(np.isfinite(found))
        if not len(known):
            return (0.0,) * LEVELS
        inner = [level for level in known if 0 < level < LEVELS - 1] or list(known)  # at the ends noise is cut off
        limited = np.minimum(found[known], _MOST_ABOVE_QUARTER * np.quantile(found[inner], 0.25))
        return tuple(float(value) for value in np.interp(np.arange(LEVELS), known, limited))

    def size_of(self, components: tuple[int, ...]) -> float:
        """σ of the smoothing that explains how noise resembles itself one pixel further.

        Which windows hold noise alone depends on it a little, so it is found twice.
        """
        size = 0.0
        for _ in range(2):
            size = self._size_seen(components, _expected(size)[1])
        return size

    def _size_seen(self, components: tuple[int, ...], freedom: float) -> float:
        products, squares = 0.0, 0.0
        for component in components:
            alone = self._noise_alone(component, freedom)
            patches = self.patches[component][alone].reshape(-1, WINDOW, WINDOW)
            across, down = patches[:, :, 1:] * patches[:, :, :-1], patches[:, 1:] * patches[:, :-1]
            products += float(across.sum() + down.sum()) / (2 * WINDOW * (WINDOW - 1))
            squares += float(np.square(patches).sum()) / _PIXELS
        if squares <= 0.0:
            return 0.0
        expected = [_likeness(size) for size in _SIZES]
        return float(np.interp(products / squares, expected, _SIZES))

    def _noise_alone(self, component: int, freedom: float) -> npt.NDArray[np.bool_]:
        """Windows that vary no more than noise of so many degrees of freedom does, level by level."""
        most = (1.0 + 2.0 * math.sqrt(2.0 / freedom)) / _quantile_of_noise(freedom)
        chosen = np.zeros(len(self.level), dtype=bool)
        for level in range(LEVELS):
            inside = (self.level == level) & self.varies[component]
            if inside.sum() >= _LEAST_WINDOWS:
                limit = np.quantile(self.power[component][inside], _QUANTILE) * most
                chosen |= inside & (self.power[component] <= limit)
        return chosen


@lru_cache(maxsize=1)
def _leaving() -> _Array:
    """[64, 64]: takes the surface of second order away that fits a window best."""
    y, x = np.mgrid[0:WINDOW, 0:WINDOW].reshape(2, -1) - (WINDOW - 1) / 2.0
    surface = np.stack([np.ones(_PIXELS), x, y, x * x, x * y, y * y]).T
    fitted: _Array = surface @ np.linalg.pinv(surface)
    return np.eye(_PIXELS) - fitted


@lru_cache(maxsize=64)
def _left_covariance(size: float) -> _Array:
    """[64, 64] of what a surface leaves of noise of variance 1, smoothed with σ ``size``."""
    taps = np.ones(1)
    if size > 0.0:
        steps = np.arange(-math.ceil(4.0 * size), math.ceil(4.0 * size) + 1)
        taps = np.exp(-0.5 * np.square(steps / size))
    likeness = np.convolve(taps, taps[::-1])
    middle = len(likeness) // 2
    line = np.array([likeness[middle + d] if d <= middle else 0.0 for d in range(WINDOW)]) / likeness[middle]
    axis = np.arange(WINDOW)
    along = line[np.abs(axis[:, None] - axis[None, :])]
    left = _leaving()
    covariance: _Array = left @ np.kron(along, along) @ left
    return covariance


def _expected(size: float) -> tuple[float, float]:
    """Share of the variance that the surface leaves, and the degrees of freedom of a window's mean square."""
    covariance = _left_covariance(round(size, 3))
    total = float(np.trace(covariance))
    return total / _PIXELS, total**2 / float(np.square(covariance).sum())


@lru_cache(maxsize=64)
def _likeness(size: float) -> float:
    """Mean product of neighbours over the mean square, in what a surface leaves of such noise."""
    covariance = _left_covariance(size).reshape((WINDOW,) * 4)
    y, x = np.mgrid[0:WINDOW, 0 : WINDOW - 1]
    across, down = covariance[y, x, y, x + 1].mean(), covariance[x, y, x + 1, y].mean()
    return float(across + down) / 2.0 / (float(np.trace(_left_covariance(size))) / _PIXELS)


def _quantile_of_noise(freedom: float) -> float:
    """Of the mean square over its mean, by Wilson and Hilferty."""
    spread = 2.0 / (9.0 * freedom)
    return (1.0 - spread + _NORMAL_QUANTILE * math.sqrt(spread)) ** 3
