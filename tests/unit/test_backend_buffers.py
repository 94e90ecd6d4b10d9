"""Bytes and their owners: segments are checked before they are mapped, slots come back once, memory outlives
its views.
"""

from __future__ import annotations

import errno
import gc
import mmap
import os
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from support.requests import frame

from sparkvsr.frames import Depth, Frame, PixelFormat, Premultiplication
from sparkvsr_backend import buffers, buffers_cuda
from sparkvsr_backend.buffers import BufferPool, Lease, Segment, copied, detached, pixels_over
from sparkvsr_backend.devices import HostBridge, bridge_to
from sparkvsr_backend.errors import (
    BadSlotError,
    NeedFrames,
    OutOfMemoryError,
    SegmentRefusedError,
    UnsupportedSettingError,
)
from sparkvsr_backend.frame_store import FrameStore

SLOT, SLOTS = 4096, 4
LAYOUT = PixelFormat(8, 6, 4, Depth.FLOAT, Premultiplication.STRAIGHT)


@dataclass
class Made:
    """A segment as a link would make it."""

    name: str
    descriptor: int

    @property
    def path(self) -> Path:
        return Path(buffers.SHM_DIRECTORY + self.name)


@pytest.fixture
def made() -> Iterator[Made]:
    name = f"/sparkvsr-{secrets.token_hex(16)}"
    descriptor = os.open(buffers.SHM_DIRECTORY + name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.posix_fallocate(descriptor, 0, SLOT * SLOTS)
    segment = Made(name, descriptor)
    yield segment
    os.close(descriptor)
    segment.path.unlink(missing_ok=True)


# --- segments ------------------------------------------------------------------------------------------------------


def test_both_sides_see_the_same_bytes_and_the_name_is_gone(made: Made) -> None:
    segment = Segment.attach(made.name, SLOT, SLOTS)
    assert not made.path.exists()
    there = mmap.mmap(made.descriptor, SLOT * SLOTS)
    segment.pixels(2, LAYOUT, LAYOUT.row_bytes).fill_(0.5)
    assert np.frombuffer(there, np.float32, 8 * 6 * 4, 2 * SLOT).tolist() == [0.5] * (8 * 6 * 4)
    assert not any(np.frombuffer(there, np.uint8, SLOT, SLOT))


@pytest.mark.parametrize(
    "name", ["/other-" + "0" * 32, "/sparkvsr-" + "0" * 31, "/sparkvsr-../../etc/passwd", "sparkvsr-" + "0" * 32, ""]
)
def test_a_foreign_name_is_refused(name: str) -> None:
    with pytest.raises(SegmentRefusedError):
        Segment.attach(name, SLOT, SLOTS)


def test_a_segment_that_is_not_there_is_refused() -> None:
    with pytest.raises(SegmentRefusedError, match="cannot be opened"):
        Segment.attach(f"/sparkvsr-{'0' * 32}", SLOT, SLOTS)


def test_a_segment_of_another_size_is_refused(made: Made) -> None:
    with pytest.raises(SegmentRefusedError, match="wrong size"):
        Segment.attach(made.name, SLOT, SLOTS + 1)
    assert made.path.exists()


def test_a_segment_that_was_never_reserved_is_refused(made: Made) -> None:
    os.ftruncate(made.descriptor, 0)
    os.ftruncate(made.descriptor, SLOT * SLOTS)
    with pytest.raises(SegmentRefusedError, match="not reserved"):
        Segment.attach(made.name, SLOT, SLOTS)


def test_a_segment_open_to_others_is_refused(made: Made) -> None:
    made.path.chmod(0o644)
    with pytest.raises(SegmentRefusedError, match="open to others"):
        Segment.attach(made.name, SLOT, SLOTS)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_segment_is_refused(made: Made) -> None:
    os.chown(made.path, 12345, -1)
    with pytest.raises(SegmentRefusedError, match="another user"):
        Segment.attach(made.name, SLOT, SLOTS)


def test_a_link_in_place_of_a_segment_is_not_followed(made: Made) -> None:
    link = Path(buffers.SHM_DIRECTORY + f"/sparkvsr-{secrets.token_hex(16)}")
    link.symlink_to(made.path)
    try:
        with pytest.raises(SegmentRefusedError):
            Segment.attach("/" + link.name, SLOT, SLOTS)
    finally:
        link.unlink()


def test_a_directory_in_place_of_a_segment_is_refused() -> None:
    folder = Path(buffers.SHM_DIRECTORY + f"/sparkvsr-{secrets.token_hex(16)}")
    folder.mkdir(mode=0o700)
    try:
        with pytest.raises(SegmentRefusedError):
            Segment.attach("/" + folder.name, SLOT, SLOTS)
    finally:
        folder.rmdir()


@pytest.mark.parametrize(
    ("slot", "layout", "row_bytes"),
    [
        (SLOTS, LAYOUT, LAYOUT.row_bytes),
        (-1, LAYOUT, LAYOUT.row_bytes),
        (0, PixelFormat(64, 64, 4), 64 * 16),
        (0, LAYOUT, 800),
    ],
)
def test_pixels_outside_a_slot_are_refused(made: Made, slot: int, layout: PixelFormat, row_bytes: int) -> None:
    segment = Segment.attach(made.name, SLOT, SLOTS)
    with pytest.raises(BadSlotError):
        segment.pixels(slot, layout, row_bytes)


def test_the_last_row_needs_no_padding(made: Made) -> None:
    segment = Segment.attach(made.name, SLOT, SLOTS)
    row_bytes = (SLOT - LAYOUT.row_bytes) // 5 // 16 * 16
    assert segment.pixels(3, LAYOUT, row_bytes).shape == (6, 8, 4)


def test_memory_stays_mapped_while_a_view_lives(made: Made) -> None:
    segment = Segment.attach(made.name, SLOT, SLOTS)
    view = segment.pixels(1, LAYOUT, LAYOUT.row_bytes)[2:4, :, :3].permute(2, 0, 1)
    segment.pixels(1, LAYOUT, LAYOUT.row_bytes).fill_(0.25)
    del segment
    gc.collect()
    assert float(view.sum()) == 0.25 * view.numel()


@pytest.mark.parametrize("depth", list(Depth))
def test_padded_rows_of_any_depth_are_seen_in_place(depth: Depth) -> None:
    layout = PixelFormat(5, 3, 3, depth, Premultiplication.OPAQUE)
    row_bytes = layout.row_bytes + 4 * depth.sample_bytes
    memory = np.zeros(3 * row_bytes, np.uint8)
    pixels_over(memory[: 2 * row_bytes + layout.row_bytes], layout, row_bytes).fill_(1)
    rows = memory.reshape(3, row_bytes)
    assert np.all(rows[:, : layout.row_bytes].copy().view(depth.numpy_dtype) == 1)
    assert not rows[:, layout.row_bytes :].any()


# --- leases --------------------------------------------------------------------------------------------------------


def test_a_slot_comes_back_once_after_the_last_share() -> None:
    freed: list[int] = []
    lease = Lease(lambda: freed.append(1))
    with lease.held():
        lease.give_back()
        assert freed == []
    assert freed == [1]
    with pytest.raises(RuntimeError, match="given back"):
        lease.give_back()
    with pytest.raises(RuntimeError, match="given back"):
        lease.share()


def test_shares_of_many_threads_are_counted() -> None:
    freed: list[int] = []
    lease = Lease(lambda: freed.append(1))

    def use() -> None:
        for _ in range(200):
            with lease.held():
                pass

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert freed == []
    lease.give_back()
    assert freed == [1]


# --- the pool ------------------------------------------------------------------------------------------------------


def test_a_buffer_comes_back_when_its_last_view_dies() -> None:
    pool = BufferPool()
    memory = pool.take(3 << 20)
    address = memory.ctypes.data
    view = pixels_over(memory[: LAYOUT.nbytes], LAYOUT, LAYOUT.row_bytes)[1:]
    del memory
    gc.collect()
    assert pool.idle_bytes == 0
    del view
    gc.collect()
    assert pool.idle_bytes == 4 << 20
    assert pool.take((3 << 20) + 5).ctypes.data == address
    pool.clear()


def test_the_pool_keeps_no_more_than_it_may() -> None:
    pool = BufferPool(spare_bytes=5 << 20)
    first, second = pool.take(4 << 20), pool.take(4 << 20)
    del first, second
    gc.collect()
    assert pool.idle_bytes == 4 << 20
    pool.clear()
    assert pool.idle_bytes == 0


def test_a_copy_is_packed_and_its_own() -> None:
    source = frame(5, 7, components=3)
    padded = torch.zeros((5, 9, 3))
    padded[:, :7] = source.pixels
    own = copied(Frame(padded[:, :7], source.format), BufferPool())
    padded.fill_(0)
    assert own.pixels.is_contiguous()
    assert torch.equal(own.pixels, source.pixels)


# --- what must outlive a slot --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Latents:
    picture: torch.Tensor
    parts: tuple[torch.Tensor, dict[str, list[torch.Tensor]]]
    note: str = "kept"


def test_only_what_lies_in_the_slot_is_copied() -> None:
    slot = frame()
    own = torch.zeros(3)
    latents = Latents(slot.pixels[..., :3].permute(2, 0, 1), (own, {"a": [slot.pixels]}))
    safe = detached(latents, (slot,))
    before = slot.pixels.clone()
    slot.pixels.fill_(-1)
    assert torch.equal(safe.picture, before[..., :3].permute(2, 0, 1))
    assert torch.equal(safe.parts[1]["a"][0], before)
    assert safe.parts[0] is own
    assert safe.note == "kept"
    assert detached(safe, (slot,)) is safe


def test_weight_counts_each_storage_once() -> None:
    picture = torch.zeros(3, 4, 5)
    assert buffers.weight({"a": picture, "b": [picture[1:], torch.zeros(2)]}) == 3 * 4 * 5 * 4 + 8
    assert buffers.weight("nothing") == 0


# --- the frame store -----------------------------------------------------------------------------------------------


def lend(store: FrameStore, key: bytes, pixels: Frame, freed: list[bytes], owner: object = "link") -> None:
    store.lend(key, pixels, Lease(lambda: freed.append(key)), owner)


def test_a_lent_frame_is_used_in_place_and_its_slot_comes_back_when_settled() -> None:
    store, freed, pixels = FrameStore(1 << 20), [], frame()
    lend(store, b"a", pixels, freed)
    with store.hold((b"a",)) as held:
        assert held[b"a"].pixels.data_ptr() == pixels.pixels.data_ptr()
        store.settle(b"a")
        assert freed == []  # still read
        assert held[b"a"].pixels.data_ptr() == pixels.pixels.data_ptr()
    assert freed == [b"a"]
    expected = pixels.pixels.clone()
    pixels.pixels.fill_(0)
    with store.hold((b"a",)) as held:
        assert torch.equal(held[b"a"].pixels, expected)


def test_a_slot_comes_back_when_there_is_no_memory_to_settle_its_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame is dropped, and asked for again when it is wanted."""

    def refuse(*_: object, **__: object) -> mmap.mmap:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    store, freed = FrameStore(1 << 30), []
    store.lend(b"a", frame(512, 512), Lease(lambda: freed.append("a")), owner="link")
    monkeypatch.setattr(buffers.mmap, "mmap", refuse)
    store.settle(b"a")
    assert freed == ["a"]
    assert b"a" not in store


def test_a_frame_that_is_known_gives_its_slot_back_at_once() -> None:
    store, freed = FrameStore(1 << 20), []
    store.put(b"a", frame())
    lend(store, b"a", frame(), freed)
    assert freed == [b"a"]
    assert store.waiting == 0


def test_what_a_dead_link_lent_is_forgotten_and_its_slots_come_back() -> None:
    store, freed = FrameStore(1 << 20), []
    lend(store, b"a", frame(), freed, owner="dead")
    lend(store, b"b", frame(), freed, owner="alive")
    store.forget_owner("dead")
    assert freed == [b"a"]
    assert b"a" not in store
    assert b"b" in store


def test_missing_frames_are_named_all_at_once() -> None:
    store = FrameStore(1 << 20)
    store.put(b"a", frame())
    with pytest.raises(NeedFrames) as caught, store.hold((b"a", b"b", b"c", b"b")):
        pass
    assert caught.value.fingerprints == (b"b", b"c")


def read(store: FrameStore, *keys: bytes) -> None:
    with store.hold(keys):
        pass


def test_an_evicted_frame_is_asked_for_again_but_its_size_is_remembered() -> None:
    pixels = frame()
    store = FrameStore(2 * pixels.nbytes)
    for key in (b"a", b"b", b"c"):
        store.put(key, pixels)
        read(store, key)
    assert b"a" not in store
    assert store.format_of(b"a") == pixels.format
    with pytest.raises(NeedFrames):
        read(store, b"a")


def test_what_has_arrived_is_there_until_it_was_read_however_small_the_cache() -> None:
    store, freed = FrameStore(0), []
    for key in (b"a", b"b"):
        store.put(key, frame())
    lend(store, b"c", frame(), freed)
    store.settle(b"c")
    assert freed == [b"c"]
    read(store, b"a", b"b", b"c")
    assert not any(key in store for key in (b"a", b"b", b"c"))


def test_what_was_read_in_its_slot_is_subject_to_the_budget_once_settled() -> None:
    store = FrameStore(0)
    lend(store, b"a", frame(), [])
    read(store, b"a")
    store.settle(b"a")
    assert b"a" not in store


def test_what_nobody_reads_does_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = frame()
    store = FrameStore(0, room=2 * pixels.nbytes)
    for key in (b"a", b"b", b"c"):
        store.put(key, pixels)
    assert [key in store for key in (b"a", b"b", b"c")] == [False, True, True]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 60.0)
    store.put(b"d", pixels)
    assert [key in store for key in (b"b", b"c", b"d")] == [False, False, True]


def test_frames_that_never_fit_at_once_are_an_error_not_an_endless_question() -> None:
    pixels = frame()
    store = FrameStore(0, room=2 * pixels.nbytes)
    for key in (b"a", b"b", b"c"):
        store.put(key, pixels)
    with pytest.raises(OutOfMemoryError):
        read(store, b"a", b"b", b"c")


# --- devices -------------------------------------------------------------------------------------------------------


def test_on_the_cpu_nothing_moves() -> None:
    bridge, pixels = bridge_to(torch.device("cpu")), frame()
    assert isinstance(bridge, HostBridge)
    assert bridge.upload(pixels) is pixels


def test_without_cuda_the_reason_is_named() -> None:
    if not buffers_cuda.unavailable_reason():
        pytest.skip("CUDA is here")
    with pytest.raises(UnsupportedSettingError):
        bridge_to(torch.device("cuda"))


@pytest.fixture
def cuda() -> buffers_cuda.CudaBridge:
    reason = buffers_cuda.unavailable_reason()
    if reason:
        pytest.skip(reason)
    return buffers_cuda.CudaBridge(torch.device("cuda"))


@pytest.mark.gpu
def test_pinned_slots_travel_both_ways(cuda: buffers_cuda.CudaBridge, made: Made) -> None:
    segment = Segment.attach(made.name, SLOT, SLOTS, cuda.pin)
    source = frame()
    slot = segment.pixels(0, LAYOUT, 256)
    slot.copy_(source.pixels)
    there = cuda.upload(Frame(slot, LAYOUT))
    assert torch.equal(there.pixels.cpu(), source.pixels)
    assert torch.equal(cuda.mapped(slot).cpu(), source.pixels)
    planes = there.pixels.permute(2, 0, 1)
    back = segment.pixels(1, LAYOUT, 256)
    cuda.deliver(planes[:3], planes[3:], LAYOUT, back)
    assert torch.equal(back, source.pixels)
    cuda.drain()


@pytest.mark.gpu
def test_an_upload_is_ordered_before_what_follows(cuda: buffers_cuda.CudaBridge) -> None:
    memory = torch.empty((512, 512, 4))
    cuda.pin(memory.numpy().reshape(-1).view(np.uint8))
    for value in range(20):
        memory.fill_(value)
        there = cuda.upload(Frame(memory, PixelFormat(512, 512, 4)))
        total = there.pixels.sum()
        cuda.drain()
        assert float(total) == value * memory.numel()
