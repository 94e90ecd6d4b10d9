"""A pass that is recorded once for a shape, and from then on replayed by the device without the processor's help.

The kernels are the same, so are the bytes; hence this is no engine option but the machine's affair: the variable
``SPARKVSR_CUDA_GRAPHS``. A recorded pass keeps its memory, so it is used only where the device has room for everything
at once; while it is replayed, a request that was withdrawn is not noticed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import torch

from sparkvsr.cogvideox.models import Tensors
from sparkvsr.engine import UnsupportedSettingError

VARIABLE: Final = "SPARKVSR_CUDA_GRAPHS"
Recorder: TypeAlias = Callable[[Callable[[], torch.Tensor]], tuple[Callable[[], None], torch.Tensor]]
"""Runs work once, and gives what does it again, and where its result lies each time."""


def wanted(device: torch.device) -> bool:
    """Whether passes are to be recorded. Raises UnsupportedSettingError for a device that cannot."""
    chosen = os.environ.get(VARIABLE, "")
    if chosen in ("", "0", "off"):
        return False
    if chosen not in ("1", "on"):
        raise UnsupportedSettingError(f"expected {VARIABLE} on or off, found {chosen!r}")
    if device.type != "cuda":
        raise UnsupportedSettingError(f"expected a CUDA device for {VARIABLE}=on, found {device.type}")
    return True


@dataclass(frozen=True, slots=True)
class _Recorded:
    key: Hashable
    inputs: dict[str, torch.Tensor]
    replay: Callable[[], None]
    result: torch.Tensor


class Graphs:
    """The last pass that was recorded: chunks of a clip have one shape, but for its ends."""

    def __init__(self, record: Recorder) -> None:
        self._record = record
        self._known: _Recorded | None = None

    def run(self, work: Callable[[Tensors], torch.Tensor], inputs: Tensors, kind: Hashable) -> torch.Tensor:
        """``work`` on ``inputs``; ``kind``: what beside shapes and types decides what is recorded."""
        key = (kind, *((name, tensor.shape, tensor.dtype) for name, tensor in sorted(inputs.items())))
        if self._known is None or self._known.key != key:
            self.forget()
            own = {name: tensor.clone() for name, tensor in inputs.items()}
            self._known = _Recorded(key, own, *self._record(lambda: work(own)))
        known = self._known
        for name, tensor in inputs.items():
            known.inputs[name].copy_(tensor)
        known.replay()
        return known.result.clone()

    def forget(self) -> None:
        """Give the memory back; weights that move make what was recorded worthless."""
        self._known = None


def cuda_recorder(work: Callable[[], torch.Tensor]) -> tuple[Callable[[], None], torch.Tensor]:
    """By a CUDA graph, after one run in which libraries make ready what must not be made while recording."""
    stream: Any = torch.cuda.Stream
    current, aside = torch.cuda.current_stream(), stream()
    aside.wait_stream(current)
    with torch.cuda.stream(aside):
        work()
    current.wait_stream(aside)
    graph: Any = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = work()
    return graph.replay, result
