"""Which attempt asks the system for a patient now, and the list of orders of which staff must know.

Must never: let an attempt go to the system without asking it first when one before may have reached it.
"""

import json
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from drivers.reservations import Order, Taken, Trouble, Unsettled
from drivers.reservations.sqlite.rows import of
from drivers.reservations.values import NoValue, decoded, encoded

# A clock that was set back must not keep a patient away for hours.
_LEASE_MAX = timedelta(minutes=2)


@dataclass(frozen=True)
class Row:
    """Of a day and patient. `until`: UTC."""

    attempt: str
    until: datetime
    ask_first: bool


def row_of(connection: sqlite3.Connection, order: Order) -> Row | None:
    """Who has the patient of `order`, or had, and left something to ask about."""
    found = connection.execute(
        "SELECT attempt, until, ask_first FROM taken WHERE day = :day AND patient_number = :patient",
        of(order.patient_number, order.day),
    ).fetchone()
    return None if found is None else Row(found[0], datetime.fromisoformat(found[1]), bool(found[2]))


def take(
    connection: sqlite3.Connection, order: Order, lease_s: float, now: datetime, *, ask_first: bool
) -> Taken | Trouble:
    """The row for `order`; `ask_first`: whatever the row says. Nothing is committed here."""
    row = row_of(connection, order)
    if row is not None and row.attempt != order.attempt and now < row.until < now + _LEASE_MAX:
        left_s = (row.until - now).total_seconds()
        return Trouble(
            "busy", "another attempt is registering this patient", code="taken", parameters={"wait_s": left_s}
        )
    taken = Taken(ask_first or row is not None)
    put(connection, order, now + timedelta(seconds=lease_s), ask_first=taken.ask_first)
    return taken


def put(connection: sqlite3.Connection, order: Order, until: datetime, *, ask_first: bool) -> None:
    """The row is of `order` until then."""
    connection.execute(
        "INSERT OR REPLACE INTO taken (day, patient_number, attempt, until, ask_first) VALUES (?, ?, ?, ?, ?)",
        (order.day.isoformat(), order.patient_number, order.attempt, until.astimezone(UTC).isoformat(), int(ask_first)),
    )


def free(connection: sqlite3.Connection, order: Order) -> None:
    """The row is nobody's, if it was of `order`."""
    connection.execute(
        "DELETE FROM taken WHERE day = ? AND patient_number = ? AND attempt = ?",
        (order.day.isoformat(), order.patient_number, order.attempt),
    )


# --- the list of staff ------------------------------------------------------------------------------------------------


def listed(connection: sqlite3.Connection, day: date) -> tuple[Unsettled, ...]:
    """Oldest first."""
    found = []
    for *_, content in listed_rows(connection, day):
        with suppress(ValueError, NoValue):  # of a newer program; its own list has it
            found.append(decoded(Unsettled, json.loads(content)))
    return tuple(found)


def listed_rows(connection: sqlite3.Connection, day: date) -> list[tuple[str, str, str, str]]:
    """The rows of the table."""
    statement = "SELECT day, attempt, since, content FROM unsettled WHERE day = ? ORDER BY since, attempt"
    return connection.execute(statement, (day.isoformat(),)).fetchall()


def listed_attempt(connection: sqlite3.Connection, order: Order) -> Unsettled | None:
    """What the list says of the attempt."""
    return next((each for each in listed(connection, order.day) if each.order.attempt == order.attempt), None)


def put_on_list(connection: sqlite3.Connection, unsettled: Unsettled) -> tuple[str, str]:
    """Or in the place of what the list says of the attempt. Moment and content of the row."""
    since = unsettled.since.astimezone(UTC).isoformat()
    content = json.dumps(encoded(unsettled), ensure_ascii=False)
    connection.execute(
        "INSERT OR REPLACE INTO unsettled (day, attempt, since, content) VALUES (?, ?, ?, ?)",
        (unsettled.order.day.isoformat(), unsettled.order.attempt, since, content),
    )
    return since, content


def take_off_list(connection: sqlite3.Connection, order: Order) -> bool:
    """Whether it was on it."""
    statement = "DELETE FROM unsettled WHERE day = ? AND attempt = ?"
    return connection.execute(statement, (order.day.isoformat(), order.attempt)).rowcount > 0
