"""The networks in memory: loaded once, shared by all engines of a checkpoint.

Where the device holds everything, its two networks may work at once, each for one thread; else one thread works at a
time. Where memory is short, weights lie in host memory and come to the device when they are needed; when it runs out
all the same, the next step down is taken and the work done again. None of that changes a byte of the result.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import torch

from sparkvsr.cogvideox.acceleration import accelerated
from sparkvsr.cogvideox.blocks import Part, blocks_of
from sparkvsr.cogvideox.budget import budget_of, keep_under, require_arithmetic, require_host_memory
from sparkvsr.cogvideox.errors import MemoryBudgetError
from sparkvsr.cogvideox.graphs import Graphs, cuda_recorder, wanted
from sparkvsr.cogvideox.models import Models, load_models
from sparkvsr.cogvideox.options import EngineOptions
from sparkvsr.cogvideox.planner import Architecture, Residency, Work, advice, estimate, in_numbers, residency_for
from sparkvsr.cogvideox.record import Record
from sparkvsr.cogvideox.tensors import samples_in
from sparkvsr.cogvideox.turns import Turns
from sparkvsr.engine import CancelledError, Watch

T = TypeVar("T")

_log = logging.getLogger(__name__)
_POLL_S: Final = 0.02


@dataclass(slots=True)
class Loaded:
    """Networks, and a copy of their weights in host memory once some of them may have to leave the device."""

    models: Models
    graphs: Graphs = field(default_factory=lambda: Graphs(cuda_recorder))
    home: dict[int, torch.Tensor] = field(default_factory=dict)
    streams: dict[Part, Any] = field(default_factory=dict)

    @property
    def form(self) -> Architecture:
        """For the planner."""
        config, vae = self.models.transformer.config, self.models.vae
        return Architecture(
            transformer_parameters=_count(self.models.transformer),
            transformer_layers=len(self.models.transformer.transformer_blocks),
            width=config.num_attention_heads * config.attention_head_dim,
            text_tokens=self.models.prompt.shape[1],
            vae_parameters=_count(vae),
            vae_channels=vae.config.block_out_channels[0],
        )

    def stream(self, part: Part) -> AbstractContextManager[Any]:
        """A queue of the device's own for each network, so that both can work at once."""
        if self.models.device.type != "cuda":
            return nullcontext()
        if part not in self.streams:
            stream: Any = torch.cuda.Stream
            self.streams[part] = stream(self.models.device)
        return torch.cuda.stream(self.streams[part])


