"""The CUDA half of the buffers: slots pinned in place, wrapped by CuPy, shared with torch by DLPack, ordered by events.

Ownership is as on the CPU: a slot is read or written only under a lease. Copies run on a stream of their own; the
caller's stream waits for an upload by an event, a download waits for the caller's stream by another, and ``drain``
waits for all of them.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
import torch.utils.dlpack

from sparkvsr.color import pack
from sparkvsr.frames import Frame, PixelFormat
from sparkvsr_backend.buffers import ByteArray
from sparkvsr_backend.errors import UnsupportedSettingError

_REGISTER_PORTABLE_AND_MAPPED = 1 | 2
_HOST_TO_DEVICE, _DEVICE_TO_HOST = 1, 2


def unavailable_reason() -> str:
    """Why CUDA buffers cannot be used here; empty when they can."""
    if not torch.cuda.is_available():
        return "torch sees no CUDA device"
    try:
        import cupy
    except ImportError:
        return "CuPy is not installed (extras cuda12, cuda13)"
    return "" if cupy.cuda.is_available() else "CuPy sees no CUDA device"


class CudaBridge:
    """Pixels to and from one CUDA device. Raises UnsupportedSettingError when CuPy or the device is missing."""

    def __init__(self, device: torch.device) -> None:
        reason = unavailable_reason()
        if reason:
            raise UnsupportedSettingError(
                "CUDA buffers cannot be used", expected="a CUDA device and CuPy", found=reason
            )
        import cupy

        self.device = torch.device("cuda", device.index or 0)
        self._cupy: Any = cupy
        self._copies: Any = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]

    def pin(self, memory: ByteArray) -> None:
        """Register the memory with CUDA until its last view dies; from then on copies of it run by themselves."""
        address = memory.ctypes.data
        with torch.cuda.device(self.device):
            self._cupy.cuda.runtime.hostRegister(address, memory.nbytes, _REGISTER_PORTABLE_AND_MAPPED)
        weakref.finalize(memory, _unregister, self._cupy, address).atexit = False

    def mapped(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pinned host pixels [H, W, C] as a tensor of the device, over the bus, without a copy: CuPy wraps
        them, DLPack shares them.
        """
        wrap = self._cupy
        span = sum((n - 1) * s for n, s in zip(pixels.shape, pixels.stride(), strict=True)) + 1
        memory = wrap.cuda.UnownedMemory(
            pixels.data_ptr(), span * pixels.element_size(), pixels, device_id=self.device.index
        )
        array = wrap.ndarray(
            tuple(pixels.shape),
            dtype=pixels.numpy().dtype,
            memptr=wrap.cuda.MemoryPointer(memory, 0),
            strides=tuple(step * pixels.element_size() for step in pixels.stride()),
        )
        shared: torch.Tensor = torch.utils.dlpack.from_dlpack(array)
        return shared

    def upload(self, frame: Frame) -> Frame:
        """Copied by the copy engine; the caller's stream waits for it, the caller's thread does not."""
        with torch.cuda.device(self.device):
            target = torch.empty(frame.format.shape, dtype=frame.pixels.dtype, device=self.device)
            self._copies.wait_stream(torch.cuda.current_stream())
            self._copy_rows(target, frame.pixels, frame.format, _HOST_TO_DEVICE)
            torch.cuda.current_stream().wait_event(self._copies.record_event())
        target.record_stream(self._copies)
        return Frame(target, frame.format)

    def deliver(self, rgb: torch.Tensor, alpha: torch.Tensor | None, layout: PixelFormat, out: torch.Tensor) -> None:
        """Packed on the device, copied by the copy engine; the caller's thread waits for the last byte."""
        with torch.cuda.device(self.device):
            packed = pack(rgb, alpha, layout).pixels.contiguous()
            self._copies.wait_event(torch.cuda.current_stream().record_event())
            self._copy_rows(out, packed, layout, _DEVICE_TO_HOST)
            self._copies.record_event().synchronize()

    def drain(self) -> None:
        """Wait for all copies; after a failure some may still be reading a slot."""
        self._copies.synchronize()

    def _copy_rows(self, target: torch.Tensor, source: torch.Tensor, layout: PixelFormat, kind: int) -> None:
        """Rows of either side may be padded."""
        sample = layout.depth.sample_bytes
        self._cupy.cuda.runtime.memcpy2DAsync(
            target.data_ptr(),
            max(target.stride(0) * sample, layout.row_bytes),
            source.data_ptr(),
            max(source.stride(0) * sample, layout.row_bytes),
            layout.row_bytes,
            layout.height,
            kind,
            self._copies.cuda_stream,
        )


def _unregister(cupy: Any, address: int) -> None:
    cupy.cuda.runtime.hostUnregister(address)
