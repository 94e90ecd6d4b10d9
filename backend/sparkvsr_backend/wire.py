"""Typed fields of a MessagePack map: one codec per field, every value checked on the way in. Never trusts."""

from __future__ import annotations

import dataclasses
import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from sparkvsr_backend.errors import BadMessageError

T = TypeVar("T")
R = TypeVar("R")
E = TypeVar("E", bound=Enum)

UINT32_MAX = 2**32 - 1
UINT64_MAX = 2**64 - 1
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def refuse(expected: str, found: object) -> BadMessageError:
    """The error for a value that is not what the field holds; ``inside`` adds where."""
    return BadMessageError(": wrong value", expected=expected, found=reprlib.repr(found))


class Codec(Protocol[T]):
    """How one field is read from, and written to, a MessagePack value."""

    def read(self, value: Any) -> T:
        """Raises BadMessageError."""

    def write(self, value: T) -> Any:
        """A value that MessagePack can hold."""


class _Plain(Generic[T]):
    """A codec whose values are written as they are."""

    def write(self, value: T) -> Any:
        return value


@dataclass(frozen=True, slots=True)
class Integer(_Plain[int]):
    """``low`` .. ``high``, both inclusive; a bool is no integer."""

    low: int = 0
    high: int = UINT64_MAX

    def read(self, value: Any) -> int:
        """Raises BadMessageError."""
        if type(value) is not int or not self.low <= value <= self.high:
            raise refuse(f"an integer in {self.low}..{self.high}", value)
        return value


@dataclass(frozen=True, slots=True)
class Real(_Plain[float]):
    """A finite number in ``low`` .. ``high``."""

    low: float = -math.inf
    high: float = math.inf

    def read(self, value: Any) -> float:
        """Raises BadMessageError. Integers count as numbers."""
        if type(value) not in (float, int) or not self.low <= value <= self.high or not math.isfinite(value):
            raise refuse(f"a finite number in {self.low}..{self.high}", value)
        return float(value)


@dataclass(frozen=True, slots=True)
class Flag(_Plain[bool]):
    """True or false."""

    def read(self, value: Any) -> bool:
        """Raises BadMessageError."""
        if type(value) is not bool:
            raise refuse("true or false", value)
        return value


@dataclass(frozen=True, slots=True)
class Text(_Plain[str]):
    """At most ``longest`` characters, without NUL."""

    longest: int = 256

    def read(self, value: Any) -> str:
        """Raises BadMessageError."""
        if type(value) is not str or len(value) > self.longest or "\0" in value:
            raise refuse(f"a text of at most {self.longest} characters", value)
        return value


@dataclass(frozen=True, slots=True)
class Binary(_Plain[bytes]):
    """Exactly ``size`` bytes."""

    size: int

    def read(self, value: Any) -> bytes:
        """Raises BadMessageError."""
        if type(value) is not bytes or len(value) != self.size:
            raise refuse(f"{self.size} bytes", value)
        return value


class Word(Generic[E]):
    """One value of an enumeration."""

    def __init__(self, options: type[E]) -> None:
        self._options: dict[Any, E] = {option.value: option for option in options}
        self._kind = type(next(iter(self._options)))

    def read(self, value: Any) -> E:
        """Raises BadMessageError."""
        option = self._options.get(value) if type(value) is self._kind else None
        if option is None:
            raise refuse(f"one of {', '.join(map(str, self._options))}", value)
        return option

    def write(self, value: E) -> Any:
        """The option's own value."""
        return value.value


@dataclass(frozen=True, slots=True)
class Optional(Generic[T]):
    """The codec's value, or nil."""

    codec: Codec[T]

    def read(self, value: Any) -> T | None:
        """Raises BadMessageError."""
        return None if value is None else self.codec.read(value)

    def write(self, value: T | None) -> Any:
        """Nil for None."""
        return None if value is None else self.codec.write(value)


@dataclass(frozen=True, slots=True)
class ListOf(Generic[T]):
    """At most ``longest`` values of one codec; a tuple in Python."""

    codec: Codec[T]
    longest: int = 65536

    def read(self, value: Any) -> tuple[T, ...]:
        """Raises BadMessageError."""
        if type(value) is not list or len(value) > self.longest:
            raise refuse(f"a list of at most {self.longest}", value)
        read = self.codec.read
        try:
            return tuple([read(item) for item in value])
        except BadMessageError as error:
            raise error.inside("[]") from None

    def write(self, value: tuple[T, ...]) -> Any:
        """A list."""
        return [self.codec.write(item) for item in value]