@dataclass(slots=True)
class _Shelf:
    """What is loaded, by digest, device and type. One lock: loading must not happen twice."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    turns: Turns = field(default_factory=Turns)
    loaded: dict[tuple[str, str, torch.dtype], Loaded] = field(default_factory=dict)


_SHELF: Final = _Shelf()


class Networks:
    """The networks of a recorded checkpoint on a device. ``budget``: bytes of it; None: what ``budget_of`` says.

    ``choice`` says in words where the weights lay at the last piece of work, and why.
    """

    def __init__(self, record: Record, device: torch.device, options: EngineOptions, budget: int | None = None) -> None:
        self._record = record
        self._options = options
        self._budget = budget
        self._floor = Residency.OVERLAPPED
        self.device = device
        self.digest = record.digest
        self.choice = ""

    def run(self, part: Part, shape: Work, precision: str, watch: Watch, work: Callable[[Models], T]) -> T:
        """Have a network to oneself for ``work``; ``watch`` is polled before every block of it.

        Raises CancelledError while waiting and at work, MemoryBudgetError when it fits by no means, and what loading
        and ``work`` raise.
        """
        loaded = self._obtain(self._options.arithmetic(self.device, precision), watch)
        while True:
            residency = max(self._floor, self._fitting(loaded, shape))
            try:
                with _SHELF.turns.turn(part, residency is not Residency.OVERLAPPED, watch):
                    return self._worked(loaded, part, residency, watch, work)
            except torch.OutOfMemoryError as error:
                self._step_down(residency, loaded, shape, error)

    def _worked(self, loaded: Loaded, part: Part, residency: Residency, watch: Watch, work: Callable[[Models], T]) -> T:
        models = self._recording(loaded) if residency is Residency.OVERLAPPED else loaded.models
        queue = loaded.stream(part) if residency is Residency.OVERLAPPED else nullcontext()
        lying, fast = placed(loaded, part, residency), accelerated(models, part, self._options)
        with torch.no_grad(), queue, lying, fast, _polled(models, part, watch):
            return work(models)

    def _recording(self, loaded: Loaded) -> Models:
        """Networks whose passes are recorded and replayed, where that is wanted."""
        if not wanted(self.device):
            return loaded.models
        kind = self._options.compile
        return replace(loaded.models, run=lambda work, inputs: loaded.graphs.run(work, inputs, kind))

    def _obtain(self, dtype: torch.dtype, watch: Watch) -> Loaded:
        _wait_for(_SHELF.lock, watch)
        try:
            return self._loaded(dtype)
        finally:
            _SHELF.lock.release()

    def _loaded(self, dtype: torch.dtype) -> Loaded:
        key = (self.digest, str(self.device), dtype)
        if key not in _SHELF.loaded:
            require_arithmetic(self.device, dtype)
            checkpoint, budget = self._record.checkpoint(), self._bytes()
            weights = samples_in((*checkpoint.transformer, *checkpoint.vae)) * dtype.itemsize
            # Loaded where there is room for all of it; from host memory it comes over part by part.
            place = torch.device("cpu") if budget is not None and weights > budget else self.device
            if place.type == "cpu":
                require_host_memory(weights)
            models = load_models(checkpoint, place, dtype)
            _SHELF.loaded[key] = Loaded(replace(models, device=self.device, prompt=models.prompt.to(self.device)))
        return _SHELF.loaded[key]

    def _fitting(self, loaded: Loaded, shape: Work) -> Residency:
        budget = self._bytes()
        keep_under(self.device, budget)
        if budget is None:
            return Residency.OVERLAPPED
        dtype, form = loaded.models.dtype, loaded.form
        residency = max(self._floor, residency_for(shape, self._options, dtype, budget, form))
        found = estimate(shape, self._options, dtype, residency, form)
        self._tell(f"{shape.width}×{shape.height}, {shape.frames} frames: {in_numbers(residency, found, budget)}")
        return residency

    def _tell(self, choice: str) -> None:
        if choice != self.choice:
            self.choice = choice
            _log.info("%s", choice)

    def _bytes(self) -> int | None:
        return budget_of(self.device) if self._budget is None else self._budget

    def _step_down(self, residency: Residency, loaded: Loaded, shape: Work, error: torch.OutOfMemoryError) -> None:
        """Raises MemoryBudgetError when there is no further step."""
        if residency is Residency.STREAMED:
            dtype, form = loaded.models.dtype, loaded.form
            needed = estimate(shape, self._options, dtype, residency, form).peak
            raise MemoryBudgetError(
                f"{shape.width}×{shape.height}, {shape.frames} frames: the device's memory ran out although "
                f"{residency.in_words}; smaller tiles take less: "
                f"{advice(shape, self._options, dtype, int(_LESS * needed), form)}: {error}"
            ) from error
        self._floor = max(self._floor, Residency(residency + 1))
        _log.warning("memory ran out while %s; now %s", residency.in_words, self._floor.in_words)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


_LESS: Final = 0.8
"""Of what was needed: settings that are advised take no more."""


# --- where the weights lie -------------------------------------------------------------------------------------------


@contextmanager
def placed(loaded: Loaded, part: Part, residency: Residency) -> Iterator[None]:
    """The weights that ``part`` needs are on the device when they are needed."""
    models = loaded.models
    working, resting = models.transformer, models.vae
    if part is Part.AUTOENCODER:
        working, resting = resting, working
    if residency <= Residency.RESIDENT:
        _bring(loaded, working, models.device)  # the other one may be at work: whoever works with it brings it
        yield
        return
    _send_home(loaded, resting)
    if residency is Residency.PARKED or part is Part.AUTOENCODER:
        _bring(loaded, working, models.device)
        yield
        return
    with _streamed(loaded, working):
        yield


@contextmanager
def _streamed(loaded: Loaded, transformer: Any) -> Iterator[None]:
    """All but the blocks is on the device; each block comes before it works and goes home after."""
    device = loaded.models.device
    _send_home(loaded, transformer)
    for name, child in transformer.named_children():
        if name != "transformer_blocks":
            _bring(loaded, child, device)

    def come(block: Any, arguments: Any) -> None:
        _bring(loaded, block, device)

    def leave(block: Any, arguments: Any, result: Any) -> None:
        _send_home(loaded, block)

    with ExitStack() as hooks:
        for block in transformer.transformer_blocks:
            hooks.callback(block.register_forward_pre_hook(come).remove)
            hooks.callback(block.register_forward_hook(leave).remove)
        yield


def _bring(loaded: Loaded, module: Any, device: torch.device) -> None:
    for parameter in module.parameters():
        if parameter.device != device:
            parameter.data = parameter.data.to(device, non_blocking=True)


def _send_home(loaded: Loaded, module: Any) -> None:
    """Weights never change, so the copy in host memory is made once and the one on the device dropped."""
    loaded.graphs.forget()
    for parameter in module.parameters():
        home = loaded.home.get(id(parameter))
        if home is None:
            home = _host_copy(parameter.data)
            loaded.home[id(parameter)] = home
        parameter.data = home


def _host_copy(tensor: torch.Tensor) -> torch.Tensor:
    copy = tensor.to("cpu", copy=True)
    return copy.pin_memory() if torch.cuda.is_available() else copy


def _count(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# --- cancelling ------------------------------------------------------------------------------------------------------


def _wait_for(lock: threading.Lock, watch: Watch) -> None:
    while not lock.acquire(timeout=_POLL_S):
        watch.step(0.0, "waiting")


@contextmanager
def _polled(models: Models, part: Part, watch: Watch) -> Iterator[None]:
    """Every block asks whether the request was withdrawn, so that none takes long to be stopped."""

    def ask(module: Any, arguments: Any) -> None:
        if watch.cancelled():
            raise CancelledError("the request was withdrawn while the network worked")

    with ExitStack() as hooks:
        for block in blocks_of(models, part):
            hooks.callback(block.register_forward_pre_hook(ask).remove)
        yield
