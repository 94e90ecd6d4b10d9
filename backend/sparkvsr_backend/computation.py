"""The way of one frame: pixels in, colour, engine (with what is cached of it), view, target, pixels out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from sparkvsr import engine as science
from sparkvsr.color import Guide, Transfer, from_working, upscale_alpha, varies
from sparkvsr.engine import Decoded, EngineInfo, Mix, Propagation, Watch
from sparkvsr.finish import Grain, measure_grain
from sparkvsr.frames import Frame, PixelFormat
from sparkvsr.keyframes import register
from sparkvsr.resample import resize
from sparkvsr_backend import chunked, finishing, pictures, views
from sparkvsr_backend.buffers import (
    BufferPool,
    OutputBuffer,
    detached,
    is_nothing_but,
    pixels_over,
    weight,
)
from sparkvsr_backend.cache import Budgets, Tier
from sparkvsr_backend.devices import Bridge
from sparkvsr_backend.errors import BadKeyframeError, EngineFailedError, NeedFrames
from sparkvsr_backend.frame_store import FrameStore
from sparkvsr_backend.host_pixels import copy_if_within_unit, copy_pixels
from sparkvsr_backend.keyframe_files import KeyframeFiles
from sparkvsr_backend.keyframe_models import KeyframeMaker
from sparkvsr_backend.keys import Key
from sparkvsr_backend.memory import require_room
from sparkvsr_backend.plan import ChunkPart, Plan, Size, UsedKeyframe
from sparkvsr_backend.protocol import Notice
from sparkvsr_backend.requests import RenderRequest, View


@dataclass(frozen=True)
class RenderResult:
    """One frame. ``frame`` must not be changed: the cache may hold the same memory. ``timings``: ms by stage.

    ``facts``: of the keyframes used, earliest first; ``notices`` say them with the names of this request.
    """

    frame: Frame
    cached: bool
    confidence_mean: float
    confidence_low: float
    notices: tuple[Notice, ...]
    timings: dict[str, float]
    facts: tuple[KeyframeFacts, ...] = ()


@dataclass(frozen=True)
class KeyframeFacts:
    """What the artist may have to know of a keyframe; the notice gets the keyframe's name when it is told."""

    agreement: float
    size: Size
    resampled_from: Size | None
    registered: str = ""  # how it had to be moved, in words


@dataclass(frozen=True)
class KnownKeyframe:
    """A keyframe's latents, and the facts."""

    latents: Any
    facts: KeyframeFacts

    @property
    def nbytes(self) -> int:
        """What the latents weigh."""
        return max(1, weight(self.latents))


@dataclass(frozen=True)
class Carried:
    """What was carried to a frame, and what became known of its keyframes on the way."""

    propagation: Propagation
    keyframes: tuple[KeyframeFacts, ...]

    @property
    def nbytes(self) -> int:
        """What the propagation weighs."""
        return max(1, weight(self.propagation))


@dataclass(frozen=True)
class KeptChunk:
    """The frames of a chunk, in the engine's own form, and what became known of its keyframes."""

    frames: Any
    keyframes: tuple[KeyframeFacts, ...]

    @property
    def nbytes(self) -> int:
        """What the frames weigh."""
        return max(1, weight(self.frames))


GRAIN_BYTES = 1024
"""What the measured grain of a frame weighs, about."""

CHUNKS_KEPT = 4
"""Decoded chunks that are kept whatever they weigh: two hold a frame of their overlap, each keyed and blind."""


