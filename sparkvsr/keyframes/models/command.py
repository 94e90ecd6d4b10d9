"""An external program as an image model: a PNG file in, a picture file out."""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from sparkvsr.color import Transfer, pack, to_working, unpack
from sparkvsr.engine import EngineError, Watch
from sparkvsr.frames import Depth, PixelFormat, Premultiplication
from sparkvsr.keyframes.models.contract import ImageModelError
from sparkvsr.media import MediaError, read_still, write_still

LONGEST_RUN_S: Final = 1800.0
_POLL_S = 0.05
_TAIL = 400


@dataclass(frozen=True)
class CommandModel:
    """A command line with ``{in}`` and ``{out}``: both PNG, 16 bits, sRGB. No shell reads it.

    ``limit_s``: how long a picture may take.
    """

    line: str
    limit_s: float = LONGEST_RUN_S

    def __post_init__(self) -> None:
        words = self._words()
        if not words or not any("{in}" in word for word in words) or not any("{out}" in word for word in words):
            raise ImageModelError(f"expected a command with {{in}} and {{out}}, found {self.line!r}")

    @property
    def identity(self) -> bytes:
        """By the text of the command: what the program does is its own affair."""
        return hashlib.blake2b(self.line.encode(), digest_size=16, key=b"command").digest()

    def enlarge(self, picture: torch.Tensor, watch: Watch) -> torch.Tensor:
        """What the program writes; it is ended when the request is withdrawn or it takes too long."""
        with tempfile.TemporaryDirectory(prefix="sparkvsr-") as folder:
            source, target = Path(folder, "in.png"), Path(folder, "out.png")
            layout = PixelFormat(picture.shape[2], picture.shape[1], 3, Depth.SHORT, Premultiplication.OPAQUE)
            write_still(source, pack(picture.cpu(), None, layout))
            self._run(
                [word.replace("{in}", str(source)).replace("{out}", str(target)) for word in self._words()], watch
            )
            return self._read(target)

    def _words(self) -> list[str]:
        try:
            return shlex.split(self.line)
        except ValueError as error:
            raise ImageModelError(f"the command cannot be read: {error}: {self.line!r}") from error

    def _run(self, words: list[str], watch: Watch) -> None:
        with tempfile.TemporaryFile() as said:
            try:
                process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
                )
            except OSError as error:
                raise ImageModelError(f"{words[0]}: {error.strerror or error}") from error
            try:
                code = self._wait(process, watch)
            finally:
                _end(process)
            said.seek(0)
            tail = said.read().decode(errors="replace").strip()[-_TAIL:]
        if code != 0:
            raise ImageModelError(f"{words[0]}: expected exit code 0, found {code}: {tail or 'it said nothing'}")

    def _wait(self, process: subprocess.Popen[bytes], watch: Watch) -> int:
        end = time.monotonic() + self.limit_s
        while (code := process.poll()) is None:
            if time.monotonic() > end:
                raise ImageModelError(f"expected a picture within {self.limit_s:g} s, found the command still at work")
            watch.step(0.0, "image model")
            time.sleep(_POLL_S)
        return code

    def _read(self, target: Path) -> torch.Tensor:
        try:
            still = read_still(target)
        except (MediaError, EngineError) as error:
            raise ImageModelError(f"the command wrote no picture: {error}") from error
        return to_working(unpack(still.frame)[0], Transfer.SRGB)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program, if it still runs, and what it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
        process.wait()
