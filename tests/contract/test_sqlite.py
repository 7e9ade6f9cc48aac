"""The embedded book, asked the contract suite."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from drivers.reservations import EMBEDDED
from drivers.reservations.adapter import Settings
from drivers.reservations.opening import open_book
from tests.contract import running
from tests.contract.behaviour import Behaviour, scene
from tests.contract.seeds.rows import seed_book
from tests.contract.subject import Subject, today


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Generator[Subject, None, None]:
    folder: Path = tmp_path_factory.mktemp("book")
    made = scene(today())
    peer = seed_book(open_book(EMBEDDED, Settings(folder)), made)
    subject = Subject("SQLite", lambda: open_book(EMBEDDED, Settings(folder)), made, "book", peer, without_gaps=True)
    yield subject
    subject.close()


@running.each_behaviour
def test_contract(sqlite: Subject, behaviour: Behaviour, record_property: Callable[[str, object], None]) -> None:
    running.ask(behaviour, sqlite, record_property)
