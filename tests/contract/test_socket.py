"""The embedded book as a desk and a gate's clients ask it: over a Unix socket, through a line that fails."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from drivers.reservations import EMBEDDED, wire
from drivers.reservations.adapter import Settings
from drivers.reservations.opening import open_book
from drivers.reservations.over_socket import Server, SocketBook
from drivers.reservations.sqlite.adapter import open_sqlite
from drivers.simulated.tcp_proxy import Proxy
from tests.contract import running
from tests.contract.behaviour import Behaviour, scene
from tests.contract.seeds.sqlite import seed
from tests.contract.subject import Subject, today


@pytest.fixture(scope="module")
def over_socket(tmp_path_factory: pytest.TempPathFactory) -> Generator[Subject, None, None]:
    folder, made, faults = tmp_path_factory.mktemp("book"), scene(today()), list[str]()
    peer = seed(made, EMBEDDED, Settings(folder))
    book = open_sqlite(EMBEDDED, Settings(folder))
    server = Server(open_book(EMBEDDED, Settings(folder)), folder, book.revision, faults.append, asks=wire.BOOK_ASKS)
    server.open()
    with Proxy(folder / "reservations.sock", framed=False) as line:
        assert line.path is not None
        name = line.path.name
        subject = Subject(
            "over a socket", lambda: SocketBook(folder, name), made, "book", peer, line, without_gaps=True
        )
        yield subject
        subject.close()
    server.close()
    assert faults == [], "faults of the owner's own"


@running.each_behaviour
def test_contract(over_socket: Subject, behaviour: Behaviour, record_property: Callable[[str, object], None]) -> None:
    running.ask(behaviour, over_socket, record_property)
