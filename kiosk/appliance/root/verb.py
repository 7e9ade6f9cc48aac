"""One verb of root's socket: what it gets, what it answers, who may use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Request = Mapping[str, Any]
Answer = dict[str, Any]
Answers = Iterator[Answer]

# What a request that cannot be undone has as "confirmed": the person was asked so often.
CONFIRMED: Final = 2


@dataclass(frozen=True)
class Verb:
    """`key`: only with a session's key. `alone`: one such verb at a time."""

    run: Callable[[Request], Answers]
    key: bool = True
    alone: bool = False


def refuse(reason: str, **more: str | int) -> Answer:
    """The last object of an answer when nothing was done; `reason` is a word of [reasons] or one for the log."""
    return {"ok": False, "reason": reason, **more}
