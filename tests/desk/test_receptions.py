"""How often the desk asks: a hospital's system has others to serve, and the register is read when it has changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.reservations import Trouble, WalkIn
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.desk import receptions
from tests.book import arrive
from tests.desk.office import Office, office
from tests.desk.test_visits import result
from tests.hospital import wait_until


@contextmanager
def counted(folder: Path, monkeypatch: pytest.MonkeyPatch, *, is_system: bool) -> Iterator[tuple[Office, list[str]]]:
    """A desk before a book, or before what says that it is a system; and what was asked."""
    asked: list[str] = []

    def note(name: str) -> None:
        ask = getattr(SqliteReservations, name)

        def noted(book: SqliteReservations, *arguments: Any) -> Any:
            asked.append(f"{name} {arguments[0]}" if name == "find" else name)
            return ask(book, *arguments)

        monkeypatch.setattr(SqliteReservations, name, noted)

    for name in ("find", "entries"):
        note(name)
    ability = replace(SqliteReservations.ability, knows_patients=is_system)
    monkeypatch.setattr(SqliteReservations, "ability", ability)
    monkeypatch.setattr(receptions, "AGAIN_S", 0.0)
    with office(folder) as desk:
        yield desk, asked


@pytest.mark.parametrize("is_system", [False, True])
def test_who_waits_is_looked_up_again_after_a_change_but_in_a_system_only_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_system: bool
) -> None:
    with counted(tmp_path, monkeypatch, is_system=is_system) as (desk, asked):
        desk.books("10:30,70000001,内科", "10:30,70000002,内科")
        desk.tap(result())
        wait_until(lambda: "find 70000001" in asked, "the first look-up")
        wait_until(lambda: asked[-1] == "entries" or not is_system, "its end")
        for number in (1, 2, 3):
            before = asked.count("find 70000001")
            read = asked.count("entries")
            arrive(desk.reservations, f"7100000{number}", desk.today.day, desk.now[0], WalkIn("内科"))
            wait_until(lambda read=read: asked.count("entries") > read, "the register is read")  # type: ignore[misc]
            if is_system:
                continue
            wait_until(lambda before=before: asked.count("find 70000001") > before, "looked up")  # type: ignore[misc]
        if is_system:
            assert asked.count("find 70000001") <= 2


def test_who_could_not_be_looked_up_in_a_system_is_looked_up_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with counted(tmp_path, monkeypatch, is_system=True) as (desk, _):
        desk.books("10:30,70000001,内科")
        down: list[int] = []

        def away(*_: object) -> Trouble:
            down.append(1)
            return Trouble("unreachable", "away")

        with monkeypatch.context() as patch:
            patch.setattr(SqliteReservations, "find", away)
            desk.tap(result())
            wait_until(lambda: len(down) > 1, "asked in vain, and once more")
        wait_until(lambda: desk.service.day().rows[0].appointments == ("10:30 内科",), "it answers")


def test_a_register_that_did_not_change_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted(tmp_path, monkeypatch, is_system=False) as (desk, asked):
        arrive(desk.reservations, "70000001", desk.today.day, desk.now[0], WalkIn("内科"))
        wait_until(lambda: desk.service.day().arrivals, "the register is read")
        ticks: list[int] = []
        monkeypatch.setattr(desk.parts.receptions, "ticked", lambda: ticks.append(asked.count("entries")))
        # The file's own times may make one change look like two.
        wait_until(lambda: len(ticks) > 4, "some seconds")
        assert len(set(ticks[-3:])) == 1
