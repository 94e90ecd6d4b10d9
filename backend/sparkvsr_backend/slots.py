"""The slots of the links: segments mapped, slots taken, and slots given back together."""

from __future__ import annotations

from collections.abc import Callable

import torch
import zmq

import sparkvsr_backend.protocol as wire
from sparkvsr_backend.buffers import ByteArray, Lease, Segment
from sparkvsr_backend.desk import Desk
from sparkvsr_backend.errors import BackendError, BadMessageError, SegmentRefusedError
from sparkvsr_backend.peers import MAX_SEGMENTS, Peer, Ring
from sparkvsr_backend.protocol import Carrier, Image


class Slots:
    """Everything here is called by the socket's thread, except that a lease may end on any.

    ``pin`` is called with the memory of each segment; ``complain`` sends an error to a route.
    """

    def __init__(
        self,
        desk: Desk,
        pin: Callable[[ByteArray], None],
        complain: Callable[[bytes, BackendError, int], None],
    ) -> None:
        self._desk = desk
        self._pin = pin
        self._complain = complain
        self._released: dict[tuple[Peer, Ring], list[int]] = {}

    def on_attach(self, peer: Peer, message: wire.Attach, _: list[zmq.Frame]) -> None:
        """Map a segment, elsewhere: that and pinning take their time. Raises SegmentRefusedError."""
        if Carrier.SHM.value not in peer.carriers:
            raise SegmentRefusedError("shared memory was not agreed on", expected="shm in HELLO", found="none")
        if message.segment in peer.rings:
            raise SegmentRefusedError("the number is taken", expected="a new number", found=str(message.segment))
        if len(peer.rings) >= MAX_SEGMENTS:
            raise SegmentRefusedError("too many segments", expected=f"at most {MAX_SEGMENTS}", found="one more")
        self._desk.settler.submit(lambda: self._attach(peer, message))

    def detach(self, peer: Peer, message: wire.Detach) -> Ring:
        """The segment that the link no longer uses. Raises BadMessageError."""
        ring = peer.rings.pop(message.segment, None)
        if ring is None:
            raise BadMessageError("segment", expected="an attached segment", found=str(message.segment))
        return ring

    def take(self, peer: Peer, image: Image) -> tuple[Ring, torch.Tensor, Lease]:
        """A slot's pixels [H, W, C] and its segment; the slot is ours until the lease ends. Raises BadSlotError."""
        ring, slot = peer.ring(image), image.slot
        pixels = ring.segment.pixels(slot, image.to_format(), image.row_bytes)
        ring.take(slot)
        return ring, pixels, Lease(lambda: self._desk.mailbox.post(lambda: self._release(peer, ring, slot)))

    def send_releases(self) -> None:
        """Slots that came back together go back together."""
        if not self._released:
            return
        released, self._released = self._released, {}
        for (peer, ring), slots in released.items():
            if not peer.gone and peer.rings.get(ring.number) is ring:
                self._desk.outbox.send(peer.route, wire.Release(segment=ring.number, slots=tuple(slots)))

    def _release(self, peer: Peer, ring: Ring, slot: int) -> None:
        ring.ours.discard(slot)
        self._released.setdefault((peer, ring), []).append(slot)

    def _attach(self, peer: Peer, message: wire.Attach) -> None:
        try:
            segment = Segment.attach(message.name, message.slot_bytes, message.slots, self._pin)
        except SegmentRefusedError as error:
            refusal = error
            self._desk.mailbox.post(lambda: self._complain(peer.route, refusal, message.id))
            return
        self._desk.mailbox.post(lambda: self._attached(peer, message, segment))

    def _attached(self, peer: Peer, message: wire.Attach, segment: Segment) -> None:
        if peer.gone:
            return
        peer.rings[message.segment] = Ring(message.segment, segment)
        self._desk.outbox.send(peer.route, wire.Attached(id=message.id, segment=message.segment))
