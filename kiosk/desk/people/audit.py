"""The audit chain: who did what, to which visit. A line's hash covers the line and the hash of the one before.

Owns the lines. They hold names of users and acts, a visit's number of the day and a keyed hash for the patient: no
patient data. Who can write the database can make the whole chain again, so its last hash goes to the event log (and
with it to the system's journal and other machines) each hour: `anchor`. `verify` compares both.

A line's hash: SHA-256 over the hash before it, as hex, and the line as a JSON array without blanks.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from kiosk.desk.people.database import PeopleDatabase
from kiosk.desk.people.gate import AuditLine
from kiosk.process.retention import kept_from

EVENT: Final = "desk_audit"  # in the event log: `count` is the number of the last line, `code` its hash
KEEP: Final = timedelta(days=5 * 366)
# Of the months in which anybody did anything, these newest ones stay whatever the clock says. Five years touch 61; the
# other two are for months of a clock that was ahead.
KEEP_MONTHS: Final = 63
# An anchor may be written long after the line it speaks of, while nobody does anything.
_ANCHOR_SLACK: Final = timedelta(days=31)
_PORTION: Final = 5000
_COLUMNS: Final = "number, at, user, act, visit, person, subject, outcome, address"
_Row = tuple[int, str, str, str, int, str, str, str, str]


@dataclass(frozen=True)
class Anchor:
    """What an event log says: the line `number` had this hash; and when it was written there, None: not known."""

    number: int
    hash: str
    at: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """`lines`: how many are there, from `first` on. `anchors`: with how many of the event log's the chain agrees;
    `older`: how many speak of lines that are past keeping. `broken`: numbers of lines that are changed, or do not
    follow the one before, the first hundred. `differing`: numbers that the event log has with another hash, or that are
    gone though they are to be kept.
    """

    lines: int
    first: int
    anchors: int = 0
    older: int = 0
    broken: tuple[int, ...] = ()
    differing: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against the chain."""
        return not self.broken and not self.differing


