"""The demo's pictures: side by side with a zoomed crop, the confidence map, the frames of the wiping film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sparkvsr.frames import Frame, Premultiplication

Picture = npt.NDArray[np.uint8]

_GAP = 12
_BACK = 24
_WHITE = (240, 240, 240)
_YELLOW = (255, 205, 60)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def pixels_of(frame: Frame) -> Picture:
    """8-bit RGB of a frame of depth byte."""
    return np.asarray(frame.numpy()[:, :, :3], np.uint8)


def as_frame(picture: Picture) -> Frame:
    """An opaque frame."""
    return Frame.from_numpy(np.ascontiguousarray(picture), Premultiplication.OPAQUE)


def best_crop(blurred: Picture, sharp: Picture, truth: Picture, share: float = 0.22) -> tuple[int, int, int, int]:
    """Where a result gained most over another: x, y, width, height of a window in the picture's own aspect."""
    height, width = truth.shape[:2]
    window = (max(8, int(width * share)), max(8, int(height * share)))
    gain = _squared_error(blurred, truth) - _squared_error(sharp, truth)
    means = cv2.blur(gain, window, borderType=cv2.BORDER_REPLICATE)
    half_x, half_y = window[0] // 2 + 1, window[1] // 2 + 1
    inner = means[half_y : height - half_y, half_x : width - half_x]
    row, column = np.unravel_index(int(inner.argmax()), inner.shape)
    return int(column) + half_x - window[0] // 2, int(row) + half_y - window[1] // 2, *window


def _squared_error(picture: Picture, truth: Picture) -> npt.NDArray[np.float32]:
    difference = picture.astype(np.float32) - truth.astype(np.float32)
    return np.asarray((difference**2).mean(axis=2), np.float32)


def side_by_side(pictures: Mapping[str, Picture], notes: Mapping[str, str], heading: str, column: int = 480) -> Picture:
    """A column for each picture (``Lanczos``, …, ``truth``): the whole with the crop marked, and the crop enlarged."""
    x, y, width, height = best_crop(pictures["Lanczos"], pictures["keyed"], pictures["truth"])
    columns = []
    for name, picture in pictures.items():
        whole = picture.copy()
        line = max(2, picture.shape[1] // 320)
        cv2.rectangle(whole, (x, y), (x + width, y + height), _YELLOW, line)
        zoom = _to_width(picture[y : y + height, x : x + width], column, cv2.INTER_NEAREST)
        label = _label(f"{name}", notes.get(name, ""), column)
        columns.append(np.vstack([label, _to_width(whole, column), _strip(column, _GAP), zoom]))
    body = _beside(columns)
    return _framed(np.vstack([_text_line(heading, body.shape[1], 22), body]))


def confidence_picture(result: Picture, confidence: Picture, heading: str, column: int = 720) -> Picture:
    """The result beside its confidence map: blue 0 (blind) to yellow 1 (keyframe's detail in full), and a scale."""
    heat = _coloured(confidence[:, :, 0])
    ramp = _coloured(np.tile(np.linspace(0, 255, column).astype(np.uint8), (18, 1)))
    left = np.vstack([_label("keyed", "", column), _to_width(result, column), _strip(column, _GAP + 18 + 26)])
    mean = f"mean {confidence[:, :, 0].mean() / 255:.2f}"
    scale = np.vstack([_strip(column, _GAP), ramp, _scale_numbers(column)])
    right = np.vstack([_label("confidence", mean, column), _to_width(heat, column), scale])
    body = _beside([left, right])
    return _framed(np.vstack([_text_line(heading, body.shape[1], 22), body]))


def _coloured(grey: npt.NDArray[np.uint8]) -> Picture:
    return np.asarray(cv2.applyColorMap(np.ascontiguousarray(grey), cv2.COLORMAP_VIRIDIS)[:, :, ::-1], np.uint8)


def _scale_numbers(width: int) -> Picture:
    strip = _strip(width, 26)
    _write(strip, "0: blind", (0, 19), 0.5)
    text = "1: detail of the keyframes"
    _write(strip, text, (width - _text_width(text, 0.5), 19), 0.5)
    return strip


def wipe(left: Picture, right: Picture, names: tuple[str, str], position: float) -> Picture:
    """``left`` up to ``position`` (0..1) of the width, then ``right``; a line between, names in the corners."""
    width = left.shape[1]
    column = int(np.clip(round(position * width), 0, width))
    picture = np.concatenate([left[:, :column], right[:, column:]], axis=1)
    scale = width / 1100
    thickness = max(1, round(scale * 2))
    cv2.line(picture, (column, 0), (column, picture.shape[0]), _WHITE, max(1, width // 480))
    baseline = int(34 * scale)
    _write(picture, names[0], (int(16 * scale), baseline), scale, thickness)
    _write(
        picture,
        names[1],
        (width - _text_width(names[1], scale, thickness) - int(16 * scale), baseline),
        scale,
        thickness,
    )
    return picture


def _to_width(picture: Picture, width: int, enlarging: int = cv2.INTER_CUBIC) -> Picture:
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    kernel = cv2.INTER_AREA if width < picture.shape[1] else enlarging
    return np.asarray(cv2.resize(picture, (width, height), interpolation=kernel), np.uint8)


def _strip(width: int, height: int) -> Picture:
    return np.full((height, width, 3), _BACK, np.uint8)


def _label(name: str, note: str, width: int) -> Picture:
    strip = _strip(width, 34)
    _write(strip, name, (0, 24), 0.7, 2)
    _write(strip, note, (width - _text_width(note, 0.6), 24), 0.6)
    return strip


def _text_line(text: str, width: int, baseline: int) -> Picture:
    strip = _strip(width, baseline + 12)
    _write(strip, text, (0, baseline), 0.6)
    return strip


def _text_width(text: str, scale: float, thickness: int = 1) -> int:
    return int(cv2.getTextSize(text, _FONT, scale, thickness)[0][0])


def _write(picture: Picture, text: str, place: tuple[int, int], scale: float, thickness: int = 1) -> None:
    """White with a dark rim of a pixel, readable on any ground."""
    options: dict[str, Any] = {"fontFace": _FONT, "fontScale": scale, "lineType": cv2.LINE_AA, "thickness": thickness}
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1), (1, 1)):
        cv2.putText(picture, text, (place[0] + dx, place[1] + dy), color=(20, 20, 20), **options)
    cv2.putText(picture, text, place, color=_WHITE, **options)


def _beside(columns: list[Picture]) -> Picture:
    gap = _strip(_GAP, columns[0].shape[0])
    parts = [part for column in columns for part in (column, gap)][:-1]
    return np.hstack(parts)


def _framed(picture: Picture) -> Picture:
    return np.pad(picture, ((_GAP, _GAP), (_GAP, _GAP), (0, 0)), constant_values=_BACK)
