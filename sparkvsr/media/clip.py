"""What a clip is to the rest of the program: numbered frames, random access, and a small window of them in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from sparkvsr.color import Transfer
from sparkvsr.frames import Frame, PixelFormat
from sparkvsr.media.errors import MissingFrameError
from sparkvsr.media.patterns import format_ranges

WINDOW_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """Facts that hold for all frames of a clip.

    ``rate``: frames per second, None where the files do not say (sequences). ``constant_rate``: False for variable
    frame rate.
    """

    layout: PixelFormat
    transfer: Transfer
    rate: Fraction | None = None
    constant_rate: bool = True
    pixel_aspect: float = 1.0
    description: str = ""


class Clip(Protocol):
    """Numbered frames. Not thread-safe. Close it (``contextlib.closing``)."""

    @property
    def info(self) -> ClipInfo:
        """Facts that hold for all frames."""

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of the frames, ascending; a range where there are no gaps."""

    def read(self, number: int) -> Frame:
        """One frame. Raises MissingFrameError, UnreadableMediaError, InconsistentSequenceError."""

    def seconds(self, number: int) -> Fraction | None:
        """When the frame is shown, from the first frame on; None where only the order is known."""

    def close(self) -> None:
        """Let go of files and memory."""


class FrameWindow:
    """The frames used last, up to ``budget_bytes``: what keeps a clip of 10 000 frames out of memory."""

    def __init__(self, budget_bytes: int = WINDOW_BYTES) -> None:
        self._budget = budget_bytes
        self._held = 0
        self._frames: OrderedDict[int, Frame] = OrderedDict()

    @property
    def held_bytes(self) -> int:
        """Bytes of the frames in memory now."""
        return self._held

    def get(self, number: int) -> Frame | None:
        """The frame, if it is still here."""
        if number in self._frames:
            self._frames.move_to_end(number)
        return self._frames.get(number)

    def put(self, number: int, frame: Frame) -> None:
        """Keep a frame; the longest unused ones leave. The newest one always stays."""
        self.drop(number)
        self._frames[number] = frame
        self._held += frame.nbytes
        while self._held > self._budget and len(self._frames) > 1:
            self._held -= self._frames.popitem(last=False)[1].nbytes

    def drop(self, number: int) -> None:
        """Forget a frame; nothing happens when it is not here."""
        old = self._frames.pop(number, None)
        self._held -= old.nbytes if old else 0

    def clear(self) -> None:
        """Forget all frames."""
        self._frames.clear()
        self._held = 0


class ClipBase(ABC):
    """What all clips share: the window, the range check and closing."""

    def __init__(self, name: str, window_bytes: int = WINDOW_BYTES) -> None:
        self._name = name
        self._window = FrameWindow(window_bytes)

    @property
    @abstractmethod
    def info(self) -> ClipInfo:
        """Facts that hold for all frames."""

    @property
    @abstractmethod
    def numbers(self) -> Sequence[int]:
        """The numbers of the frames, ascending."""

    @property
    def window(self) -> FrameWindow:
        """The frames in memory."""
        return self._window

    def read(self, number: int) -> Frame:
        """One frame, from the window or from the file. Raises MissingFrameError, UnreadableMediaError."""
        held = self._window.get(number)
        if held is not None:
            return held
        self._require(number)
        frame = self._load(number)
        self._window.put(number, frame)
        return frame

    def seconds(self, number: int) -> Fraction | None:
        """When the frame is shown, from the first frame on; None where there is no frame rate."""
        rate = self.info.rate
        return None if rate is None else Fraction(number - self.numbers[0]) / rate

    def close(self) -> None:
        """Let go of the frames in memory."""
        self._window.clear()

    def _require(self, number: int) -> None:
        numbers = self.numbers
        present = number in numbers if isinstance(numbers, range) else number in set(numbers)
        if not present:
            has = format_ranges(list(numbers)) if len(numbers) < 10_000 else f"{numbers[0]}-{numbers[-1]}"
            raise MissingFrameError(f"{self._name}: no frame {number}", expected=has, found=str(number))

    @abstractmethod
    def _load(self, number: int) -> Frame:
        """Read one frame, whose number has been checked."""


class GeneratedClip(ClipBase):
    """A clip whose frames are made by a function of their number: for synthetic clips, reductions and tests."""

    def __init__(
        self, info: ClipInfo, numbers: Sequence[int], make: Callable[[int], Frame], window_bytes: int = WINDOW_BYTES
    ) -> None:
        super().__init__(info.description or "generated clip", window_bytes)
        self._info = info
        self._numbers = numbers
        self._make = make

    @property
    def info(self) -> ClipInfo:
        """Facts that hold for all frames."""
        return self._info

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of the frames, ascending."""
        return self._numbers

    def _load(self, number: int) -> Frame:
        return self._make(number)
