"""``sparkvsr demo``: a clip through the real plugin in the headless host, with the backend that the plugin starts."""

from __future__ import annotations

import argparse
import json
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from sparkvsr.cli import demo_material, demo_pictures, values
from sparkvsr.cli.demo_material import SCALE, Material
from sparkvsr.cli.demo_pictures import as_frame, pixels_of
from sparkvsr.cli.demo_plugin import PluginInHost, plugin_in_host
from sparkvsr.cli.demo_scores import Scores
from sparkvsr.cli.errors import SUCCESS, UsageError
from sparkvsr.cli.screen import Screen
from sparkvsr.color import pack, unpack
from sparkvsr.frames import Depth, Frame, PixelFormat, Premultiplication
from sparkvsr.media import FramePattern, write_still
from sparkvsr.media.atomic import atomic_path
from sparkvsr.media.video_writer import VideoOptions, VideoWriter, video_writer
from sparkvsr.resample import resize

_SWEEP_S = 4.0  # the wipe goes to and fro once in this time


@dataclass(frozen=True, slots=True)
class Places:
    """Where the demo writes."""

    folder: Path

    @property
    def frames(self) -> FramePattern:
        """HR frames."""
        return FramePattern.parse(self.folder / "frames" / "keyed.%04d.png")

    def path(self, name: str) -> Path:
        """A file of the demo."""
        return self.folder / name


@dataclass(slots=True)
class Run:
    """What is collected on the way."""

    material: Material
    places: Places
    scores: Scores = field(default_factory=Scores)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Run the command. Raises CommandError, MediaError."""
    started = time.perf_counter()
    material = _material(options)
    demo = Run(material, Places(Path(options.out)))
    source = material.source.info.layout
    screen.note(material.title)
    screen.note(
        f"{source.width}x{source.height} to {source.width * SCALE}x{source.height * SCALE}; keyframes at "
        f"{' '.join(map(str, material.keyframes))}; personality nuke, float, scene-linear"
    )
    with plugin_in_host(material) as plugin:
        _render_all(demo, plugin, screen)
    _write_report(demo, time.perf_counter() - started)
    _tell(demo, screen, time.perf_counter() - started)
    return SUCCESS


def _material(options: argparse.Namespace) -> Material:
    if options.frames < 4 or options.keyframe_distance < 1:
        raise UsageError(
            "--frames, --keyframe-distance",
            expected="at least 4, at least 1",
            found=f"{options.frames}, {options.keyframe_distance}",
        )
    if options.clip is not None:
        return demo_material.from_file(Path(options.clip), options.frames, options.keyframe_distance)
    width, height = options.size.resolve(960, 540)
    return demo_material.from_film(width, height, options.frames, options.keyframe_distance, options.seed)


def lanczos(frame: Frame) -> Frame:
    """What any program does without a model."""
    layout = frame.format
    size = (layout.height * SCALE, layout.width * SCALE)
    rgb = resize(unpack(frame)[0], size, "lanczos3")
    return pack(rgb, None, PixelFormat(size[1], size[0], 3, Depth.BYTE, Premultiplication.OPAQUE))


def _render_all(demo: Run, plugin: PluginInHost, screen: Screen) -> None:
    material = demo.material
    layout = material.info.layout
    width, height = layout.width - layout.width % 2, layout.height - layout.height % 2
    rate = material.info.rate or Fraction(24)
    with ExitStack() as stack:
        options = VideoOptions(rate=rate, quality=18)
        film = stack.enter_context(video_writer(demo.places.path("wipe.mp4"), options, width, height))
        meter = stack.enter_context(screen.progress("rendering", len(material.numbers)))
        helper = stack.enter_context(ThreadPoolExecutor(1))
        kept: Future[None] | None = None
        for number in material.numbers:
            results = _results(demo, plugin, number)
            if number == material.shown:
                _draw(demo, plugin, number, results)
            if kept is not None:
                kept.result()  # one frame at most waits, and its error is told
            kept = helper.submit(_keep, demo, film, number, results)
            meter.step()
        if kept is not None:
            kept.result()


def _results(demo: Run, plugin: PluginInHost, number: int) -> dict[str, Frame]:
    """All methods' pictures of a frame, and the truth, 8-bit sRGB."""
    return {
        "Lanczos": lanczos(demo.material.source.read(number)),
        "blind": plugin.render(number, "Blind"),
        "keyed": plugin.render(number, "Result"),
        "truth": _as_bytes(demo.material.truth.read(number)),
    }


