"""Pack the release bundle: check what hosts need of it, add the licences of what it contains, write an archive.

Usage: pack_release.py BUNDLE FOLDER. Leaves FOLDER/SparkVSR.ofx.bundle, FOLDER/SparkVSR-VERSION-ARCHITECTURE.tar.gz and
its SHA-256. The archive's bytes depend on nothing but the files in it.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import sys
import tarfile
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from sparkvsr.cli.bundle import BUNDLE_NAME, architecture_folder, binary_of
from sparkvsr.cli.bundle_checks import EXPORTS, REFERENCE_GLIBC, SYSTEM_LIBRARIES
from sparkvsr.cli.elf import read_library

ROOT = Path(__file__).resolve().parent.parent
JSON_LICENCES = (Path("/usr/share/doc/nlohmann-json3-dev/copyright"), Path("/usr/share/licenses/nlohmann-json/LICENSE"))


class ReleaseError(Exception):
    """The bundle may not be released as it is."""


def main(arguments: list[str]) -> int:
    """Pack; exit code 1 with one line when the bundle may not be released."""
    if len(arguments) != 2:
        print("usage: pack_release.py BUNDLE FOLDER", file=sys.stderr)
        return 2
    source, folder = map(Path, arguments)
    try:
        check(source)
        bundle = stage(source, folder)
        archive = write_archive(bundle, folder)
    except (ReleaseError, OSError) as error:
        print(f"error: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"{bundle}\n{archive}")
    return 0


def check(bundle: Path) -> None:
    """Three exports, no library but the system's, an old glibc. Raises ReleaseError."""
    library = read_library(binary_of(bundle))
    if library.exports != EXPORTS:
        raise ReleaseError(f"expected the exports {', '.join(EXPORTS)}, found {', '.join(library.exports)}")
    foreign = [name for name in library.needed if not name.startswith(SYSTEM_LIBRARIES)]
    if foreign:
        raise ReleaseError(f"expected no library but the system's, found {', '.join(foreign)}")
    if not (0,) < library.glibc <= REFERENCE_GLIBC:
        raise ReleaseError(f"expected symbols of glibc {REFERENCE_GLIBC} at most, found {library.glibc}")


def stage(source: Path, folder: Path) -> Path:
    """A fresh copy of the bundle in ``folder``, with licences."""
    target = folder / BUNDLE_NAME
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    licences = target / "Contents" / "Resources" / "licenses"
    licences.mkdir()
    for name, text in licence_texts(source.parent):
        (licences / f"{name}.txt").write_text(text, encoding="utf-8")
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.suffix == ".ofx" else 0o644)  # hosts may run as another user
    return target


def licence_texts(tree: Path) -> Iterator[tuple[str, str]]:
    """(component, licence) of all that is linked in; libzmq's lies in the bundle already."""
    yield "SparkVSR", (ROOT / "LICENSE").read_text(encoding="utf-8")
    yield "xxHash", _leading_comment(tree / "headers" / "xxhash" / "xxhash.h")
    yield "nlohmann-json", _first_of(JSON_LICENCES).read_text(encoding="utf-8")
    compiler = _compiler_folder()
    yield "zig", (compiler / "LICENSE").read_text(encoding="utf-8")
    for part in ("libcxx", "libcxxabi", "libunwind"):
        yield part, (compiler / "lib" / part / "LICENSE.TXT").read_text(encoding="utf-8")


def _leading_comment(path: Path) -> str:
    match = re.match(r"\s*/\*(.*?)\*/", path.read_text(encoding="utf-8"), re.DOTALL)
    if match is None or "Copyright" not in match[1]:
        raise ReleaseError(f"expected a licence at the top of {path}, found none")
    return "\n".join(line.removeprefix(" *").strip() for line in match[1].strip().splitlines()) + "\n"


def _first_of(paths: tuple[Path, ...]) -> Path:
    for path in paths:
        if path.is_file():
            return path
    raise ReleaseError(f"expected the licence of nlohmann/json at one of {', '.join(map(str, paths))}, found none")


def _compiler_folder() -> Path:
    spec = find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise ReleaseError("expected the package ziglang, found none; install it: make setup")
    return Path(spec.origin).parent


def write_archive(bundle: Path, folder: Path) -> Path:
    """A tar.gz without times, owners or the file system's order, and its checksum beside it."""
    name = f"SparkVSR-{metadata.version('sparkvsr')}-{architecture_folder()}"
    path = folder / f"{name}.tar.gz"
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for entry in sorted([bundle, *bundle.rglob("*")]):
            tar.add(entry, f"{name}/{entry.relative_to(bundle.parent)}", recursive=False, filter=_anonymous)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n", encoding="utf-8")
    return path


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = 0
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
