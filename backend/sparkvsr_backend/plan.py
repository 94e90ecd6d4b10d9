"""A request, resolved: its engine, its keyframes by content, and the keys of everything that it will read or make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch

from sparkvsr.arithmetic import arithmetic_of, has_bfloat16
from sparkvsr.engine import Engine, EngineInfo, EngineSettings, Mix
from sparkvsr.propagation import Chunk, chunks_at, keyframes_of_chunk
from sparkvsr_backend import keys
from sparkvsr_backend.errors import BadKeyframeError, UnsupportedSettingError
from sparkvsr_backend.keyframe_files import KeyframeFiles
from sparkvsr_backend.keyframe_models import KeyframeMaker
from sparkvsr_backend.keys import Key, KeyframeContent
from sparkvsr_backend.requests import KeyframeUse, Precision, RenderRequest, Settings

Size = tuple[int, int]
"""(height, width)."""


@dataclass(frozen=True)
class UsedKeyframe:
    """A keyframe as it was asked for, and what it is by content."""

    use: KeyframeUse
    content: KeyframeContent

    @property
    def fingerprints(self) -> list[bytes]:
        """Of the pixels that stand behind it."""
        picture = [] if self.content.from_file or self.content.made else [self.content.picture]
        return picture + ([] if self.use.source is None else [self.use.source])


@dataclass(frozen=True)
class Plan:
    """What one render is about. ``key``: of its result; ``chunks``: those that hold the frame, if there are any."""

    request: RenderRequest
    engine: Engine
    info: EngineInfo
    keyframes: tuple[UsedKeyframe, ...]
    key: Key
    chunks: tuple[ChunkPart, ...] = ()

    @property
    def settings(self) -> Settings:
        """Those of the request."""
        return self.request.settings

    @property
    def engine_settings(self) -> EngineSettings:
        """What the engine computes by."""
        settings = self.settings
        return EngineSettings(settings.scale, settings.precision.value, settings.quality.value)

    @property
    def fingerprints(self) -> list[bytes]:
        """Of all pixels that could be read."""
        window = [fingerprint for _, fingerprint in self.request.window]
        return window + [one for keyframe in self.keyframes for one in keyframe.fingerprints]

    @cached_property
    def source_key(self) -> Key:
        """Of the source latents."""
        return keys.source_key(self.info.identity, self.request)

    @cached_property
    def _chunk_key(self) -> Key:
        return keys.chunk_source_key(self.info.identity, self.request)

    def keyframe_key(self, keyframe: UsedKeyframe, size: Size) -> Key:
        """Of a keyframe's latents; ``size``: of the source frame that the picture is fitted to."""
        return keys.keyframe_key(self.info.identity, self.settings, keyframe.content, size)

    def decoded_key(self, size: Size, mix: Mix) -> Key:
        """Of a chunk's decoded frames."""
        return keys.digest("decoded", self.propagation_key(size), mix.guidance, mix.trust)

    def propagation_key(self, size: Size, offset: int = 0) -> Key:
        """Of what is carried to the frame ``offset`` frames from the one to be made."""
        origin = keys.offset_origin(self.request)
        used = [(k.use.time - origin, self.keyframe_key(k, size), k.use.strength) for k in self.keyframes]
        return keys.propagation_key(self._chunk_key, used, self.request.time - origin + offset)


@dataclass(frozen=True)
class ChunkPart:
    """A chunk's share in a frame. ``plan``: of the chunk, as if its first frame were asked for with all its frames.

    ``offset``: the frame's place in the chunk; ``weight``: how much the chunk counts there.
    """

    plan: Plan
    offset: int
    weight: float


def make_plan(request: RenderRequest, engine: Engine, files: KeyframeFiles, maker: KeyframeMaker) -> Plan:
    """Resolve a request. Raises UnsupportedSettingError, BadKeyframeError, KeyframeLeftOutError."""
    info = engine.info
    _require_supported(request.settings, info)
    spans = _chunks(request, info) if info.grids else ()
    request = _trimmed_to_chunks(request, spans) if spans else _trimmed(request, info)
    shown = keys.shows_keyframes(request.settings.view)
    used = sorted(request.keyframes, key=lambda keyframe: keyframe.time) if shown else []
    keyframes = tuple(UsedKeyframe(use, _content_of(use, files, maker)) for use in used)
    key = keys.result_key(info.identity, request, [keyframe.content for keyframe in keyframes])
    plan = Plan(request, engine, info, keyframes, key)
    return _with_chunks(plan, spans) if spans else plan


