"""Photographic-looking surfaces made by code: float32 [H, W, C], linear-light RGB or RGBA with straight alpha."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Rng = np.random.Generator

_LIGHT = (0.45, -0.6, 0.66)  # from the upper right, toward the viewer


def natural_noise(rng: Rng, height: int, width: int, exponent: float = 1.0, finest: float = 0.0) -> Array:
    """Noise of zero mean and unit variance whose amplitude falls as 1/f**exponent, as in photographs.

    ``finest``: wavelengths below this many pixels are damped. It tiles seamlessly.
    """
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    radius = np.hypot(fy, fx)
    radius[0, 0] = 1.0
    amplitude = radius**-exponent * np.exp(-((radius * finest) ** 2))
    amplitude[0, 0] = 0.0
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) * amplitude
    noise = np.fft.irfft2(spectrum, (height, width))
    return np.asarray(noise / noise.std(), np.float32)


def mix(low: Any, high: Any, weight: Array) -> Array:
    """Blend two colours (or pictures) by a weight [H, W] that is clamped to 0..1."""
    share = np.clip(weight, 0.0, 1.0)[:, :, None]
    return np.asarray(np.asarray(low, np.float32) * (1 - share) + np.asarray(high, np.float32) * share, np.float32)


def lit(albedo: Array, relief: Array, depth: float) -> Array:
    """Light a surface [H, W, 3] by the slope of its relief [H, W]; ``depth`` scales the relief to pixels."""
    slope_x = cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3, scale=depth / 8)
    slope_y = cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3, scale=depth / 8)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    shade = (-_LIGHT[0] * slope_x - _LIGHT[1] * slope_y + _LIGHT[2]) / length
    return np.asarray(albedo * np.clip(0.15 + 1.25 * shade, 0.03, 2.0)[:, :, None], np.float32)


def bricks(rng: Rng, height: int, width: int, brick: int) -> Array:
    """A wall of bricks ``brick`` pixels long, each with its own tone, in rough mortar."""
    course = brick * 0.36
    wobble = natural_noise(rng, height, width, 1.6, 6) * brick * 0.012
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    row = np.floor((y + wobble) / course)
    column = np.floor((x + wobble) / brick + 0.5 * (row % 2))
    inside_x = ((x + wobble) / brick + 0.5 * (row % 2)) % 1.0
    inside_y = ((y + wobble) / course) % 1.0
    edge = np.minimum(np.minimum(inside_x, 1 - inside_x) * brick, np.minimum(inside_y, 1 - inside_y) * course)
    body = np.clip((edge - brick * 0.022) / (brick * 0.03), 0, 1).astype(np.float32)
    tones = rng.random((int(row.max()) + 1, int(column.max()) + 2)).astype(np.float32)
    tone = tones[row.astype(int), column.astype(int)]
    grit = natural_noise(rng, height, width, 0.7)
    clay = mix((0.22, 0.062, 0.035), (0.46, 0.19, 0.11), tone + 0.09 * grit)
    mortar = mix((0.30, 0.27, 0.23), (0.52, 0.49, 0.44), 0.5 + 0.25 * grit)
    stains = 1 + 0.16 * natural_noise(rng, height, width, 1.5, 4)
    return lit(mix(mortar, clay, body) * stains[:, :, None], body * 2.2 + 0.16 * grit, 3.0)


def pebbles(rng: Rng, height: int, width: int, size: int) -> Array:
    """Rounded stones of about ``size`` pixels, packed without gaps."""
    seeds = np.full((height, width), 255, np.uint8)
    count = int(height * width / size**2 * 1.3)
    seeds[rng.integers(0, height, count), rng.integers(0, width, count)] = 0
    distance, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    kinds = int(labels.max()) + 1
    tone = rng.uniform(0.35, 1.7, (kinds, 1)) * rng.normal((1.0, 0.92, 0.80), 0.07, (kinds, 3))
    base = (0.24 * tone).clip(0.03, 0.7).astype(np.float32)
    lift = rng.uniform(0.75, 1.25, kinds).astype(np.float32)
    grain = natural_noise(rng, height, width, 0.8)
    dome = np.sqrt(np.clip(1 - (distance / (size * 0.72)) ** 2, 0, 1)).astype(np.float32)
    gaps = cv2.GaussianBlur(np.clip(dome * 1.9, 0.08, 1).astype(np.float32), (0, 0), max(size * 0.05, 0.6))
    stone = base[labels] * (1 + 0.14 * grain)[:, :, None] * gaps[:, :, None]
    return lit(np.asarray(stone, np.float32), dome * lift[labels] * size * 0.35 + 0.18 * grain, 1.6)


def cloth(rng: Rng, height: int, width: int, thread: int) -> Array:
    """A woven check: threads of ``thread`` pixels over and under, in folds."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    slack_x = natural_noise(rng, height, width, 1.7, 8) * thread * 0.5
    slack_y = natural_noise(rng, height, width, 1.7, 8) * thread * 0.5
    u, v = (x + slack_x) / thread, (y + slack_y) / thread
    warp, weft = np.sin(np.pi * (u % 1)), np.sin(np.pi * (v % 1))
    over = ((np.floor(u) + np.floor(v)) % 2 == 0).astype(np.float32)
    palette = np.array([(0.42, 0.035, 0.045), (0.03, 0.06, 0.16), (0.62, 0.56, 0.44), (0.10, 0.13, 0.06)], np.float32)
    stripes = rng.choice(4, 512, p=[0.45, 0.25, 0.12, 0.18]).repeat(rng.integers(3, 14, 512))
    colour_u = palette[stripes[np.floor(u).astype(int) % stripes.size]]
    colour_v = palette[stripes[np.floor(v).astype(int) % stripes.size]]
    yarn = mix(colour_v * weft[:, :, None] ** 0.5, colour_u * warp[:, :, None] ** 0.5, over)
    fuzz = natural_noise(rng, height, width, 0.5)
    folds = natural_noise(rng, height, width, 2.3, 40)
    relief = over * warp + (1 - over) * weft + folds * thread * 2.0
    return lit(np.asarray(yarn * (1 + 0.12 * fuzz)[:, :, None], np.float32), np.asarray(relief, np.float32), 1.3)


