"""Downloading the checkpoint: listed, resumed, checked byte for byte, and recorded only when everything is there."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, Final

from sparkvsr.cogvideox.errors import NoSpaceError, WeightsDamagedError, WeightsMissingError, WeightsTransferError
from sparkvsr.cogvideox.layout import NAME, PROMPT_FILE, PROMPT_KEY, PUBLISHED_PROMPT_FILE, REPOSITORY, WANTED
from sparkvsr.cogvideox.record import (
    Record,
    read_record,
    record_of,
    require_checksum,
    weights_folder,
    write_record,
)
from sparkvsr.cogvideox.tensors import read_tensor
from sparkvsr.engine import EngineUnavailableError

# Where the authors keep the embedding of the empty prompt; their checkpoint does not have it.
PUBLISHED_PROMPT: Final = (
    "https://github.com/taco-group/SparkVSR/raw/main/pretrained_models/prompt_embeddings/" + PUBLISHED_PROMPT_FILE
)
_SPARE_BYTES = 256 << 20
_PART = ".part"
# What the hub's client and the libraries below it raise when the network or the server fails.
_NETWORK_ROOMS = ("httpx", "httpx2", "httpcore", "requests", "urllib3", "huggingface_hub")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """Where to take the checkpoint from. ``endpoint`` None: the hub's own, or that of ``HF_ENDPOINT``.

    ``prompt``: file or address of the empty prompt's embedding, where the repository has none.
    """

    repository: str = REPOSITORY
    revision: str | None = None
    endpoint: str | None = None
    prompt: str = PUBLISHED_PROMPT


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of the repository. ``name``: where it goes; ``sha256`` of a large one, ``blob`` (git) of a small one."""

    name: str
    remote: str
    size: int
    sha256: str | None
    blob: str | None


def fetch(source: Source, root: Path | None = None, tell: Tell = lambda text: None) -> Record:
    """Download what is not there yet, check it, install it.

    Raises WeightsTransferError, WeightsMissingError, WeightsDamagedError, NoSpaceError, EngineUnavailableError. After
    any of them nothing new is installed; a checkpoint that was installed before still is.
    """
    _require_client()
    commit, files = _listed(source)
    folder = (root or weights_folder()) / NAME / commit
    folder.mkdir(parents=True, exist_ok=True)
    missing = [file for file in files if not _is_there(folder, file)]
    _require_space(folder, missing)
    for file in missing:
        tell(f"{file.name}, {file.size / 1e6:.1f} MB")
        _download(source, commit, file, folder)
    if not any(PurePosixPath(file.name).name in (PROMPT_FILE, PUBLISHED_PROMPT_FILE) for file in files):
        take_prompt(source.prompt, folder)
    record = record_of(folder)
    write_record(record, root)
    return record


def installed_offline(root: Path | None = None) -> Record:
    """The installed checkpoint, its files present; no network. Raises WeightsMissingError, WeightsDamagedError."""
    record = read_record(root)
    record.checkpoint()
    return record


def take_prompt(place: str, folder: Path) -> None:
    """The empty prompt's embedding from a file or an http(s) address into a checkpoint's folder."""
    target = folder / PROMPT_FILE
    if target.is_file():
        return
    part = target.with_name(target.name + _PART)
    if place.startswith(("http://", "https://")):
        _require_client()
        _transfer(place, part, None, place)
    else:
        _copy(Path(place), part)
    try:
        read_tensor(part, PROMPT_KEY, (1, None, None))
    except WeightsDamagedError:
        part.unlink()
        raise
    part.replace(target)


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise WeightsMissingError(f"expected the embedding of the empty prompt at {source}, found no file")
    shutil.copyfile(source, target)


# --- what there is ---------------------------------------------------------------------------------------------------


def _require_client() -> None:
    if find_spec("huggingface_hub") is None:
        raise EngineUnavailableError(
            "expected the package huggingface_hub, found none; pip install 'sparkvsr[cogvideox]'"
        )


def _listed(source: Source) -> tuple[str, tuple[RemoteFile, ...]]:
    """Commit and wanted files. Raises WeightsTransferError, WeightsMissingError."""
    from huggingface_hub import HfApi

    with _network_errors(f"the list of files of {source.repository}"):
        info = HfApi(endpoint=source.endpoint).model_info(
            source.repository, revision=source.revision, files_metadata=True
        )
    siblings = {str(one.rfilename): one for one in info.siblings or ()}
    prefix = _prefix(siblings, source)
    files = tuple(
        _remote(name.removeprefix(prefix), one)
        for name, one in sorted(siblings.items())
        if name.startswith(prefix) and _is_wanted(name.removeprefix(prefix))
    )
    for part in ("transformer", "vae"):
        if not any(file.name.startswith(f"{part}/") and file.name.endswith(".safetensors") for file in files):
            raise WeightsMissingError(f"{source.repository}: expected {part}/*.safetensors, found none")
    return str(info.sha), files


