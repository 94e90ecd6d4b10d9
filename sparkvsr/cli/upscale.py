"""``sparkvsr upscale``: a clip in, keyframes, a clip out, by the same engine loop as the plugin's backend."""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sparkvsr.cli import values
from sparkvsr.cli.ahead import DEPTH, Ahead
from sparkvsr.cli.clip_renderer import ClipRenderer, Reach
from sparkvsr.cli.delivery import Delivery, Wishes, check_output_kind, decide, open_writer, refuse_overwriting
from sparkvsr.cli.devices import pick_device
from sparkvsr.cli.engine_notes import engine_notes
from sparkvsr.cli.errors import SUCCESS, UsageError
from sparkvsr.cli.keyframe_options import collect
from sparkvsr.cli.keyframe_sources import cuts_of, sources_of
from sparkvsr.cli.planned_engine import planned_engine
from sparkvsr.cli.screen import Screen
from sparkvsr.color import Transfer
from sparkvsr.engine import default_registry
from sparkvsr.frames import Depth
from sparkvsr.keyframes import choose
from sparkvsr.media import Clip, FramePattern, MediaNotFoundError, SequenceClip, open_clip
from sparkvsr.media.patterns import format_ranges
from sparkvsr.propagation import CHUNK_OVERLAP
from sparkvsr_backend.cache import Budgets
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.requests import Picture, Precision, Quality, Settings, View

DEPTHS = {"8": Depth.BYTE, "10": Depth.SHORT, "16": Depth.SHORT, "half": Depth.HALF, "float": Depth.FLOAT}
_ASPECT_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that is decided before the first frame."""

    clip: Clip
    numbers: range
    keyframes: dict[int, Picture]
    reach: Reach
    settings: Settings
    delivery: Delivery


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Run the command. Raises CommandError and the errors of ``expected_errors``."""
    with closing(_open(options)) as clip, engine_notes(screen):
        job = plan(options, clip, screen.note)
        device = pick_device(options.device)
        job = _planned(options, job, device, screen)
        _announce(job, str(device), screen)
        loop = EngineLoop(default_registry(), device, Budgets.share_out(int(options.memory * 2**30)))
        _prepare_models(job, loop)
        renderer = ClipRenderer(loop, clip, job.keyframes, job.settings, job.delivery.rendered, job.reach)
        started = time.perf_counter()
        _render(job, renderer, screen)
        spent = time.perf_counter() - started
        count = len(job.numbers)
        screen.note(f"{count} frame{'s' * (count != 1)} in {spent:.1f} s ({spent / count:.2f} s each)")
    screen.result(str(job.delivery.path))
    return SUCCESS


def _planned(options: argparse.Namespace, job: Job, device: torch.device, screen: Screen) -> Job:
    """With engine options for the memory asked for, told, so that they can be kept."""
    if options.vram is None:
        return job
    layout, scale = job.clip.info.layout, job.settings.scale
    size = (layout.height * scale, layout.width * scale)
    engine, why = planned_engine(job.settings.engine, options.vram, size, device, options.chunk)
    screen.note(f"planned --engine {shlex.quote(engine)}: {why}")
    return replace(job, settings=replace(job.settings, engine=engine))


def _open(options: argparse.Namespace) -> Clip:
    clip = open_clip(options.input, options.fps)
    if options.fps is not None and clip.info.rate != options.fps:
        clip.close()
        raise UsageError(
            f"{options.input} says itself how fast it runs", expected="--fps for sequences only", found=f"{options.fps}"
        )
    return clip


def plan(options: argparse.Namespace, clip: Clip, note: Callable[[str], None] = lambda text: None) -> Job:
    """Decide everything, and refuse what cannot work, before the first frame. Raises UsageError, MediaError.

    ``note`` tells what takes its time.
    """
    numbers = _numbers(options, clip)
    output = Path(options.output)
    check_output_kind(output, len(numbers))
    transfer = _transfer(options, clip)
    cuts = _cuts(options, clip, transfer, note)
    keyframes = _keyframes(options, clip, transfer, cuts, note)
    settings = _settings(options, transfer, cuts)
    delivery = decide(output, clip, _target_size(options, clip), transfer, _wishes(options))
    pictures = [Path(picture.path) for picture in keyframes.values() if picture.path is not None]
    inputs = [*_input_files(options.input, clip), *pictures]
    refuse_overwriting(output, inputs, list(numbers), options.overwrite)
    return Job(clip, numbers, keyframes, _reach(options, keyframes), settings, delivery)


