"""The networks in memory: loaded once, shared by all engines of a checkpoint, used by one thread at a time.

Where memory is short, weights lie in host memory and come to the device when they are needed; when it runs out all the
same, the next step down is taken and the work done again. None of that changes a byte of the result.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, TypeVar

import torch

from sparkvsr.cogvideox.errors import MemoryBudgetError
from sparkvsr.cogvideox.models import Models, load_models
from sparkvsr.cogvideox.options import EngineOptions
from sparkvsr.cogvideox.planner import GB, Architecture, Residency, Work, residency_for
from sparkvsr.cogvideox.record import Record
from sparkvsr.cogvideox.tensors import samples_in
from sparkvsr.engine import CancelledError, UnsupportedSettingError, Watch

T = TypeVar("T")

_log = logging.getLogger(__name__)
_POLL_S: Final = 0.02
_MARGIN: Final = GB // 2
_USABLE: Final = 0.8
"""Part of the machine's memory that weights may take."""
BUDGET_VARIABLE: Final = "SPARKVSR_VRAM_GB"


class Part(Enum):
    """Which network works."""

    TRANSFORMER = "transformer"
    AUTOENCODER = "autoencoder"


@dataclass(slots=True)
class Loaded:
    """Networks, and a copy of their weights in host memory once some of them may have to leave the device."""

    models: Models
    home: dict[int, torch.Tensor] = field(default_factory=dict)

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


@dataclass(slots=True)
class _Shelf:
    """What is loaded, by digest, device and type. One lock: also loading must not happen twice."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    loaded: dict[tuple[str, str, torch.dtype], Loaded] = field(default_factory=dict)


_SHELF: Final = _Shelf()


class Networks:
    """The networks of a recorded checkpoint on a device. ``budget``: bytes of it; None: as many as there are."""

    def __init__(self, record: Record, device: torch.device, options: EngineOptions, budget: int | None = None) -> None:
        self._record = record
        self._device = device
        self._options = options
        self._budget = budget
        self._floor = Residency.RESIDENT
        self.digest = record.digest

    def run(self, part: Part, shape: Work, precision: str, watch: Watch, work: Callable[[Models], T]) -> T:
        """Have the networks to oneself for ``work``; ``watch`` is polled before every block of theirs.

        Raises CancelledError while waiting and at work, MemoryBudgetError when it fits by no means, and what loading
        and ``work`` raise.
        """
        _wait_for(_SHELF.lock, watch)
        try:
            loaded = self._loaded(self._options.arithmetic(self._device, precision))
            while True:
                residency = max(self._floor, self._fitting(loaded, shape))
                try:
                    with torch.no_grad(), _polled(loaded.models, watch), placed(loaded, part, residency):
                        return work(loaded.models)
                except torch.OutOfMemoryError as error:
                    self._step_down(residency, shape, error)
        finally:
            _SHELF.lock.release()

    def _loaded(self, dtype: torch.dtype) -> Loaded:
        key = (self.digest, str(self._device), dtype)
        if key not in _SHELF.loaded:
            checkpoint, budget = self._record.checkpoint(), self._bytes()
            weights = samples_in((*checkpoint.transformer, *checkpoint.vae)) * dtype.itemsize
            # Loaded where there is room for all of it; from host memory it comes over part by part.
            place = torch.device("cpu") if budget is not None and weights > budget else self._device
            if place.type == "cpu":
                _require_host_memory(weights)
            models = load_models(checkpoint, place, dtype)
            _SHELF.loaded[key] = Loaded(replace(models, device=self._device, prompt=models.prompt.to(self._device)))
        return _SHELF.loaded[key]

    def _fitting(self, loaded: Loaded, shape: Work) -> Residency:
        budget = self._bytes()
        if budget is None:
            return Residency.RESIDENT
        return residency_for(shape, self._options, loaded.models.dtype, budget, loaded.form)

    def _bytes(self) -> int | None:
        """The budget: what was given, what the environment says, or what the device has, less a margin."""
        if self._budget is not None:
            return self._budget
        chosen = os.environ.get(BUDGET_VARIABLE)
        if chosen:
            return _gigabytes(chosen)
        if self._device.type != "cuda":
            return None
        return torch.cuda.mem_get_info(self._device)[1] - _MARGIN

    def _step_down(self, residency: Residency, shape: Work, error: torch.OutOfMemoryError) -> None:
        """Raises MemoryBudgetError when there is no further step."""
        if residency is Residency.STREAMED:
            raise MemoryBudgetError(
                f"{shape.width}×{shape.height}, {shape.frames} frames: the device's memory ran out although "
                f"{residency.in_words}; smaller tiles take less (engine options tile=, vae=): {error}"
            ) from error
        self._floor = Residency(residency + 1)
        _log.warning("memory ran out while %s; now %s", residency.in_words, self._floor.in_words)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def _require_host_memory(weights: int) -> None:
    """Raises MemoryBudgetError before the system would have to end the process."""
    present = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if weights > _USABLE * present:
        raise MemoryBudgetError(
            f"the weights: expected room for {weights / GB:.1f} GB, found a machine with {present / GB:.1f} GB; a GPU "
            "takes them in half the size (--device cuda), as the engine option dtype=bfloat16 does"
        )


def _gigabytes(text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0.0:
        raise UnsupportedSettingError(f"expected {BUDGET_VARIABLE} as a number of gigabytes, found {text!r}")
    return int(value * GB)


# --- where the weights lie -------------------------------------------------------------------------------------------


@contextmanager
def placed(loaded: Loaded, part: Part, residency: Residency) -> Iterator[None]:
    """The weights that ``part`` needs are on the device when they are needed."""
    models = loaded.models
    working, resting = models.transformer, models.vae
    if part is Part.AUTOENCODER:
        working, resting = resting, working
    if residency is Residency.RESIDENT:
        for module in (working, resting):
            _bring(loaded, module, models.device)
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
def _polled(models: Models, watch: Watch) -> Iterator[None]:
    """Every block asks whether the request was withdrawn, so that none takes long to be stopped."""

    def ask(module: Any, arguments: Any) -> None:
        if watch.cancelled():
            raise CancelledError("the request was withdrawn while the network worked")

    with ExitStack() as hooks:
        for block in _blocks(models):
            hooks.callback(block.register_forward_pre_hook(ask).remove)
        yield


def _blocks(models: Models) -> Iterator[torch.nn.Module]:
    yield from models.transformer.transformer_blocks
    for half in (models.vae.encoder, models.vae.decoder):
        yield from (module for module in half.modules() if type(module).__name__ == "CogVideoXResnetBlock3D")
