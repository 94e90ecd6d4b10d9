# Pictures are arrays [H, W, C] of uint8, uint16, float16 or float32, row 0 on top; C is 3 or 4. Deadlines in seconds.

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Picture: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float16] | NDArray[np.float32]

class LinkError(Exception):
    name: str
    message: str
    expected: str
    found: str

class Outcome(Protocol):
    # Fingerprints that the backend lacks (then nothing else is set), or the filled pixels.
    need: list[bytes]
    pixels: NDArray[Any]
    cached: bool
    confidence_mean: float
    confidence_low: float
    notices: list[tuple[str, str]]

class Analysis(Protocol):
    # Fingerprints that the backend lacks, or the frames found.
    need: list[bytes]
    frames: list[int]

class Link:
    # abort is called about every 20 ms and ends the call with LinkError "Aborted" when it returns True.
    def __init__(
        self,
        *,
        address: str = ...,
        bundle_resources: str = ...,
        host_name: str = ...,
        host_version: str = ...,
        allow_spawn: bool = ...,
        allow_shared_memory: bool = ...,
        silence: float = ...,
        handshake: float = ...,
        start: float = ...,
        slot_wait: float = ...,
        idle_segment: float = ...,
        shared_memory_bytes: int = ...,
    ) -> None: ...
    def put(
        self,
        array: Picture,
        *,
        premultiplication: str = ...,
        likely_known: bool = ...,
        force: bool = ...,
        abort: Callable[[], bool] | None = ...,
        abort_after_ms: float | None = ...,
    ) -> bytes: ...
    def render(
        self,
        *,
        target: tuple[int, int],
        window: tuple[int, int, int, int] | None = ...,
        time: int = ...,
        frames: Sequence[tuple[int, bytes]] = ...,
        keyframes: Sequence[Mapping[str, Any]] = ...,
        range: tuple[int, int] = ...,
        settings: Mapping[str, Any] = ...,
        session: str = ...,
        priority: int = ...,
        out: Picture | None = ...,
        depth: str = ...,
        components: int = ...,
        premultiplication: str = ...,
        abort: Callable[[], bool] | None = ...,
        abort_after_ms: float | None = ...,
        progress: Callable[[float, str], None] | None = ...,
    ) -> Outcome: ...
    def analyse(
        self,
        *,
        kind: str,
        frames: Sequence[tuple[int, bytes]],
        keyframes: Sequence[int] = ...,
        cuts: Sequence[int] = ...,
        count: int = ...,
        settings: Mapping[str, Any] = ...,
        abort: Callable[[], bool] | None = ...,
        abort_after_ms: float | None = ...,
        progress: Callable[[float, str], None] | None = ...,
    ) -> Analysis: ...
    def wish_budget(self, *, vram: float = ..., ram: float = ..., always: bool = ...) -> bool: ...
    def backend(self) -> dict[str, Any]: ...
    def status(self, abort: Callable[[], bool] | None = ..., abort_after_ms: float | None = ...) -> dict[str, Any]: ...
    def clear_caches(self, abort: Callable[[], bool] | None = ..., abort_after_ms: float | None = ...) -> bool: ...
    def shutdown_backend(self, abort: Callable[[], bool] | None = ..., abort_after_ms: float | None = ...) -> bool: ...
    def counters(self) -> dict[str, Any]: ...

def fingerprint(array: Picture, premultiplication: str = ...) -> bytes: ...
def process_link(host_name: str = ...) -> Link: ...
def shutdown_all() -> None: ...
