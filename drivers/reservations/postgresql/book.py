"""`Book` in PostgreSQL: a question for each call, answered by a function of the server's in one transaction.

Must never: hold a transaction open between two calls; tell a number that was not written down beside, for the server
that takes over.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from drivers.reservations import (
    Answer,
    Cancellation,
    Count,
    DayList,
    Departments,
    Imported,
    Kept,
    Order,
    Reception,
    Register,
    Registered,
    Registration,
    ReservationsDown,
    Taken,
    Trouble,
    Unsettled,
    UnsettledList,
    Withdrawn,
)
from drivers.reservations.adapter import Settings
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


class PostgresBook:
    """The book at `url` (see `address`). What this kiosk was told is kept in `settings.folder` (see `copies`).

    The constructor talks to nobody. Raises BadAddress.
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

    def find(self, patient_number: str, day: date, until: float) -> Answer:
        """See SystemOfRecord.find. Never `UnknownPatient`: a list of appointments is no register of patients."""
        answer: Answer = self._of(patient_number, self._ask("find", until, patient_number=patient_number, day=day))
        return answer

    def register(self, order: Order, until: float) -> Registration:
        """See SystemOfRecord.register."""
        question = {"order": order, "numbering": self._numbering}
        answer: Registration = self._of(order.patient_number, self._ask("register", until, **question))
        return answer

    def cancel(
        self, patient_number: str, reception: Reception, day: date, at: datetime, reason: str, until: float
    ) -> Cancellation:
        """See Reservations.cancel."""
        parts = {"patient_number": patient_number, "reception": reception, "day": day, "at": at, "reason": reason}
        answer: Cancellation = self._of(patient_number, self._ask("cancel", until, **parts))
        return answer

    def day_list(self, day: date, until: float) -> DayList | Trouble:
        """See SystemOfRecord.day_list."""
        answer: DayList | Trouble = self._ask("day_list", until, day=day)
        return answer

    def departments(self, day: date, until: float) -> Departments | Trouble:
        """The departments of the appointments that are held for `day`."""
        answer: Departments | Trouble = self._ask("departments", until, day=day)
        return answer

    def entries(self, day: date, until: float) -> Register | Trouble:
        """See Reservations.entries."""
        answer: Register | Trouble = self._ask("entries", until, day=day)
        return answer

    def count(self, day: date, until: float) -> Count | Trouble:
        """See Reservations.count."""
        answer: Count | Trouble = self._ask("count", until, day=day)
        return answer

    def unsettled(self, day: date, until: float) -> UnsettledList | Trouble:
        """See Reservations.unsettled."""
        answer: UnsettledList | Trouble = self._ask("unsettled", until, day=day)
        return answer

    def follow(self, changed: Callable[[], None], answers: Callable[[bool], None]) -> Subscription:
        """See Reservations.follow. By a connection of its own, that asks once a second."""
        return Follower(Hosts(self._server, self._caller), changed, answers)

    def take(self, order: Order, lease_s: float, until: float) -> Taken | Registered | Trouble:
        """See Book.take."""
        answer: Taken | Registered | Trouble = self._ask("take", until, order=order, lease_s=lease_s)
        return answer

    def settle(self, order: Order, outcome: Registration, until: float) -> Registration:
        """See Book.settle."""
        question = {"order": order, "numbering": self._numbering, "outcome": named(outcome)}
        answer: Registration = self._of(order.patient_number, self._ask("settle", until, **question))
        return answer

    def note(self, unsettled: Unsettled, until: float) -> Kept | Trouble:
        """See Book.note."""
        answer: Kept | Trouble = self._ask("note", until, unsettled=unsettled)
        return answer

    def noted_done(self, order: Order, until: float) -> Kept | Trouble:
        """See Book.noted_done."""
        answer: Kept | Trouble = self._ask("noted_done", until, order=order)
        return answer

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

    def _ask(self, name: str, until: float, **parts: object) -> Any:
        try:
            message = self._hosts.ask(name, encoded(parts), until)
        except Failed as failed:
            return self._trouble(name, failed, parts)
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
        return answer

    def _trouble(self, name: str, failed: Failed, parts: Mapping[str, object]) -> Trouble | Withdrawn:
        order = parts.get("order")
        if failed.state == TOO_LATE and isinstance(order, Order):
            return Withdrawn(order.patient_number)
        known = failed.trouble
        return known if name in WRITES else Trouble(known.kind, known.what, False, known.code, known.parameters)

    def _of(self, patient_number: str, answer: Any) -> Any:
        if getattr(answer, "patient_number", patient_number) == patient_number:
            return answer
        return Trouble("misunderstood", "the book's server: an answer about somebody else", True, "misunderstood")

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
