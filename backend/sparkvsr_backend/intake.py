"""PUT: pixels that come in, and when they move from the link's slots to memory of our own."""

from __future__ import annotations

import numpy as np
import torch
import zmq

import sparkvsr_backend.protocol as wire
from sparkvsr.frames import Frame
from sparkvsr_backend.buffers import pixels_over
from sparkvsr_backend.desk import Desk
from sparkvsr_backend.errors import BadMessageError, OutOfMemoryError
from sparkvsr_backend.frame_store import FrameStore
from sparkvsr_backend.peers import Peer
from sparkvsr_backend.protocol import Carrier, Image
from sparkvsr_backend.slots import Slots

SETTLE_POLL_MS = 20
_SETTLE_AFTER_S = 0.04


class Intake:
    """Called by the socket's thread only. ``received``: frames, and their bytes."""

    def __init__(self, frames: FrameStore, desk: Desk, slots: Slots, frame_bytes: int) -> None:
        self._frames = frames
        self._desk = desk
        self._slots = slots
        self._frame_bytes = frame_bytes
        self._received = 0
        self._received_bytes = 0

    @property
    def counters(self) -> wire.FrameCounters:
        """A snapshot."""
        return wire.FrameCounters(received=self._received, received_bytes=self._received_bytes)

    @property
    def is_waiting(self) -> bool:
        """Whether frames lie in slots that ``settle_old`` will have to see to."""
        return self._frames.waiting > 0

    def on_put(self, peer: Peer, message: wire.Put, parts: list[zmq.Frame]) -> None:
        """Take a frame. Raises OutOfMemoryError, BadSlotError, BadMessageError."""
        image = message.image
        self.require_size(image)
        if image.carrier is Carrier.INLINE:
            self._frames.put(message.fingerprint, Frame(_inline_pixels(image, parts), image.to_format()))
        else:
            self._lend(peer, message)
        self._received += 1
        self._received_bytes += image.to_format().nbytes

    def on_detach(self, peer: Peer, message: wire.Detach, _: list[zmq.Frame]) -> None:
        """What lies in the slots of the segment is copied out. Raises BadMessageError."""
        ring = self._slots.detach(peer, message)
        for fingerprint in self._frames.waiting_of(ring):
            self._settle(fingerprint)

    def require_size(self, image: Image) -> None:
        """Raises OutOfMemoryError for a frame beyond the limit told in WELCOME."""
        if image.span_bytes > self._frame_bytes:
            raise OutOfMemoryError(
                "the frame is too large",
                expected=f"at most {self._frame_bytes} bytes",
                found=f"{image.span_bytes}",
            )

    def settle_old(self) -> None:
        """Frames that no render has read for a while leave their slots."""
        for fingerprint in self._frames.waiting_longer_than(_SETTLE_AFTER_S):
            self._settle(fingerprint)

    def forget(self, peer: Peer) -> None:
        """The connection is over, and what lies in its slots is lost."""
        for ring in peer.rings.values():
            self._frames.forget_owner(ring)
        peer.rings.clear()

    def _lend(self, peer: Peer, message: wire.Put) -> None:
        ring, pixels, lease = self._slots.take(peer, message.image)
        self._frames.lend(message.fingerprint, Frame(pixels, message.image.to_format()), lease, owner=ring)
        if ring.is_short:
            for fingerprint in self._frames.waiting_of(ring)[:1]:
                self._settle(fingerprint)

    def _settle(self, fingerprint: bytes) -> None:
        self._desk.settler.submit(lambda: self._frames.settle(fingerprint))


def _inline_pixels(image: Image, parts: list[zmq.Frame]) -> torch.Tensor:
    """[H, W, C] over a payload part, copied only where torch cannot use it as it lies. Raises BadMessageError."""
    if not 1 <= image.part < len(parts):
        raise BadMessageError("image.part", expected=f"1..{len(parts) - 1}", found=str(image.part))
    memory = np.frombuffer(parts[image.part].buffer, np.uint8)
    if memory.nbytes != image.span_bytes:
        raise BadMessageError("payload", expected=f"{image.span_bytes} bytes", found=f"{memory.nbytes} bytes")
    aligned = memory.ctypes.data % image.depth.sample_bytes == 0
    usable = memory if aligned and memory.flags.writeable else memory.copy()
    return pixels_over(usable, image.to_format(), image.row_bytes)
