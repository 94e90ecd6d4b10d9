"""Whole files or none: output grows under another name and is renamed when it is complete."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparkvsr.media.errors import WriteFailedError

_LONGEST_STEM = 200  # bytes, of the 255 that most file systems allow


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield an empty temporary file beside ``target`` (same extension); rename it on success, else delete it.

    Raises WriteFailedError.
    """
    make_folder(target.parent)
    temporary = _temporary(target)
    try:
        _create(temporary, target)
        yield temporary
        _replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def require_creatable(target: Path) -> None:
    """Find out whether ``target`` can be written, before the work for it is done. Raises WriteFailedError."""
    make_folder(target.parent)
    temporary = _temporary(target)
    try:
        _create(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(target: Path) -> Path:
    """A name beside ``target`` that is no longer than a file system allows when its own is not."""
    stem = os.fsencode(target.stem)[:_LONGEST_STEM].decode(errors="ignore")
    return target.with_name(f".{stem}.part{os.getpid()}{target.suffix}")


def _create(temporary: Path, target: Path) -> None:
    try:
        if stat.S_ISDIR(_mode(target)):
            raise WriteFailedError(f"{target}: is a folder", expected="the name of a file", found="a folder")
        temporary.touch()
    except OSError as error:
        raise _refused(target, error) from error


def _mode(target: Path) -> int:
    """Of what is there, 0 for nothing. Raises OSError for names that can never be, such as too long ones."""
    try:
        return target.lstat().st_mode
    except FileNotFoundError:
        return 0


def _replace(temporary: Path, target: Path) -> None:
    try:
        temporary.replace(target)
    except OSError as error:
        raise _refused(target, error) from error


def _refused(target: Path, error: OSError) -> WriteFailedError:
    return WriteFailedError(f"{target}: cannot be written: {os.strerror(error.errno or 0)}")


def make_folder(folder: Path) -> None:
    """Create ``folder`` and its parents. Raises WriteFailedError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteFailedError(f"cannot create the folder {folder}: {error.strerror}") from error
