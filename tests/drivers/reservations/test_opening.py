"""One door to the reservations."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from drivers.bad_address import BadAddress
from drivers.reservations import EMBEDDED, ReservationsDown, open_reservations
from drivers.reservations.sqlite.reservations import SqliteReservations
from tests import ROOT

DOOR = ROOT / "drivers" / "reservations" / "__init__.py"


def made_by_name(folder: Path) -> Iterator[Path]:
    """The modules that make the embedded system by its class's name."""
    for path in sorted(folder.rglob("*.py")):
        calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        if any(isinstance(called, ast.Name) and called.id == SqliteReservations.__name__ for called in calls):
            yield path


def test_the_embedded_system_is_the_database_of_the_data_folder(tmp_path: Path) -> None:
    assert open_reservations(EMBEDDED, tmp_path).count(date(2026, 1, 15)) == 0
    assert (tmp_path / "reservations.db").stat().st_size > 0


def test_its_settings_are_those_of_the_system(tmp_path: Path) -> None:
    book = open_reservations(EMBEDDED, tmp_path, {"lock_wait_s": 0.05})
    with book.file.exclusive(), pytest.raises(ReservationsDown, match=r"for 0\.05 s"), book.file.writing():
        pass
    with pytest.raises(TypeError):
        open_reservations(EMBEDDED, tmp_path, {"colour": "blue"})


@pytest.mark.parametrize("url", ["", "SQLITE", "sqlite://x", "postgresql://kiosk:secret-of-somebody@db1/kiosk"])
def test_another_url_is_refused_and_not_repeated(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadAddress) as caught:
        open_reservations(url, tmp_path)
    assert "secret-of-somebody" not in str(caught.value)
    assert EMBEDDED in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_nobody_else_makes_a_system_by_name(tmp_path: Path) -> None:
    assert [*made_by_name(ROOT / "drivers"), *made_by_name(ROOT / "kiosk")] == [DOOR]
    planted = tmp_path / "planted.py"
    planted.write_text("book = SqliteReservations(folder)\n")
    assert list(made_by_name(tmp_path)) == [planted]
