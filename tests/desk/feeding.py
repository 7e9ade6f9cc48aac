"""What tests of the feeds share: a desk that keeps what it is handed, and results of people who do not exist."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from drivers.simulated.results import Insured, Tap, tap
from kiosk.desk.feed import Result, Subsidy

CODE = "9912345678"
PERSON = Insured("架空　花子", "ｶｸｳ ﾊﾅｺ", "19800101", number="00012")


def tap_now(person: Insured = PERSON, ago: timedelta = timedelta(0)) -> Tap:
    """The files of a tap of today, by the terminal's clock in UTC."""
    return tap(person, datetime.now(UTC) - ago, CODE)


@dataclass
class Desk:
    """A `Sink`. `failures`: how often it cannot keep what it is handed, from now on."""

    results: list[Result] = field(default_factory=list)
    subsidies: list[Subsidy] = field(default_factory=list)
    failures: int = 0
    threads: set[int] = field(default_factory=set)

    def result(self, result: Result) -> None:
        self._fail()
        self.results.append(result)

    def subsidy(self, subsidy: Subsidy) -> None:
        self._fail()
        self.subsidies.append(subsidy)

    def _fail(self) -> None:
        self.threads.add(threading.get_ident())
        if self.failures:
            self.failures -= 1
            raise sqlite3.OperationalError("injected")

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.results]
