"""The book of many kiosks on a real PostgreSQL, asked the contract suite through a line that fails."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from drivers.reservations import Numbering
from drivers.reservations.adapter import Settings
from drivers.reservations.opening import open_book
from drivers.reservations.ports import Book
from drivers.simulated.tcp_proxy import Proxy
from tests.contract import running
from tests.contract.behaviour import Behaviour, scene
from tests.contract.seeds.postgresql import seed
from tests.contract.subject import Subject, today
from tests.peers import postgresql

pytestmark = pytest.mark.peers


@contextmanager
def held(database: postgresql.Database) -> Generator[None, None, None]:
    """Somebody has begun to write in every table of the book, and does not go on."""
    with database.server.connect(database.name) as connection, connection.transaction():
        tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE tableowner = 'kiosk_owner'"
        names = [str(name) for (name,) in connection.execute(tables).fetchall()]
        connection.execute(f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE")
        yield


@contextmanager
def no_login(database: postgresql.Database, roles: list[str]) -> Generator[None, None, None]:
    """The server knows the kiosks no more, and ends what they have open."""

    def change(what: str) -> None:
        with database.server.connect(database.name) as connection:
            for role in roles:
                connection.execute(f'ALTER ROLE "{role}" {what}')
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [role])

    change("NOLOGIN")
    try:
        yield
    finally:
        change("LOGIN")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Generator[Subject, None, None]:
    database = postgresql.shared().database()
    made = scene(today())
    hub = Settings(tmp_path_factory.mktemp("hub"), password=postgresql.PASSWORD)
    peer = replace(
        seed(made, database.url(), hub),
        faults={"held": lambda number: held(database), "login": lambda number: no_login(database, roles)},
    )
    roles: list[str] = []
    with Proxy(database.server.port, framed=False) as line:

        def open_kiosk(numbering: Numbering = postgresql.HOSPITAL) -> Book:
            name = f"kiosk-{len(roles) + 1:02}"
            roles.append(name)
            database.role(name)
            url = f"postgresql://{name}@127.0.0.1:{line.port}/{database.name}"
            folder = tmp_path_factory.mktemp(name)
            return open_book(url, Settings(folder, numbering, password=postgresql.PASSWORD, name=name))

        subject = Subject("PostgreSQL", open_kiosk, made, "book", peer, line, without_gaps=True)
        subject.numbered = open_kiosk
        yield subject
        subject.close()


@running.each_behaviour
def test_contract(book: Subject, behaviour: Behaviour, record_property: Callable[[str, object], None]) -> None:
    running.ask(behaviour, book, record_property)
