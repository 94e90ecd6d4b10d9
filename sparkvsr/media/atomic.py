"""Whole files or none: output grows under another name and is renamed when it is complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparkvsr.media.errors import WriteFailedError


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target`` (same extension); rename it on success, delete it on any exception."""
    make_folder(target.parent)
    temporary = target.with_name(f".{target.stem}.part{os.getpid()}{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Create ``folder`` and its parents. Raises WriteFailedError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteFailedError(f"cannot create the folder {folder}: {error.strerror}") from error
