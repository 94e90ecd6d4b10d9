"""The messages of docs/protocol.md: numbers, fields, encoding and decoding.

Every value is checked; nothing is trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any, ClassVar, Final, cast

import msgpack

from sparkvsr.frames import Depth, PixelFormat, Premultiplication
from sparkvsr_backend.errors import BadMessageError
from sparkvsr_backend.requests import FINGERPRINT_BYTES, AnalysisRequest, FormatFields, RenderRequest
from sparkvsr_backend.wire import (
    INT64_MAX,
    INT64_MIN,
    UINT32_MAX,
    UINT64_MAX,
    Binary,
    Flag,
    Integer,
    ListOf,
    MapOf,
    Real,
    Record,
    Text,
    Word,
    flat,
    read_record,
    wire,
    write_record,
)

PROTOCOL_MIN: Final = 1
PROTOCOL_MAX: Final = 1
HEADER_BYTES: Final = 1 << 20
SLOT_ALIGNMENT: Final = 64
MAX_SLOTS: Final = 4096
MAX_PARTS: Final = 64

_U32 = Integer(0, UINT32_MAX)
_U64 = Integer(0, UINT64_MAX)
_COUNT = Integer(0, INT64_MAX)
_TIME = Integer(INT64_MIN, INT64_MAX)
_GIGABYTES = Real(0.0, 1e6)
_FINGERPRINT = Binary(FINGERPRINT_BYTES)


class MessageType(IntEnum):
    """Numbers of docs/protocol.md, section 1; never reused."""

    HELLO = 1
    WELCOME = 2
    ERROR = 3
    PING = 4
    PONG = 5
    ATTACH = 6
    ATTACHED = 7
    PUT = 8
    RELEASE = 9
    RENDER = 10
    NEED = 11
    PROGRESS = 12
    DONE = 13
    CANCEL = 14
    STATUS = 15
    STATUS_REPLY = 16
    BYE = 17
    SHUTDOWN = 18
    CLEAR = 19
    DETACH = 20
    ANALYSE = 21
    ANALYSED = 22
    BUDGET = 23


class Carrier(str, Enum):
    """How pixels travel."""

    SHM = "shm"
    INLINE = "inline"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, kw_only=True)
class Image(FormatFields):
    """An image descriptor. ``segment`` and ``slot`` count for shm, ``part`` for inline."""

    row_bytes: int = field(metadata=wire(Integer(1, 1 << 24)))
    carrier: Carrier = field(metadata=wire(Word(Carrier)))
    segment: int = field(default=0, metadata=wire(_U32))
    slot: int = field(default=0, metadata=wire(_U32))
    part: int = field(default=0, metadata=wire(Integer(0, MAX_PARTS)))

    def __post_init__(self) -> None:
        layout = self.to_format()
        if self.row_bytes < layout.row_bytes or self.row_bytes % layout.depth.sample_bytes:
            raise BadMessageError(
                "row_bytes", expected=f"whole samples, at least {layout.row_bytes} bytes", found=str(self.row_bytes)
            )

    @property
    def span_bytes(self) -> int:
        """Bytes from the first sample to the last: what a slot or a part must hold."""
        layout = self.to_format()
        return (layout.height - 1) * self.row_bytes + layout.row_bytes

    @staticmethod
    def inline(layout: PixelFormat, part: int = 1) -> Image:
        """Tightly packed rows in a payload part."""
        return _describe(layout, layout.row_bytes, Carrier.INLINE, part=part)

    @staticmethod
    def in_slot(layout: PixelFormat, segment: int, slot: int, row_bytes: int | None = None) -> Image:
        """Rows in a slot of a shared memory segment; tightly packed unless ``row_bytes`` says otherwise."""
        return _describe(layout, row_bytes or layout.row_bytes, Carrier.SHM, segment=segment, slot=slot)


def _describe(
    layout: PixelFormat, row_bytes: int, carrier: Carrier, segment: int = 0, slot: int = 0, part: int = 0
) -> Image:
    return Image(
        width=layout.width,
        height=layout.height,
        components=layout.components,
        depth=Depth(layout.depth),
        premultiplication=Premultiplication(layout.premultiplication),
        row_bytes=row_bytes,
        carrier=carrier,
        segment=segment,
        slot=slot,
        part=part,
    )


@dataclass(frozen=True, kw_only=True)
class Party:
    """Name and version of a program."""

    name: str = field(default="unknown", metadata=wire(Text()))
    version: str = field(default="0", metadata=wire(Text()))


@dataclass(frozen=True, kw_only=True)
class EngineCard:
    """What WELCOME says of an engine."""

    name: str = field(metadata=wire(Text(64)))
    scales: tuple[int, ...] = field(metadata=wire(ListOf(Integer(1, 64))))
    window: int = field(metadata=wire(_COUNT))
    identity: str = field(metadata=wire(Text()))


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Sizes beyond which a message is refused."""

    header_bytes: int = field(metadata=wire(_COUNT))
    frame_bytes: int = field(metadata=wire(_COUNT))


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """Mean over the frame, and the share of pixels below 0.5; 1 and 0 where no keyframe was used."""

    mean: float = field(default=1.0, metadata=wire(Real(0.0, 1.0)))
    low: float = field(default=0.0, metadata=wire(Real(0.0, 1.0)))


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something the artist should know that did not stop the render."""

    name: str = field(metadata=wire(Text(64)))
    text: str = field(metadata=wire(Text(4096)))


@dataclass(frozen=True, kw_only=True)
class RequestCounters:
    """What became of the requests since the start."""

    rendered: int = field(default=0, metadata=wire(_COUNT))
    cached: int = field(default=0, metadata=wire(_COUNT))
    cancelled: int = field(default=0, metadata=wire(_COUNT))
    failed: int = field(default=0, metadata=wire(_COUNT))
    needed: int = field(default=0, metadata=wire(_COUNT))


@dataclass(frozen=True, kw_only=True)
class FrameCounters:
    """Pixels that came in since the start."""

    received: int = field(default=0, metadata=wire(_COUNT))
    received_bytes: int = field(default=0, metadata=wire(_COUNT))


@dataclass(frozen=True, kw_only=True)
class TierCounters:
    """One tier of the cache."""

    hits: int = field(default=0, metadata=wire(_COUNT))
    misses: int = field(default=0, metadata=wire(_COUNT))
    entries: int = field(default=0, metadata=wire(_COUNT))
    bytes: int = field(default=0, metadata=wire(_COUNT))
    budget_bytes: int = field(default=0, metadata=wire(_COUNT))
    evictions: int = field(default=0, metadata=wire(_COUNT))


@dataclass(frozen=True, kw_only=True)
class Message:
    """Base: every header has a type and the request's id (0 where no request is meant)."""

    TYPE: ClassVar[MessageType]
    id: int = field(default=0, metadata=wire(_U64))


