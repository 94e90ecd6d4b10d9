"""The networks in memory: loaded once, shared by all engines of a checkpoint, used by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from sparkvsr.cogvideox.models import Models, load_models
from sparkvsr.cogvideox.options import EngineOptions
from sparkvsr.cogvideox.record import Record
from sparkvsr.engine import CancelledError, Watch

_POLL_S: Final = 0.02


@dataclass(slots=True)
class _Shelf:
    """What is loaded, by digest, device and type. One lock: also loading must not happen twice."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    loaded: dict[tuple[str, str, torch.dtype], Models] = field(default_factory=dict)


_SHELF: Final = _Shelf()


class Networks:
    """The networks of a recorded checkpoint on a device."""

    def __init__(self, record: Record, device: torch.device, options: EngineOptions) -> None:
        self._record = record
        self._device = device
        self._options = options
        self.digest = record.digest

    @contextmanager
    def at_work(self, precision: str, watch: Watch) -> Iterator[Models]:
        """Have the networks to oneself; ``watch`` is polled before every block of theirs.

        Raises CancelledError while waiting and at work, and what loading raises.
        """
        _wait_for(_SHELF.lock, watch)
        try:
            models = self._models(self._options.arithmetic(self._device, precision))
            with torch.no_grad(), _polled(models, watch):
                yield models
        finally:
            _SHELF.lock.release()

    def _models(self, dtype: torch.dtype) -> Models:
        key = (self.digest, str(self._device), dtype)
        if key not in _SHELF.loaded:
            _SHELF.loaded[key] = load_models(self._record.checkpoint(), self._device, dtype)
        return _SHELF.loaded[key]


def _wait_for(lock: threading.Lock, watch: Watch) -> None:
    while not lock.acquire(timeout=_POLL_S):
        watch.step(0.0, "waiting")


@contextmanager
def _polled(models: Models, watch: Watch) -> Iterator[None]:
    """Every block asks whether the request was withdrawn, so that none takes long to be stopped."""

    def ask(module: Any, arguments: Any) -> None:
        if watch.cancelled():
            raise CancelledError("the request was withdrawn while the network worked")

    hooks = [block.register_forward_pre_hook(ask) for block in _blocks(models)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _blocks(models: Models) -> Iterator[torch.nn.Module]:
    yield from models.transformer.transformer_blocks
    for half in (models.vae.encoder, models.vae.decoder):
        yield from (module for module in half.modules() if type(module).__name__ == "CogVideoXResnetBlock3D")