@dataclass(frozen=True, slots=True)
class Row:
    """A list of fixed length, one codec for each place; a tuple in Python."""

    codecs: tuple[Codec[Any], ...]

    def read(self, value: Any) -> tuple[Any, ...]:
        """Raises BadMessageError."""
        if type(value) is not list or len(value) != len(self.codecs):
            raise refuse(f"a list of {len(self.codecs)}", value)
        return tuple([codec.read(item) for codec, item in zip(self.codecs, value, strict=True)])

    def write(self, value: tuple[Any, ...]) -> Any:
        """A list."""
        return [codec.write(item) for codec, item in zip(self.codecs, value, strict=True)]


@dataclass(frozen=True, slots=True)
class MapOf(Generic[T]):
    """Texts to values of one codec; a dict in Python."""

    codec: Codec[T]
    longest: int = 256

    def read(self, value: Any) -> dict[str, T]:
        """Raises BadMessageError."""
        if type(value) is not dict or len(value) > self.longest:
            raise refuse(f"a map of at most {self.longest}", value)
        key = Text(64)
        return {key.read(name): self.codec.read(item) for name, item in value.items()}

    def write(self, value: Mapping[str, T]) -> Any:
        """A dict."""
        return {name: self.codec.write(item) for name, item in value.items()}


@dataclass(frozen=True, slots=True)
class Record(Generic[R]):
    """A nested map, held by a dataclass whose fields carry codecs."""

    cls: type[R]

    def read(self, value: Any) -> R:
        """Raises BadMessageError."""
        return read_record(self.cls, value)

    def write(self, value: R) -> Any:
        """A dict."""
        return write_record(value)


def wire(codec: Codec[Any], key: str | None = None, *, sparse: bool = False) -> dict[str, Any]:
    """Metadata of a dataclass field: how it travels, and under which key (default: the field's name).

    ``sparse``: its default is not written, so that a message that could be written before the field was added is still
    written in the same bytes.
    """
    return {"codec": codec, "key": key, "sparse": sparse}


def flat(cls: type[Any]) -> dict[str, Any]:
    """Metadata of a dataclass field whose own fields lie in the map of the record around it."""
    return {"codec": Record(cls), "key": "", "sparse": False}


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    key: str
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    default: Callable[[], Any] | None
    sparse: bool

    def is_written(self, value: Any) -> bool:
        """Whether a message says this value."""
        return not (self.sparse and self.default is not None and value == self.default())


@dataclass(frozen=True, slots=True)
class _Layout:
    """``check``: the record's ``__post_init__``, where it has one."""

    fields: tuple[_Field, ...]
    check: Callable[[Any], None] | None


_layouts: dict[type[Any], _Layout] = {}


def _layout_of(cls: type[Any]) -> _Layout:
    layout = _layouts.get(cls)
    if layout is None:
        found = (_field(field) for field in dataclasses.fields(cls) if "codec" in field.metadata)
        layout = _layouts[cls] = _Layout(tuple(found), getattr(cls, "__post_init__", None))
    return layout


def _field(field: dataclasses.Field[Any]) -> _Field:
    key, codec = field.metadata["key"], field.metadata["codec"]
    default: Callable[[], Any] | None = None
    if field.default is not MISSING:
        value = field.default
        default = lambda: value  # noqa: E731 - a constant factory
    elif field.default_factory is not MISSING:
        default = field.default_factory
    shown = field.name if key is None else key
    return _Field(field.name, shown, codec.read, codec.write, default, field.metadata["sparse"])


def read_record(cls: type[R], value: Any) -> R:
    """The dataclass that ``value`` (a map) describes; unknown keys are ignored. Raises BadMessageError.

    Its fields are filled in directly: the constructor of a frozen dataclass takes as long as all the checks.
    """
    if type(value) is not dict:
        raise refuse("a map", value)
    layout, record = _layout_of(cls), object.__new__(cls)
    values = record.__dict__
    for field in layout.fields:
        found = value.get(field.key, MISSING)
        if found is MISSING:
            values[field.name] = _absent(field, value)
            continue
        try:
            values[field.name] = field.read(found)
        except BadMessageError as error:
            raise error.inside(field.key) from None
    if layout.check is not None:
        layout.check(record)
    return record


def _absent(field: _Field, mapping: dict[str, Any]) -> Any:
    """A field without a key of its own lies flat in the map; any other takes its default."""
    if not field.key:
        return field.read(mapping)
    if field.default is None:
        raise BadMessageError(field.key, expected="the key to be there", found="nothing")
    return field.default()


def write_record(record: Any) -> dict[str, Any]:
    """The map that describes a dataclass made of wire fields."""
    out: dict[str, Any] = {}
    for field in _layout_of(type(record)).fields:
        held = getattr(record, field.name)
        if not field.is_written(held):
            continue
        value = field.write(held)
        if field.key:
            out[field.key] = value
        else:
            out.update(value)
    return out
