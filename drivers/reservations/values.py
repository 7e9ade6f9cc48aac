"""The port's values as JSON, and back: for lines, files and rows that another version of the program may read.

A value has the names of its class's fields; days, times and moments are ISO 8601. Of several classes the name of the
right one stands beside it: `{"is": NAME, "answer": …}`. What is not known is passed over, what has a default may lack.

Must never: let what was read into an exception.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


class NoValue(Exception):
    """What was read is none. The text holds nothing of it."""


def encoded(value: object) -> Any:
    """`value`, of the port's, for json.dumps."""
    if is_dataclass(value):
        return {each.name: encoded(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple | list):
        return [encoded(each) for each in value]
    if isinstance(value, Mapping):
        return {name: encoded(each) for name, each in value.items()}
    return value.isoformat() if isinstance(value, date | time) else value


def decoded(kind: Any, part: Any) -> Any:
    """The value of the type `kind` that was `encoded` as `part`. Raises NoValue."""
    try:
        return _built(kind, part)
    except (ValueError, TypeError, KeyError):
        raise NoValue("no value") from None


def named(value: object) -> dict[str, Any]:
    """`value` with the name of its class."""
    return {"is": type(value).__name__, "answer": encoded(value)}


def of_name(kinds: Any, part: Any) -> Any:
    """The value of one of the classes `kinds` (a union) that was `named` as `part`. Raises NoValue."""
    name = part.get("is") if isinstance(part, dict) else None
    for kind in get_args(kinds) or (kinds,):
        if kind.__name__ == name:
            return decoded(kind, part.get("answer"))
    raise NoValue("no value")


def _built(kind: Any, part: Any) -> Any:
    origin = get_origin(kind)
    if origin in (UnionType, Union):
        (only,) = (each for each in get_args(kind) if each is not type(None))
        return None if part is None else _built(only, part)
    if origin is tuple:
        if not isinstance(part, list):
            raise TypeError
        return tuple(_built(get_args(kind)[0], each) for each in part)
    if origin is Literal:
        if part not in get_args(kind):
            raise ValueError
        return part
    if origin is Mapping:
        return _numbers(part)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _built(hints[name], part[name]) for name in hints.keys() & dict(part).keys()})
    return _plain(kind, part)


def _plain(kind: Any, part: Any) -> Any:
    if kind in (date, time, datetime):
        return kind.fromisoformat(part)
    if kind is float and type(part) is int:
        return float(part)
    if type(part) is not kind:
        raise TypeError
    return part


def _numbers(part: Any) -> dict[str, float]:
    """Parameters of a message, which become names of arguments."""
    return {
        name: value
        for name, value in dict(part).items()
        if type(value) in (int, float) and name.isidentifier() and name not in ("self", "text", "code")
    }


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
