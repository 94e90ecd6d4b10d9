"""An instance of an effect in the headless host: clips, parameters, questions, rendering, and what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sparkvsr_bridge import _core
from sparkvsr_bridge.records import (
    Array,
    FrameFunction,
    Message,
    ParamValue,
    Progress,
    Project,
    Region,
    Rendered,
)

if TYPE_CHECKING:
    from sparkvsr_bridge.host import Host

DEPTHS = {"uint8": "byte", "uint16": "short", "float16": "half", "float32": "float"}


class Instance:
    """An instance of the effect. Arrays are [H, W, C] with row 0 at the top; times are host times."""

    def __init__(self, core: _core.Instance, host: Host) -> None:
        self._core = core
        self.host = host

    # ---- clips

    def connect(
        self,
        clip: str,
        frames: Sequence[Array] | FrameFunction,
        *,
        first: float = 0,
        frame_range: tuple[float, float] | None = None,
        depth: str | None = None,
        components: str | None = None,
        premultiplication: str | None = None,
        par: float = 1.0,
        origin: tuple[int, int] = (0, 0),
        row_padding: int = 0,
        negative_row_bytes: bool | None = None,
        frame_rate: float = 24.0,
        null_images: bool = False,
        region: Region | None = None,
        field: str = "",
    ) -> None:
        """Connects a clip: a list of arrays (uint8, uint16, float16, float32), or a callable time -> array or None.

        A list begins at ``first``; a callable needs ``frame_range``, both ends included. ``depth`` ("byte", "short",
        "half", "float") and ``components`` are the clip's own, by default those of its first picture; the personality
        may hand out others. ``premultiplication`` None: the personality's habit. ``origin``: pixel at the bottom left.
        ``row_padding``: bytes between rows. ``null_images``: connected, but no image comes. ``region``: the canonical
        rectangle that the clip claims, where its pictures are larger or smaller (a data window). ``field``: an
        OfxField… name that its images carry. In hosts that count from 0
        the first frame of Source is time 0: see ``host_time``.
        """
        given, last = self._frames_and_end(frames, first, frame_range)
        begin = frame_range[0] if frame_range is not None else first
        sample = frames(begin) if callable(frames) else frames[0]
        self._core.connect(
            clip=clip,
            frames=given,
            first=begin,
            last=last,
            depth=depth or _depth_of(sample),
            components=_components_of(components, sample),
            premultiplication=premultiplication or "",
            par=par,
            origin=origin,
            row_padding=row_padding,
            negative_row_bytes=negative_row_bytes,
            frame_rate=frame_rate,
            null_images=null_images,
            region=region,
            field=field,
        )

    @staticmethod
    def _frames_and_end(
        frames: Sequence[Array] | FrameFunction, first: float, frame_range: tuple[float, float] | None
    ) -> tuple[list[Array] | FrameFunction, float]:
        if callable(frames):
            if frame_range is None:
                raise ValueError("a callable needs frame_range=(first, last)")
            return frames, frame_range[1]
        if not frames:
            raise ValueError("expected at least one frame, found none")
        if frame_range is not None:
            raise ValueError("frame_range is for callables; a list begins at first")
        return list(frames), first + len(frames) - 1

    def disconnect(self, clip: str) -> None:
        """Takes a clip's input away."""
        self._core.disconnect(clip)

    def set_project(self, region: Region) -> None:
        """The project's canonical rectangle, where it is not that of Source."""
        self._core.set_project(region)

    def host_time(self, frame: float) -> float:
        """The host time of a clip's own frame number: the same number, or counted from 0 in ``flame``."""
        return self._core.host_time(frame)

    # ---- parameters

    def set(self, name: str, value: ParamValue) -> None:
        """An artist's edit; a choice takes its number or its label. InstanceChanged follows where the host sends it."""
        self._core.set(name, value)

    def set_at(self, name: str, time: float, value: ParamValue) -> None:
        """Sets a key."""
        self._core.set_at(name, time, value)

    def get(self, name: str, time: float | None = None) -> Any:
        """The value at a time (None: the timeline's): bool, int, float, str or a tuple; a choice as its number."""
        return self._core.get(name, time)

    def keys(self, name: str) -> list[tuple[float, Any]]:
        """(time, value) of each key, sorted."""
        return self._core.keys(name)

    def delete_key(self, name: str, time: float) -> None:
        """Removes a key. Raises HostError NoSuchKey."""
        self._core.delete_key(name, time)

    def delete_all_keys(self, name: str) -> None:
        """Removes all keys."""
        self._core.delete_all_keys(name)

    def press(self, name: str, time: float | None = None) -> None:
        """Presses a button; ``time`` is what the action is told (None: the timeline's)."""
        self._core.press(name, time)

    def set_interpolation(self, name: str, kind: str) -> None:
        """How keys are read in between: "step" or "linear"."""
        if kind not in {"step", "linear"}:
            raise ValueError(f"expected 'step' or 'linear', found {kind!r}")
        self._core.set_linear(name, kind == "linear")

    def param_properties(self, name: str) -> dict[str, list[Any]]:
        """All properties of the instance's parameter."""
        return self._core.param_properties(name)

    def save(self) -> Project:
        """What a project keeps; ``host.create_instance(project=…)`` reopens it."""
        return self._core.save()

    @property
    def time(self) -> float:
        """The timeline's time."""
        return self._core.time

    @time.setter
    def time(self, value: float) -> None:
        self._core.time = value

    # ---- questions

    @property
    def context(self) -> str:
        """The OpenFX context."""
        return self._core.context

    def clip_preferences(self) -> dict[str, Any]:
        """GetClipPreferences, asked anew: ``clips`` (depth, components, par), ``premultiplication``, ``format``…"""
        return self._core.clip_preferences()

    def region_of_definition(self, time: float, scale: tuple[float, float] = (1.0, 1.0)) -> Region:
        """Canonical (x1, y1, x2, y2)."""
        return self._core.region_of_definition(time, scale)

    def frames_needed(self, time: float) -> dict[str, list[tuple[float, float]]]:
        """Per input clip the ranges that GetFramesNeeded names."""
        return self._core.frames_needed(time)

    def regions_of_interest(self, time: float, region: Region) -> dict[str, Region]:
        """Per input clip the canonical region needed for a canonical output region."""
        return self._core.regions_of_interest(time, region)

    def is_identity(self, time: float) -> tuple[str, float] | None:
        """(clip, time) that the whole output equals, or None."""
        return self._core.is_identity(time)

    # ---- rendering

    def render(
        self,
        time: float,
        *,
        window: tuple[int, int, int, int] | None = None,
        scale: tuple[float, float] = (1.0, 1.0),
        abort_after_ms: float | None = None,
        abort_after_polls: int | None = None,
        interactive: bool = False,
        draft: bool = False,
    ) -> Array:
        """The picture of a frame (or of ``window``, pixels with y up), in the depth that host and plugin agreed on.

        Raises RenderFailed, RenderAborted, PluginViolated, HostError, and whatever a callable source raised.
        """
        return self.render_details(
            time,
            window=window,
            scale=scale,
            abort_after_ms=abort_after_ms,
            abort_after_polls=abort_after_polls,
            interactive=interactive,
            draft=draft,
        ).picture

    def render_details(
        self,
        time: float,
        *,
        window: tuple[int, int, int, int] | None = None,
        scale: tuple[float, float] = (1.0, 1.0),
        abort_after_ms: float | None = None,
        abort_after_polls: int | None = None,
        interactive: bool = False,
        draft: bool = False,
    ) -> Rendered:
        """The same, with how it came about."""
        done = self._core.render(
            time=time,
            window=window,
            scale=scale,
            abort_after_ms=abort_after_ms,
            abort_after_polls=abort_after_polls,
            interactive=interactive,
            draft=draft,
        )
        return Rendered(**done)

    def render_many(
        self, times: Sequence[float], threads: int = 4, *, scale: tuple[float, float] = (1.0, 1.0)
    ) -> dict[float, Array]:
        """Frames on several host threads, begun in the order given; as parallel as host and plugin allow."""
        done = self._core.render_many(times=list(times), threads=threads, scale=scale)
        return {time: one["picture"] for time, one in zip(times, done, strict=True)}

    def begin_sequence(self, first: float, last: float, step: float = 1.0, *, interactive: bool = False) -> None:
        """BeginSequenceRender; until end_sequence() renders are not bracketed one by one."""
        self._core.begin_sequence(first, last, step, interactive)

    def end_sequence(self, first: float, last: float, step: float = 1.0, *, interactive: bool = False) -> None:
        """EndSequenceRender."""
        self._core.end_sequence(first, last, step, interactive)

    def abort(self) -> None:
        """Tells a render that runs in another thread to stop."""
        self._core.abort()

    def cancel_progress(self, on: bool = True) -> None:
        """From now on the artist presses Cancel in every progress dialog."""
        self._core.cancel_progress(on)

    def send(self, action: str) -> None:
        """An action without arguments: OfxActionPurgeCaches, OfxActionSyncPrivateData, OfxActionBeginInstanceEdit…"""
        self._core.simple_action(action)

    # ---- what was seen

    @property
    def pulls(self) -> list[tuple[str, float]]:
        """(clip, time) of every clipGetImage on an input, render clones included."""
        return list(self._core.record()["pulls"])

    @property
    def messages(self) -> list[Message]:
        """Everything said through the message suites."""
        return [Message(*one) for one in self._core.record()["messages"]]

    @property
    def persistent_message(self) -> Message | None:
        """The persistent message that is shown now."""
        shown = self._core.record()["persistent"]
        return None if shown is None else Message(*shown)

    @property
    def progress(self) -> list[Progress]:
        """Every call of the progress suite."""
        return [Progress(*one) for one in self._core.record()["progress"]]

    @property
    def goto_times(self) -> list[float]:
        """Where the plugin told the timeline to go; ``time`` has followed."""
        return list(self._core.record()["goto_times"])

    def forget(self) -> None:
        """Clears pulls, messages, progress and goto_times (not the persistent message)."""
        self._core.forget()

    def destroy(self) -> None:
        """DestroyInstance; what comes after raises HostError Destroyed."""
        self._core.destroy()

    @property
    def alive(self) -> bool:
        """False after destroy()."""
        return self._core.alive


def _depth_of(sample: Array | None) -> str:
    if sample is None:
        raise ValueError("the first frame is None: say depth and components")
    kind = np.asarray(sample).dtype.name
    if kind not in DEPTHS:
        raise ValueError(f"expected a dtype of {sorted(DEPTHS)}, found {kind}")
    return DEPTHS[kind]


def _components_of(name: str | None, sample: Array | None) -> int:
    if name is not None:
        counts = {"RGB": 3, "RGBA": 4}
        if name not in counts:
            raise ValueError(f"expected 'RGB' or 'RGBA', found {name!r}")
        return counts[name]
    if sample is None:
        raise ValueError("the first frame is None: say depth and components")
    return int(np.asarray(sample).shape[-1])
