"""What staff accepted stays accepted, and nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from kiosk.results.known_keys import KEEP_DAYS, PENDING_DAYS, KnownKeys

from kiosk.process.sealing import Seals

SEALS = Seals(bytes(32))
DAY = date(2026, 1, 15)


def test_a_change_stays_one_until_it_is_settled(tmp_path: Path) -> None:
    with closing(KnownKeys(tmp_path / "keys.db", SEALS)) as keys:
        assert keys.compare("01234", ["a"], 1, DAY) == "first"
        assert keys.compare("01234", ["a"], 2, DAY) == "same"
        assert keys.compare("01234", ["b"], 3, DAY) == "changed"
        assert keys.compare("01234", ["b"], 4, DAY) == "changed"
        assert keys.compare("01234", [], 5, DAY) == "unknown"
        assert keys.compare("01234", ["a"], 6, DAY) == "same"
        assert keys.settle(4)
        assert not keys.settle(4)
        assert not keys.settle(3), "older than what was accepted"
        assert keys.compare("01234", ["b"], 7, DAY) == "same"
        assert keys.compare("05678", ["b"], 8, DAY) == "first"


def test_a_newer_change_is_open_when_an_older_one_is_settled(tmp_path: Path) -> None:
    with closing(KnownKeys(tmp_path / "keys.db", SEALS)) as keys:
        keys.compare("1", ["a"], 1, DAY)
        keys.compare("1", ["b"], 2, DAY)
        keys.compare("1", ["c"], 3, DAY)
        assert keys.settle(2)
        assert keys.compare("1", ["c"], 4, DAY) == "changed"
        assert keys.settle(3)
        assert keys.compare("1", ["c"], 5, DAY) == "same"


def test_several_keys_are_compared_as_a_set(tmp_path: Path) -> None:
    with closing(KnownKeys(tmp_path / "keys.db", SEALS)) as keys:
        keys.compare("1", ["a", "b"], 1, DAY)
        assert keys.compare("1", ["b", "a", "a"], 2, DAY) == "same"
        assert keys.compare("1", ["a"], 3, DAY) == "changed"


def test_it_outlives_the_process_and_holds_no_number_and_no_key(tmp_path: Path) -> None:
    file = tmp_path / "keys.db"
    with closing(KnownKeys(file, SEALS)) as keys:
        keys.compare("0123456", ["KEY-OF-SOMEBODY"], 1, DAY)
        keys.compare("0123456", ["KEY-OF-ANOTHER"], 2, DAY)
    raw = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"0123456" not in raw
    assert b"KEY-OF" not in raw
    with closing(KnownKeys(file, SEALS)) as keys:
        assert keys.compare("0123456", ["KEY-OF-SOMEBODY"], 3, DAY) == "same"
        assert keys.settle(2)


def test_people_who_do_not_come_any_more_are_forgotten(tmp_path: Path) -> None:
    with closing(KnownKeys(tmp_path / "keys.db", SEALS)) as keys:
        keys.compare("1", ["a"], 1, DAY)
        keys.compare("1", ["b"], 2, DAY)
        keys.forget(DAY + timedelta(PENDING_DAYS))
        assert keys.settle(2)
        keys.compare("1", ["c"], 3, DAY)
        keys.forget(DAY + timedelta(PENDING_DAYS + 1))
        assert not keys.settle(3)
        keys.forget(DAY + timedelta(KEEP_DAYS))
        assert keys.compare("1", ["b"], 4, DAY) == "same"
        keys.forget(DAY + timedelta(KEEP_DAYS + 1))
        assert keys.compare("1", ["b"], 5, DAY) == "first"


def test_a_broken_store_is_put_aside(tmp_path: Path) -> None:
    file = tmp_path / "keys.db"
    file.write_bytes(b"no database" * 1000)
    with closing(KnownKeys(file, SEALS)) as keys:
        assert keys.compare("1", ["a"], 1, DAY) == "first"
    assert (tmp_path / "keys.db.broken").exists()
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT count(*) FROM known").fetchone() == (1,)