@dataclass(frozen=True, kw_only=True)
class Hello(Message):
    """→ The first message of a connection."""

    TYPE = MessageType.HELLO
    proto_min: int = field(metadata=wire(_U32))
    proto_max: int = field(metadata=wire(_U32))
    token: str = field(metadata=wire(Text(128)))
    client: Party = field(default_factory=Party, metadata=wire(Record(Party)))
    host: Party = field(default_factory=Party, metadata=wire(Record(Party)))
    pid: int = field(default=0, metadata=wire(_COUNT))
    carriers: tuple[str, ...] = field(default=(), metadata=wire(ListOf(Text(64), 16)))


@dataclass(frozen=True, kw_only=True)
class Welcome(Message):
    """← Accepted; who serves."""

    TYPE = MessageType.WELCOME
    proto: int = field(metadata=wire(_U32))
    server: Party = field(metadata=wire(Record(Party)))
    instance: str = field(metadata=wire(Text(64)))
    pid: int = field(metadata=wire(_COUNT))
    device: str = field(metadata=wire(Text()))
    engines: tuple[EngineCard, ...] = field(metadata=wire(ListOf(Record(EngineCard), 64)))
    carriers: tuple[str, ...] = field(metadata=wire(ListOf(Text(64), 16)))
    limits: Limits = field(metadata=wire(Record(Limits)))
    arithmetic: str = field(default="", metadata=wire(Text(), sparse=True))


