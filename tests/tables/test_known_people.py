"""What staff accepted stays accepted, and nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from kiosk.process.sealing import Seals
from kiosk.results.changes import EligibilityChange, Prints
from kiosk.results.records import Confirmation
from kiosk.tables.known_people import KEEP_DAYS, KEEP_MONTHS, PENDING_DAYS, KnownPeople

SEALS = Seals(bytes(32))
DAY = date(2026, 1, 15)


class People(KnownPeople):
    """By results of nothing but keys."""

    def change(self, number: str, keys: list[str]) -> EligibilityChange:
        return self.compare(number, Confirmation((), tuple(sorted({*keys}))), DAY)

    def verdict(self, number: str, keys: list[str]) -> str:
        return self.change(number, keys).key


def test_a_change_stays_one_until_it_is_settled(tmp_path: Path) -> None:
    with closing(People(tmp_path / "keys.db", SEALS)) as keys:
        assert [keys.verdict("01234", ["a"]) for _ in range(2)] == ["first", "same"]
        changed, again, gone = (keys.change("01234", found) for found in (["b"], ["b"], []))
        assert [each.key for each in (changed, again, gone)] == ["changed", "changed", "unknown"]
        assert keys.change("01234", ["a"]).mark == "", "there is nothing to settle"
        assert changed.mark == again.mark != gone.mark
        assert keys.settle(again.mark)
        assert not keys.settle(again.mark), "it was settled before"
        assert not keys.settle("")
        assert [keys.verdict("01234", ["b"]), keys.verdict("05678", ["b"])] == ["same", "first"]


def test_who_was_seen_first_in_a_file_is_so_when_it_is_compared_again(tmp_path: Path) -> None:
    """After a kill; and nothing that was settled since is undone by it."""
    one, other = (Confirmation((), (key,)) for key in "ab")

    def verdicts(keys: People) -> list[str]:
        files = ((one, "first file"), (one, "second file"), (one, ""))
        return [keys.compare("1", each, DAY, file).key for each, file in files]

    with closing(People(tmp_path / "keys.db", SEALS)) as keys:
        assert verdicts(keys) == ["first", "same", "same"]
    with closing(People(tmp_path / "keys.db", SEALS)) as keys:
        assert verdicts(keys) == ["first", "same", "same"]
        assert keys.compare("2", one, DAY, "first file").key == "first"
        assert keys.compare("2", one, DAY, "another").key == "same"
        changed = keys.compare("1", other, DAY, "third file")
        assert [keys.compare("1", other, DAY, "third file") for _ in range(2)] == [changed, changed]
        keys.compare("1", one, DAY, "first file")
        assert keys.settle(changed.mark)
        assert keys.compare("1", other, DAY, "fourth file").key == "same"
        keys.compare("2", one, DAY, "first file")
        keys.forget(DAY + timedelta(PENDING_DAYS + 1))
        assert keys.compare("2", one, DAY, "first file").key == "same"


def test_a_newer_change_is_open_when_an_older_one_is_settled(tmp_path: Path) -> None:
    with closing(People(tmp_path / "keys.db", SEALS)) as keys:
        keys.verdict("1", ["a"])
        older, newer = keys.change("1", ["b"]), keys.change("1", ["c"])
        assert keys.settle(older.mark)
        assert keys.verdict("1", ["c"]) == "changed"
        assert keys.settle(newer.mark)
        assert keys.verdict("1", ["c"]) == "same"


def test_an_older_change_is_settled_with_a_newer_one(tmp_path: Path) -> None:
    """Also one that came once more since, whose last sight counts."""
    with closing(People(tmp_path / "keys.db", SEALS)) as keys:
        keys.verdict("1", ["a"])
        older, newer, again = keys.change("1", ["b"]), keys.change("1", ["c"]), keys.change("1", ["b"])
        assert keys.settle(again.mark)
        assert not keys.settle(newer.mark)
        assert older.mark == again.mark
        assert keys.verdict("1", ["b"]) == "same"


def test_a_mark_settles_no_other_patients_change_whatever_is_lost(tmp_path: Path) -> None:
    """The same change of two people; and the store is lost while the desk still knows the mark of the first."""
    marks = []
    for number, store in (("1", "keys.db"), ("2", "keys.db"), ("2", "another.db")):
        with closing(People(tmp_path / store, SEALS)) as keys:
            keys.verdict(number, ["a"])
            marks.append(keys.change(number, ["b"]).mark)
    one, other, later = marks
    assert one != other == later
    with closing(People(tmp_path / "another.db", SEALS)) as keys:
        assert not keys.settle(one)
        assert keys.verdict("2", ["b"]) == "changed"


def test_several_keys_are_compared_as_a_set(tmp_path: Path) -> None:
    with closing(People(tmp_path / "keys.db", SEALS)) as keys:
        keys.verdict("1", ["a", "b"])
        assert keys.verdict("1", ["b", "a", "a"]) == "same"
        assert keys.verdict("1", ["a"]) == "changed"


def test_it_outlives_the_process_and_holds_no_number_and_no_key(tmp_path: Path) -> None:
    file = tmp_path / "keys.db"
    with closing(People(file, SEALS)) as keys:
        keys.verdict("0123456", ["KEY-OF-SOMEBODY"])
        changed = keys.change("0123456", ["KEY-OF-ANOTHER"])
    raw = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"0123456" not in raw
    assert b"KEY-OF" not in raw
    with closing(People(file, SEALS)) as keys:
        assert keys.verdict("0123456", ["KEY-OF-SOMEBODY"]) == "same"
        assert keys.settle(changed.mark)


def test_people_who_do_not_come_any_more_are_forgotten(tmp_path: Path) -> None:
    with closing(People(tmp_path / "keys.db", SEALS)) as keys:

        def pass_by(months: int) -> None:
            """Each month somebody else comes."""
            for month in range(1, months + 1):
                keys.know("9", Prints(frozenset({"x"}), {}), DAY + timedelta(30 * month))
                keys.know(f"month {month}", Prints(frozenset({"x"}), {}), DAY + timedelta(30 * month))
            keys.forget(DAY + timedelta(30 * months))

        keys.verdict("1", ["a"])
        for ahead in (KEEP_DAYS, 10 * KEEP_DAYS):
            keys.know(f"{ahead} days ahead", Prints(frozenset({"x"}), {}), DAY + timedelta(ahead))
            keys.forget(DAY + timedelta(ahead))
        assert keys.verdict("1", ["a"]) == "same", "a clock that was years ahead, whoever came meanwhile"
        pass_by(13)
        assert keys.verdict("1", ["a"]) == "same"
        pass_by(KEEP_MONTHS)
        assert keys.verdict("1", ["a"]) == "first"


def test_a_change_that_nobody_settled_is_forgotten(tmp_path: Path) -> None:
    with closing(People(tmp_path / "keys.db", SEALS)) as keys:
        keys.verdict("1", ["a"])
        changed = keys.change("1", ["b"])
        keys.forget(DAY + timedelta(PENDING_DAYS))
        assert keys.settle(changed.mark)
        changed = keys.change("1", ["c"])
        keys.forget(DAY + timedelta(PENDING_DAYS + 1))
        assert not keys.settle(changed.mark)
        assert keys.verdict("1", ["c"]) == "changed"


def test_a_broken_store_is_put_aside(tmp_path: Path) -> None:
    file = tmp_path / "keys.db"
    file.write_bytes(b"no database" * 1000)
    with closing(People(file, SEALS)) as keys:
        assert keys.verdict("1", ["a"]) == "first"
        assert keys.was_put_aside
    assert (tmp_path / "keys.db.broken").exists()
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT count(*) FROM known").fetchone() == (1,)