class AuditChain:
    """The chain in `database`. `now`: the time, aware. Any thread, and beside other processes."""

    def __init__(self, database: PeopleDatabase, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    def write(
        self,
        user: str,
        act: str,
        outcome: str,
        *,
        visit: int = 0,
        person: str = "",
        subject: str = "",
        address: str = "",
    ) -> None:
        """Add a line; it is on the disk when this returns. Raises PeopleUnusable: then there is no line.

        `user`: "" for the program itself. `visit`: its number of the day, 0: none. `person`: the keyed hash of the
        patient's number. `subject`: the account that something was done to. `outcome`: a code.
        """
        with self._database.writing() as connection:
            self.write_within(
                connection, user, act, outcome, visit=visit, person=person, subject=subject, address=address
            )

    def write_within(
        self,
        connection: sqlite3.Connection,
        user: str,
        act: str,
        outcome: str,
        *,
        visit: int = 0,
        person: str = "",
        subject: str = "",
        address: str = "",
    ) -> None:
        """The same in a transaction of the caller's: what it does and its line are there together, or neither is."""
        last = _last(connection)
        at = self._now().astimezone(UTC).isoformat(timespec="milliseconds")
        row = (last.number + 1, at, user, act, visit, person, subject, outcome, address)
        places = ", ".join("?" * (len(row) + 1))
        connection.execute(f"INSERT INTO audit ({_COLUMNS}, hash) VALUES ({places})", (*row, _hash(last.hash, row)))  # noqa: S608 - our names

    def lines(self, before: int = 0, count: int = 100) -> Sequence[AuditLine]:
        """The newest first; `before` > 0: those with a smaller number."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?",  # noqa: S608 - our column names
                (before or 2**62, count),
            ).fetchall()
        return [AuditLine(row[0], datetime.fromisoformat(row[1]), *row[2:]) for row in rows]

    def anchor(self) -> Anchor:
        """The last line's number and hash; number 0: there is none yet."""
        with self._database.reading() as connection:
            return _last(connection)

    def prune(self) -> int:
        """Delete the lines that are older than KEEP; how many. The rest of the chain stays verifiable.

        Only from the beginning, up to the first line that is to be kept: a clock that was wrong makes no hole. And none
        of the newest KEEP_MONTHS: a clock that is years ahead takes nothing away.
        """
        at = (self._now() - KEEP).astimezone(UTC).isoformat(timespec="milliseconds")
        with self._database.writing() as connection:
            at = min(at, kept_from(connection, "audit", "at", KEEP_MONTHS))
            kept = connection.execute("SELECT min(number) FROM audit WHERE at >= ?", (at,)).fetchone()[0]
            gone = connection.execute("SELECT number, hash FROM audit WHERE number = ? - 1", (kept,)).fetchone()
            if gone is None:
                return 0
            connection.execute("UPDATE chain SET number = ?, hash = ?", gone)
            return connection.execute("DELETE FROM audit WHERE number < ?", (kept,)).rowcount

    def verify(self, anchors: Iterable[Anchor] = ()) -> Verdict:
        """Read the whole chain and compare it with `anchors`. Raises PeopleUnusable."""
        wanted: dict[int, list[Anchor]] = {}
        for each in anchors:
            wanted.setdefault(each.number, []).append(each)
        broken: list[int] = []
        differing: set[int] = set()
        agreed = lines = 0
        with self._database.reading() as connection:
            start = before = _start(connection)
        agreed, older = self._compare_older(wanted, start, differing)
        for row, found in self._rows(start.number):
            if row[0] != before.number + 1 or found != _hash(before.hash, row):
                broken.append(row[0])
            for each in wanted.pop(row[0], ()):
                if each.hash == found:
                    agreed += 1
                else:
                    differing.add(row[0])
            before, lines = Anchor(row[0], found), lines + 1
        differing |= set(wanted)  # the end was cut off
        return Verdict(lines, start.number + 1, agreed, older, tuple(broken[:100]), tuple(sorted(differing)[:100]))

    def _rows(self, after: int) -> Iterator[tuple[_Row, str]]:
        """Every line behind `after`, with its hash. In portions: whoever reads keeps others from writing."""
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(
                    f"SELECT {_COLUMNS}, hash FROM audit WHERE number > ? ORDER BY number LIMIT {_PORTION}",  # noqa: S608 - our names
                    (after,),
                ).fetchall()
            if not rows:
                return
            for row in rows:
                yield row[:-1], row[-1]
            after = rows[-1][0]

    def _compare_older(self, wanted: dict[int, list[Anchor]], start: Anchor, differing: set[int]) -> tuple[int, int]:
        """Take out of `wanted` what speaks of lines before the first: how many agree, how many cannot be compared."""
        agreed = older = 0
        for number in [number for number in wanted if number <= start.number]:
            for each in wanted.pop(number):
                if number == start.number and each.hash == start.hash:
                    agreed += 1
                elif number == start.number or (each.at and each.at > self._now() - KEEP + _ANCHOR_SLACK):
                    differing.add(number)
                else:
                    older += 1
        return agreed, older


def anchors_in(lines: Iterable[str]) -> Iterator[Anchor]:
    """The anchors in an event log: JSON objects a line, or what the system's journal has of them
    (`desk_audit: … count=N code=HASH`); every other line is passed over.
    """
    for line in lines:
        if EVENT not in line:
            continue
        try:
            fields = json.loads(line)
        except ValueError:
            fields = dict(part.split("=", 1) for part in line.split() if "=" in part) | {"event": EVENT}
        if isinstance(fields, dict) and fields.get("event") == EVENT:
            number, found = str(fields.get("count", "")), str(fields.get("code", ""))
            if number.isdecimal() and len(number) < 18 and found:
                yield Anchor(int(number), found, _time(fields.get("at")))


def _time(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _last(connection: sqlite3.Connection) -> Anchor:
    row = connection.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    return Anchor(*row) if row else _start(connection)


def _start(connection: sqlite3.Connection) -> Anchor:
    """What the oldest line is chained to: the last one that was deleted, or the chain's beginning."""
    return Anchor(*connection.execute("SELECT number, hash FROM chain").fetchone())


def _hash(before: str, row: Sequence[object]) -> str:
    line = json.dumps(row, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{line}".encode()).hexdigest()