@dataclass(frozen=True, kw_only=True)
class Error(Message):
    """← The request (or, with id 0, the connection) failed."""

    TYPE = MessageType.ERROR
    name: str = field(metadata=wire(Text(64)))
    message: str = field(default="", metadata=wire(Text(4096)))
    expected: str = field(default="", metadata=wire(Text(4096)))
    found: str = field(default="", metadata=wire(Text(4096)))


@dataclass(frozen=True, kw_only=True)
class Ping(Message):
    """→ Are you alive."""

    TYPE = MessageType.PING


@dataclass(frozen=True, kw_only=True)
class Pong(Message):
    """← Yes."""

    TYPE = MessageType.PONG


@dataclass(frozen=True, kw_only=True)
class Attach(Message):
    """→ A shared memory segment to map."""

    TYPE = MessageType.ATTACH
    segment: int = field(metadata=wire(_U32))
    name: str = field(metadata=wire(Text(64)))
    slot_bytes: int = field(metadata=wire(Integer(SLOT_ALIGNMENT, 1 << 40)))
    slots: int = field(metadata=wire(Integer(1, MAX_SLOTS)))

    def __post_init__(self) -> None:
        if self.slot_bytes % SLOT_ALIGNMENT:
            raise BadMessageError("slot_bytes", expected=f"a multiple of {SLOT_ALIGNMENT}", found=str(self.slot_bytes))


@dataclass(frozen=True, kw_only=True)
class Attached(Message):
    """← Mapped."""

    TYPE = MessageType.ATTACHED
    segment: int = field(metadata=wire(_U32))


@dataclass(frozen=True, kw_only=True)
class Put(Message):
    """→ The pixels of a frame; a slot changes owner."""

    TYPE = MessageType.PUT
    fingerprint: bytes = field(metadata=wire(_FINGERPRINT))
    image: Image = field(metadata=wire(Record(Image)))


@dataclass(frozen=True, kw_only=True)
class Release(Message):
    """← Slots go back to the link."""

    TYPE = MessageType.RELEASE
    segment: int = field(metadata=wire(_U32))
    slots: tuple[int, ...] = field(metadata=wire(ListOf(_U32, MAX_SLOTS)))


@dataclass(frozen=True, kw_only=True)
class Render(Message):
    """→ Make one frame. ``request`` holds what to make, ``output`` where to deliver it."""

    TYPE = MessageType.RENDER
    request: RenderRequest = field(metadata=flat(RenderRequest))
    output: Image = field(metadata=wire(Record(Image)))


@dataclass(frozen=True, kw_only=True)
class Need(Message):
    """← Pixels of these fingerprints are missing; the request is dropped."""

    TYPE = MessageType.NEED
    fingerprints: tuple[bytes, ...] = field(metadata=wire(ListOf(_FINGERPRINT)))


@dataclass(frozen=True, kw_only=True)
class Progress(Message):
    """← How far a request is."""

    TYPE = MessageType.PROGRESS
    fraction: float = field(metadata=wire(Real(0.0, 1.0)))
    stage: str = field(default="", metadata=wire(Text()))


@dataclass(frozen=True, kw_only=True)
class Done(Message):
    """← The frame."""

    TYPE = MessageType.DONE
    image: Image = field(metadata=wire(Record(Image)))
    cached: bool = field(default=False, metadata=wire(Flag()))
    confidence: Confidence = field(default_factory=Confidence, metadata=wire(Record(Confidence)))
    notices: tuple[Notice, ...] = field(default=(), metadata=wire(ListOf(Record(Notice), 1024)))
    timings: dict[str, float] = field(default_factory=dict, metadata=wire(MapOf(Real())))


@dataclass(frozen=True, kw_only=True)
class Cancel(Message):
    """→ Forget the request; no answer follows."""

    TYPE = MessageType.CANCEL


@dataclass(frozen=True, kw_only=True)
class Status(Message):
    """→ Counters, please."""

    TYPE = MessageType.STATUS


