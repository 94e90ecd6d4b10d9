"""What a file is, by content: hashed again only when its size or one of its times changed."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from sparkvsr.keyframes.models.contract import ImageModelError

_CHUNK = 4 << 20


def identity_of_file(kind: str, path: Path, *more: str) -> bytes:
    """16 bytes of ``kind``, the file's bytes and ``more``. Raises ImageModelError."""
    try:
        found = path.stat()
        content = _content(path, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
    except OSError as error:
        raise ImageModelError(f"{path}: {error.strerror or error}") from error
    digest = hashlib.blake2b(content, digest_size=16, key=kind.encode())
    for text in more:
        digest.update(b"\0" + text.encode())
    return digest.digest()


@lru_cache(maxsize=64)
def _content(path: Path, *stamp: int) -> bytes:
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()