class Stores:
    """All that outlives a request, but the results."""

    def __init__(self, budgets: Budgets, bridge: Bridge, maker: KeyframeMaker) -> None:
        self.bridge = bridge
        self.maker = maker
        self.pool = BufferPool()
        self.frames = FrameStore(budgets.frames, self.pool, budgets.arrivals)
        self.sources: Tier[Key, Any] = Tier(budgets.source_latents)
        self.keyframes: Tier[Key, KnownKeyframe] = Tier(budgets.keyframe_latents)
        self.propagations: Tier[Key, Carried] = Tier(budgets.propagations)
        self.decoded: Tier[Key, KeptChunk] = Tier(budgets.decoded, least=CHUNKS_KEPT)
        self.analysis: Tier[Key, Any] = Tier(budgets.analysis)
        self.files = KeyframeFiles()

    def resize(self, budgets: Budgets) -> None:
        """Other budgets; what is beyond them is forgotten at once."""
        self.frames.resize(budgets.frames)
        self.sources.resize(budgets.source_latents)
        self.keyframes.resize(budgets.keyframe_latents)
        self.propagations.resize(budgets.propagations)
        self.decoded.resize(budgets.decoded)
        self.analysis.resize(budgets.analysis)

    def clear(self) -> None:
        """Forget everything but what is in use."""
        latents = (self.sources, self.keyframes, self.propagations, self.decoded)
        for store in (self.frames, *latents, self.analysis, self.pool):
            store.clear()
        self.maker.clear()