@dataclass(frozen=True, kw_only=True)
class StatusReply(Message):
    """← Counters."""

    TYPE = MessageType.STATUS_REPLY
    version: str = field(metadata=wire(Text()))
    instance: str = field(metadata=wire(Text(64)))
    pid: int = field(metadata=wire(_COUNT))
    uptime_s: float = field(metadata=wire(Real(0.0)))
    device: str = field(metadata=wire(Text()))
    requests: RequestCounters = field(metadata=wire(Record(RequestCounters)))
    frames: FrameCounters = field(metadata=wire(Record(FrameCounters)))
    cache: dict[str, TierCounters] = field(metadata=wire(MapOf(Record(TierCounters))))
    sessions: int = field(default=0, metadata=wire(_COUNT))
    queue: int = field(default=0, metadata=wire(_COUNT))
    clients: int = field(default=0, metadata=wire(_COUNT))


@dataclass(frozen=True, kw_only=True)
class Bye(Message):
    """→ The link goes; its slots and leases are forgotten."""

    TYPE = MessageType.BYE


@dataclass(frozen=True, kw_only=True)
class Shutdown(Message):
    """→ Finish and exit (answered by PONG)."""

    TYPE = MessageType.SHUTDOWN


@dataclass(frozen=True, kw_only=True)
class Clear(Message):
    """→ Empty the caches (answered by PONG)."""

    TYPE = MessageType.CLEAR


@dataclass(frozen=True, kw_only=True)
class Detach(Message):
    """→ A segment that the link no longer uses."""

    TYPE = MessageType.DETACH
    segment: int = field(metadata=wire(_U32))


@dataclass(frozen=True, kw_only=True)
class Analyse(Message):
    """→ Look at many frames, and say which ones matter. ``request`` holds what is asked of which frames."""

    TYPE = MessageType.ANALYSE
    request: AnalysisRequest = field(metadata=flat(AnalysisRequest))


@dataclass(frozen=True, kw_only=True)
class Analysed(Message):
    """← The frames that were asked for, ascending."""

    TYPE = MessageType.ANALYSED
    frames: tuple[int, ...] = field(metadata=wire(ListOf(_TIME)))


@dataclass(frozen=True, kw_only=True)
class Budget(Message):
    """→ How much memory the caches may take, in GiB (answered by PONG). 0: the backend decides."""

    TYPE = MessageType.BUDGET
    vram_gb: float = field(default=0.0, metadata=wire(_GIGABYTES))
    ram_gb: float = field(default=0.0, metadata=wire(_GIGABYTES))


MESSAGES: Final[dict[int, type[Message]]] = {
    int(message.TYPE): message
    for message in (
        *(Hello, Welcome, Error, Ping, Pong, Attach, Attached, Put, Release, Render, Need, Progress, Done),
        *(Cancel, Status, StatusReply, Bye, Shutdown, Clear, Detach, Analyse, Analysed, Budget),
    )
}


def encode(message: Message) -> bytes:
    """The header part of a message."""
    header = {"type": int(message.TYPE), **write_record(message)}
    return cast(bytes, msgpack.packb(header, use_bin_type=True))


def decode(data: bytes | memoryview) -> Message:
    """The message that a header part holds. Raises BadMessageError, with ``request_id`` where one could be read."""
    header = _unpack(data)
    number = header.get("id", 0)
    request_id = number if type(number) is int and 0 <= number <= UINT64_MAX else 0
    try:
        return read_record(_class_of(header), header)
    except BadMessageError as error:
        error.request_id = request_id
        raise


def _unpack(data: bytes | memoryview) -> dict[str, Any]:
    if len(data) > HEADER_BYTES:
        raise BadMessageError("header", expected=f"at most {HEADER_BYTES} bytes", found=f"{len(data)} bytes")
    try:
        header = msgpack.unpackb(data, raw=False, strict_map_key=True)
    except Exception as error:  # noqa: BLE001 - whatever a parser says of foreign bytes, they are malformed
        raise BadMessageError("header", expected="one MessagePack map", found=type(error).__name__) from None
    if type(header) is not dict:
        raise BadMessageError("header", expected="a MessagePack map", found=type(header).__name__)
    return header


def _class_of(header: dict[str, Any]) -> type[Message]:
    number = header.get("type")
    cls = MESSAGES.get(number) if type(number) is int else None
    if cls is None:
        raise BadMessageError("type", expected=f"1..{max(MESSAGES)}", found=repr(number)[:64])
    return cls
