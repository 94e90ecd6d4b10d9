"""What a caller asks for: one frame of one clip. Plain values that mirror docs/protocol.md, section 6."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from itertools import pairwise

from sparkvsr.color import Transfer
from sparkvsr.frames import MAX_SIDE, Depth, PixelFormat, Premultiplication
from sparkvsr_backend.errors import BadMessageError
from sparkvsr_backend.wire import (
    INT64_MAX,
    INT64_MIN,
    Binary,
    Integer,
    ListOf,
    Optional,
    Real,
    Record,
    Row,
    Text,
    Word,
    wire,
)

FINGERPRINT_BYTES = 16
LONGEST_PATH = 4096
LONGEST_ENGINE = 256
LONGEST_WINDOW = 4096
LONGEST_ANALYSIS = 16384

_TIME = Integer(INT64_MIN, INT64_MAX)
_FINGERPRINT = Binary(FINGERPRINT_BYTES)
_SIDE = Integer(1, MAX_SIDE)


class Priority(IntEnum):
    """Who runs first."""

    INTERACTIVE = 0
    PREFETCH = 1
    BATCH = 2


class View(str, Enum):
    """What of the frame is shown."""

    RESULT = "result"
    SOURCE = "source"
    BLIND = "blind"
    DIFFERENCE = "difference"
    CONFIDENCE = "confidence"
    INFLUENCE = "influence"
    SPLIT = "split"

    def __str__(self) -> str:
        return self.value


class Precision(str, Enum):
    """Arithmetic of the engine."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"

    def __str__(self) -> str:
        return self.value


class Quality(str, Enum):
    """How much work the engine may be: ``draft`` for scrubbing, ``full`` for what is kept."""

    FULL = "full"
    DRAFT = "draft"

    def __str__(self) -> str:
        return self.value


class AnalysisKind(str, Enum):
    """What is asked of many frames: where shots begin, or which frames would gain the most as keyframes."""

    CUTS = "cuts"
    SUGGEST = "suggest"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What changes pixels; the ranges are those of the wire.

    ``arithmetic``: the kind of machine that the project is bound to; empty: any.
    """

    engine: str = field(metadata=wire(Text(LONGEST_ENGINE)))
    scale: int = field(metadata=wire(Integer(1, 4)))
    guidance: float = field(default=1.0, metadata=wire(Real(0.0, 2.0)))
    trust: float = field(default=0.0, metadata=wire(Real(0.0, 1.0)))
    view: View = field(default=View.RESULT, metadata=wire(Word(View)))
    transfer: Transfer = field(metadata=wire(Word(Transfer)))
    cuts: tuple[int, ...] = field(default=(), metadata=wire(ListOf(_TIME)))
    grid: int = field(default=0, metadata=wire(Integer(0, LONGEST_WINDOW)))
    split: float = field(default=0.5, metadata=wire(Real(0.0, 1.0)))
    precision: Precision = field(default=Precision.FLOAT32, metadata=wire(Word(Precision)))
    generation: int = field(default=0, metadata=wire(_TIME))
    grain: float = field(default=0.0, metadata=wire(Real(0.0, 2.0)))
    sharpness: float = field(default=0.0, metadata=wire(Real(0.0, 2.0)))
    quality: Quality = field(default=Quality.FULL, metadata=wire(Word(Quality)))
    arithmetic: str = field(default="", metadata=wire(Text(256)))


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A keyframe's picture: pixels that were put, an absolute path of a file, or the image model that is to make it.

    Exactly one of them is set. ``transfer``: of a file's samples; None: as the file says.
    """

    fingerprint: bytes | None = field(default=None, metadata=wire(Optional(_FINGERPRINT)))
    path: str | None = field(default=None, metadata=wire(Optional(Text(LONGEST_PATH))))
    model: str | None = field(default=None, metadata=wire(Optional(Text(LONGEST_PATH))))
    transfer: Transfer | None = field(default=None, metadata=wire(Optional(Word(Transfer))))

    def __post_init__(self) -> None:
        given = [one for one in (self.fingerprint, self.path, self.model) if one is not None]
        if len(given) != 1:
            expected = "one of a fingerprint, a path, a model"
            raise BadMessageError(": wrong value", expected=expected, found=f"{len(given)} of them")
        if self.transfer is not None and self.path is None:
            raise BadMessageError(": wrong value", expected="a transfer of a path alone", found="one without a path")


