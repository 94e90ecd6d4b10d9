"""Who owns which bytes: shared memory slots, leases on them, pooled host buffers, and pinned memory for CUDA.

A slot belongs to the link or to the backend. While anything here still reads or writes it, a ``Lease`` is held; when
the last one is given back, the slot's RELEASE goes out. Whatever outlives a request is copied out of the slot first
(``detached``). Memory is unmapped by the last view that dies, never under one.
"""

from __future__ import annotations

import mmap
import os
import re
import stat
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from sparkvsr.frames import Frame, PixelFormat
from sparkvsr_backend.errors import BadSlotError, SegmentRefusedError
from sparkvsr_backend.host_pixels import copy_pixels
from sparkvsr_backend.memory_guard import Watched

T = TypeVar("T")
ByteArray = npt.NDArray[np.uint8]

SHM_DIRECTORY = "/dev/shm"  # noqa: S108 - where shm_open keeps its files; they are checked before use
_SEGMENT_NAME = re.compile(r"/sparkvsr-[0-9a-f]{32}")
_HUGE_PAGE = 2 << 20
_POOLED_FROM = 1 << 20
_STAT_BLOCK = 512
_MAPPED_AT_ONCE = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)  # page by page it takes longer than a copy


# --- shared memory -------------------------------------------------------------------------------------------------