def _chunks(request: RenderRequest, info: EngineInfo) -> tuple[Chunk, ...]:
    """The chunks that hold the frame, as far as the frames at hand reach without a gap."""
    grid = request.settings.grid or info.grids[0]
    if grid not in info.grids:
        raise UnsupportedSettingError(
            f"{info.name} has no such chunk grid", expected=", ".join(map(str, info.grids)), found=str(grid)
        )
    present = {time for time, _ in request.window}
    first = last = request.time
    while first - 1 in present:
        first -= 1
    while last + 1 in present:
        last += 1
    return chunks_at(request.time, grid, request.settings.cuts, (first, last))


def _trimmed_to_chunks(request: RenderRequest, spans: tuple[Chunk, ...]) -> RenderRequest:
    """Without frames and keyframes that no chunk looks at, so that they enter no key."""
    times = [keyframe.time for keyframe in request.keyframes]
    wanted = {k for chunk in spans for k in keyframes_of_chunk(chunk.first, chunk.last, times, request.settings.cuts)}
    return replace(
        request,
        window=tuple(frame for frame in request.window if spans[0].first <= frame[0] <= spans[-1].last),
        keyframes=tuple(keyframe for keyframe in request.keyframes if keyframe.time in wanted),
    )


def _with_chunks(plan: Plan, spans: tuple[Chunk, ...]) -> Plan:
    time = plan.request.time
    parts = tuple(ChunkPart(_plan_of_chunk(plan, chunk), time - chunk.first, chunk.weight) for chunk in spans)
    places = [[chunk.first - time, chunk.last - time] for chunk in spans]
    return replace(plan, chunks=parts, key=keys.digest("chunks", plan.key, places))


def _plan_of_chunk(plan: Plan, chunk: Chunk) -> Plan:
    request = plan.request
    used = keyframes_of_chunk(chunk.first, chunk.last, [k.use.time for k in plan.keyframes], request.settings.cuts)
    inner = replace(
        request,
        time=chunk.first,
        window=tuple(frame for frame in request.window if chunk.first <= frame[0] <= chunk.last),
        keyframes=tuple(k.use for k in plan.keyframes if k.use.time in used),
        settings=replace(request.settings, grid=0),
    )
    keyframes = tuple(k for k in plan.keyframes if k.use.time in used)
    return Plan(inner, plan.engine, plan.info, keyframes, plan.key)


def _content_of(use: KeyframeUse, files: KeyframeFiles, maker: KeyframeMaker) -> KeyframeContent:
    if use.picture.model is not None:
        return KeyframeContent(use.time, maker.content(use), False, use.source, use.strength, made=True)
    if use.picture.fingerprint is not None:
        return KeyframeContent(use.time, use.picture.fingerprint, False, use.source, use.strength)
    try:
        content = files.content(str(use.picture.path))
    except BadKeyframeError as error:
        raise error.of(use.name) from None
    transfer = "" if use.picture.transfer is None else use.picture.transfer.value
    return KeyframeContent(use.time, content, True, use.source, use.strength, transfer=transfer)


def _require_supported(settings: Settings, info: EngineInfo) -> None:
    if settings.scale not in info.scales:
        raise UnsupportedSettingError(
            f"{info.name} does not scale by this",
            expected=", ".join(map(str, info.scales)),
            found=str(settings.scale),
        )
    if settings.quality.value not in info.qualities:
        raise UnsupportedSettingError(
            f"{info.name} has no such quality", expected=", ".join(info.qualities), found=str(settings.quality)
        )


def require_machine(settings: Settings, device: torch.device) -> None:
    """Whether this machine makes the bytes that the settings mean. Raises UnsupportedSettingError."""
    if settings.precision is Precision.BFLOAT16 and not has_bfloat16(device):
        raise UnsupportedSettingError(
            "this processor has no bfloat16 (AVX512-BF16 or AMX), and would make other pixels, slowly; use float32, or "
            "render where there is one",
            expected="precision float32",
            found="bfloat16",
        )
    if settings.arithmetic and settings.arithmetic != (kind := arithmetic_of(device)):
        raise UnsupportedSettingError(
            "this machine is of another kind than the one that the request is bound to, and would make other pixels",
            expected=settings.arithmetic,
            found=kind,
        )


def _trimmed(request: RenderRequest, info: EngineInfo) -> RenderRequest:
    """Without the frames that the engine would not look at, so that they enter no key. A grid keeps its chunk."""
    if request.settings.grid:
        return request
    near = tuple(frame for frame in request.window if abs(frame[0] - request.time) <= info.window)
    return request if len(near) == len(request.window) else replace(request, window=near)
