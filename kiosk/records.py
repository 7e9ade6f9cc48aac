"""`dataclass(frozen=True)` for classes that every start has to make: at a quarter of the cost.

`dataclasses` writes and compiles six methods for each class, half a millisecond, and a kiosk has hundreds of classes
before its first page. Here `__init__` alone is compiled; comparing, hashing and showing are the same code for all. mypy
sees the ordinary decorator, so it refuses whoever assigns to a field; at run time nothing does. One that inherits
from another must be made as that one is.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field as field  # noqa: PLC0414 - it is given on, beside what it is used with
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - it is given on
else:

    def dataclass(made: type | None = None, /, *, frozen: bool = False, kw_only: bool = False) -> Any:
        """As `dataclasses.dataclass`, of which it takes no other option."""
        if not frozen:
            return dataclasses.dataclass(made, kw_only=kw_only)
        return lambda made: _frozen(made, kw_only)


def _frozen(made: type, kw_only: bool) -> type:
    if made.__doc__ is None:
        made.__doc__ = made.__name__  # or its signature would be put together
    dataclasses.dataclass(eq=False, repr=False, kw_only=kw_only)(made)
    fields = dataclasses.fields(made)
    visible = tuple(field.name for field in fields if field.repr)
    # With the class, so that there is a tuple of any number of fields.
    compared = attrgetter("__class__", *(field.name for field in fields if field.compare))

    def equal(self: Any, other: object) -> Any:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(compared(self))

    def displayed(self: Any) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in visible)
        return f"{self.__class__.__qualname__}({values})"

    for name, method in (("__eq__", equal), ("__hash__", hashed), ("__repr__", displayed)):
        if name not in vars(made):
            setattr(made, name, method)
    return made
