"""What staff accepted stays accepted, and nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from kiosk.process.sealing import Seals
from kiosk.results.changes import Prints
from kiosk.results.records import Confirmation
from kiosk.tables.known_people import KEEP_DAYS, PENDING_DAYS, KnownPeople

SEALS = Seals(bytes(32))
DAY = date(2026, 1, 15)


class People(KnownPeople):
    """By results of nothing but keys."""

    def verdict(self, number: str, keys: list[str], file: int) -> str:
        return self.compare(number, Confirmation((), tuple(sorted({*keys}))), file, DAY).key


def test_a_change_stays_one_until_it_is_settled(tmp_path: Path) -> None:
    with closing(People(tmp_path / "keys.db", SEALS)) as keys:
        assert keys.verdict("01234", ["a"], 1) == "first"
        assert keys.verdict("01234", ["a"], 2) == "same"
        assert keys.verdict("01234", ["b"], 3) == "changed"
        assert keys.verdict("01234", ["b"], 4) == "changed"
        assert keys.verdict("01234", [], 5) == "unknown"
        assert keys.verdict("01234", ["a"], 6) == "same"
        assert keys.settle(4)
        assert not keys.settle(4)
        assert not keys.settle(3), "older than what was accepted"
        assert keys.verdict("01234", ["b"], 7) == "same"
        assert keys.verdict("05678", ["b"], 8) == "first"


def test_a_newer_change_is_open_when_an_older_one_is_settled(tmp_path: Path) -> None:
    with closing(People(tmp_path / "keys.db", SEALS)) as keys:
        keys.verdict("1", ["a"], 1)
        keys.verdict("1", ["b"], 2)
        keys.verdict("1", ["c"], 3)
        assert keys.settle(2)
        assert keys.verdict("1", ["c"], 4) == "changed"
        assert keys.settle(3)
        assert keys.verdict("1", ["c"], 5) == "same"


def test_several_keys_are_compared_as_a_set(tmp_path: Path) -> None:
    with closing(People(tmp_path / "keys.db", SEALS)) as keys:
        keys.verdict("1", ["a", "b"], 1)
        assert keys.verdict("1", ["b", "a", "a"], 2) == "same"
        assert keys.verdict("1", ["a"], 3) == "changed"


def test_it_outlives_the_process_and_holds_no_number_and_no_key(tmp_path: Path) -> None:
    file = tmp_path / "keys.db"
    with closing(People(file, SEALS)) as keys:
        keys.verdict("0123456", ["KEY-OF-SOMEBODY"], 1)
        keys.verdict("0123456", ["KEY-OF-ANOTHER"], 2)
    raw = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"0123456" not in raw
    assert b"KEY-OF" not in raw
    with closing(People(file, SEALS)) as keys:
        assert keys.verdict("0123456", ["KEY-OF-SOMEBODY"], 3) == "same"
        assert keys.settle(2)


def test_people_who_do_not_come_any_more_are_forgotten(tmp_path: Path) -> None:
    with closing(People(tmp_path / "keys.db", SEALS)) as keys:

        def forget_after(days: int, *, somebody_comes: bool = True) -> None:
            today = DAY + timedelta(days)
            if somebody_comes:
                keys.know("9", Prints(frozenset({"x"}), {}), today)
            keys.forget(today)

        keys.verdict("1", ["a"], 1)
        keys.verdict("1", ["b"], 2)
        forget_after(PENDING_DAYS)
        assert keys.settle(2)
        keys.verdict("1", ["c"], 3)
        forget_after(PENDING_DAYS + 1)
        assert not keys.settle(3)
        forget_after(KEEP_DAYS)
        assert keys.verdict("1", ["b"], 4) == "same"
        forget_after(10 * KEEP_DAYS, somebody_comes=False)
        assert keys.verdict("1", ["b"], 5) == "same", "a clock that is years ahead"
        forget_after(KEEP_DAYS + 1)
        assert keys.verdict("1", ["b"], 6) == "first"


def test_a_broken_store_is_put_aside(tmp_path: Path) -> None:
    file = tmp_path / "keys.db"
    file.write_bytes(b"no database" * 1000)
    with closing(People(file, SEALS)) as keys:
        assert keys.verdict("1", ["a"], 1) == "first"
    assert (tmp_path / "keys.db.broken").exists()
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT count(*) FROM known").fetchone() == (1,)