@dataclass
class Computation:
    """One render under way. Pixels are used where they lie; nothing of a slot outlives ``run``.

    ``is_ahead``: the output holds the own frame's samples already, and they are ordinary ones.
    """

    plan: Plan
    stores: Stores
    watch: Watch
    frames: dict[bytes, Frame] = field(default_factory=dict)
    facts: tuple[KeyframeFacts, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    known_size: Size | None = None
    is_ahead: bool = False

    def run(self, out: OutputBuffer | None) -> RenderResult:
        """Make the frame, into ``out`` when given. Raises NeedFrames and what an engine raises."""
        wanted = self._frames_wanted()
        if self.stores.bridge.device.type == "cpu":
            height, width = _times(self._size(), self.plan.settings.scale)
            require_room(height * width)
        if not self.plan.info.takes_views:
            self._settle(wanted)
        with self.stores.frames.hold(wanted) as frames:
            self.frames = frames
            try:
                return self._run_held(out)
            finally:
                self.stores.bridge.drain()

    def _settle(self, wanted: tuple[bytes, ...]) -> None:
        """An engine that gets converted pictures may work for long: let the link have its slots back before."""
        for fingerprint in wanted:
            self.stores.frames.settle(fingerprint)

    def _run_held(self, out: OutputBuffer | None) -> RenderResult:
        self.is_ahead = out is not None and self._copied_ahead(out.pixels)
        if self.plan.settings.view is View.SOURCE:
            decoded, confidence = None, (1.0, 0.0)
        else:
            decoded = self._decoded()
            confidence = views.confidence_summary(decoded.confidence, len(self.plan.keyframes))
        with self._stage("pack"):
            frame = self._written(decoded, out)
        notices = notices_of(self.plan, self.facts)
        return RenderResult(frame, False, *confidence, notices, self.timings, self.facts)

    # --- the engine ------------------------------------------------------------------------------------------------

    def _decoded(self) -> Decoded:
        settings = self.plan.settings
        mix = Mix(guidance=settings.guidance, trust=settings.trust)
        if self.plan.chunks:
            return self._decoded_from_chunks(mix)
        propagation = self._carried().propagation
        with self._stage("decode"):
            return self.plan.engine.decode(propagation, mix, self.watch.part(0.9, 1.0))

    def _decoded_from_chunks(self, mix: Mix) -> Decoded:
        """The frame as each of its chunks shows it, added up by their weights."""
        shares: list[chunked.Share] = []
        facts: dict[int, KeyframeFacts] = {}
        for number, part in enumerate(self.plan.chunks):
            inner = self._of_chunk(part, number)
            decoded = inner.frame_of_chunk(part, mix)
            used = [keyframe.use.time for keyframe in part.plan.keyframes]
            facts.update(zip(used, inner.facts, strict=True))
            shares.append(chunked.Share(decoded, part.weight, used))
        times = [keyframe.use.time for keyframe in self.plan.keyframes]
        self.facts = tuple(facts[time] for time in times)
        return chunked.added_up(shares, times)

    def _of_chunk(self, part: ChunkPart, number: int) -> Computation:
        count = len(self.plan.chunks)
        watch = self.watch.part(number / count, (number + 1) / count)
        return Computation(part.plan, self.stores, watch, self.frames, (), self.timings, self._size())

    def frame_of_chunk(self, part: ChunkPart, mix: Mix) -> Decoded:
        """One frame of the chunk that this computation is about; blind as well where the view compares both."""
        engine = chunked.engine_of(self.plan)
        decoded = engine.frame_of(self._decoded_chunk(mix), part.offset)
        if decoded.blind is not None or self.plan.settings.view is not View.DIFFERENCE:
            return decoded
        blind = engine.frame_of(self._decoded_chunk(replace(mix, guidance=0.0)), part.offset)
        return replace(decoded, blind=blind.frame)

    def _decoded_chunk(self, mix: Mix) -> Any:
        def make() -> KeptChunk:
            carried = self._carried()
            with self._stage("decode"):
                engine = chunked.engine_of(self.plan)
                frames = engine.decode_chunk(carried.propagation, mix, self.watch.part(0.6, 1.0))
                return KeptChunk(frames, carried.keyframes)

        kept: KeptChunk = self._kept(self.stores.decoded, self.plan.decoded_key(self._size(), mix), make)
        self.facts = kept.keyframes
        return kept.frames

    def _carried(self) -> Carried:
        plan, size = self.plan, self._size()

        def make() -> Carried:
            latents = self._source_latents()
            known = [self._keyframe(one, size, self._span(number)) for number, one in enumerate(plan.keyframes)]
            with self._stage("propagate"):
                return self._propagated(latents, known, size)

        carried: Carried = self._kept(self.stores.propagations, plan.propagation_key(size), make)
        self.facts = carried.keyframes
        return carried

    def _propagated(self, latents: Any, known: list[KnownKeyframe], size: Size) -> Carried:
        """All that the engine carries; what it made for neighbours in the chunk is kept for them."""
        plan, own = self.plan, None
        facts = tuple(one.facts for one in known)
        used = [
            science.Keyframe(keyframe.use.time - plan.request.time, one.latents, keyframe.use.strength)
            for keyframe, one in zip(plan.keyframes, known, strict=True)
        ]
        watch = self.watch.part(0.4, 0.6 if plan.info.grids else 0.9)
        for propagation in plan.engine.propagate(latents, used, plan.engine_settings, watch):
            carried = Carried(replace(propagation, offset=0), facts)
            if propagation.offset == 0:
                own = carried
            elif plan.settings.grid:
                key = plan.propagation_key(size, propagation.offset)
                self.stores.propagations.put(key, carried, carried.nbytes)
        if own is None:
            raise EngineFailedError("the engine gave no propagation", expected="one at offset 0", found="none")
        return own

    def _source_latents(self) -> Any:
        plan = self.plan

        def make() -> Any:
            with self._stage("encode"):
                window = [
                    science.WindowFrame(time - plan.request.time, self._picture(fingerprint))
                    for time, fingerprint in sorted(plan.request.window)
                ]
                _require_equal_sizes(window)
                return plan.engine.encode_source(window, plan.engine_settings, self.watch.part(0.0, 0.2))

        return self._kept(self.stores.sources, plan.source_key, make)

    def _span(self, number: int) -> Watch:
        """The share of a keyframe among all of them in the progress of the whole."""
        share = 0.2 / len(self.plan.keyframes)
        return self.watch.part(0.2 + share * number, 0.2 + share * (number + 1))

    def _keyframe(self, keyframe: UsedKeyframe, size: Size, watch: Watch) -> KnownKeyframe:
        def make() -> KnownKeyframe:
            with self._stage("keyframes"):
                return self._encoded(keyframe, size, watch)

        known: KnownKeyframe = self._kept(self.stores.keyframes, self.plan.keyframe_key(keyframe, size), make)
        return known

    def _encoded(self, keyframe: UsedKeyframe, size: Size, watch: Watch) -> KnownKeyframe:
        plan, use = self.plan, keyframe.use
        source = None if use.source is None else self._picture(use.source)
        _require_same_size(use.name, source, size)
        picture = self._keyframe_picture(keyframe, watch.part(0.0, 0.5))
        wanted = _times(size, plan.settings.scale)
        resampled = None if _size_of(picture) == wanted else _size_of(picture)
        fitted = _fitted(use.name, picture, wanted)
        placed = None if source is None else register(fitted, source)
        if placed is not None:
            fitted = placed.apply(fitted)
        latents = plan.engine.encode_keyframe(fitted, source, plan.engine_settings, watch.part(0.5, 1.0))
        agreement = 1.0 if source is None else plan.engine.agreement(latents)
        facts = KeyframeFacts(agreement, wanted, resampled, "" if placed is None else placed.in_words)
        return KnownKeyframe(latents, facts)

    # --- pixels in -------------------------------------------------------------------------------------------------

    def _frames_wanted(self) -> tuple[bytes, ...]:
        """Fingerprints of the pixels that will be read: those that no cached latents stand for."""
        plan, size = self.plan, self._size()
        wanted = [plan.request.own_frame] if self._reads_own_frame() else []
        if plan.settings.view is View.SOURCE:
            return tuple(wanted)
        for number, part in enumerate(plan.chunks):
            wanted += self._of_chunk(part, number)._frames_of_chunk_wanted()
        return tuple(wanted) if plan.chunks else (*wanted, *self._frames_of_engine_wanted(size))

    def _frames_of_chunk_wanted(self) -> tuple[bytes, ...]:
        settings, size = self.plan.settings, self._size()
        mix = Mix(guidance=settings.guidance, trust=settings.trust)
        mixes = (mix, replace(mix, guidance=0.0)) if settings.view is View.DIFFERENCE else (mix,)
        if all(self.plan.decoded_key(size, one) in self.stores.decoded for one in mixes):
            return ()
        return self._frames_of_engine_wanted(size)

    def _frames_of_engine_wanted(self, size: Size) -> tuple[bytes, ...]:
        plan, stores = self.plan, self.stores
        wanted: list[bytes] = []
        if plan.propagation_key(size) in stores.propagations:
            return ()
        if plan.source_key not in stores.sources:
            wanted += [fingerprint for _, fingerprint in plan.request.window]
        for keyframe in plan.keyframes:
            if plan.keyframe_key(keyframe, size) not in stores.keyframes:
                wanted += keyframe.fingerprints
        return tuple(wanted)

    def _reads_own_frame(self) -> bool:
        request = self.plan.request
        layout = self.stores.frames.format_of(request.own_frame)
        has_alpha = layout is not None and pictures.carries_alpha(layout)
        grain = finishing.grain_key(request)
        unknown = grain is not None and grain not in self.stores.analysis
        return request.settings.view in (View.SOURCE, View.SPLIT) or (_wants_alpha(request) and has_alpha) or unknown

    def _size(self) -> Size:
        """Of the own source frame. Raises NeedFrames, for everything at once, when it was never seen."""
        if self.known_size is not None:
            return self.known_size
        layout = self.stores.frames.format_of(self.plan.request.own_frame)
        if layout is None:
            raise NeedFrames(one for one in self.plan.fingerprints if one not in self.stores.frames)
        return layout.height, layout.width

    def _frame(self, fingerprint: bytes) -> Frame:
        """A frame that is held. Raises NeedFrames when latents that stood for it were evicted in between."""
        try:
            return self.frames[fingerprint]
        except KeyError:
            raise NeedFrames([fingerprint]) from None

    def _picture(self, fingerprint: bytes) -> torch.Tensor:
        transfer = self.plan.settings.transfer
        frame = self.stores.bridge.upload(self._frame(fingerprint))
        if self.plan.info.takes_views:
            known = self.is_ahead and fingerprint == self.plan.request.own_frame
            view = pictures.direct_view(frame, transfer, ordinary=known)
            if view is not None:
                return view
        return pictures.working_picture(frame, transfer)

    def _keyframe_picture(self, keyframe: UsedKeyframe, watch: Watch) -> torch.Tensor:
        """The picture as it came, in whatever size."""
        use, content = keyframe.use, keyframe.content
        if content.made:
            return self.stores.maker.picture(use, content.picture, self._picture, watch)
        if not content.from_file:
            return self._picture(content.picture)
        try:
            frame, transfer = self.stores.files.read(str(use.picture.path), content.picture)
        except BadKeyframeError as error:
            raise error.of(use.name) from error
        return pictures.working_picture(self.stores.bridge.upload(frame), use.picture.transfer or transfer)

    # --- pixels out ------------------------------------------------------------------------------------------------

    def _written(self, decoded: Decoded | None, out: OutputBuffer | None) -> Frame:
        request = self.plan.request
        target = self._own_memory(request.output) if out is None else out.pixels
        own = self.frames.get(request.own_frame)
        if decoded is not None and own is not None and _passes_through(request, decoded, own):
            if not self.is_ahead:
                copy_pixels(target, own.pixels)
        else:
            shown = self._shown(decoded)
            alpha = self._alpha(None if decoded is None else shown)
            rgb = from_working(self._finished(shown, decoded), request.settings.transfer)
            self.stores.bridge.deliver(_targeted(rgb, request), alpha, request.output, target)
        return Frame(target, request.output)

    def _copied_ahead(self, target: torch.Tensor) -> bool:
        """Copy the own frame while its samples are looked through, where an engine that takes views may give it back.

        Should the engine have made another picture, that is written over it.
        """
        request, own = self.plan.request, self.frames.get(self.plan.request.own_frame)
        if own is None or not self.plan.info.takes_views or not _wants_source_form(request, own):
            return False
        if self.stores.bridge.device.type != "cpu" or not pictures.needs_no_conversion(own.format, Transfer.SRGB):
            return False
        with self._stage("copy"):
            return copy_if_within_unit(target, own.pixels)

    def _alpha(self, shown: torch.Tensor | None) -> torch.Tensor | None:
        """Alpha at the target, guided by the picture shown (None: by nothing); None where it means nothing."""
        request = self.plan.request
        if not _wants_alpha(request) or not self._reads_own_frame():
            return None
        alpha = pictures.alpha_of(self.stores.bridge.upload(self._frame(request.own_frame)))
        if alpha is None:
            return None
        guide = None
        if shown is not None and varies(alpha):
            guide = Guide(self._picture(request.own_frame), shown)
        enlarged = upscale_alpha(alpha, _times(_size_of(alpha), self.plan.settings.scale), guide)
        return _targeted(enlarged, request).clamp(0.0, 1.0)

    def _shown(self, decoded: Decoded | None) -> torch.Tensor:
        settings = self.plan.settings
        if decoded is None:
            return self._source_shown()
        if settings.view is View.SPLIT:
            return views.split_picture(self._source_shown(), decoded.frame, settings.split)
        return views.compose(settings.view, decoded)

    def _finished(self, shown: torch.Tensor, decoded: Decoded | None) -> torch.Tensor:
        """What is shown, with grain and sharpness; alpha was guided by the picture without them."""
        request = self.plan.request
        if decoded is None or not finishing.is_wanted(request.settings):
            return shown
        with self._stage("finish"):
            result = finishing.finished(decoded.frame, request, self._grain())
        if request.settings.view is View.SPLIT:
            return views.split_picture(shown, result, request.settings.split)
        return result

    def _grain(self) -> Grain | None:
        """Of the source frame; None where none is wanted."""
        key = finishing.grain_key(self.plan.request)
        if key is None:
            return None

        def measure() -> tuple[Grain, int]:
            return measure_grain(self._picture(self.plan.request.own_frame)), GRAIN_BYTES

        grain: Grain = self.stores.analysis.obtain(key, measure, self.watch.cancelled)
        return grain

    def _source_shown(self) -> torch.Tensor:
        """The source as a host would enlarge it."""
        picture = self._picture(self.plan.request.own_frame).contiguous()
        return resize(picture, _times(_size_of(picture), self.plan.settings.scale), "bicubic")

    def _own_memory(self, layout: PixelFormat) -> torch.Tensor:
        return pixels_over(self.stores.pool.take(layout.nbytes), layout, layout.row_bytes)

    # --- caching ---------------------------------------------------------------------------------------------------

    def _kept(self, tier: Tier[Key, Any], key: Key, make: Callable[[], Any]) -> Any:
        """What the tier has, or what ``make`` makes.

        An engine that takes views may give back the memory of a slot: what is kept of that is a copy, and nothing is
        kept where the slot's memory is all there is.
        """
        if not self.plan.info.takes_views:
            return tier.obtain(key, lambda: _weighed(make()), self.watch.cancelled)
        known = tier.get(key)
        if known is not None:
            return known
        value, held = make(), tuple(self.frames.values())
        if not is_nothing_but(value, held):
            own = detached(value, held)
            tier.put(key, own, max(1, weight(own)))
        return value

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        """Add up the milliseconds of a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + (time.perf_counter() - start) * 1e3


def _wants_alpha(request: RenderRequest) -> bool:
    return pictures.carries_alpha(request.output) and views.keeps_alpha(request.settings.view)


def _passes_through(request: RenderRequest, decoded: Decoded, own: Frame) -> bool:
    """Whether the engine gave the source's own samples back, and the host wants them just as they are."""
    return _wants_source_form(request, own) and pictures.shows(decoded.frame, own)


def _wants_source_form(request: RenderRequest, own: Frame) -> bool:
    """Whether the host wants the result in the very form of the source frame, and nothing between has to convert."""
    plain = request.settings.view is View.RESULT and not finishing.is_wanted(request.settings)
    plain = plain and request.target.is_whole and request.output == own.format
    return plain and request.settings.transfer is Transfer.SRGB


def _targeted(picture: torch.Tensor, request: RenderRequest) -> torch.Tensor:
    """[C, H, W] at the target's size, and of that the window."""
    target = request.target
    x1, y1, x2, y2 = target.window
    if _size_of(picture) != (target.height, target.width):
        picture = resize(picture.contiguous(), (target.height, target.width), "lanczos3")
    return picture if target.is_whole else picture[:, y1:y2, x1:x2]


def _require_same_size(name: str, source: torch.Tensor | None, size: Size) -> None:
    if source is not None and _size_of(source) != size:
        raise BadKeyframeError(
            f"the source frame of {name} differs in size from the frame to be made",
            expected=f"{size[1]}×{size[0]}",
            found=f"{source.shape[2]}×{source.shape[1]}",
        )


def _fitted(name: str, picture: torch.Tensor, wanted: Size) -> torch.Tensor:
    try:
        return pictures.fitted(picture, wanted)
    except BadKeyframeError as error:
        raise error.of(name) from None


def notices_of(plan: Plan, facts: tuple[KeyframeFacts, ...]) -> tuple[Notice, ...]:
    """What is to be told of the keyframes of a plan, by the names of its request: equal results may lie elsewhere."""
    known = zip(plan.keyframes, facts, strict=True) if facts else ()
    told = tuple(notice for keyframe, one in known for notice in _notices(keyframe.use.name, one, plan.info))
    moved = (chunked.between_slots(plan, keyframe) for keyframe in plan.keyframes)
    return told + tuple(Notice(name="KeyframeBetweenSlots", text=text) for text in moved if text)


def _notices(name: str, facts: KeyframeFacts, info: EngineInfo) -> Iterator[Notice]:
    if facts.resampled_from is not None:
        (height, width), wanted = facts.resampled_from, facts.size
        text = f"{name}: the picture of {width}×{height} was resampled to {wanted[1]}×{wanted[0]}"
        yield Notice(name="PictureResampled", text=text)
    if facts.registered:
        text = f"{name}: the picture lay beside its source frame and was {facts.registered}"
        yield Notice(name="PictureRegistered", text=text)
    if facts.agreement < info.low_agreement:
        text = (
            f"{name}: the picture is unlike its source frame (agreement {facts.agreement:.2f}, "
            f"expected {info.low_agreement:.2f} or more); check the offset"
        )
        yield Notice(name="KeyframeUnlikeSource", text=text)


def _size_of(picture: torch.Tensor) -> Size:
    return picture.shape[1], picture.shape[2]


def _require_equal_sizes(window: list[science.WindowFrame]) -> None:
    sizes = sorted({_size_of(frame.picture) for frame in window})
    if len(sizes) > 1:
        text = ", ".join(f"{width}×{height}" for height, width in sizes)
        raise EngineFailedError("the frames around this one differ in size", expected="one size", found=text)


def _times(size: Size, scale: int) -> Size:
    return size[0] * scale, size[1] * scale


def _weighed(value: Any) -> tuple[Any, int]:
    return value, max(1, weight(value))
