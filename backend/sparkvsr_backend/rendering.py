"""From a job to its answer: render or analyse, name what went wrong, describe what came out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

import sparkvsr_backend.protocol as wire
from sparkvsr import engine as science
from sparkvsr.engine import Watch
from sparkvsr_backend.computation import RenderResult
from sparkvsr_backend.engine_loop import Defer, EngineLoop
from sparkvsr_backend.errors import BackendError, EngineFailedError, NeedFrames, ShuttingDownError
from sparkvsr_backend.peers import Job
from sparkvsr_backend.protocol import Carrier, Image, Message

PROGRESS_EVERY_S = 0.1
_LONGEST_TEXT = 4096


@dataclass(frozen=True)
class Ended:
    """A job is over: what became of it (a name among the request counters), and what is to be sent, if anything.

    ``later``: what is to be done once that has been sent.
    """

    job: Job
    outcome: str
    message: Message | None = None
    payload: Any = None
    later: tuple[Callable[[], None], ...] = ()


def render_job(
    loop: EngineLoop, job: Job, report: Callable[[Message], None], cancelled: Callable[[], bool] | None = None
) -> Ended:
    """Run a job to its end. ``report`` sends progress; ``cancelled`` is asked in the place of the job's own event.

    Raises nothing.
    """
    later: list[Callable[[], None]] = []
    ended = _attempt(loop, job, report, cancelled or job.cancelled.is_set, later.append)
    return replace(ended, later=tuple(later)) if later else ended


def _attempt(
    loop: EngineLoop, job: Job, report: Callable[[Message], None], cancelled: Callable[[], bool], defer: Defer
) -> Ended:
    number = job.message.id
    watch = Watch(progress=_now_and_then(number, report), cancelled=cancelled)
    try:
        watch.step(0.0, "start")
        if isinstance(job.message, wire.Analyse):
            frames = loop.analyse(job.message.request, watch)
            return Ended(job, "rendered", wire.Analysed(id=number, frames=frames))
        return _done(job, job.message, loop.render(job.message.request, job.out, watch, defer))
    except NeedFrames as need:
        return Ended(job, "needed", wire.Need(id=number, fingerprints=need.fingerprints))
    except science.CancelledError:
        return refusal_of(job) if job.shutdown else Ended(job, "cancelled")
    except BackendError as error:
        return Ended(job, "failed", error_message(error, number))
    except Exception as error:  # noqa: BLE001 - the boundary of a worker: any failure becomes the request's answer
        return Ended(job, "failed", error_message(EngineFailedError(f"{type(error).__name__}: {error}"), number))


def refusal_of(job: Job) -> Ended:
    """The backend is about to exit."""
    return Ended(job, "failed", error_message(ShuttingDownError("the backend is about to exit"), job.message.id))


def error_message(error: BackendError, request_id: int) -> wire.Error:
    """An error as it travels."""
    return wire.Error(
        id=request_id,
        name=error.name,
        message=error.message[:_LONGEST_TEXT],
        expected=error.expected[:_LONGEST_TEXT],
        found=error.found[:_LONGEST_TEXT],
    )


def _now_and_then(number: int, report: Callable[[Message], None]) -> Callable[[float, str], None]:
    last = time.monotonic()

    def progress(fraction: float, stage: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_EVERY_S:
            last = now
            report(wire.Progress(id=number, fraction=min(max(fraction, 0.0), 1.0), stage=stage))

    return progress


def _done(job: Job, render: wire.Render, result: RenderResult) -> Ended:
    image = render.output
    payload = None
    if image.carrier is Carrier.INLINE:
        image = replace(image, part=1)
        payload = _bytes_of(result.frame.pixels, image)
    done = wire.Done(
        id=render.id,
        image=image,
        cached=result.cached,
        confidence=wire.Confidence(mean=result.confidence_mean, low=result.confidence_low),
        notices=result.notices,
        timings=result.timings,
    )
    return Ended(job, "cached" if result.cached else "rendered", done, payload)


def _bytes_of(pixels: torch.Tensor, image: Image) -> memoryview:
    """The rows as they lie in memory, padding included."""
    memory = torch.empty(0, dtype=torch.uint8).set_(pixels.untyped_storage())
    return memory[: image.span_bytes].numpy().data
