"""The book of many kiosks on a real PostgreSQL, asked the contract suite through a line that fails."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import pytest

from drivers.reservations.adapter import Settings
from drivers.reservations.opening import open_book
from drivers.reservations.ports import Book
from drivers.simulated.tcp_proxy import Proxy
from tests.contract import running
from tests.contract.behaviour import Behaviour, scene
from tests.contract.seeds.rows import seed_book
from tests.contract.subject import Subject, today
from tests.peers import postgresql

pytestmark = pytest.mark.peers


@contextmanager
def held(database: postgresql.Database) -> Generator[None, None, None]:
    """Somebody has begun to write in every table of the book, and does not go on."""
    with database.server.connect(database.name) as connection, connection.transaction():
        tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE tableowner = 'kiosk_owner'"
        names = [str(name) for (name,) in connection.execute(tables).fetchall()]
        connection.execute(f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE")  # type: ignore[arg-type]  # of ours
        yield


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Generator[Subject, None, None]:
    database = postgresql.shared().database()
    made = scene(today())
    peer = seed_book(database.book(tmp_path_factory.mktemp("hub"), "hub"), made)
    peer = replace(peer, faults={"held": lambda number: held(database)})
    kiosks = count(1)
    with Proxy(database.server.port, framed=False) as line:

        def open_kiosk() -> Book:
            name = f"kiosk-{next(kiosks):02}"
            database.role(name)
            url = f"postgresql://{name}@127.0.0.1:{line.port}/{database.name}"
            folder = tmp_path_factory.mktemp(name)
            return open_book(url, Settings(folder, password=postgresql.PASSWORD, name=name))

        subject = Subject("PostgreSQL", open_kiosk, made, "book", peer, line, without_gaps=True)
        yield subject
        subject.close()


@running.each_behaviour
def test_contract(book: Subject, behaviour: Behaviour, record_property: Callable[[str, object], None]) -> None:
    running.ask(behaviour, book, record_property)
