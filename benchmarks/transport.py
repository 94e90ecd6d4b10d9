"""What the way there and back costs: a frame through the link, shared memory and an engine that copies.

For each size the round trip (fingerprint, copy into a slot, PUT, RENDER, copy by the engine, DONE, copy out of the
slot) is printed beside two plain memcpys of the same bytes, measured in turn with it in the same run, and their
ratio. Nothing is asserted. Every round trip sends a frame that the backend has never seen.

Counted are the rounds after the backend's caches have filled, as in long work: until then each frame takes memory that
nobody has touched before, and a machine may need longer to give it than to copy it. Between round trips lies a rest, in
which the backend copies what it keeps; small frames are sent one upon the other as well. After a rest a processor
begins with cold caches, which only small frames notice.

    python benchmarks/transport.py [--rounds N] [--carrier shm|inline] [--sizes 64x64 1920x1080 3840x2160] [--rest MS]
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).resolve().parent.parent
SIZES = ("64x64", "1920x1080", "3840x2160")
START_S = 120.0
CACHE_GB = 1.0  # full after a few UHD frames: from then on memory is used again
LARGEST_SHARE = 0.3  # of it, that one kind of pictures may take
REST_MS = 60.0
FEWEST_UNCOUNTED, MOST_UNCOUNTED = 10, 60

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Times:
    """Milliseconds of one size, one number per round; ``rest_ms``: before each."""

    width: int
    height: int
    rest_ms: float
    memcpys: list[float]
    round_trips: list[float]

    @property
    def ratio(self) -> float:
        """Round trip in units of two memcpys."""
        return median(self.round_trips) / median(self.memcpys)

    def quantile(self, share: float) -> float:
        """Of the round trips."""
        return sorted(self.round_trips)[min(int(share * len(self.round_trips)), len(self.round_trips) - 1)]


class Pictures:
    """RGBA float frames, each different from all before, in memory that has been touched."""

    def __init__(self, width: int, height: int) -> None:
        self.source: Array = np.random.default_rng().random((height, width, 4), dtype=np.float32)
        self.middle: Array = np.zeros_like(self.source)
        self.result: Array = np.zeros_like(self.source)
        self._count = 0

    def renew(self) -> None:
        """Change the source a little."""
        self._count += 1
        self.source[0, 0, 0] = self._count / 65536.0

    def two_memcpys(self) -> None:
        """There and back, by the C library."""
        for target, source in ((self.middle, self.source), (self.result, self.middle)):
            ctypes.memmove(target.ctypes.data, source.ctypes.data, source.nbytes)


def measure(width: int, height: int, rounds: int, rest_ms: float, send: Callable[[Pictures], None]) -> Times:
    """Round trips and memcpys in turn; those in which the caches fill are not counted."""
    pictures, times = Pictures(width, height), Times(width, height, rest_ms, [], [])
    uncounted = rounds_to_fill(pictures.source.nbytes)
    for number in range(uncounted + rounds):
        time.sleep(rest_ms / 1e3)
        pictures.renew()
        copies = milliseconds(pictures.two_memcpys)
        pictures.result[...] = 0
        trip = milliseconds(lambda: send(pictures))
        if not np.array_equal(pictures.result, pictures.source):
            raise SystemExit("the frame came back changed")
        if number >= uncounted:
            times.memcpys.append(copies)
            times.round_trips.append(trip)
    return times


def rounds_to_fill(frame_bytes: int) -> int:
    """How many frames the caches take, and a few more."""
    fitting = int(CACHE_GB * 2**30 * LARGEST_SHARE / frame_bytes)
    return min(max(fitting + 3, FEWEST_UNCOUNTED), MOST_UNCOUNTED)


def milliseconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


@contextmanager
def backend() -> Iterator[Path]:
    """A server with an engine that copies, in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="svsr-") as folder:
        directory = Path(folder, "run")
        python_path = os.pathsep.join(str(REPOSITORY / part) for part in (".", "backend", "tests"))
        environment = {**os.environ, "SPARKVSR_RUNTIME_DIR": str(directory), "PYTHONPATH": python_path}
        process = subprocess.Popen(
            [sys.executable, "-m", "support.serve", "--cache-gb", str(CACHE_GB)], env=environment
        )
        try:
            wait_until_there(directory / "endpoint-v1.json", process)
            yield directory
        finally:
            process.terminate()
            process.wait(10)


def wait_until_there(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("the backend did not start")
        time.sleep(0.05)


@contextmanager
def link_sender(directory: Path, carrier: str) -> Iterator[Callable[[Pictures], None]]:
    """Round trips by the C++ link, as the plugin makes them."""
    from sparkvsr_bridge._core import link

    os.environ["SPARKVSR_RUNTIME_DIR"] = str(directory)
    connection = link.Link(allow_spawn=False, allow_shared_memory=carrier == "shm")
    settings = {"engine": "copy", "scale": 1, "transfer": "srgb"}

    def send(pictures: Pictures) -> None:
        height, width, _ = pictures.source.shape
        fingerprint = connection.put(pictures.source)
        frames = [(0, fingerprint)]
        outcome = connection.render(target=(width, height), frames=frames, settings=settings, out=pictures.result)
        if outcome.need:
            raise SystemExit("the backend asked for a frame that it had just been sent")

    try:
        yield send
        used = connection.counters()
        if used["carrier"] != carrier:
            raise SystemExit(f"asked for {carrier}, got {used['carrier']}: {used['carrier_reason']}")
    finally:
        link.shutdown_all()


def report(results: list[Times], carrier: str) -> None:
    table = Table(title=f"Round trip through an engine that copies, {carrier} carrier, RGBA float")
    for name in ("size", "MB", "rest, ms", "two memcpys, ms", "round trip p50, ms", "p10", "p90", "ratio"):
        table.add_column(name, justify="right")
    for times in results:
        table.add_row(
            f"{times.width}×{times.height}",
            f"{times.width * times.height * 16 / 1e6:.1f}",
            f"{times.rest_ms:.0f}",
            f"{median(times.memcpys):.3f}",
            f"{median(times.round_trips):.3f}",
            f"{times.quantile(0.1):.3f}",
            f"{times.quantile(0.9):.3f}",
            f"{times.ratio:.2f}",
        )
    Console().print(table)


def is_small(width: int, height: int) -> bool:
    return width * height < 100_000


def plan(sizes: list[tuple[int, int]], rests_ms: list[float] | None) -> list[tuple[int, int, float]]:
    """What is measured: sizes, each with the rests before its round trips."""
    return [
        (width, height, rest)
        for width, height in sizes
        for rest in (rests_ms or ([0.0, REST_MS] if is_small(width, height) else [REST_MS]))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=0, help="round trips of each size (default: by size)")
    parser.add_argument("--carrier", choices=("shm", "inline"), default="shm")
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="WxH")
    parser.add_argument("--rest", type=float, nargs="+", metavar="MS", help="before each round trip (default: by size)")
    options = parser.parse_args()
    sizes = [(int(width), int(height)) for width, height in (size.split("x") for size in options.sizes)]
    with backend() as directory, link_sender(directory, options.carrier) as send:
        results = [
            measure(width, height, options.rounds or (200 if is_small(width, height) else 25), rest, send)
            for width, height, rest in plan(sizes, options.rest)
        ]
    report(results, options.carrier)


if __name__ == "__main__":
    main()
