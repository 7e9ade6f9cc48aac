"""The embedded book, asked the contract suite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.reservations import EMBEDDED
from drivers.reservations.adapter import Settings
from drivers.reservations.opening import open_book
from tests.contract import running
from tests.contract.behaviour import Behaviour, scene
from tests.contract.seeds.sqlite import seed
from tests.contract.subject import Subject, today


@contextmanager
def held(path: Path) -> Generator[None, None, None]:
    """Another process has begun to write, and does not go on."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Generator[Subject, None, None]:
    folder: Path = tmp_path_factory.mktemp("book")
    made = scene(today())
    peer = replace(
        seed(made, EMBEDDED, Settings(folder)), faults={"held": lambda number: held(folder / "reservations.db")}
    )
    subject = Subject("SQLite", lambda: open_book(EMBEDDED, Settings(folder)), made, "book", peer, without_gaps=True)
    subject.numbered = lambda numbering: open_book(EMBEDDED, Settings(folder, numbering))
    yield subject
    subject.close()


@running.each_behaviour
def test_contract(sqlite: Subject, behaviour: Behaviour, record_property: Callable[[str, object], None]) -> None:
    running.ask(behaviour, sqlite, record_property)
