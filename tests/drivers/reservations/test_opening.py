"""One door to the reservations."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest

from drivers.bad_address import BadAddress
from drivers.reservations import EMBEDDED, Numbering, WalkIn, Withdrawn, opening
from drivers.reservations.adapter import CONTRACT, Adapter, Settings
from drivers.reservations.opening import check, is_book, is_system, open_book, open_embedded, open_system, peers
from drivers.reservations.sqlite.reservations import SqliteReservations
from tests import ROOT
from tests.drivers.reservations.asking import find, number, order, register, soon

DOOR = ROOT / "drivers" / "reservations" / "sqlite" / "adapter.py"
AT = datetime(2099, 1, 15, 8, 30, tzinfo=timezone(timedelta(hours=9)))


def made_by_name(folder: Path) -> Iterator[Path]:
    """The modules that make the embedded system by its class's name."""
    for path in sorted(folder.rglob("*.py")):
        calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        if any(isinstance(called, ast.Name) and called.id == SqliteReservations.__name__ for called in calls):
            yield path


def test_the_embedded_book_is_the_database_of_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(tmp_path, Numbering("entrance", "A"), lambda: AT)
    book = open_book(EMBEDDED, settings)
    assert number(register(book, "1", AT, WalkIn("眼科"))) == "A1"
    assert book.register(replace(order("2", AT, WalkIn("眼科")), not_after=AT - timedelta(1)), soon()) == Withdrawn("2")
    assert find(open_embedded(tmp_path), "1", AT.date()).receptions[0].number == "A1"
    assert (is_book(EMBEDDED), is_system(EMBEDDED), peers(EMBEDDED)) == (True, False, ())
    with pytest.raises(BadAddress, match="hospital's system"):
        open_system(EMBEDDED, settings)


@pytest.mark.parametrize("url", ["", "SQLITE", "sqlite://x", "mysql://kiosk:secret-of-somebody@db1/kiosk"])
def test_another_url_is_refused_and_not_repeated(url: str, tmp_path: Path) -> None:
    for refuse in (check, lambda url: open_book(url, Settings(tmp_path))):
        with pytest.raises(BadAddress) as caught:
            refuse(url)
        assert "secret-of-somebody" not in str(caught.value)
        assert EMBEDDED in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_what_an_adapter_needs_and_is_not_there_and_one_of_another_contract_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(url: str) -> None: ...

    made = SimpleNamespace(ADAPTER=Adapter(CONTRACT + 1, nothing, lambda url: ()))
    monkeypatch.setitem(sys.modules, "of_another_time", made)
    monkeypatch.setattr(opening, "_MODULES", {"x": "of_another_time", "y": "is_not_there_at_all"})
    with pytest.raises(BadAddress, match="for another version") as caught:
        open_system("x:somewhere", Settings(tmp_path))
    assert caught.value.code == "adapter_contract"
    with pytest.raises(BadAddress, match="is_not_there_at_all is not installed") as caught:
        check("y:somewhere")
    assert caught.value.code == "package_missing"


def test_nobody_else_makes_a_system_by_name(tmp_path: Path) -> None:
    assert [*made_by_name(ROOT / "drivers"), *made_by_name(ROOT / "kiosk")] == [DOOR]
    planted = tmp_path / "planted.py"
    planted.write_text("book = SqliteReservations(folder)\n")
    assert list(made_by_name(tmp_path)) == [planted]
