"""The audit chain: what is changed, taken out or made again is found; retention and other processes harm nothing."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.desk.people import audit, database
from kiosk.desk.people.audit import Anchor, AuditChain, anchors_in
from kiosk.desk.people.database import MIGRATIONS, PeopleDatabase, PeopleUnusable
from tests.desk.people.office import Office
from tests.process.test_migrations import beyond_adding, statements

START = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)


def chain_of(path: Path, lines: int, step: timedelta = timedelta(minutes=1)) -> AuditChain:
    """A chain of `lines` lines, `step` apart."""
    times = [START + number * step for number in range(lines)]
    chain = AuditChain(PeopleDatabase(path / "people.db"), lambda: times.pop(0))
    for number in range(lines):
        chain.write("佐藤", "register", "permitted", visit=number + 1, person=f"{number:04x}", address="192.0.2.7")
    chain._now = lambda: START + lines * step
    return chain


def run(path: Path, *sql: str) -> None:
    """What somebody does who can write the database."""
    with closing(sqlite3.connect(path / "people.db")) as connection, connection:
        for statement in sql:
            connection.execute(statement)


def test_a_chain_that_nobody_touched_is_whole(tmp_path: Path) -> None:
    chain = chain_of(tmp_path, 12)
    verdict = chain.verify([chain.anchor()])
    assert (verdict.ok, verdict.lines, verdict.first, verdict.anchors) == (True, 12, 1, 1)
    assert [line.number for line in chain.lines(before=6, count=3)] == [5, 4, 3]


@pytest.mark.parametrize(
    ("column", "value"),
    [("at", "2026-01-15T09:01:00.000+00:00"), ("user", "chief"), ("act", "cancel"), ("visit", 9), ("person", "ffff"),
     ("subject", "x"), ("outcome", "done"), ("address", "192.0.2.8"), ("hash", "0" * 64)],
)  # fmt: skip
def test_a_line_that_was_changed_is_found(tmp_path: Path, column: str, value: object) -> None:
    chain = chain_of(tmp_path, 8)
    run(tmp_path, f"UPDATE audit SET {column} = {value!r} WHERE number = 5")
    verdict = chain.verify()
    assert not verdict.ok
    assert verdict.broken[0] == 5


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        (["DELETE FROM audit WHERE number = 4"], (5,)),
        (["DELETE FROM audit WHERE number = 4", "UPDATE audit SET number = number - 1 WHERE number > 4"], (4, 5, 6, 7)),
        (["DELETE FROM audit WHERE number < 3"], (3,)),
        (["UPDATE audit SET number = 90 WHERE number = 2", "UPDATE audit SET number = 2 WHERE number = 3",
          "UPDATE audit SET number = 3 WHERE number = 90"], (2, 3, 4)),
    ],
)  # fmt: skip
def test_a_line_that_is_missing_or_in_another_place_is_found(
    tmp_path: Path, sql: list[str], broken: tuple[int, ...]
) -> None:
    chain = chain_of(tmp_path, 8)
    run(tmp_path, *sql)
    assert chain.verify().broken == broken


def test_an_end_that_was_cut_off_is_found_by_the_event_log_alone(tmp_path: Path) -> None:
    chain = chain_of(tmp_path, 8)
    anchor = chain.anchor()
    run(tmp_path, "DELETE FROM audit WHERE number > 6")
    assert chain.verify().ok
    assert chain.verify([anchor]).differing == (8,)


def made_again(chain: AuditChain) -> None:
    """Somebody who knows how it is done changes line 2 and makes every hash after it."""
    with chain._database.writing() as connection:
        connection.execute("UPDATE audit SET user = 'chief' WHERE number = 2")
        before = audit._start(connection)
        rows = connection.execute(f"SELECT {audit._COLUMNS} FROM audit ORDER BY number").fetchall()
        for row in rows:
            before = Anchor(row[0], audit._hash(before.hash, row))
            connection.execute("UPDATE audit SET hash = ? WHERE number = ?", (before.hash, before.number))


def test_a_chain_that_was_made_again_is_found_by_the_event_log_alone(tmp_path: Path) -> None:
    chain = chain_of(tmp_path, 8)
    anchors = [chain.anchor()]
    made_again(chain)
    assert chain.verify().ok
    assert chain.verify(anchors).differing == (8,)
    assert not chain.verify([*anchors, chain.anchor()]).ok


def test_a_chain_that_was_begun_again_is_found_by_the_event_log(tmp_path: Path) -> None:
    anchor = chain_of(tmp_path, 8).anchor()
    (tmp_path / "people.db").unlink()
    assert chain_of(tmp_path, 8).verify([anchor]).differing == (8,)


@given(st.lists(st.sampled_from(["佐藤", "chief", "\ud800", "'; --", "a\nb", ""]), max_size=12), st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_line_taken_out_of_any_chain_is_found(
    tmp_path_factory: pytest.TempPathFactory, users: list[str], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("chain")
    chain = AuditChain(PeopleDatabase(path / "people.db"))
    for user in users:
        chain.write(user.replace("\ud800", "?"), "register", "done")
    anchor = chain.anchor()
    assert chain.verify([anchor] if users else ()).ok
    if users:
        run(path, f"DELETE FROM audit WHERE number = {data.draw(st.integers(1, len(users)))}")
        assert not chain.verify([anchor]).ok


# -- retention ------------------------------------------------------------------------------------------------------


def test_lines_past_keeping_go_and_the_rest_is_whole(tmp_path: Path) -> None:
    chain = chain_of(tmp_path, 100, timedelta(days=31))
    anchors = [Anchor(line.number, hash_of(tmp_path, line.number), line.time) for line in chain.lines()]
    now = START + timedelta(days=31 * 100)
    gone = chain.prune()
    assert gone == 100 - audit.KEEP_MONTHS
    oldest = chain.lines(count=99)[-1].time
    assert now - audit.KEEP - timedelta(days=5 * 31) <= oldest <= now - audit.KEEP
    verdict = chain.verify(anchors)
    assert (verdict.ok, verdict.lines, verdict.first, verdict.older) == (True, 100 - gone, gone + 1, gone - 1)
    assert verdict.anchors == 100 - gone + 1, "and the one that the first is chained to"
    assert chain.prune() == 0
    chain.write("佐藤", "register", "done")
    assert chain.lines(count=1)[0].number == 101
    assert chain.verify(anchors).ok


def hash_of(path: Path, number: int) -> str:
    with closing(sqlite3.connect(path / "people.db")) as connection:
        return str(connection.execute("SELECT hash FROM audit WHERE number = ?", (number,)).fetchone()[0])


@pytest.mark.parametrize("lines", [0, 1, 3, 61])
def test_a_clock_that_is_years_ahead_takes_nothing_away(tmp_path: Path, lines: int) -> None:
    """Whatever is done meanwhile, until it is put right."""
    chain = chain_of(tmp_path, lines, timedelta(days=30))
    for ahead in (9000, 9040):
        chain._now = lambda ahead=ahead: START + timedelta(days=ahead)  # type: ignore[misc]
        assert chain.prune() == 0
        chain.write("佐藤", "log_in", "done")
    chain._now = lambda: START + lines * timedelta(days=30)
    assert chain.prune() == 0
    chain.write("佐藤", "log_in", "done")
    verdict = chain.verify()
    assert (verdict.ok, verdict.lines) == (True, lines + 3)


def test_a_beginning_that_was_taken_out_before_its_time_is_found_by_the_event_log(tmp_path: Path) -> None:
    chain = chain_of(tmp_path, 8)
    anchor = Anchor(2, hash_of(tmp_path, 2), START + timedelta(minutes=2))
    found = hash_of(tmp_path, 4)
    run(tmp_path, "DELETE FROM audit WHERE number < 5", f"UPDATE chain SET number = 4, hash = '{found}'")
    assert chain.verify().ok
    assert chain.verify([anchor]).differing == (2,)


def test_a_clock_that_was_wrong_makes_no_hole(tmp_path: Path) -> None:
    chain = chain_of(tmp_path, 5)
    run(tmp_path, "DELETE FROM audit WHERE number > 2")
    chain._now = lambda: datetime(1990, 1, 1, tzinfo=UTC)
    chain.write("佐藤", "register", "done")
    chain._now = lambda: START + timedelta(minutes=9)
    chain.write("佐藤", "register", "done")
    assert chain.prune() == 0  # the first line is to be kept
    assert chain.verify().ok


# -- what the event log and the journal say ------------------------------------------------------------------------


def test_the_desk_writes_the_last_hash_when_there_is_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(tmp_path, monkeypatch)
    office.enter()
    office.people.upkeep()
    office.people.upkeep()
    office.chief()
    office.people.upkeep()
    events = [event for event in office.events() if event["event"] == audit.EVENT]
    assert [event["count"] for event in events] == [3, 4]
    found = list(anchors_in(office.folder.event_log.read_text(encoding="utf-8").splitlines()))
    assert [each.number for each in found] == [3, 4]
    assert all(each.at for each in found)
    assert office.people.chain.verify(found).anchors == 2


def test_the_journals_lines_are_read_too(tmp_path: Path) -> None:
    chain = chain_of(tmp_path, 4)
    anchor = chain.anchor()
    journal = [
        "Jan 15 09:00:01 pc kiosk[77]: kiosk_started: The reception started.",
        f"Jan 15 10:00:00 pc kiosk[77]: desk_audit: The last line of … count=4 code={anchor.hash}",
        "Jan 15 10:00:00 pc kiosk[77]: desk_audit: cut off count=",
        json.dumps({"event": "desk_audit", "count": "many", "code": 1}),
        json.dumps({"event": "other", "what": "desk_audit", "count": 1, "code": "x"}),
        json.dumps(["desk_audit"]),
    ]
    assert list(anchors_in(journal)) == [anchor]
    assert chain.verify(anchors_in(journal)).anchors == 1


# -- the database ---------------------------------------------------------------------------------------------------


def write_many(file: Path, user: str) -> None:
    chain = AuditChain(PeopleDatabase(file))
    for _ in range(40):
        chain.write(user, "register", "done")


def test_processes_that_write_at_once_make_one_chain(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("fork")
    writers = [spawn.Process(target=write_many, args=(tmp_path / "people.db", name)) for name in "ab"]
    for each in writers:
        each.start()
    for each in writers:
        each.join(60)
    assert [each.exitcode for each in writers] == [0, 0]
    verdict = AuditChain(PeopleDatabase(tmp_path / "people.db")).verify()
    assert (verdict.ok, verdict.lines) == (True, 80)


def test_a_line_whose_act_fails_is_not_there(tmp_path: Path) -> None:
    chain = chain_of(tmp_path, 1)
    with pytest.raises(RuntimeError), chain._database.writing() as connection:
        chain.write_within(connection, "佐藤", "register", "done")
        raise RuntimeError
    assert chain.verify().lines == 1


def next_release(monkeypatch: pytest.MonkeyPatch, ahead: int) -> None:
    added = ("ALTER TABLE audit ADD COLUMN desk TEXT NOT NULL DEFAULT '';", "CREATE TABLE more (x);")
    monkeypatch.setattr(database, "MIGRATIONS", MIGRATIONS + added[:ahead])


def test_the_database_works_after_update_fall_back_and_update_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ahead in (0, 1, 0, 1):
        next_release(monkeypatch, ahead)
        chain = AuditChain(PeopleDatabase(tmp_path / "people.db"))
        chain.write("佐藤", "register", "done")
    verdict = chain.verify()
    assert (verdict.ok, verdict.lines) == (True, 4)
    next_release(monkeypatch, 2)
    PeopleDatabase(tmp_path / "people.db")
    next_release(monkeypatch, 0)
    with pytest.raises(PeopleUnusable, match="newer version"):
        PeopleDatabase(tmp_path / "people.db")
    assert beyond_adding(statements(script) for script in MIGRATIONS) == []


@pytest.mark.parametrize("harm", [lambda file: file.write_bytes(b"nothing"), lambda file: file.unlink()])
def test_a_database_that_is_gone_or_damaged_is_reported_and_not_made_again(
    tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    chain = chain_of(tmp_path, 1)
    harm(tmp_path / "people.db")
    with pytest.raises(PeopleUnusable, match="cannot be used"):
        chain.write("佐藤", "register", "done")
    with pytest.raises(PeopleUnusable):
        chain.verify()


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    chain_of(tmp_path, 1)
    assert (tmp_path / "people.db").stat().st_mode & 0o777 == 0o600
