"""Books in front of a (simulated) ORCA: what the system alone does not keep, both keep together."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import cast

import pytest

from drivers.reservations import EMBEDDED
from drivers.reservations.adapter import Settings
from drivers.reservations.opening import open_book, open_system
from drivers.reservations.ports import Book, SystemOfRecord
from drivers.simulated.orca import Manners
from drivers.simulated.tcp_proxy import Proxy
from kiosk.his import front
from kiosk.his.front import Front
from kiosk.his.pool import Pool
from tests.contract import running
from tests.contract.behaviour import Behaviour, scene
from tests.contract.scene import TAKAHASHI
from tests.contract.seeds import orca
from tests.contract.subject import Dying, Fuse, Subject, now, today
from tests.peers import postgresql

# What many kiosks do at the same time, or one after another; a line to ORCA is the same for every book.
_OF_MANY = ("registering", "cancelling", "races")


def opened(
    stack: ExitStack, name: str, folder: Path, books: Callable[[], tuple[Book, Book]], manners: Manners
) -> Subject:
    """`books()`: of a further kiosk the book, and the one of its own machine. `folder`: where adapters may write."""
    stack.enter_context(pytest.MonkeyPatch.context()).setattr(front, "AGAIN_S", 0.1)
    simulator = stack.enter_context(orca.simulated(manners))
    line = stack.enter_context(Proxy(simulator.port, framed=False))
    made = scene(today())
    peer = orca.fill(simulator, made)
    url = simulator.url.replace(f":{simulator.port}", f":{line.port}")
    settings = Settings(folder, password=simulator.password, doctor=TAKAHASHI.code)

    def connect(fuse: Fuse | None = None) -> SystemOfRecord:
        book, local = books()
        system: SystemOfRecord = Pool(lambda: open_system(url, settings))
        if fuse is not None:
            book, system = cast("Book", Dying(book, fuse)), cast("SystemOfRecord", Dying(system, fuse))
        return Front(book, system, local, None, front.Settings(), now, lambda *_, **__: None)

    subject = Subject(name, connect, made, "reservations", peer, line, without_gaps=True, dying=connect)
    stack.callback(subject.close)
    return subject


@pytest.fixture(scope="module")
def one_kiosk(tmp_path_factory: pytest.TempPathFactory) -> Generator[Subject, None, None]:
    """With an ORCA of another site and version than test_orca.py has."""
    folder = tmp_path_factory.mktemp("book")

    def books() -> tuple[Book, Book]:
        book = open_book(EMBEDDED, Settings(folder))
        return book, book

    manners = Manners("/api", patient_digits=8, code_digits=4, has_query=False, race_s=0.02, pads=False, chunked=False)
    with ExitStack() as stack:
        yield opened(stack, "SQLite+ORCA", folder, books, manners)


@pytest.fixture(scope="module")
def many_kiosks(tmp_path_factory: pytest.TempPathFactory) -> Generator[Subject, None, None]:
    database = postgresql.shared().database()
    kiosks = count(1)

    def books() -> tuple[Book, Book]:
        name = f"kiosk-{next(kiosks):02}"
        folder = tmp_path_factory.mktemp(name)
        return database.book(folder, name), open_book(EMBEDDED, Settings(folder))

    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("orca")
        yield opened(stack, "PostgreSQL+ORCA", folder, books, Manners(race_s=0.02))


@running.each_behaviour
def test_contract(one_kiosk: Subject, behaviour: Behaviour, record_property: Callable[[str, object], None]) -> None:
    running.ask(behaviour, one_kiosk, record_property)


@pytest.mark.peers
@running.each_of(*_OF_MANY)
def test_contract_of_many_kiosks(
    many_kiosks: Subject, behaviour: Behaviour, record_property: Callable[[str, object], None]
) -> None:
    running.ask(behaviour, many_kiosks, record_property)
