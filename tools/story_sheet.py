"""The artist's story as a contact sheet: rows are what the artist sees in turn, columns are frames.

Usage: story_sheet.py OUT.jpg [--personality NAME] [--size 640x360] [--quality 82].  Runs the plugin in the headless
host with a backend of its own, on the demo's film; the same story as `tests/integration/test_story.py`, whose helpers
it uses.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.story import FIRST, KEYFRAMES, LENGTH, SCALE, WAYS, Desk, Rendered, Shot, psnr, shot_of  # noqa: E402

SHOWN = (1, 12, 24, 36, 48)
COLUMN, GAP, LABEL, HEAD = 300, 6, 22, 150
BACK, INK, MARK = (24, 24, 24), (235, 235, 235), (255, 205, 60)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def main() -> int:
    """Tell the story, write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--personality", choices=[name for name, way in WAYS.items() if way.grows], default="nuke")
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--quality", type=int, default=82)
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory(prefix="svsr-", dir="/tmp") as folder:
        start_backends_in(Path(folder))
        rows = tell(film(width, height), options.personality, Path(folder))
    picture = sheet(rows)
    cv2.imwrite(str(options.out), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, options.quality])
    print(options.out)
    return 0


def start_backends_in(folder: Path) -> None:
    """A backend for this sheet only, whatever runs besides."""
    os.environ["SPARKVSR_RUNTIME_DIR"] = str(folder)
    command = [sys.executable, "-m", "sparkvsr_backend", "serve", "--device", "cpu", "--cache-gb", "2"]
    os.environ["SPARKVSR_BACKEND_COMMAND"] = json.dumps([*command, "--idle-timeout", "20"])


def film(width: int, height: int) -> Shot:
    """The first shot of the demo's film."""
    from sparkvsr.media.synthetic import SyntheticFilm, encode_srgb

    made = SyntheticFilm(width, height, LENGTH + 12, cut=LENGTH + 1)
    return shot_of({t: encode_srgb(made.linear(t)) for t in range(FIRST, FIRST + LENGTH)})


def tell(shot: Shot, personality: str, folder: Path) -> list[tuple[str, Rendered]]:
    """(label, pictures) of each step."""
    from sparkvsr_bridge import Host, bundle_path

    rows: list[tuple[str, Rendered]] = []
    with Host(bundle_path(), personality) as host:
        desk = Desk.open(host, WAYS[personality], shot, folder)
        rows.append(("the shot", {t: enlarged(shot.low[t]) for t in SHOWN}))
        rows.append(("blind", marked(desk.scrub(SHOWN), shot.truth)))
        desk.flag(*KEYFRAMES)
        desk.give_pictures(*KEYFRAMES)
        rows.append(("keyframes 1 24 48", marked(desk.scrub(SHOWN), shot.truth)))
        before = confidence(desk)
        rows.append(("confidence", {t: coloured(p) for t, p in before.items()}))
        more = min((t for t in SHOWN if t not in KEYFRAMES), key=lambda t: float(before[t].mean()))
        desk.flag(more)
        desk.give_pictures(more)
        rows.append((f"and {more}", marked(desk.scrub(SHOWN), shot.truth)))
        rows.append(("confidence", {t: coloured(p) for t, p in confidence(desk).items()}))
        rows.append(("influence", desk.look("Keyframe influence", SHOWN)))
    return rows


def confidence(desk: Desk) -> dict[int, Any]:
    """The confidence of each frame shown, 0..1."""
    return {t: picture[..., 0] for t, picture in desk.look("Confidence", SHOWN).items()}


def enlarged(low: Any) -> Any:
    """The source with its pixels to be seen."""
    return np.clip(cv2.resize(low, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_NEAREST), 0, 1)


def coloured(grey: Any) -> Any:
    """Blue 0 to yellow 1."""
    levels = np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8)
    return cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)[..., ::-1].astype(np.float32) / 255


def marked(pictures: Rendered, truth: Rendered) -> Rendered:
    """The distance to the truth in a corner, in dB."""
    noted = {}
    for t, picture in pictures.items():
        copy = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
        text, scale = f"{psnr(picture, truth[t]):.1f} dB", copy.shape[1] / 640
        place = (round(10 * scale), copy.shape[0] - round(14 * scale))
        for colour, thickness in (((0, 0, 0), 7), ((255, 255, 255), 2)):
            cv2.putText(copy, text, place, FONT, 1.1 * scale, colour, max(1, round(thickness * scale)), cv2.LINE_AA)
        noted[t] = copy.astype(np.float32) / 255
    return noted


def sheet(rows: list[tuple[str, Rendered]]) -> Any:
    """8-bit RGB."""
    first = next(iter(rows[0][1].values()))
    cell = (COLUMN, round(COLUMN * first.shape[0] / first.shape[1]))
    width = HEAD + len(SHOWN) * (COLUMN + GAP)
    height = LABEL + GAP + len(rows) * (cell[1] + GAP)
    page = np.full((height, width, 3), BACK, np.uint8)
    for column, t in enumerate(SHOWN):
        x = HEAD + column * (COLUMN + GAP)
        colour = MARK if t in KEYFRAMES else INK
        cv2.putText(page, f"frame {t}", (x, LABEL - 4), FONT, 0.5, colour, 1, cv2.LINE_AA)
    for line, (label, pictures) in enumerate(rows):
        y = LABEL + GAP + line * (cell[1] + GAP)
        cv2.putText(page, label, (8, y + cell[1] // 2), FONT, 0.42, INK, 1, cv2.LINE_AA)
        for column, t in enumerate(SHOWN):
            x = HEAD + column * (COLUMN + GAP)
            small = cv2.resize(np.clip(pictures[t], 0, 1), cell, interpolation=cv2.INTER_AREA)
            page[y : y + cell[1], x : x + cell[0]] = np.rint(small * 255).astype(np.uint8)
    return page


if __name__ == "__main__":
    sys.exit(main())