def _prefix(names: Any, source: Source) -> str:
    """A checkpoint may lie in a folder of the repository."""
    tail = "transformer/config.json"
    found = sorted(name.removesuffix(tail) for name in names if name == tail or name.endswith(f"/{tail}"))
    if "" in found or len(found) == 1:
        return "" if "" in found else found[0]
    raise WeightsMissingError(f"{source.repository}: expected one checkpoint, found {', '.join(found) or 'none'}")


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name)
    safe = not path.is_absolute() and ".." not in path.parts and "\\" not in name
    return safe and any(fnmatchcase(name, pattern) for pattern in WANTED)


def _remote(name: str, sibling: Any) -> RemoteFile:
    lfs = sibling.lfs
    digest = None if lfs is None else (lfs.get("sha256") if isinstance(lfs, dict) else lfs.sha256)
    return RemoteFile(name, str(sibling.rfilename), int(sibling.size or 0), digest, sibling.blob_id)


def _is_there(folder: Path, file: RemoteFile) -> bool:
    """Whole files were checked when they came; here the size is enough."""
    path = folder / file.name
    return path.is_file() and path.stat().st_size == file.size


def _require_space(folder: Path, files: Sequence[RemoteFile]) -> None:
    partial = sum(path.stat().st_size for path in (_part_of(folder, file) for file in files) if path.is_file())
    needed = sum(file.size for file in files) - partial
    free = shutil.disk_usage(folder).free
    if files and needed + _SPARE_BYTES > free:
        raise NoSpaceError(
            f"{folder}: expected room for {(needed + _SPARE_BYTES) / 1e9:.1f} GB, found {free / 1e9:.1f} GB; "
            "SPARKVSR_WEIGHTS_DIR puts the weights elsewhere"
        )


# --- transfer --------------------------------------------------------------------------------------------------------


def _part_of(folder: Path, file: RemoteFile) -> Path:
    return folder / (file.name + _PART)


def _download(source: Source, commit: str, file: RemoteFile, folder: Path) -> None:
    from huggingface_hub import hf_hub_url

    part = _part_of(folder, file)
    part.parent.mkdir(parents=True, exist_ok=True)
    url = hf_hub_url(source.repository, file.remote, revision=commit, endpoint=source.endpoint)
    if not part.is_file() or part.stat().st_size != file.size:
        _transfer(url, part, file.size, file.name)
    try:
        _check(part, file)
    except WeightsDamagedError:
        part.unlink()
        raise
    part.replace(folder / file.name)


def _transfer(url: str, part: Path, size: int | None, name: str) -> None:
    """Into ``part``, going on where it ends. Raises WeightsTransferError, NoSpaceError; what has come stays."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    start = part.stat().st_size if part.is_file() and size is not None else 0
    if size is not None and start > size:
        start = 0
    with _network_errors(name), part.open("r+b" if start else "wb") as file:
        file.seek(start)
        headers = build_hf_headers(library_name="sparkvsr")
        http_get(url, file, resume_size=start, headers=headers, expected_size=size, displayed_filename=name)


def _check(path: Path, file: RemoteFile) -> None:
    if file.sha256 is not None:
        require_checksum(path, file.sha256)
    elif file.blob is not None:
        content = path.read_bytes()
        found = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        if found != file.blob:
            raise WeightsDamagedError(f"{file.name}: expected git object {file.blob}, found {found}; fetch it again")


@contextmanager
def _network_errors(what: str) -> Iterator[None]:
    """Give what goes wrong on the way a name of ours."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise NoSpaceError(f"{what}: the disk is full; SPARKVSR_WEIGHTS_DIR puts the weights elsewhere") from error
        raise _transfer_error(what, error) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] in _NETWORK_ROOMS:
            raise _transfer_error(what, error) from error
        raise


def _transfer_error(what: str, error: Exception) -> WeightsTransferError:
    told = (str(error) or type(error).__name__).strip().splitlines()[0]
    return WeightsTransferError(
        f"expected {what} to arrive, found: {told}; nothing was installed, `sparkvsr weights fetch {NAME}` goes on "
        "where it stopped (--endpoint names a mirror)"
    )