def _numbers(options: argparse.Namespace, clip: Clip) -> range:
    first, last = clip.numbers[0], clip.numbers[-1]
    if options.range is None:
        numbers = range(first, last + 1)
    else:
        wanted = options.range
        if wanted[0] < first or wanted[1] > last:
            raise UsageError("--range", expected=f"frames of {first}-{last}", found=f"{wanted[0]}-{wanted[1]}")
        numbers = range(wanted[0], wanted[1] + 1)
    _refuse_gaps(clip, numbers)
    return numbers


def _refuse_gaps(clip: Clip, numbers: range) -> None:
    """A frame that is missing on disk is told at once, not after an hour."""
    gaps = [number for number in clip.missing if number in numbers] if isinstance(clip, SequenceClip) else []
    if gaps:
        raise MediaNotFoundError(
            f"{clip.info.description}: frames are missing",
            expected=format_ranges(list(numbers)),
            found=f"no {format_ranges(gaps)}",
        )


def _cuts(options: argparse.Namespace, clip: Clip, transfer: Transfer, note: Callable[[str], None]) -> tuple[int, ...]:
    """Those that are listed, or found in the whole clip, so that any range gives the same pixels."""
    if options.cuts is not None:
        listed: tuple[int, ...] = options.cuts
        return listed
    note(f"looking for cuts in {len(clip.numbers)} frames")
    found = cuts_of(clip, transfer)
    note(f"cuts: {' '.join(map(str, found)) or 'none'}")
    return found


def _reach(options: argparse.Namespace, keyframes: dict[int, Picture]) -> Reach:
    strengths = {number: strength for numbers, strength in options.keyframe_strength for number in numbers}
    unknown = sorted(set(strengths) - set(keyframes))
    if unknown:
        raise UsageError(
            "--keyframe-strength of frames that are no keyframes",
            expected=format_ranges(list(keyframes)) or "keyframes",
            found=format_ranges(unknown),
        )
    return Reach(options.keyframe_radius, strengths)


def _keyframes(
    options: argparse.Namespace,
    clip: Clip,
    transfer: Transfer,
    cuts: tuple[int, ...],
    note: Callable[[str], None],
) -> dict[int, Picture]:
    """The keyframes' pictures. Choices look at the whole clip, so that any range gives the same pixels."""
    first, last = clip.numbers[0], clip.numbers[-1]
    sources = sources_of(clip, transfer, cuts, note)

    def choose_frames(text: str) -> tuple[int, ...]:
        return choose(text, first, last, cuts, sources)

    model: str | None = options.keyframe_model
    chosen = collect(options.keyframe, options.keyframes, range(first, last + 1), choose_frames, model)
    curve = None if options.keyframe_transfer == "auto" else Transfer(options.keyframe_transfer)
    files = {number: Picture(path=str(path.resolve()), transfer=curve) for number, path in chosen.files.items()}
    made = {number: Picture(model=model) for number in chosen.made}
    return dict(sorted({**files, **made}.items()))


def _prepare_models(job: Job, loop: EngineLoop) -> None:
    """The user's own command line may name programs. A model that cannot be had is told before the first frame."""
    loop.image_models.trusted = True
    for model in {picture.model for picture in job.keyframes.values() if picture.model is not None}:
        _ = loop.image_models.get(model).identity


def _transfer(options: argparse.Namespace, clip: Clip) -> Transfer:
    return clip.info.transfer if options.transfer == "auto" else Transfer(options.transfer)


def _settings(options: argparse.Namespace, transfer: Transfer, cuts: tuple[int, ...]) -> Settings:
    return Settings(
        engine=options.engine,
        scale=options.scale,
        guidance=options.guidance,
        trust=options.trust,
        view=View(options.view),
        transfer=transfer,
        cuts=cuts,
        split=options.split,
        precision=Precision(options.precision),
        grid=0 if options.chunk is None else options.chunk - CHUNK_OVERLAP,
        quality=Quality.DRAFT if options.draft else Quality.FULL,
        grain=options.grain,
        sharpness=options.sharpness,
        arithmetic=options.arithmetic,
    )


def _target_size(options: argparse.Namespace, clip: Clip) -> tuple[int, int]:
    layout = clip.info.layout
    full = (layout.width * options.scale, layout.height * options.scale)
    if options.fit is None:
        return full
    size: tuple[int, int] = options.fit.resolve(*full)
    ratio = (size[0] / size[1]) / (full[0] / full[1])
    if abs(ratio - 1) > _ASPECT_TOLERANCE and min(size) > 16:
        near = (size[0], round(size[0] * full[1] / full[0]))
        raise UsageError(
            "--fit has another aspect ratio than the clip",
            expected=f"{near[0]}x{near[1]}",
            found="x".join(map(str, size)),
        )
    return size


