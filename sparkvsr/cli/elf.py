"""What a shared library exports and needs, read from its ELF file: no tool has to be installed for that."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from sparkvsr.cli.errors import MissingPartError

_SHT_DYNAMIC, _SHT_DYNSYM, _SHT_VERNEED = 6, 11, 0x6FFFFFFE
_DT_NEEDED = 1
_UNDEFINED, _LOCAL, _HIDDEN = 0, 0, (1, 2)
_GLIBC = re.compile(r"GLIBC_(\d+(?:\.\d+)*)")


@dataclass(frozen=True, slots=True)
class SharedLibrary:
    """``exports``: symbols others may bind to; ``needed``: libraries; ``versions``: symbol versions wanted of them."""

    exports: tuple[str, ...]
    needed: tuple[str, ...]
    versions: tuple[str, ...]

    @property
    def glibc(self) -> tuple[int, ...]:
        """The lowest glibc that can load it; (0,) when it names none."""
        found = [match[1] for version in self.versions if (match := _GLIBC.fullmatch(version))]
        return max((tuple(int(part) for part in text.split(".")) for text in found), default=(0,))


@dataclass(frozen=True, slots=True)
class _Section:
    kind: int
    offset: int
    size: int
    link: int


def read_library(path: Path) -> SharedLibrary:
    """Read a little-endian ELF64 library. Raises MissingPartError when it is something else."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MissingPartError(f"{path}: {error.strerror}") from error
    if data[:6] != b"\x7fELF\x02\x01":
        raise MissingPartError(
            f"{path} is no library for this machine", expected="ELF, 64 bit, little endian", found=repr(data[:4])
        )
    try:
        sections = _sections(data)
        return SharedLibrary(_exports(data, sections), _needed(data, sections), _versions(data, sections))
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise MissingPartError(f"{path} is damaged: {error}") from error


def _sections(data: bytes) -> list[_Section]:
    (table,) = struct.unpack_from("<Q", data, 0x28)
    entry, count = struct.unpack_from("<HH", data, 0x3A)
    found = []
    for index in range(count):
        _, kind, _, _, offset, size, link = struct.unpack_from("<IIQQQQI", data, table + index * entry)
        found.append(_Section(kind, offset, size, link))
    return found


def _text(data: bytes, strings: _Section, offset: int) -> str:
    start = strings.offset + offset
    return data[start : data.index(b"\0", start)].decode()


def _exports(data: bytes, sections: list[_Section]) -> tuple[str, ...]:
    names = []
    for section in (one for one in sections if one.kind == _SHT_DYNSYM):
        for at in range(section.offset, section.offset + section.size, 24):
            name, info, other, index = struct.unpack_from("<IBBH", data, at)
            if index != _UNDEFINED and info >> 4 != _LOCAL and other & 3 not in _HIDDEN:
                names.append(_text(data, sections[section.link], name))
    return tuple(sorted(names))


def _needed(data: bytes, sections: list[_Section]) -> tuple[str, ...]:
    names = []
    for section in (one for one in sections if one.kind == _SHT_DYNAMIC):
        for at in range(section.offset, section.offset + section.size, 16):
            tag, value = struct.unpack_from("<qQ", data, at)
            if tag == _DT_NEEDED:
                names.append(_text(data, sections[section.link], value))
    return tuple(names)


def _versions(data: bytes, sections: list[_Section]) -> tuple[str, ...]:
    names: list[str] = []
    for section in (one for one in sections if one.kind == _SHT_VERNEED):
        at, following = section.offset, 1
        while following:
            _, count, _, auxiliary, following = struct.unpack_from("<HHIII", data, at)
            names += _auxiliaries(data, sections[section.link], at + auxiliary, count)
            at += following
    return tuple(sorted(set(names)))


def _auxiliaries(data: bytes, strings: _Section, at: int, count: int) -> list[str]:
    names = []
    for _ in range(count):
        _, _, _, name, following = struct.unpack_from("<IHHII", data, at)
        names.append(_text(data, strings, name))
        at += following
    return names
