"""An engine without sockets: requests in, frames out, nothing computed twice.

In the server and the command line alike.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from sparkvsr import device_memory
from sparkvsr import engine as science
from sparkvsr.arithmetic import arithmetic_of
from sparkvsr.engine import Engine, EngineRegistry, Watch
from sparkvsr.frames import Frame
from sparkvsr.keyframes.models import ImageModels
from sparkvsr_backend.analysis import Analysis
from sparkvsr_backend.buffers import ByteArray, OutputBuffer, copied
from sparkvsr_backend.cache import Budgets, Flight, GaveUpError, Tier
from sparkvsr_backend.computation import Computation, RenderResult, Stores, notices_of
from sparkvsr_backend.devices import bridge_to
from sparkvsr_backend.errors import (
    BackendError,
    EngineFailedError,
    NeedFrames,
    OutOfMemoryError,
    UnknownEngineError,
    UnsupportedSettingError,
)
from sparkvsr_backend.frame_store import FrameStore
from sparkvsr_backend.keyframe_models import KeyframeLeftOutError, KeyframeMaker
from sparkvsr_backend.keys import Key
from sparkvsr_backend.plan import Plan, make_plan, require_machine
from sparkvsr_backend.protocol import TierCounters
from sparkvsr_backend.requests import AnalysisRequest, RenderRequest

DEFAULT_CACHE_BYTES = 4 << 30

Defer = Callable[[Callable[[], None]], None]
"""Takes a piece of work that may be done once the result has been sent."""


def at_once(work: Callable[[], None]) -> None:
    """The ``Defer`` of a caller that has nothing better to do."""
    work()


class EngineLoop:
    """Serves requests from any number of threads. Equal requests compute once; no result depends on what was cached."""

    def __init__(
        self, registry: EngineRegistry, device: torch.device | str = "cpu", budgets: Budgets | None = None
    ) -> None:
        self._budgets = budgets = budgets or Budgets.share_out(DEFAULT_CACHE_BYTES)
        self.device = torch.device(device)
        self.image_models = ImageModels(self._first_engine, self.device)
        self._stores = Stores(budgets, bridge_to(self.device), KeyframeMaker(self.image_models))
        self._results: Tier[Key, RenderResult] = Tier(budgets.results)
        self._registry = registry
        self._engines: dict[str, Engine] = {}
        self._lock = threading.Lock()

    @property
    def frames(self) -> FrameStore:
        """Pixels by fingerprint; put there what a request speaks of."""
        return self._stores.frames

    def pin(self, memory: ByteArray) -> None:
        """Make the memory of a segment quick to copy from, where that means anything."""
        self._stores.bridge.pin(memory)

    def engine(self, name: str) -> Engine:
        """The engine of this name, made on first use. Raises UnknownEngineError, EngineFailedError."""
        with self._lock:
            if name not in self._engines:
                with _named_errors():
                    self._engines[name] = self._registry.create(name, self.device)
            return self._engines[name]

    def _first_engine(self) -> Engine:
        """The one whose blind part is the built-in image model."""
        return self.engine(self.engine_names()[0])

    @property
    def arithmetic(self) -> str:
        """The kind of machine that this is, as far as bytes are concerned."""
        return arithmetic_of(self.device)

    def engine_names(self) -> tuple[str, ...]:
        """Names of all engines on offer."""
        return tuple(self._registry.factories)

    def counters(self) -> dict[str, TierCounters]:
        """Counters of all tiers, by their names in the protocol."""
        stores = self._stores
        return {
            "frames": stores.frames.counters(),
            "source_latents": stores.sources.counters(),
            "keyframe_latents": stores.keyframes.counters(),
            "propagations": stores.propagations.counters(),
            "decoded": stores.decoded.counters(),
            "results": self._results.counters(),
            "analysis": stores.analysis.counters(),
        }

    def clear(self) -> None:
        """Empty all caches."""
        self._results.clear()
        self._stores.clear()

    @torch.no_grad()
    def render(
        self,
        request: RenderRequest,
        out: OutputBuffer | None = None,
        watch: Watch | None = None,
        defer: Defer = at_once,
    ) -> RenderResult:
        """Make one frame, into ``out`` when given.

        ``defer`` receives the copying of ``out`` into the cache, which may happen later; until then it holds a share of
        the lease. A keyframe whose image model fails is left out, with a notice. Raises NeedFrames, a BackendError, or
        CancelledError of the science.
        """
        try:
            return self._render(request, out, watch or Watch(), defer)
        except KeyframeLeftOutError as error:
            result = self.render(error.without(request), out, watch, defer)
            return replace(result, notices=(error.notice, *result.notices))

    @torch.no_grad()
    def analyse(self, request: AnalysisRequest, watch: Watch | None = None) -> tuple[int, ...]:
        """Look at many frames, and name some of them. Raises NeedFrames for some of those that are missing, a
        BackendError, or CancelledError of the science.
        """
        stores = self._stores
        with _named_errors():
            return Analysis(request, stores.frames, stores.analysis, stores.bridge, watch or Watch()).run()

    def limit(self, ram: int | None, vram: int | None) -> None:
        """Bytes that the caches may take in the machine's and the device's memory; None: as they were to begin with.

        What is beyond them goes at once. An engine that plans its memory keeps its work within the device's share too.
        """
        device_memory.set_limit(vram)
        budgets = self._budgets.within(ram, vram, self.device.type)
        self._results.resize(budgets.results)
        self._stores.resize(budgets)

    def _render(self, request: RenderRequest, out: OutputBuffer | None, watch: Watch, defer: Defer) -> RenderResult:
        stores = self._stores
        with _named_errors():
            require_machine(request.settings, self.device)
            plan = make_plan(request, self.engine(request.settings.engine), stores.files, stores.maker)
            claim = self._results.claim(plan.key, watch.cancelled)
            if claim.flight is None:
                assert claim.value is not None  # noqa: S101 - one of the two is set, by construction
                return _delivered(claim.value, out, plan)
            return self._lead(claim.flight, Computation(plan, self._stores, watch), out, defer)

    def _lead(
        self, flight: Flight[Key, RenderResult], computation: Computation, out: OutputBuffer | None, defer: Defer
    ) -> RenderResult:
        """Compute what others may be waiting for."""
        try:
            result = computation.run(out)
            self._keep(flight, result, out, defer)
        except BaseException:
            flight.abandon()
            raise
        return result

    def _keep(
        self, flight: Flight[Key, RenderResult], result: RenderResult, out: OutputBuffer | None, defer: Defer
    ) -> None:
        if out is None:
            flight.finish(result, result.frame.nbytes)
        elif result.frame.nbytes > self._results.budget:
            flight.abandon()
        else:
            if out.lease is not None:
                out.lease.share()
            defer(_Keeping(flight, result, out, self._stores))


@dataclass(frozen=True)
class _Keeping:
    """Copies a result out of its slot into the cache, and gives the slot back."""

    flight: Flight[Key, RenderResult]
    result: RenderResult
    out: OutputBuffer
    stores: Stores

    def __call__(self) -> None:
        try:
            own = copied(self.result.frame, self.stores.pool)
            self.flight.finish(replace(self.result, frame=own), own.nbytes)
        finally:
            self.flight.abandon()
            if self.out.lease is not None:
                self.out.lease.give_back()


def _delivered(stored: RenderResult, out: OutputBuffer | None, plan: Plan) -> RenderResult:
    """A result from the cache, copied into ``out`` when given. Its notices name the keyframes of this request."""
    start = time.perf_counter()
    frame = stored.frame
    if out is not None:
        out.pixels.copy_(frame.pixels)
        frame = Frame(out.pixels, frame.format)
    timings = {"copy": (time.perf_counter() - start) * 1e3}
    return replace(stored, frame=frame, cached=True, notices=notices_of(plan, stored.facts), timings=timings)


@contextmanager
def _named_errors() -> Iterator[None]:
    """Give what the science raises the names of the protocol."""
    try:
        yield
    except (BackendError, NeedFrames, science.CancelledError):
        raise
    except GaveUpError:
        raise science.CancelledError("waiting for an equal request") from None
    except science.UnknownEngineError as error:
        raise UnknownEngineError(str(error)) from error
    except science.UnsupportedSettingError as error:
        expected, found = (str(getattr(error, name, "")) for name in ("expected", "found"))
        raise UnsupportedSettingError(str(error), expected=expected, found=found) from error
    except (MemoryError, torch.cuda.OutOfMemoryError) as error:
        raise OutOfMemoryError(str(error) or "memory ran out") from error
    except Exception as error:
        raise EngineFailedError(f"{type(error).__name__}: {error}") from error