def _wishes(options: argparse.Namespace) -> Wishes:
    return Wishes(
        depth=None if options.bit_depth is None else DEPTHS[options.bit_depth],
        transfer=None if options.output_transfer == "auto" else Transfer(options.output_transfer),
        codec=options.codec,
        chroma=options.chroma,
        quality=options.quality,
        sound=options.sound,
        rate=options.fps,
    )


def _input_files(text: str, clip: Clip) -> list[Path]:
    if not FramePattern.is_pattern(text):
        return [Path(text)]
    pattern = FramePattern.parse(text)
    return [pattern.path(number) for number in clip.numbers]


def _announce(job: Job, device: str, screen: Screen) -> None:
    source, target = job.clip.info.layout, job.delivery.layout
    keyframes = format_ranges(list(job.keyframes)) or "none (blind)"
    screen.note(
        f"{job.clip.info.description}: {len(job.numbers)} frames, {source.width}x{source.height} {source.depth} "
        f"{job.settings.transfer} to {target.width}x{target.height} {target.depth} {job.delivery.transfer}"
    )
    screen.note(f"keyframes: {keyframes}; engine {job.settings.engine} on {device}")
    if job.clip.info.layout.components == 4 and target.components == 3:
        screen.warn(f"alpha does not go into {job.delivery.path.name}: the picture is written over black")


def _chunks_ahead(job: Job) -> int:
    """None where each chunk is decoded twice: as many are kept as a frame and its overlap need."""
    return 0 if job.settings.view is View.DIFFERENCE else DEPTH


def _render(job: Job, renderer: ClipRenderer, screen: Screen) -> None:
    """All frames, in order."""
    told: set[str] = set()
    with (
        open_writer(job.delivery, job.clip.info.pixel_aspect) as writer,
        screen.progress("rendering", len(job.numbers)) as meter,
        Ahead(renderer, job.numbers, _chunks_ahead(job)) as frames,
    ):
        for number, result in frames:
            writer.write(number, job.delivery.finished(result.frame), job.clip.seconds(number))
            for notice in result.notices:
                if notice.text not in told:
                    told.add(notice.text)
                    screen.warn(notice.text)
            meter.step(f"confidence {result.confidence_mean:.2f}" if renderer.keyframes_of(number) else "")
        for text in getattr(writer, "notices", ()):
            screen.warn(text)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = (
        "Upscale a video, a picture sequence (plate.%04d.exr, plate.####.png) or a still, guided by high-resolution "
        "pictures of some of its frames. Frames of a video count from 0, those of a sequence as its files."
    )
    parser.add_argument("input", metavar="IN", help="video, sequence pattern or still")
    parser.add_argument("output", metavar="OUT", help="video (.mp4 .mov .mkv), sequence pattern or still")
    guidance = parser.add_argument_group("keyframes and guidance")
    for add in (_add_size, _add_pictures, _add_reach, _add_look):
        add(guidance)
    _add_reading(parser.add_argument_group("reading"))
    _add_writing(parser.add_argument_group("writing"))
    _add_computing(parser.add_argument_group("computing"))


def _add_size(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--scale", type=int, choices=(1, 2, 3, 4), default=4, help="times the source's size (default: 4)"
    )
    group.add_argument(
        "--fit",
        type=values.fit,
        metavar="WxH",
        help="resample the result to this size (1920x or x1080 keep the aspect)",
    )


def _add_pictures(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--keyframe",
        type=values.keyframe,
        action="append",
        default=[],
        metavar="N=FILE",
        help="high-resolution picture of frame N; may be repeated",
    )
    group.add_argument(
        "--keyframe-transfer",
        choices=["auto", *map(str, Transfer)],
        default="auto",
        help="transfer curve of the keyframe pictures (default: from each file)",
    )
    group.add_argument(
        "--keyframe-model",
        metavar="MODEL",
        help="what makes the pictures of chosen frames that have none: a weights file (.pth, .safetensors), "
        '"command:PROGRAM {in} {out}", python:module:function, or blind',
    )
    group.add_argument(
        "--keyframes",
        action="append",
        default=[],
        metavar="WHAT",
        help="folder of numbered pictures, or a pattern such as key.%%04d.png; or which frames: iframes, every:N, "
        'random:SEED:N, suggest:N, or a list such as "1 24 48-60x4"; may be repeated',
    )


