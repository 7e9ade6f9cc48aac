"""`Book` in PostgreSQL: a question for each call, answered by a function of the server's in one transaction.

Must never: hold a transaction open between two calls; tell a number that was not written down beside, for the server
that takes over.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from drivers.reservations import (
    Imported,
    Order,
    ReservationsDown,
    Trouble,
    Withdrawn,
)
from drivers.reservations.adapter import Settings
from drivers.reservations.asking import Asking
from drivers.reservations.csv_file import Parsed
from drivers.reservations.ports import Ability, Subscription
from drivers.reservations.postgresql.address import parse
from drivers.reservations.postgresql.connection import Line, Server
from drivers.reservations.postgresql.copies import copies_in
from drivers.reservations.postgresql.failures import TOO_LATE, Failed
from drivers.reservations.postgresql.follower import Follower
from drivers.reservations.postgresql.hosts import Caller, Hosts
from drivers.reservations.values import NoValue, encoded, named
from drivers.reservations.wire import WRITES, answer_from

_IMPORT_S: Final = 120.0
# Rows per step of an import: often enough for a progress bar, rarely enough to cost nothing.
_STEP: Final = 5000
# The calls that may give numbers.
_NUMBERS: Final = ("register", "settle")


class PostgresBook(Asking):
    """The book at `url` (see `address`). What this kiosk was told is kept in `settings.folder` (see `copies`).

    The constructor talks to nobody. Raises BadAddress. `find` never says `UnknownPatient`: a list of appointments is no
    register of patients.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        self.settings = settings
        self._server = Server(parse(url), settings.password, settings.ca_file)
        self._numbering = settings.numbering
        self._copies = copies_in(settings.folder)
        self._caller = Caller(settings.name or socket.gethostname(), settings.clock, self._copies)
        self._hosts = Hosts(self._server, self._caller)

    @property
    def ability(self) -> Ability:
        """See SystemOfRecord.ability."""
        return Ability(
            gives_numbers=not self._numbering.by_system,
            cancels=True,
            lists_day=True,
            walk_in=True,
            atomic_visit=True,
            keeps_attempts=True,
        )

    def follow(self, changed: Callable[[], None], answers: Callable[[bool], None]) -> Subscription:
        """See Reservations.follow. By a connection of its own, that asks once a second."""
        return Follower(Hosts(self._server, self._caller), changed, answers)

    def import_rows(
        self,
        parsed: Parsed,
        progress: Callable[[int, int], None] = lambda done, total: None,
        *,
        compare: Callable[[Mapping[date, int]], None] = lambda held: None,
    ) -> Imported:
        """See ImportingBook.import_rows. The role has to be in kiosk_hub."""
        if not parsed.rows:
            return Imported(0, 0)
        days = {"days": [day.isoformat() for day in parsed.days]}
        total = len(parsed.rows)
        with self._transaction() as line:
            held = self._call(line, "import_begin", days)
            compare({day: int(held[day.isoformat()]) for day in parsed.days})
            self._call(line, "import_clear", days)
            for start in range(0, total, _STEP):
                self._call(line, "import_rows", {"rows": encoded(parsed.rows[start : start + _STEP])})
                progress(min(start + _STEP, total), total)
        return Imported(total, len(parsed.days))

    def forget(self, before: date) -> None:
        """Delete everything of days before `before`, but nothing of the last week. The role has to be in kiosk_hub.
        Raises ReservationsDown.
        """
        with self._transaction() as line:
            self._call(line, "forget", {"before": before.isoformat()})

    def close(self) -> None:
        """Close the connection; the next call would open another one."""
        self._hosts.close()

    def _ask(self, name: str, until: float, **parts: Any) -> Any:
        order = parts.get("order")
        question = dict(parts)
        if name in _NUMBERS:
            question["numbering"] = self._numbering
        if "outcome" in parts:
            question["outcome"] = named(parts["outcome"])
        try:
            message = self._hosts.ask(name, encoded(question), until)
        except Failed as failed:
            return self._trouble(name, failed, order)
        try:
            answer = answer_from(name, message)
            if "copy" in message:
                # The patient is registered, whether or not this disk takes a copy for the next server.
                with contextlib.suppress(OSError, ValueError):
                    self._copies.keep(message["copy"])
        except NoValue:
            return Trouble(
                "misunderstood", "the book's server: an answer that is none", name in WRITES, "misunderstood"
            )
        wanted = parts.get("patient_number", order.patient_number if order else "")
        if wanted and getattr(answer, "patient_number", wanted) != wanted:
            return Trouble("misunderstood", "the book's server: an answer about somebody else", True, "misunderstood")
        return answer

    def _trouble(self, name: str, failed: Failed, order: Order | None) -> Trouble | Withdrawn:
        if failed.state == TOO_LATE and order is not None:
            return Withdrawn(order.patient_number)
        known = failed.trouble
        return known if name in WRITES else Trouble(known.kind, known.what, False, known.code, known.parameters)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Line]:
        """On a connection of its own, committed at the end. Raises ReservationsDown."""
        hosts = Hosts(self._server, replace(self._caller, copies=None))
        until = time.monotonic() + _IMPORT_S
        try:
            line = hosts.line(until)
            limit = f"'{_IMPORT_S:.0f}s'"
            # It holds nothing that a patient waits for.
            settings = ("statement_timeout", "idle_in_transaction_session_timeout")
            line.run("; ".join(("BEGIN", *(f"SET LOCAL {each} = {limit}" for each in settings))), until)
            yield line
            line.run("COMMIT", until)
        except Failed as failed:
            known = failed.trouble
            raise ReservationsDown(known.what, known.code, **known.parameters) from None
        finally:
            hosts.close()

    def _call(self, line: Line, name: str, question: dict[str, Any]) -> dict[str, Any]:
        return line.call(name, question, time.monotonic() + _IMPORT_S)[0]
