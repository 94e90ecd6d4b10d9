"""What the way there and back costs: a frame through the link, shared memory and an engine that copies.

For each size the round trip (fingerprint, copy into a slot, PUT, RENDER, copy by the engine, DONE, copy out of the
slot) is printed beside two plain memcpys of the same bytes, measured in turn with it in the same run, and their
ratio. Nothing is asserted. Every round trip sends a frame that the backend has never seen.

    python benchmarks/transport.py [--rounds N] [--carrier shm|inline] [--sizes 64x64 1920x1080 3840x2160]
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
CACHE_GB = "1.5"  # full after a few UHD frames, as in long work: from then on memory is used again

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Times:
    """Milliseconds of one size, one number per round."""

    width: int
    height: int
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


def measure(width: int, height: int, rounds: int, pause_s: float, send: Callable[[Pictures], None]) -> Times:
    """Round trips and memcpys in turn; the first few of both are not counted."""
    pictures, times = Pictures(width, height), Times(width, height, [], [])
    for number in range(rounds + 3):
        pictures.renew()
        copies = milliseconds(pictures.two_memcpys)
        pictures.result[...] = 0
        trip = milliseconds(lambda: send(pictures))
        if not np.array_equal(pictures.result, pictures.source):
            raise SystemExit("the frame came back changed")
        if number >= 3:
            times.memcpys.append(copies)
            times.round_trips.append(trip)
        time.sleep(pause_s)
    return times


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
        process = subprocess.Popen([sys.executable, "-m", "support.serve", "--cache-gb", CACHE_GB], env=environment)
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
    for name in ("size", "MB", "two memcpys, ms", "round trip p50, ms", "p10", "p90", "ratio"):
        table.add_column(name, justify="right")
    for times in results:
        table.add_row(
            f"{times.width}×{times.height}",
            f"{times.width * times.height * 16 / 1e6:.1f}",
            f"{median(times.memcpys):.3f}",
            f"{median(times.round_trips):.3f}",
            f"{times.quantile(0.1):.3f}",
            f"{times.quantile(0.9):.3f}",
            f"{times.ratio:.2f}",
        )
    Console().print(table)


def rounds_of(pixels: int) -> int:
    return 200 if pixels < 100_000 else 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=0, help="round trips of each size (default: by size)")
    parser.add_argument("--carrier", choices=("shm", "inline"), default="shm")
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="WxH")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between round trips (default: %(default)s)")
    options = parser.parse_args()
    sizes = [tuple(map(int, size.split("x"))) for size in options.sizes]
    with backend() as directory, link_sender(directory, options.carrier) as send:
        results = [
            measure(width, height, options.rounds or rounds_of(width * height), options.pause, send)
            for width, height in sizes
        ]
    report(results, options.carrier)


if __name__ == "__main__":
    main()
