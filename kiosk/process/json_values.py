"""Frozen dataclasses <-> the JSON that our programs leave for each other, which may be of different versions.

Owns the tolerance: a key that is not known is passed over; one that is missing, or whose value has another form, keeps
its default. A field that is None has no key, unless it is NULLABLE. And how old it is, whatever becomes of the clock.
Must never raise because of what a file or a program said.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin, get_type_hints

import msgspec

T = TypeVar("T")
# No figure of a machine is larger; what is, is none.
_MOST: Final = 10**18
Number = Annotated[float, msgspec.Meta(ge=-_MOST, le=_MOST)]
Count = Annotated[int, msgspec.Meta(ge=-_MOST, le=_MOST)]
# Of a field whose None is written, as null.
NULLABLE: Final = {"nullable": True}
_SINCE_START: Final = "since_start_s"


def decode(content: bytes, kind: type[T]) -> T | None:
    """`content` as `kind`, a dataclass with a default for every field. None: it is no JSON object."""
    try:
        # Not msgspec's own reader: it gives up the whole for one NaN, which Python writes.
        parts = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return from_parts(parts, kind) if isinstance(parts, dict) else None


def from_parts(parts: Mapping[str, Any], kind: type[T]) -> T:
    """The same of an object that was decoded already; each key by itself."""
    known = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if name in parts:
            with suppress(msgspec.ValidationError, RecursionError):
                known[name] = _part(parts[name], hint)
    return kind(**known)


def _part(value: Any, hint: Any) -> Any:
    """`value` as `hint`. Of a table whose keys are free, an entry of another form costs nothing but itself."""
    if isinstance(value, dict) and Mapping in {get_origin(each) for each in (hint, *get_args(hint))}:
        entries: dict[str, Any] = {}
        for name, entry in value.items():
            with suppress(msgspec.ValidationError):
                entries |= msgspec.convert({name: entry}, hint)
        return entries
    return msgspec.convert(value, hint)


def as_whole(value: object, kind: type[T]) -> T | None:
    """`value`, decoded already, as `kind`; None if it lacks a field without a default, or a part has another form."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError):
        return None


def dump(value: object) -> bytes:
    """A dataclass as JSON for `load`: of whatever types, for a program of the same version or a newer one."""
    return msgspec.json.encode(value)


def load(content: bytes, kind: type[T]) -> T | None:
    """What `dump` wrote; None if it lacks a field without a default, or a part has another form."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def encode(value: object) -> str:
    """The JSON of a dataclass, one line."""
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: object) -> object:
    if is_dataclass(value):
        parts = ((each.name, getattr(value, each.name), each.metadata == NULLABLE) for each in fields(value))
        return {name: _plain(part) for name, part, is_nullable in parts if part is not None or is_nullable}
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value


def timestamp() -> dict[str, float]:
    """What a process leaves in a file, in seconds; `at` is for people and for programs of other versions.

    The clock may be set back or ahead, by a time server or by hand; the seconds since the machine's start
    (CLOCK_MONOTONIC) are the same for all its processes and only grow.
    """
    return {"at": time.time(), _SINCE_START: time.monotonic()}


def age_s(left: Mapping[str, object]) -> float:
    """Seconds since `timestamp`; endless for what was left before the machine's last start, or has no timestamp."""
    since_start_s, at = left.get(_SINCE_START), left.get("at")
    if isinstance(since_start_s, int | float):
        age = time.monotonic() - since_start_s
        return age if age >= 0 else math.inf
    # Of a program of the version before: a clock that was set back must not keep it fresh.
    return abs(time.time() - at) if isinstance(at, int | float) else math.inf
