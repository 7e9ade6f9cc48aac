"""Databases of the first version with a reception desk under this one, and this one's under that program again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from drivers.reservations import Reception
from drivers.share import open_share
from kiosk.desk import registrations_file, sealed_register
from kiosk.desk.compare import prints_of, slot_of
from kiosk.desk.day_store import DayStore, Entry
from kiosk.desk.export import Exports, to_csv
from kiosk.desk.page_values import row_of
from kiosk.desk.register import Accepted
from kiosk.desk.sealed_register import SealedRegister
from kiosk.process import json_values
from kiosk.process.database import Database, open_or_begin
from kiosk.process.sealing import Seals
from kiosk.results import changes
from kiosk.results.changes import EligibilityChange
from kiosk.results.records import Confirmation
from kiosk.tables import known_people
from kiosk.tables.known_people import PENDING_DAYS, KnownPeople
from tests.desk.registering import NOON
from tests.desk.test_export import CERTIFICATE
from tests.desk.test_visits import Desk as Taps
from tests.desk.test_visits import result
from tests.process.test_migrations import beyond_adding, statements

SEALS = Seals(b"s" * 32)
DAY = date(2026, 1, 15)
# The scripts as they landed: no later version changes them.
KNOWN: Final = """
    CREATE TABLE known (person TEXT PRIMARY KEY, prints TEXT NOT NULL, last_day TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE pending (file INTEGER PRIMARY KEY, person TEXT NOT NULL, prints TEXT NOT NULL, day TEXT NOT NULL);
    CREATE INDEX pending_by_day ON pending (day);
"""
ACCEPTED: Final = """
    CREATE TABLE certificate (
        id INTEGER PRIMARY KEY AUTOINCREMENT, person TEXT NOT NULL, slot TEXT NOT NULL, prints TEXT NOT NULL,
        sealed BLOB,
        accepted_on TEXT NOT NULL, accepted_by TEXT NOT NULL, last_day TEXT NOT NULL,
        ended_on TEXT NOT NULL DEFAULT '', ended_by TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX certificate_of_person ON certificate (person) WHERE ended_on = '';
"""
REGISTRATIONS: Final = """
    CREATE TABLE outgoing (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        series TEXT NOT NULL, day TEXT NOT NULL, number INTEGER NOT NULL,
        state TEXT NOT NULL, temp TEXT NOT NULL DEFAULT '', stop TEXT NOT NULL DEFAULT '',
        token TEXT NOT NULL UNIQUE,
        content BLOB NOT NULL,
        put_at REAL,
        UNIQUE (series, day, number)
    );
    CREATE INDEX outgoing_by_state ON outgoing (state);
    CREATE TABLE registrations (
        id INTEGER PRIMARY KEY REFERENCES outgoing (id),
        visit INTEGER NOT NULL, user TEXT NOT NULL, asked_at REAL NOT NULL, ended_at REAL,
        identifier TEXT NOT NULL UNIQUE,
        insurance TEXT NOT NULL, number TEXT NOT NULL,
        state TEXT NOT NULL, code TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '',
        details BLOB NOT NULL
    );
    CREATE INDEX registrations_by_insurance ON registrations (insurance);
    CREATE INDEX registrations_by_number ON registrations (number);
    CREATE INDEX registrations_by_state ON registrations (state);
"""


@pytest.mark.parametrize(
    ("migrations", "landed"),
    [
        (known_people.MIGRATIONS, KNOWN),
        (sealed_register.MIGRATIONS, ACCEPTED),
        (registrations_file.MIGRATIONS, REGISTRATIONS),
    ],
)
def test_what_landed_is_as_it_was_and_the_rest_only_adds(migrations: tuple[str, ...], landed: str) -> None:
    assert [" ".join(each.split()) for each in statements(migrations[0])] == [
        " ".join(each.split()) for each in statements(landed)
    ]
    assert beyond_adding(statements(script) for script in migrations) == []


@contextmanager
def as_landed(path: Path, script: str) -> Iterator[Database]:
    """The program that landed opens the file, or makes it."""
    with closing(open_or_begin(path, (script,), SEALS.identity)) as db:
        yield db


def version(path: Path, migrations: tuple[str, ...]) -> int:
    with closing(Database(path, migrations)) as db:
        return int(db.rows("PRAGMA user_version")[0][0])


# --- known.db --------------------------------------------------------------------------------------------------------


class LandedPeople:
    """Its statements, word for word."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def compare(self, number: str, confirmation: Confirmation, file: int, day: date) -> EligibilityChange:
        person = SEALS.person(number)
        now = changes.prints_of(confirmation, lambda *parts: SEALS.value(person, *parts))
        rows = self._db.rows("SELECT prints FROM known WHERE person = ?", person)
        keys, fields = json.loads(rows[0][0]) if rows else ((), {})
        change = changes.compare(now, changes.Prints(frozenset(keys), fields) if rows else None)
        with self._db.writing() as db:
            if change.learn is not None:
                row = (person, json.dumps([sorted(change.learn.keys), dict(change.learn.fields)]), day.isoformat())
                db.execute("INSERT OR REPLACE INTO known VALUES (?, ?, ?)", row)
            else:
                db.execute(
                    "INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?)",
                    (file, person, json.dumps([sorted(change.now.keys), dict(change.now.fields)]), day.isoformat()),
                )
        return change

    def settle(self, file: int) -> bool:
        with self._db.writing() as db:
            row = db.execute("SELECT person, prints, day FROM pending WHERE file = ?", (file,)).fetchone()
            if row is None:
                return False
            db.execute("INSERT OR REPLACE INTO known VALUES (?, ?, ?)", row)
            db.execute("DELETE FROM pending WHERE person = ? AND file <= ?", (row[0], file))
            return True

    def forget(self, today: date) -> None:
        with self._db.writing() as db:
            last = db.execute("SELECT max(last_day) FROM known").fetchone()[0]
            today = min(today, date.fromisoformat(last)) if last else today
            db.execute("DELETE FROM known WHERE last_day < ?", ((today - timedelta(400)).isoformat(),))
            db.execute("DELETE FROM pending WHERE day < ?", ((today - timedelta(7)).isoformat(),))


def says(key: str) -> Confirmation:
    return Confirmation((), (key,))


def test_who_was_known_is_known_and_an_unsettled_change_is_asked_once_more(tmp_path: Path) -> None:
    path = tmp_path / "known.db"
    with as_landed(path, KNOWN) as db:
        landed = LandedPeople(db)
        assert [landed.compare(number, says("a"), 1, DAY).key for number in "12"] == ["first", "first"]
        assert landed.compare("2", says("b"), 7, DAY).key == "changed"
    with closing(KnownPeople(path, SEALS)) as known:
        assert not known.was_put_aside
        assert [known.compare(number, says("a"), DAY).key for number in "12"] == ["same", "same"]
        assert not known.settle("7")
        assert not known.settle("")
        changed = known.compare("2", says("b"), DAY)
        assert changed.key == "changed"
        assert known.settle(changed.mark)
        open_still = known.compare("1", says("c"), DAY)
        assert open_still.key == "changed"
    assert version(path, known_people.MIGRATIONS) == 2
    with as_landed(path, KNOWN) as db:
        landed = LandedPeople(db)
        assert landed.compare("2", says("b"), 8, DAY).key == "same"
        assert landed.compare("1", says("c"), 9, DAY).key == "changed", "nobody has settled it"
        assert landed.settle(9)
        assert landed.compare("1", says("c"), 10, DAY).key == "same"
        assert landed.compare("1", says("d"), 11, DAY).key == "changed"
        landed.forget(DAY + timedelta(3))
    assert version(path, known_people.MIGRATIONS) == 2
    with closing(KnownPeople(path, SEALS)) as known:
        assert not known.was_put_aside
        assert [known.compare("1", says("c"), DAY).key, known.compare("2", says("b"), DAY).key] == ["same", "same"]
        known.forget(DAY + timedelta(PENDING_DAYS + 1))
        assert known._db.rows("SELECT * FROM pending UNION ALL SELECT * FROM change") == []


# --- accepted.db and registrations.db --------------------------------------------------------------------------------


class LandedDesk:
    """Its statements, word for word, on the register and on the files for a receipt computer."""

    def __init__(self, accepted: Database, registrations: Database) -> None:
        self._accepted, self._registrations = accepted, registrations

    def accept(self, number: str) -> None:
        """Both, one after the other."""
        person, made = SEALS.person(number), accepted_of(number)
        sealed = SEALS.seal(json_values.dump(CERTIFICATE), f"certificate {person} {made.slot}".encode())
        day = DAY.isoformat()
        with self._accepted.writing() as db:
            db.execute(
                "INSERT INTO certificate (person, slot, prints, sealed, accepted_on, accepted_by, last_day)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (person, made.slot, json.dumps(dict(made.prints)), sealed, day, "sato", day),
            )
        with self._registrations.writing() as db:
            query = "SELECT coalesce(max(number), 0) + 1 FROM outgoing WHERE series = ? AND day = ?"
            file_number = db.execute(query, ("exports", "20260115")).fetchone()[0]
            token = f"token of {number}"
            db.execute(
                "INSERT INTO outgoing (series, day, number, state, token, content) VALUES (?, ?, ?, 'stored', ?, ?)",
                (
                    "exports",
                    "20260115",
                    file_number,
                    token,
                    SEALS.seal(to_csv(number, CERTIFICATE, NOON), token.encode()),
                ),
            )

    def certificates(self, number: str) -> list[tuple[Any, ...]]:
        query = (
            "SELECT id, slot, prints, sealed, accepted_on FROM certificate"
            " WHERE person = ? AND ended_on = '' ORDER BY id"
        )
        return self._accepted.rows(query, SEALS.person(number))

    def end(self, number: str) -> None:
        self._accepted.write(
            "UPDATE certificate SET ended_on = ?, ended_by = ?, last_day = coalesce(?, last_day)"
            " WHERE id = ? AND person = ? AND ended_on = ''",
            DAY.isoformat(), "sato", None, self.certificates(number)[0][0], SEALS.person(number),
        )  # fmt: skip

    def forget(self) -> None:
        assert self._accepted.rows("SELECT max(max(accepted_on, ended_on)) FROM certificate") == [(DAY.isoformat(),)]
        before = (DAY - timedelta(400)).isoformat()
        self._accepted.write("DELETE FROM certificate WHERE max(last_day, accepted_on, ended_on) < ?", before)

    def waiting(self) -> list[tuple[Any, ...]]:
        query = (
            "SELECT id, series, day, number, state, temp, stop, token FROM outgoing"
            " WHERE state IN ('stored', 'prepared') AND series = ? ORDER BY id"
        )
        return self._registrations.rows(query, "exports")


@contextmanager
def landed_desk(folder: Path) -> Iterator[LandedDesk]:
    registrations = Database(folder / "registrations.db", (REGISTRATIONS,))
    with closing(registrations), as_landed(folder / "accepted.db", ACCEPTED) as accepted:
        yield LandedDesk(accepted, registrations)


def accepted_of(number: str) -> Accepted:
    person = SEALS.person(number)

    def hashed(*parts: str) -> str:
        return SEALS.value(person, *parts)

    return Accepted("", slot_of(CERTIFICATE, hashed), prints_of(CERTIFICATE, hashed), CERTIFICATE)


@contextmanager
def desk_now(folder: Path) -> Iterator[tuple[SealedRegister, Exports]]:
    with closing(KnownPeople(folder / "known.db", SEALS)) as known:
        register = SealedRegister(folder / "accepted.db", SEALS, known, keep_values=True, today=lambda: DAY)
        with closing(register), closing(registrations_file.open_registrations(folder / "registrations.db")) as file:
            share = open_share((folder / "export").as_uri(), None)
            yield register, Exports(register.file, file, SEALS, share, lambda: NOON)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in (folder / "export").iterdir())


def test_what_was_accepted_stays_and_each_file_goes_out_once_forth_and_back(tmp_path: Path) -> None:
    with landed_desk(tmp_path) as landed:
        landed.accept("1")  # its file waits: the folder is away
        landed.accept("2")
        landed.end("2")
    with desk_now(tmp_path) as (register, exports):
        assert not register.was_put_aside
        [kept] = register.certificates("1")
        assert (kept.certificate, kept.on, kept.prints) == (CERTIFICATE, DAY, accepted_of("1").prints)
        assert register.certificates("2") == ()
        register.accept("3", accepted_of("3"), "sato", lambda db: exports.store("3", CERTIFICATE, db))
        assert exports.waiting == 3
        assert not exports.advance(), "the folder is away still"
        (tmp_path / "export").mkdir()
        assert exports.advance()
        assert names(tmp_path) == [f"subsidies_20260115000{number}.csv" for number in (1, 2, 3)]
        (tmp_path / "export").rename(tmp_path / "taken")
        register.accept("4", accepted_of("4"), "sato", lambda db: exports.store("4", CERTIFICATE, db))
        assert not exports.advance()
    assert version(tmp_path / "accepted.db", sealed_register.MIGRATIONS) == 2
    with landed_desk(tmp_path) as landed:
        assert [len(landed.certificates(number)) for number in "1234"] == [1, 0, 1, 1]
        assert [row[1:5] for row in landed.waiting()] == [("exports", "20260115", 4, "stored")]
        landed.accept("5")
        landed.end("1")
        landed.forget()
    assert version(tmp_path / "accepted.db", sealed_register.MIGRATIONS) == 2
    with desk_now(tmp_path) as (register, exports):
        assert not register.was_put_aside
        assert [len(register.certificates(number)) for number in "12345"] == [0, 0, 1, 1, 1]
        (tmp_path / "export").mkdir()
        assert exports.advance()
        assert names(tmp_path) == [f"subsidies_20260115000{number}.csv" for number in (4, 5)]
        assert not exports.advance()
        assert exports.waiting == 0


def test_a_visit_that_the_landed_desk_kept_keeps_its_reception_number(tmp_path: Path) -> None:
    """It kept one number, which is the line's in the book of then; it passes over what this one keeps besides."""
    visit = replace(Taps().taps(result()), arrival=5, receptions=(Reception("A5", NOON, key="5"),))
    store = DayStore(tmp_path / "day.db", SEALS, durable=False)
    try:
        store.put(DAY, Entry(visit, "0012", registered_here=5))
        [kept] = store.entries(DAY)
        assert kept.visit.receptions == visit.receptions
        landed = json.loads(json_values.dump(kept))
        del landed["visit"]["receptions"]
        about = f"visit {DAY} {visit.seq}".encode()
        sealed = SEALS.seal(json.dumps(landed).encode(), about)
        with store._db.writing() as db:
            db.execute("UPDATE visit SET sealed = ?", (sealed,))
        [found] = store.entries(DAY)
        row = row_of(found, 1, (), can_walk_in=False)
        assert (row.arrival, row.called, row.arrived_at_kiosk) == (5, "5", False)
    finally:
        store.close()