def _as_bytes(frame: Frame) -> Frame:
    """8-bit RGB of a truth of any depth."""
    rgb, _ = unpack(frame)
    return pack(
        rgb, None, PixelFormat(frame.format.width, frame.format.height, 3, Depth.BYTE, Premultiplication.OPAQUE)
    )


def _keep(demo: Run, film: VideoWriter, number: int, results: dict[str, Frame]) -> None:
    """Files and scores of a frame; done while the backend renders the next one."""
    write_still(demo.places.frames.path(number), results["keyed"])
    if number in demo.material.judged:
        demo.scores.add(results, results["truth"])
    rate = demo.material.info.rate or Fraction(24)
    turn = (number - demo.material.numbers[0]) / float(rate) / _SWEEP_S
    position = 0.5 + 0.42 * math.sin(2 * math.pi * turn)
    picture = demo_pictures.wipe(
        pixels_of(results["Lanczos"]), pixels_of(results["keyed"]), ("Lanczos", "keyed"), position
    )
    even = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
    film.write(number, as_frame(even))


def _draw(demo: Run, plugin: PluginInHost, number: int, results: dict[str, Frame]) -> None:
    """The two pictures."""
    material = demo.material
    scores = Scores()
    scores.add(results, results["truth"])
    notes = {name: f"{scores.mean(name)[0]:.2f} dB" for name in ("Lanczos", "blind", "keyed")}
    near = [key for key in material.keyframes if key <= number][-1:] + [
        key for key in material.keyframes if key > number
    ][:1]
    heading = f"SparkVSR x{SCALE}: frame {number}, keyframes at {' and '.join(map(str, near))} (PSNR of this frame)"
    pictures = {name: pixels_of(frame) for name, frame in results.items()}
    write_still(demo.places.path("side_by_side.png"), as_frame(demo_pictures.side_by_side(pictures, notes, heading)))
    confidence = pixels_of(plugin.render(number, "Confidence"))
    heading = f"frame {number}: where the keyframes' detail is used"
    picture = demo_pictures.confidence_picture(pictures["keyed"], confidence, heading)
    write_still(demo.places.path("confidence.png"), as_frame(picture))


def _write_report(demo: Run, seconds: float) -> None:
    material = demo.material
    report = {
        "clip": material.title,
        "keyframes": material.keyframes,
        "cuts": material.cuts,
        "judged_frames": len(material.judged),
        "means": demo.scores.as_json(),
        "seconds": round(seconds, 1),
    }
    with atomic_path(demo.places.path("report.json")) as path:
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _tell(demo: Run, screen: Screen, seconds: float) -> None:
    screen.results.print(demo.scores.table())
    screen.note(
        f"mean of {len(demo.material.judged)} frames that are not keyframes, 8-bit BT.601 luma, 8 pixels cropped; "
        f"{seconds:.0f} s in all"
    )
    for name, text in (
        ("side_by_side.png", "Lanczos, blind, keyed, truth"),
        ("confidence.png", "where the keyframes' detail is used"),
        ("wipe.mp4", "Lanczos and keyed, wiping"),
        ("report.json", "the numbers"),
    ):
        screen.result(f"{demo.places.path(name)}  {text}")
    screen.result(f"{demo.places.frames}  the upscaled frames")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = (
        "Load the plugin in the headless host, let it start its backend, upscale a clip with flagged keyframes, "
        "measure it against the truth, write pictures. The clip is made by code, or any video: then it is the truth."
    )
    parser.add_argument("--clip", metavar="PATH", help="a video or a sequence pattern (default: the film made by code)")
    parser.add_argument("--out", metavar="DIR", default="demo", help="default: demo")
    parser.add_argument("--frames", type=int, default=52, metavar="N", help="how many frames, at least 4 (default: 52)")
    parser.add_argument(
        "--keyframe-distance",
        type=int,
        default=demo_material.KEYFRAME_DISTANCE,
        metavar="N",
        help="frames from keyframe to keyframe (default: 20)",
    )
    parser.add_argument(
        "--size",
        type=values.fit,
        default=values.fit("960x540"),
        metavar="WxH",
        help="of the film made by code (default: 960x540)",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the film made by code (default: 1)")
