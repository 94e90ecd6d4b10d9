"""Between host memory and the device that computes: upload a frame, download a result, in order and without
waiting too early.
"""

from __future__ import annotations

from typing import Protocol

import torch

from sparkvsr.color import pack
from sparkvsr.frames import Frame, PixelFormat
from sparkvsr_backend.buffers import ByteArray
from sparkvsr_backend.errors import UnsupportedSettingError


class Bridge(Protocol):
    """How pixels reach the device and come back."""

    device: torch.device

    def pin(self, memory: ByteArray) -> None:
        """Make a mapped segment quick to copy from; undone when the memory dies."""

    def upload(self, frame: Frame) -> Frame:
        """The frame on the device; work on the caller's stream that follows sees its pixels.

        May share the frame's memory.
        """

    def deliver(self, rgb: torch.Tensor, alpha: torch.Tensor | None, layout: PixelFormat, out: torch.Tensor) -> None:
        """Write colour [3, H, W] and alpha [1, H, W] into ``out`` [H, W, C] in host memory; returns when it may
        be read.
        """

    def drain(self) -> None:
        """Return when nothing reads host memory any more."""


class HostBridge:
    """The CPU: nothing has to move."""

    device = torch.device("cpu")

    def pin(self, memory: ByteArray) -> None:
        """Nothing to do."""

    def upload(self, frame: Frame) -> Frame:
        """The frame itself."""
        return frame

    def deliver(self, rgb: torch.Tensor, alpha: torch.Tensor | None, layout: PixelFormat, out: torch.Tensor) -> None:
        """Packed straight into the output."""
        pack(rgb, alpha, layout, out)

    def drain(self) -> None:
        """Nothing is ever under way."""


def bridge_to(device: torch.device) -> Bridge:
    """The bridge for ``device``. Raises UnsupportedSettingError when it is not there."""
    if device.type == "cpu":
        return HostBridge()
    if device.type == "cuda" and torch.cuda.is_available():
        from sparkvsr_backend.buffers_cuda import CudaBridge

        return CudaBridge(device)
    raise UnsupportedSettingError(
        "no such device", expected="cpu, or cuda with a CUDA build of torch", found=str(device)
    )