@dataclass(frozen=True, kw_only=True)
class KeyframeUse:
    """A keyframe to use. ``source``: fingerprint of its own source frame; None where the host is blind to time.

    ``label``: what the artist calls its frame, for messages; None where that is ``time``.
    """

    time: int = field(metadata=wire(_TIME))
    picture: Picture = field(metadata=wire(Record(Picture)))
    source: bytes | None = field(default=None, metadata=wire(Optional(_FINGERPRINT)))
    strength: float = field(default=1.0, metadata=wire(Real(0.0, 1.0)))
    label: int | None = field(default=None, metadata=wire(Optional(_TIME)))

    @property
    def name(self) -> str:
        """What messages call it: "keyframe 1024"."""
        return f"keyframe {self.time if self.label is None else self.label}"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Size of the whole output frame, and the part wanted: x1, y1, x2, y2 from the top left, x2 and y2 exclusive."""

    width: int = field(metadata=wire(_SIDE))
    height: int = field(metadata=wire(_SIDE))
    window: tuple[int, int, int, int] = field(metadata=wire(Row((Integer(0, MAX_SIDE),) * 4)))

    def __post_init__(self) -> None:
        x1, y1, x2, y2 = self.window
        if not (x1 < x2 <= self.width and y1 < y2 <= self.height):
            raise BadMessageError(
                "window", expected=f"a part of {self.width}×{self.height}", found=f"{x1}, {y1}, {x2}, {y2}"
            )

    @property
    def is_whole(self) -> bool:
        """Whether the whole frame is wanted."""
        return self.window == (0, 0, self.width, self.height)

    @staticmethod
    def whole(width: int, height: int) -> Target:
        """All of a frame."""
        return Target(width=width, height=height, window=(0, 0, width, height))


class PixelFormatCodec:
    """The pixel format inside an image descriptor; its other keys are left alone."""

    def read(self, value: object) -> PixelFormat:
        """Raises BadMessageError."""
        return _FORMAT.read(value).to_format()

    def write(self, value: PixelFormat) -> object:
        """The keys of the format."""
        return _FORMAT.write(
            FormatFields(
                width=value.width,
                height=value.height,
                components=value.components,
                depth=value.depth,
                premultiplication=value.premultiplication,
            )
        )


@dataclass(frozen=True, kw_only=True)
class FormatFields:
    """Size, components, depth and alpha as they travel."""

    width: int = field(metadata=wire(_SIDE))
    height: int = field(metadata=wire(_SIDE))
    components: int = field(metadata=wire(Integer(3, 4)))
    depth: Depth = field(metadata=wire(Word(Depth)))
    premultiplication: Premultiplication = field(metadata=wire(Word(Premultiplication)))

    def to_format(self) -> PixelFormat:
        """As the science knows it."""
        return PixelFormat(self.width, self.height, self.components, self.depth, self.premultiplication)


_FORMAT = Record(FormatFields)


@dataclass(frozen=True, kw_only=True)
class RenderRequest:
    """Make one frame. ``output`` is the format wanted; its size is the target window's."""

    session: str = field(metadata=wire(Text(256)))
    priority: Priority = field(default=Priority.INTERACTIVE, metadata=wire(Word(Priority)))
    time: int = field(metadata=wire(_TIME))
    settings: Settings = field(metadata=wire(Record(Settings)))
    window: tuple[tuple[int, bytes], ...] = field(metadata=wire(ListOf(Row((_TIME, _FINGERPRINT)), LONGEST_WINDOW)))
    keyframes: tuple[KeyframeUse, ...] = field(default=(), metadata=wire(ListOf(Record(KeyframeUse), LONGEST_WINDOW)))
    range: tuple[int, int] = field(metadata=wire(Row((_TIME, _TIME))))
    target: Target = field(metadata=wire(Record(Target)))
    output: PixelFormat = field(metadata=wire(PixelFormatCodec()))

    def __post_init__(self) -> None:
        times = [time for time, _ in self.window]
        if times.count(self.time) != 1 or len(set(times)) != len(times):
            raise BadMessageError(
                "window", expected=f"each frame once, that at {self.time} among them", found=f"{times[:8]}"
            )
        if len({keyframe.time for keyframe in self.keyframes}) != len(self.keyframes):
            raise BadMessageError("keyframes", expected="each time once", found="a time twice")
        x1, y1, x2, y2 = self.target.window
        if (self.output.width, self.output.height) != (x2 - x1, y2 - y1):
            raise BadMessageError(
                "output",
                expected=f"the size of the target's window, {x2 - x1}×{y2 - y1}",
                found=f"{self.output.width}×{self.output.height}",
            )

    @property
    def own_frame(self) -> bytes:
        """Fingerprint of the source frame at ``time``."""
        return next(fingerprint for time, fingerprint in self.window if time == self.time)

    @property
    def fingerprints(self) -> tuple[bytes, ...]:
        """Of all pixels that this request speaks of."""
        found = [fingerprint for _, fingerprint in self.window]
        for keyframe in self.keyframes:
            found += [one for one in (keyframe.picture.fingerprint, keyframe.source) if one is not None]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class AnalysisRequest:
    """Look at ``frames`` (time, fingerprint) and name some of them.

    ``count``: how many to suggest beside ``keyframes``, the ones there are; ``cuts``: first frames of shots, where they
    are known. ``scale`` is that of the settings, or 0; nothing that is asked today depends on it.
    """

    kind: AnalysisKind = field(metadata=wire(Word(AnalysisKind)))
    frames: tuple[tuple[int, bytes], ...] = field(metadata=wire(ListOf(Row((_TIME, _FINGERPRINT)), LONGEST_ANALYSIS)))
    keyframes: tuple[int, ...] = field(default=(), metadata=wire(ListOf(_TIME, LONGEST_ANALYSIS)))
    cuts: tuple[int, ...] = field(default=(), metadata=wire(ListOf(_TIME)))
    count: int = field(default=0, metadata=wire(Integer(0, LONGEST_ANALYSIS)))
    scale: int = field(default=0, metadata=wire(Integer(0, 4)))
    settings: Settings = field(metadata=wire(Record(Settings)))

    def __post_init__(self) -> None:
        times = [time for time, _ in self.frames]
        if not times or any(later <= earlier for earlier, later in pairwise(times)):
            raise BadMessageError("frames", expected="at least one, each once, ascending", found=f"{times[:8]}")
        if self.kind is AnalysisKind.SUGGEST:
            self._check_suggestion(set(times))

    def _check_suggestion(self, times: set[int]) -> None:
        outside = sorted(set(self.keyframes) - times)
        if outside:
            raise BadMessageError("keyframes", expected="times of the frames", found=f"{outside[:8]}")
        free = len(times) - len(set(self.keyframes))
        if not 1 <= self.count <= free:
            raise BadMessageError("count", expected=f"1..{free}, frames that are none yet", found=f"{self.count}")
