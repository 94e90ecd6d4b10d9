"""Which checkpoint is installed: a record of its folder and of every file's size and SHA-256.

The record lies in the weights folder (``SPARKVSR_WEIGHTS_DIR``, else ``$XDG_DATA_HOME/sparkvsr/weights``). It is
written last, in one step, so a checkpoint is installed whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sparkvsr.cogvideox.errors import WeightsDamagedError, WeightsMissingError
from sparkvsr.cogvideox.layout import NAME, Checkpoint, find_checkpoint

VERSION: Final = 1
_BLOCK = 1 << 22

Progress = Callable[[str, int], None]
"""Called with a file's name and the bytes that were read of it since the last call."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What a file must be: ``size`` in bytes, ``sha256`` in hex digits."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """An installed checkpoint. ``files``: by path relative to ``folder``, with slashes."""

    folder: Path
    files: Mapping[str, FileEntry]

    @property
    def digest(self) -> str:
        """SHA-256 over names and checksums of all files: changes when any byte of the checkpoint does."""
        lines = sorted(f"{entry.sha256}  {name}\n" for name, entry in self.files.items())
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files.values())

    def checkpoint(self) -> Checkpoint:
        """The files, each of the recorded size. Raises WeightsMissingError, WeightsDamagedError."""
        for name, entry in self.files.items():
            _require_size(self.folder / name, entry.size)
        found = find_checkpoint(self.folder)
        strangers = [path for path in found.files if path.relative_to(self.folder).as_posix() not in self.files]
        if strangers:
            raise WeightsDamagedError(
                f"{strangers[0]}: expected only files that were there when the checkpoint was installed; "
                f"`sparkvsr weights use {self.folder}` takes the folder as it is now"
            )
        return found

    def verify(self, progress: Progress = lambda name, count: None) -> None:
        """Read every byte. Raises WeightsMissingError, WeightsDamagedError at the first file that differs."""
        for name, entry in sorted(self.files.items()):
            _require_size(self.folder / name, entry.size)
            require_checksum(self.folder / name, entry.sha256, progress)


def weights_folder() -> Path:
    """Where weights are kept."""
    chosen = os.environ.get("SPARKVSR_WEIGHTS_DIR")
    if chosen:
        return Path(chosen)
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "sparkvsr" / "weights"


def record_path(root: Path | None = None) -> Path:
    """Of the record."""
    return (root or weights_folder()) / f"{NAME}.json"


def read_record(root: Path | None = None) -> Record:
    """The installed checkpoint. Raises WeightsMissingError, WeightsDamagedError."""
    path = record_path(root)
    try:
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise WeightsMissingError(
            f"expected the checkpoint of {NAME}, found none ({path}); run `sparkvsr weights fetch {NAME}`, or "
            "`sparkvsr weights use FOLDER` for a copy that is there already"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsDamagedError(f"{path}: expected a record of version {VERSION}, found {error!r}") from None


def write_record(record: Record, root: Path | None = None) -> Path:
    """Install: from now on this checkpoint is used."""
    path = record_path(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    files = {name: {"size": entry.size, "sha256": entry.sha256} for name, entry in sorted(record.files.items())}
    text = json.dumps({"version": VERSION, "folder": str(record.folder), "files": files}, indent=2)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(path)
    return path


def record_of(folder: Path, progress: Progress = lambda name, count: None) -> Record:
    """Look at a folder and hash what the engine would read. Raises WeightsMissingError."""
    folder = folder.resolve()
    found = find_checkpoint(folder)
    files = {
        path.relative_to(folder).as_posix(): FileEntry(path.stat().st_size, sha256_of(path, progress))
        for path in found.files
    }
    return Record(folder, files)


def sha256_of(path: Path, progress: Progress = lambda name, count: None) -> str:
    """Hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            progress(path.name, len(block))
    return digest.hexdigest()


def require_checksum(path: Path, expected: str, progress: Progress = lambda name, count: None) -> None:
    """Raises WeightsDamagedError."""
    found = sha256_of(path, progress)
    if found != expected:
        raise WeightsDamagedError(f"{path}: expected SHA-256 {expected}, found {found}; fetch it again")


def _require_size(path: Path, size: int) -> None:
    try:
        found = path.stat().st_size
    except FileNotFoundError:
        raise WeightsMissingError(f"expected {path}, found nothing; fetch it again") from None
    if found != size:
        raise WeightsDamagedError(f"{path}: expected {size} bytes, found {found}; fetch it again")


def _parsed(content: Any) -> Record:
    if content["version"] != VERSION:
        raise ValueError(f"version {content['version']}")
    files = {name: FileEntry(int(entry["size"]), str(entry["sha256"])) for name, entry in content["files"].items()}
    return Record(Path(content["folder"]), files)
