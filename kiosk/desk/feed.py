"""Where the desk's results come from: what a feed hands over, and to whom.

`feed_courier`: the kiosk's courier hands over what it reads. `feed_watch`: the terminal's folders are only read. Must
never hold up, alter or delay a delivery, and never hand over less without counting it.
"""

from __future__ import annotations

import threading
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from kiosk.results.changes import EligibilityChange
from kiosk.words.problems import Problem


@dataclass(frozen=True)
class Result:
    """An eligibility result. `file`: its number in the feed, of this kind of feed alone; `file` and `at` together are
    the same when it is offered again, and only then. `name`: at the terminal. `at`: aware, when it was seen there.

    `raw` None: empty, too large, or broken for a minute. `change`: against what staff confirmed last; None where no
    patient number may be believed, or nothing could be compared. From the courier its `now` and `learn` say nothing.
    """

    file: int
    name: str = field(repr=False)
    at: datetime
    raw: bytes | None = field(repr=False)
    change: EligibilityChange | None = field(repr=False)


@dataclass(frozen=True)
class Subsidy:
    """What answers a subsidy request. `file`, `at`: as in Result. `request`: the lower-case name of the request.

    `raw`: the result, b"" where it could not be read; None: it is an error file, of which nothing is read.
    """

    file: int
    request: str = field(repr=False)
    raw: bytes | None = field(repr=False)
    at: datetime


class Sink(Protocol):
    """Takes what a feed finds, each method in one thread of the feed, the oldest first; durable when it returns.

    sqlite3.Error and OSError mean that it is offered again, with what comes after it. One that was taken may be offered
    again too, after a kill: it is the same by `file` and `at`.
    """

    def result(self, result: Result) -> None:
        """An eligibility result."""

    def subsidy(self, subsidy: Subsidy) -> None:
        """A subsidy result, or the error file in its place."""


@dataclass(frozen=True)
class FeedState:
    """`problem`: why results may be missing (catalogue `troubles`); None: nothing is known to be wrong. `since`: aware,
    when this state began.
    """

    problem: Problem | None
    since: datetime


class State:
    """What is wrong with a feed, by what it concerns. The first that is wrong is what is reported. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wrong: dict[str, Problem] = {}
        self.now = FeedState(None, datetime.now(UTC))

    def set(self, concern: str, problem: Problem | None) -> None:
        """None: it is well."""
        with self._lock:
            if problem is None:
                self._wrong.pop(concern, None)
            else:
                self._wrong[concern] = problem
            first = next(iter(self._wrong.values()), None)
            if first != self.now.problem:
                self.now = FeedState(first, datetime.now(UTC))


class Feed(Protocol):
    """One way to the results. `settle` and `missing` may take as long as another process takes to answer: 2 s at most,
    and not in the thread that serves pages.
    """

    @property
    def state(self) -> FeedState:
        """Any thread; never waits."""

    def start(self, sink: Sink) -> None:
        """Its thread begins. Once."""

    def close(self) -> None:
        """Its thread ends within 2 s; what was not taken is offered again after the next start."""

    @property
    def was_put_aside(self) -> bool:
        """Whether what staff confirmed before could not be read, within a day. Any thread; never waits."""

    def settle(self, mark: str) -> bool:
        """Staff confirmed the change of this mark (`Result.change`): from now on that is compared with.

        False: not now; it is kept and tried again until `close`. What is lost by then is asked of staff once more.
        """

    def missing(self, displayed: AbstractSet[int], since: datetime) -> tuple[int, ...]:
        """Numbers of results seen since `since` (aware) that never came here. (): none, or it cannot be known."""
