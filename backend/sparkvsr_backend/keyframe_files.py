"""Keyframe pictures that are files: known by their content, read by OpenImageIO."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

import xxhash

from sparkvsr.color import Transfer
from sparkvsr.frames import Frame
from sparkvsr_backend.errors import BadKeyframeError

LARGEST_FILE = 4 << 30
_CHUNK = 4 << 20
_REMEMBERED = 4096
# A file changed this recently could change again within the same tick of the file system's clock.
_SETTLED_NS = 2_000_000_000

Stamp = tuple[int, int, int, int]


@dataclass
class KeyframeFiles:
    """Content of files, hashed again only when path, size, inode or one of the times changed. Thread-safe.

    The time of the last status change cannot be set back: it tells a file that was rewritten and given its old time.
    """

    _known: OrderedDict[tuple[str, Stamp], bytes] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def content(self, path: str) -> bytes:
        """16 bytes that stand for the file's bytes. Raises BadKeyframeError."""
        stamp = _stamp(path)
        with self._lock:
            known = self._known.get((path, stamp))
        if known is not None:
            return known
        content = _hash(path)
        if time.time_ns() - max(stamp[:2]) > _SETTLED_NS and _stamp(path) == stamp:
            self._remember((path, stamp), content)
        return content

    def read(self, path: str, content: bytes) -> tuple[Frame, Transfer]:
        """The picture and its transfer curve.

        Raises BadKeyframeError, also when the file no longer has this content.
        """
        from sparkvsr.media import MediaError, read_still

        _examine(path)
        try:
            still = read_still(path)
        except (MediaError, OSError, ValueError) as error:
            raise BadKeyframeError(f"{path} cannot be read: {error}") from error
        if _hash(path) != content:
            raise BadKeyframeError(f"{path} was written while it was read; render again once it is complete")
        return still.frame, still.transfer

    def _remember(self, key: tuple[str, Stamp], content: bytes) -> None:
        with self._lock:
            self._known[key] = content
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def _examine(path: str) -> os.stat_result:
    if not Path(path).is_absolute():
        raise BadKeyframeError("a relative path means nothing to the backend", expected="an absolute path", found=path)
    try:
        found = os.stat(path)  # noqa: PTH116 - pathlib would not keep the string
    except OSError as error:
        raise BadKeyframeError(f"{path}: {os.strerror(error.errno or 0)}") from None
    if not stat.S_ISREG(found.st_mode):
        raise BadKeyframeError(f"{path} is not a file", expected="a regular file", found=stat.filemode(found.st_mode))
    if found.st_size > LARGEST_FILE:
        raise BadKeyframeError(
            f"{path} is too large", expected=f"at most {LARGEST_FILE} bytes", found=f"{found.st_size}"
        )
    return found


def _stamp(path: str) -> Stamp:
    """Times of the last writing and of the last status change, size, inode."""
    found = _examine(path)
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _hash(path: str) -> bytes:
    digest = xxhash.xxh3_128()
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise BadKeyframeError(f"{path}: {os.strerror(error.errno or 0)}") from None
    return digest.digest()