def wood(rng: Rng, height: int, width: int, ring: float) -> Array:
    """Planks with growth rings about ``ring`` pixels apart."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    plank = np.floor(y / (ring * 16)).astype(int)
    shift = rng.uniform(-1, 1, int(plank.max()) + 1).astype(np.float32)[plank]
    waves = cv2.resize(
        natural_noise(rng, height, max(width // 6, 8), 1.5, 3), (width, height), interpolation=cv2.INTER_CUBIC
    )
    phase = (y + 55 * shift + waves * ring * 1.6 + 0.0005 * (x - width * (0.5 + shift)) ** 2 / ring) / ring
    rings = np.asarray(0.5 + 0.5 * np.sin(2 * np.pi * phase), np.float32) ** 2
    pores = cv2.resize(
        natural_noise(rng, height, max(width // 10, 8), 0.2), (width, height), interpolation=cv2.INTER_LINEAR
    )
    body = mix((0.36, 0.19, 0.085), (0.15, 0.062, 0.025), rings * 0.8 + 0.10 * pores)
    seam = np.clip(np.abs((y / (ring * 16)) % 1 - 0.5) * -2 + 1.03, 0, 0.03) / 0.03
    tone = (1 + 0.22 * shift)[:, :, None] * seam[:, :, None].clip(0.08, 1)
    return lit(np.asarray(body * tone, np.float32), -0.35 * rings + 0.15 * pores, 0.9)


def sky(rng: Rng, height: int, width: int) -> Array:
    """Evening sky with clouds over a far ridge."""
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    air = mix((0.16, 0.30, 0.60), (0.95, 0.72, 0.50), np.broadcast_to(y**1.4, (height, width)))
    clouds = natural_noise(rng, height, width, 1.75, 2)
    picture = mix(air, (0.98, 0.90, 0.84), (clouds + 0.1) * 0.55)
    picture *= (1 - 0.20 * np.clip(cv2.GaussianBlur(clouds, (0, 0), height / 60), 0, 1))[:, :, None]
    ridge = natural_noise(rng, 8, width, 1.6, 0)[0] * height * 0.05 + height * 0.66
    rows = np.arange(height, dtype=np.float32)[:, None]
    forest = natural_noise(rng, height, width, 0.9)
    hill = mix((0.035, 0.06, 0.05), (0.13, 0.17, 0.09), 0.45 + 0.28 * forest)
    return mix(picture, hill, rows - ridge[None, :] - 2.0 * forest)


def foliage(rng: Rng, height: int, width: int, leaf: int, cover: float = 1.0) -> Array:
    """Leaves of about ``leaf`` pixels, painted from back to front; RGBA, transparent between them."""
    canvas = np.zeros((height, width, 4), np.uint8)
    count = int(height * width / leaf**2 * 3.2 * cover)
    for index in range(count):
        centre = rng.uniform((leaf, leaf), (width - leaf, height - leaf))
        _paint_leaf(rng, canvas, centre, leaf * rng.uniform(0.6, 1.3), index / count)
    leaves = _from_paint(canvas)
    leaves[:, :, :3] *= (1 + 0.13 * natural_noise(rng, height, width, 0.8))[:, :, None]
    return np.asarray(leaves.clip(0, 1.5), np.float32)


def _paint(colour: Any) -> tuple[float, ...]:
    """Linear colour as opaque 8-bit paint (OpenCV smooths edges in 8 bits only); square roots keep dark tones apart."""
    return (*(np.sqrt(np.clip(np.asarray(colour, float), 0, 1)) * 255).tolist(), 255.0)


def _from_paint(canvas: npt.NDArray[np.uint8]) -> Array:
    """Linear RGBA of painted 8-bit RGBA; colour under partial coverage is brought back to full strength."""
    levels = canvas.astype(np.float32) / 255
    coverage = levels[:, :, 3:]
    colour = np.minimum(levels[:, :, :3] / np.maximum(coverage, 1 / 255), 1.0) ** 2
    return np.concatenate([colour, coverage], axis=2)


def _paint_leaf(
    rng: Rng, canvas: npt.NDArray[np.uint8], centre: npt.NDArray[np.float64], length: float, depth: float
) -> None:
    """One pointed leaf with two halves of different light and a bright midrib."""
    angle, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-0.25, 0.25)
    along = np.linspace(-0.5, 0.5, 9)
    half = 0.24 * (1 - (2 * along) ** 2) ** 0.8
    spine = np.stack([along, bend * (along**2 - 0.25)], 1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

    def placed(points: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        return np.asarray(np.rint((points * length @ turn.T + centre) * 16), np.int32)

    green = np.array([0.07, 0.17, 0.02]) * (0.28 + 1.15 * depth) * rng.uniform(0.7, 1.35)
    green = green + rng.uniform(0, 0.16) * depth * np.array([1.0, 0.62, 0.05])
    for side, light in ((1, 1.15), (-1, 0.78)):
        rim = spine + np.stack([np.zeros(9), side * half], 1)
        outline = placed(np.concatenate([spine, rim[::-1]]))
        cv2.fillPoly(canvas, [outline], _paint(green * light), cv2.LINE_AA, 4)
    rib = _paint(green * 1.7 + 0.015)
    cv2.polylines(canvas, [placed(spine)], False, rib, max(1, round(length / 38)), cv2.LINE_AA, 4)


def page(rng: Rng, height: int, width: int, line: int, title: str) -> Array:
    """A printed page: a title and lines of small words ``line`` pixels apart, a halftone picture, paper grain."""
    sheet = np.zeros((height, width), np.uint8)
    margin = line * 2
    cv2.putText(
        sheet,
        title,
        (margin, int(line * 3.4)),
        cv2.FONT_HERSHEY_TRIPLEX,
        line / 15,
        255,
        max(1, line // 8),
        cv2.LINE_AA,
    )
    for top in range(int(line * 5), height - margin, line):
        words = _sentence(rng, max(4, int((width - 2 * margin) / (line * 0.47))))
        cv2.putText(
            sheet, words, (margin, top), cv2.FONT_HERSHEY_COMPLEX, line / 40, 255, max(1, line // 22), cv2.LINE_AA
        )
    ink = np.asarray(sheet / 255, np.float32)
    _paste_halftone(rng, ink, line)
    paper = mix((0.80, 0.76, 0.67), (0.90, 0.87, 0.80), 0.5 + 0.3 * natural_noise(rng, height, width, 1.0))
    return mix(paper, (0.025, 0.025, 0.03), ink * 0.96)


def _sentence(rng: Rng, letters: int) -> str:
    words: list[str] = []
    while sum(map(len, words)) + len(words) < letters:
        words.append("".join(rng.choice(list("etaoinshrdlucmfwypvbgk"), int(rng.integers(2, 10)))))
    return " ".join(words)[:letters]


def _paste_halftone(rng: Rng, ink: Array, line: int) -> None:
    """A picture of dots, as newspapers print it, in the lower right."""
    height, width = (int(side * 0.36) for side in ink.shape)
    if min(height, width) < 4 * line:
        return
    tone = 0.5 + 0.35 * natural_noise(rng, height, width, 1.8, 4)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) * (np.pi / max(line * 0.22, 2.5))
    dots = np.clip((tone + 0.5 * np.sin(x + y) * np.sin(x - y) - 0.35) * 2.5, 0, 1)
    bottom, right = ink.shape[0] - 2 * line, ink.shape[1] - 2 * line
    ink[bottom - height - line : bottom + line, right - width - line : right + line] = 0
    ink[bottom - height : bottom, right - width : right] = dots


def clock(rng: Rng, size: int) -> Array:
    """A round dial with ticks, figures and hands; RGBA."""
    face = np.zeros((size, size, 4), np.uint8)
    centre, radius = (size * 8, size * 8), size * 7.7
    for share, colour in ((1.0, (0.30, 0.22, 0.08)), (0.95, (0.05, 0.045, 0.04)), (0.91, (0.82, 0.79, 0.70))):
        cv2.circle(face, centre, int(radius * share), _paint(colour), -1, cv2.LINE_AA, 4)
    for tick in range(60):
        _ray(face, tick / 60, 0.80 if tick % 5 == 0 else 0.855, 0.89, size // (70 if tick % 5 == 0 else 160))
    for hour in range(1, 13):
        _figure(face, str(hour), hour / 12, 0.325, size / 420)
    _figure(face, "SPARK", 0.0, 0.14, size / 620)
    _ray(face, 0.18, -0.12, 0.72, size // 60)
    _ray(face, 0.87, -0.10, 0.52, size // 40)
    dial = _from_paint(face)
    dial[:, :, :3] *= (1 + 0.03 * natural_noise(rng, size, size, 1.2))[:, :, None]
    return np.asarray(dial.clip(0, 1.5), np.float32)


_INK = (0.02, 0.02, 0.025)


def _ray(face: npt.NDArray[np.uint8], turn: float, start: float, end: float, thickness: int) -> None:
    size = face.shape[0]
    direction = np.array([np.sin(2 * np.pi * turn), -np.cos(2 * np.pi * turn)])
    a, b = (np.rint((size / 2 + direction * share * size * 0.48) * 16).astype(int).tolist() for share in (start, end))
    cv2.line(face, a, b, _paint(_INK), max(1, thickness), cv2.LINE_AA, 4)


def _figure(face: npt.NDArray[np.uint8], text: str, turn: float, distance: float, scale: float) -> None:
    size, thickness = face.shape[0], max(1, face.shape[0] // 190)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_COMPLEX, scale, thickness)
    x = size / 2 + np.sin(2 * np.pi * turn) * size * distance - width / 2
    y = size / 2 - np.cos(2 * np.pi * turn) * size * distance + height / 2
    place = (int(x), int(y))
    cv2.putText(face, text, place, cv2.FONT_HERSHEY_COMPLEX, scale, _paint(_INK), thickness, cv2.LINE_AA)
