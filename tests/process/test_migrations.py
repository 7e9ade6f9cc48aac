"""Databases forward and one version back: a synthetic next version on top of the real schema, both ways and again."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.reservations import Trouble, csv_file
from drivers.reservations.sqlite import file as sqlite_file
from drivers.reservations.sqlite.file import DATABASE_NAME
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.courier import ledger
from kiosk.courier.ledger import Ledger, LedgerLost
from tests.book import answers, arrive, soon
from tests.courier.bench import RunningCourier, document, place, result_name

DAY = date(2026, 1, 15)
AT = datetime(2026, 1, 15, 0, 0, tzinfo=UTC)
ROWS = "patient_number,date,time,department,doctor,place,note\n{},2026-01-15,9:00,内科,,,\n"

# What the next release may do, and the one after it.
LEDGER_NEXT = (
    """
    ALTER TABLE files ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE files ADD COLUMN seen_by TEXT;
    CREATE TABLE servers (role TEXT PRIMARY KEY, dialect TEXT NOT NULL);
    CREATE INDEX files_by_seen ON files (seen_at);
    """,
    "CREATE TABLE more (x)",
)
RESERVATIONS_NEXT = (
    (
        "ALTER TABLE arrival ADD COLUMN kiosk TEXT NOT NULL DEFAULT ''",
        "CREATE TABLE room (day TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID",
        "CREATE INDEX arrival_by_kiosk ON arrival (kiosk)",
    ),
    ("CREATE TABLE more (x)",),
)


def ledger_of(monkeypatch: pytest.MonkeyPatch, ahead: int) -> None:
    """From now on the program is `ahead` releases after this one."""
    monkeypatch.setattr(ledger, "_MIGRATIONS", LEDGER_NOW + LEDGER_NEXT[:ahead])


def reservations_of(monkeypatch: pytest.MonkeyPatch, ahead: int) -> None:
    monkeypatch.setattr(sqlite_file, "MIGRATIONS", RESERVATIONS_NOW + RESERVATIONS_NEXT[:ahead])


LEDGER_NOW = ledger._MIGRATIONS
RESERVATIONS_NOW = sqlite_file.MIGRATIONS


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return db.execute(query).fetchall()


def version(path: Path) -> int:
    return int(rows(path, "PRAGMA user_version")[0][0])


def deliver(data: Path, source: Path, target: Path, number: int) -> None:
    """A whole courier delivers one more file, exactly once."""
    with RunningCourier(data, (source.as_uri(), target.as_uri())) as courier:
        place(source, result_name(number), document())
        courier.wait_done(number)
    assert sorted(file.name for file in target.iterdir()) == [result_name(each) for each in range(1, number + 1)]


def test_a_courier_delivers_after_update_fall_back_and_update_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, source, target = tmp_path / "data", tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    path = data / "courier.db"
    deliver(data, source, target, 1)
    ledger_of(monkeypatch, 1)
    deliver(data, source, target, 2)
    assert version(path) == len(LEDGER_NOW) + 1
    ledger_of(monkeypatch, 0)
    deliver(data, source, target, 3)
    assert version(path) == len(LEDGER_NOW) + 1  # the number is the newer program's
    ledger_of(monkeypatch, 1)
    deliver(data, source, target, 4)
    # What the older program wrote is good for the newer one.
    assert rows(path, "SELECT attempts, seen_by FROM files") == [(0, None)] * 4
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "SELECT count(*) FROM alarms") == [(0,)]


def test_a_ledger_two_versions_ahead_is_refused_and_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "courier.db"
    ledger_of(monkeypatch, 2)
    Ledger(path).close()
    ledger_of(monkeypatch, 0)
    with pytest.raises(LedgerLost, match="newer version"):
        Ledger(path)
    assert version(path) == len(LEDGER_NOW) + 2


def test_reservations_work_after_update_fall_back_and_update_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / DATABASE_NAME
    for number, ahead in enumerate((0, 1, 0, 1), 1):
        reservations_of(monkeypatch, ahead)
        book = SqliteReservations(tmp_path)
        book.import_rows(csv_file.read(ROWS.format(number).encode()))
        registered = arrive(book, str(number), DAY, AT)
        assert registered.receptions[0].number == str(number)  # the numbers of the day go on without a gap
        assert version(path) == len(RESERVATIONS_NOW) + (number > 1)
    assert rows(path, "SELECT kiosk FROM arrival") == [("",)] * 4
    assert rows(path, "SELECT version FROM migration ORDER BY version") == [
        (each,) for each in range(1, len(RESERVATIONS_NOW) + 2)
    ]


def test_reservations_two_versions_ahead_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reservations_of(monkeypatch, 2)
    assert answers(SqliteReservations(tmp_path), DAY)
    reservations_of(monkeypatch, 0)
    answer = SqliteReservations(tmp_path).find("1", DAY, soon())
    assert isinstance(answer, Trouble) and "newer version" in answer.what


# --- the rule for every script --------------------------------------------------------------------------------------

_TABLE = re.compile(r"CREATE TABLE (\w+) \(.*\)( WITHOUT ROWID)?", re.DOTALL)
_INDEX = re.compile(r"CREATE INDEX \w+ ON .*", re.DOTALL)
_COLUMN = re.compile(r"ALTER TABLE \w+ ADD COLUMN \w+ (TEXT|INTEGER|REAL|BLOB)( NOT NULL)?( DEFAULT ('[^']*'|-?\d+))?")


def beyond_adding(scripts: Iterable[tuple[str, ...]]) -> list[str]:
    """The statements that do more than add what an older program need not know. One tuple of statements a script."""
    found = []
    older: set[str] = set()
    for script in scripts:
        tables = set()
        for statement in script:
            plain = re.sub(r"--[^\n]*", "", statement).strip()
            if made := _TABLE.fullmatch(plain):
                tables.add(made[1])
                # A row of an older table that a new one points at could not be deleted by the older program.
                added = not older & set(re.findall(r"REFERENCES (\w+)", plain))
            elif column := _COLUMN.fullmatch(plain):
                added = bool(column[3]) or not column[2]
            else:
                # A unique index would refuse what the older program writes; a plain one refuses nothing.
                added = _INDEX.fullmatch(plain) is not None
            if not added:
                found.append(plain)
        older |= tables
    return found


def statements(script: str) -> tuple[str, ...]:
    without = re.sub(r"--[^\n]*", "", script)
    return tuple(part.strip() for part in without.split(";") if part.strip())


def test_every_released_script_only_adds() -> None:
    assert beyond_adding(statements(script) for script in LEDGER_NOW) == []
    assert beyond_adding(RESERVATIONS_NOW) == []
    assert beyond_adding(statements(script) for script in (*LEDGER_NOW, *LEDGER_NEXT[:1])) == []
    assert beyond_adding((*RESERVATIONS_NOW, *RESERVATIONS_NEXT[:1])) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE temps",
        "ALTER TABLE files RENAME COLUMN size TO bytes",
        "ALTER TABLE files DROP COLUMN reason",
        "ALTER TABLE files ADD COLUMN owner TEXT NOT NULL",
        "ALTER TABLE files ADD COLUMN owner TEXT REFERENCES temps (name)",
        "CREATE UNIQUE INDEX one_name ON files (name)",
        "CREATE TRIGGER stop BEFORE INSERT ON files BEGIN SELECT 1",
        "CREATE TABLE notes (file INTEGER REFERENCES files (id))",
        "UPDATE files SET state = 'arrived' WHERE state = 'done'",
        "DELETE FROM alarms",
        "INSERT INTO temps VALUES ('x', 'results')",
    ],
)
def test_the_rule_finds_a_script_that_an_older_program_could_not_live_with(statement: str) -> None:
    assert beyond_adding([*(statements(script) for script in LEDGER_NOW), (statement,)]) == [statement]