class Segment:
    """A shared memory segment of the link, mapped: ``slots`` slots of ``slot_bytes`` bytes."""

    def __init__(self, memory: ByteArray, slot_bytes: int, slots: int) -> None:
        self._memory = memory
        self._watched = Watched(memory)
        self.slot_bytes = slot_bytes
        self.slots = slots

    @staticmethod
    def attach(name: str, slot_bytes: int, slots: int, pin: Callable[[ByteArray], None] | None = None) -> Segment:
        """Map the segment that the link made, and unlink its name. Raises SegmentRefusedError.

        ``pin`` is called with the whole memory once it is mapped.
        """
        descriptor = _open_segment(name)
        try:
            _check_segment(os.fstat(descriptor), slot_bytes * slots)
            memory = np.frombuffer(mmap.mmap(descriptor, slot_bytes * slots, _MAPPED_AT_ONCE), np.uint8)
        except (OSError, ValueError) as error:
            raise SegmentRefusedError(f"{name} cannot be mapped: {error}") from None
        finally:
            os.close(descriptor)
        if pin is not None:
            pin(memory)
        _forget_name(name)
        return Segment(memory, slot_bytes, slots)

    def pixels(self, slot: int, layout: PixelFormat, row_bytes: int) -> torch.Tensor:
        """The slot as [H, W, C] of ``layout``; rows lie ``row_bytes`` apart. No copy. Raises BadSlotError.

        A link that shrinks its segment afterwards gets zeros in its pictures: the process does not end.
        """
        if self._watched.shrank:
            raise BadSlotError("the link has shrunk the segment", expected=f"{self._memory.nbytes} bytes", found="less")
        span = (layout.height - 1) * row_bytes + layout.row_bytes
        if not 0 <= slot < self.slots:
            raise BadSlotError("no such slot", expected=f"0..{self.slots - 1}", found=str(slot))
        if span > self.slot_bytes:
            raise BadSlotError("the slot is too small", expected=f"{span} bytes", found=f"{self.slot_bytes} bytes")
        start = slot * self.slot_bytes
        return pixels_over(self._memory[start : start + span], layout, row_bytes)

    def holds(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor's samples lie in this segment."""
        start = self._memory.ctypes.data
        return tensor.device.type == "cpu" and start <= tensor.data_ptr() < start + self._memory.nbytes


def pixels_over(memory: ByteArray, layout: PixelFormat, row_bytes: int) -> torch.Tensor:
    """[H, W, C] over ``memory``, whose first byte is the first sample of row 0. No copy.

    ``memory`` must hold (height - 1) · row_bytes + one row; ``row_bytes`` must be whole samples.
    """
    sample = layout.depth.sample_bytes
    strides = (row_bytes, layout.components * sample, sample)
    view = np.ndarray(layout.shape, layout.depth.numpy_dtype, memory.data, 0, strides)
    return torch.from_numpy(view)


def _open_segment(name: str) -> int:
    if not _SEGMENT_NAME.fullmatch(name):
        raise SegmentRefusedError("this is no name of ours", expected="/sparkvsr- and 32 hex digits", found=name[:64])
    try:
        return os.open(SHM_DIRECTORY + name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SegmentRefusedError(f"{name} cannot be opened: {os.strerror(error.errno or 0)}") from None


def _check_segment(found: os.stat_result, size: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SegmentRefusedError("not a regular file", expected="a regular file", found=stat.filemode(found.st_mode))
    if found.st_uid != os.geteuid():
        raise SegmentRefusedError("another user's segment", expected=f"uid {os.geteuid()}", found=f"uid {found.st_uid}")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise SegmentRefusedError("open to others", expected="mode 0600", found=oct(stat.S_IMODE(found.st_mode)))
    if found.st_size != size:
        raise SegmentRefusedError("wrong size", expected=f"{size} bytes", found=f"{found.st_size} bytes")
    reserved = found.st_blocks * _STAT_BLOCK
    if reserved < size:  # touching a page that was never reserved could end the process
        raise SegmentRefusedError("not reserved", expected=f"{size} bytes in memory", found=f"{reserved} bytes")


def _forget_name(name: str) -> None:
    try:
        os.unlink(SHM_DIRECTORY + name)  # noqa: PTH108 - the same string that was opened
    except FileNotFoundError:
        return  # the link was faster


class Lease:
    """A count of those who still use a slot; ``on_free`` is called once, by whoever gives back the last share."""

    def __init__(self, on_free: Callable[[], None]) -> None:
        self._on_free = on_free
        self._shares = 1
        self._lock = threading.Lock()

    def share(self) -> None:
        """One more user. Raises RuntimeError when the slot has been given back already."""
        with self._lock:
            if not self._shares:
                raise RuntimeError("expected a lease that is still held, found one given back")
            self._shares += 1

    def give_back(self) -> None:
        """One user less."""
        with self._lock:
            if not self._shares:
                raise RuntimeError("expected a lease that is still held, found one given back")
            self._shares -= 1
            last = not self._shares
        if last:
            self._on_free()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Use the slot for the length of a with-block."""
        self.share()
        try:
            yield
        finally:
            self.give_back()


@dataclass(frozen=True)
class OutputBuffer:
    """Where a result is to be written: [H, W, C]. ``lease``, when given, keeps the memory from being taken away."""

    pixels: torch.Tensor
    lease: Lease | None = None


# --- host memory ---------------------------------------------------------------------------------------------------


@dataclass
class BufferPool:
    """Large host buffers that are used again: touching fresh memory costs more than copying into it.

    A buffer comes back by itself when the last view of it dies. At most ``spare_bytes`` lie idle.
    """

    spare_bytes: int = 512 << 20
    _idle: dict[int, list[mmap.mmap]] = field(default_factory=lambda: defaultdict(list))
    _idle_bytes: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def take(self, nbytes: int) -> ByteArray:
        """At least ``nbytes`` bytes, cut to that length; their content is undefined."""
        if nbytes < _POOLED_FROM:
            return np.empty(nbytes, np.uint8)
        size = -(-nbytes // _HUGE_PAGE) * _HUGE_PAGE
        memory = self._reuse(size) or _fresh(size)
        root = np.frombuffer(memory, np.uint8)
        weakref.finalize(root, self._come_back, memory, size).atexit = False
        return root[:nbytes]

    def clear(self) -> None:
        """Give idle memory back to the system."""
        with self._lock:
            self._idle.clear()
            self._idle_bytes = 0

    @property
    def idle_bytes(self) -> int:
        """Bytes that wait to be used again."""
        return self._idle_bytes

    def _reuse(self, size: int) -> mmap.mmap | None:
        with self._lock:
            waiting = self._idle.get(size)
            if not waiting:
                return None
            self._idle_bytes -= size
            return waiting.pop()

    def _come_back(self, memory: mmap.mmap, size: int) -> None:
        with self._lock:
            if self._idle_bytes + size <= self.spare_bytes:
                self._idle[size].append(memory)
                self._idle_bytes += size


def _fresh(size: int) -> mmap.mmap:
    """Raises MemoryError, as every other way to get memory does."""
    try:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(f"{size} bytes: {os.strerror(error.errno or 0)}") from error
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memory


def copied(frame: Frame, pool: BufferPool) -> Frame:
    """The frame, tightly packed in memory of our own."""
    memory = pool.take(frame.format.nbytes)
    target = pixels_over(memory, frame.format, frame.format.row_bytes)
    copy_pixels(target, frame.pixels)
    return Frame(target, frame.format)


# --- tensors that must outlive a slot ------------------------------------------------------------------------------


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """The tensors in a value made of dataclasses, tuples, lists and dicts."""
    if isinstance(value, torch.Tensor):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            yield from tensors_in(getattr(value, item.name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from tensors_in(inner)
    elif isinstance(value, (tuple, list)):
        for inner in value:
            yield from tensors_in(inner)


def aliases(value: Any, frames: tuple[Frame, ...]) -> bool:
    """Whether a tensor in ``value`` shares the memory of a frame."""
    owned = {_storage_of(frame.pixels) for frame in frames}
    return any(_storage_of(tensor) in owned for tensor in tensors_in(value))


def is_nothing_but(value: Any, frames: tuple[Frame, ...]) -> bool:
    """Whether all tensors of a value lie in frames: then it is no work to make it again."""
    return all(aliases(tensor, frames) for tensor in tensors_in(value))


def detached(value: T, frames: tuple[Frame, ...]) -> T:
    """``value``, with every tensor that shares the memory of a frame replaced by a copy of its own."""
    owned = {_storage_of(frame.pixels) for frame in frames}
    return _detach(value, owned) if aliases(value, frames) else value


def _detach(value: Any, owned: set[int]) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone() if _storage_of(value) in owned else value
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _detach(getattr(value, f.name), owned) for f in fields(value) if f.init})
    if isinstance(value, dict):
        return {key: _detach(inner, owned) for key, inner in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(_detach(inner, owned) for inner in value)
    return value


def weight(value: Any) -> int:
    """Bytes that a cached value keeps alive: its own ``nbytes``, else its tensors', each storage once."""
    nbytes = getattr(value, "nbytes", 0)
    if isinstance(nbytes, int) and nbytes > 0 and not isinstance(value, torch.Tensor):
        return nbytes
    storages = {_storage_of(tensor): tensor.untyped_storage().nbytes() for tensor in tensors_in(value)}
    return sum(storages.values())


def _storage_of(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
