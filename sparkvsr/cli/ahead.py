"""Frames of a clip in order, with the next chunk in the making: one is decoded while another is transformed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType

from sparkvsr.cli.clip_renderer import ClipRenderer
from sparkvsr.engine import Watch
from sparkvsr_backend.computation import RenderResult

_log = logging.getLogger(__name__)
DEPTH = 1
"""Chunks in the making beside the one whose frames are taken: with those of an overlap, and one that is not needed any
more but was used last, as many as are kept. Two are at work whenever a frame has to wait for its chunk."""


class Ahead(AbstractContextManager["Ahead"]):
    """Renders ``numbers``. What is made ahead lands in the caches, so no frame differs; failures show in their turn."""

    def __init__(self, renderer: ClipRenderer, numbers: Sequence[int], depth: int = DEPTH) -> None:
        self._renderer = renderer
        self._numbers = numbers
        self._depth = depth if renderer.works_in_chunks else 0
        self._begun: set[int] = set()
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(max(1, self._depth), thread_name_prefix="ahead")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __iter__(self) -> Iterator[tuple[int, RenderResult]]:
        for number in self._numbers:
            self._begin_after(number)
            yield number, self._renderer.render(number)

    def _begin_after(self, number: int) -> None:
        for later in self._renderer.later_chunks(number, self._depth):
            if later <= self._numbers[-1] and later not in self._begun:
                self._begun.add(later)
                self._pool.submit(self._prepare, later)

    def _prepare(self, number: int) -> None:
        try:
            self._renderer.render(number, Watch(cancelled=self._ended.is_set))
        except Exception as error:  # noqa: BLE001 - the frame itself will meet it again, and tell
            _log.debug("frame %d could not be made ahead: %s", number, error)
