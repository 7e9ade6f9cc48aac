"""An export goes to the process that has the book, in pieces, and is imported as a whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from drivers.reservations import Count, Imported, ReservationsDown, csv_file, imports_over_socket, wire
from drivers.reservations.imports_over_socket import END, PART, ImportingSocketBook, Imports
from drivers.reservations.over_socket import BOOK_SOCKET, Server
from drivers.reservations.sqlite.reservations import SqliteReservations

DAY = date(2026, 1, 15)
HEADER = "patient_number,date,time,department,doctor,place\n"


def export(patients: int) -> csv_file.Parsed:
    rows = "".join(f"{each},2026-01-15,9:00,内科,𠮷田,A棟\n" for each in range(patients))
    return csv_file.read((HEADER + rows).encode())


@pytest.fixture
def book(tmp_path: Path) -> Iterator[ImportingSocketBook]:
    held = SqliteReservations(tmp_path)
    others = Imports(lambda: SqliteReservations(tmp_path)).others()
    server = Server(held, tmp_path, held.revision, print, others, name=BOOK_SOCKET, asks=wire.BOOK_ASKS)
    server.open()
    yield ImportingSocketBook(tmp_path, BOOK_SOCKET)
    server.close()


def test_an_export_in_pieces_is_imported_and_compared_before(
    book: ImportingSocketBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports_over_socket, "_STEP", 3)
    compared, steps = list[object](), list[tuple[int, int]]()
    assert book.import_rows(export(7), lambda *step: steps.append(step), compare=compared.append) == Imported(7, 1)
    assert book.import_rows(export(2), compare=compared.append) == Imported(2, 1)
    assert steps == [(3, 7), (6, 7), (7, 7)]
    assert compared == [{DAY: 0}, {DAY: 7}]
    assert book.count(DAY, time.monotonic() + 10) == Count(2)
    assert book.import_rows(csv_file.Parsed((), (), ())) == Imported(0, 0)


def test_half_an_export_changes_nothing(book: ImportingSocketBook) -> None:
    book.import_rows(export(5))
    rows = [vars_of(row) for row in export(2).rows]
    assert book.other(PART, name="a", start=0, rows=rows) == {}
    for wrong in (
        book.other(END, name="a", total=3, days=["2026-01-15"]),
        book.other(PART, name="b", start=2, rows=rows),
        book.other(PART, name="a", start=0, rows=[{"day": 1}]),
        book.other(END, name="a", total=2, days=["x"]),
    ):
        assert wrong["down"]["code"] == "import_broken"
    assert book.count(DAY, time.monotonic() + 10) == Count(5)


def vars_of(row: csv_file.Row) -> dict[str, str]:
    return {name: getattr(row, name) for name in csv_file.Row.__slots__}


def test_trouble_of_the_book_is_trouble_of_the_import(book: ImportingSocketBook, tmp_path: Path) -> None:
    book.import_rows(export(1))
    (tmp_path / "reservations.db").write_bytes(b"no database")
    with pytest.raises(ReservationsDown):
        book.import_rows(export(2))


def test_nobody_there_is_trouble(tmp_path: Path) -> None:
    with pytest.raises(ReservationsDown) as down:
        ImportingSocketBook(tmp_path, BOOK_SOCKET).import_rows(export(1))
    assert down.value.code == "owner_down"