def _add_reach(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--cuts",
        type=values.cuts,
        default=(),
        metavar="LIST",
        help='first frames of shots: "24 60", or auto: found in the clip; no keyframe reaches across',
    )
    group.add_argument(
        "--keyframe-radius",
        type=values.count_from(1),
        metavar="N",
        help="how many frames a keyframe may reach (default: as far as its shot goes)",
    )
    group.add_argument(
        "--keyframe-strength",
        type=values.strength,
        action="append",
        default=[],
        metavar="FRAMES=S",
        help='strength 0 to 1 of some keyframes: 24=0.5 or "1 48-60x4=0.7"; may be repeated, the last one counts',
    )


def _add_look(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--guidance",
        type=values.number_in(0, 2),
        default=1.0,
        help="0: blind, 1: keyframes as they are, up to 2 (default: 1)",
    )
    group.add_argument(
        "--trust",
        type=values.number_in(0, 1),
        default=0.0,
        help="0: strict, 1: paint, take keyframes that differ from the source (default: 0)",
    )
    group.add_argument(
        "--sharpness",
        type=values.number_in(0, 2),
        default=0.0,
        help="of the result, without halos; up to 2 (default: 0)",
    )
    group.add_argument(
        "--grain",
        type=values.number_in(0, 2),
        default=0.0,
        help="how much of the source's grain the result gets back; 1: as much as was measured (default: 0)",
    )
    group.add_argument(
        "--view", choices=[str(view) for view in View], default="result", help="what to write (default: result)"
    )
    group.add_argument(
        "--split", type=values.number_in(0, 1), default=0.5, help="position for --view split (default: 0.5)"
    )


def _add_reading(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--range", type=values.frame_range, metavar="A-B", help="frames to render, both inclusive (default: all)"
    )
    group.add_argument(
        "--transfer",
        choices=["auto", *map(str, Transfer)],
        default="auto",
        help="transfer curve of the clip (default: from the file)",
    )
    group.add_argument("--fps", type=values.rate, help="frame rate of a sequence that becomes a video")


def _add_writing(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--bit-depth",
        choices=list(DEPTHS),
        help="samples of the output (default: those of the source where the format holds them)",
    )
    group.add_argument("--half", dest="bit_depth", action="store_const", const="half", help="same as --bit-depth half")
    group.add_argument(
        "--float", dest="bit_depth", action="store_const", const="float", help="same as --bit-depth float"
    )
    group.add_argument(
        "--output-transfer",
        choices=["auto", *map(str, Transfer)],
        default="auto",
        help="transfer curve of the output (default: linear for float files, sRGB for the others)",
    )
    group.add_argument(
        "--codec", choices=["h264", "h265", "prores", "ffv1"], default="h264", help="of a video (default: h264)"
    )
    group.add_argument("--chroma", choices=["420", "422", "444"], default="420", help="of a video (default: 420)")
    group.add_argument(
        "--quality",
        type=int,
        choices=range(52),
        default=14,
        metavar="0-51",
        help="constant rate factor, lower is better (default: 14)",
    )
    group.add_argument("--no-sound", dest="sound", action="store_false", help="do not copy the sound of the source")
    group.add_argument("--overwrite", action="store_true", help="replace files that exist; inputs are never replaced")


def _add_computing(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--engine",
        default="lite",
        help="lite, or sparkvsr-5b with options where wanted: 'sparkvsr-5b?tile=768,color=off' (default: lite)",
    )
    group.add_argument(
        "--vram",
        type=values.auto_or_number_in(0.1, 4096),
        metavar="GB",
        help="propose options of sparkvsr-5b for so much memory, and say which (auto: what is free, less a margin)",
    )
    group.add_argument(
        "--chunk", type=int, choices=(33, 49), help="frames that sparkvsr-5b works on at once (default: 33)"
    )
    group.add_argument(
        "--precision", choices=[str(precision) for precision in Precision], default="float32", help="default: float32"
    )
    group.add_argument(
        "--arithmetic",
        default="",
        metavar="KIND",
        help='refuse to render on a machine of another kind; "sparkvsr doctor" names this one\'s (default: any)',
    )
    group.add_argument(
        "--draft", action="store_true", help="quick rather than good, for looking (lite): no networks, coarser motion"
    )
    group.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="default: cuda where there is one"
    )
    group.add_argument(
        "--memory", type=values.number_in(0.1, 4096), default=2.0, metavar="GIB", help="for caches (default: 2)"
    )
