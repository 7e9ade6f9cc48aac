"""The kiosk's book in front of a (simulated) ORCA: what the system alone does not keep, both keep together."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import cast

import pytest

from drivers.reservations import EMBEDDED
from drivers.reservations.adapter import Settings
from drivers.reservations.opening import open_book, open_system
from drivers.reservations.ports import SystemOfRecord
from drivers.simulated.tcp_proxy import Proxy
from kiosk.his import front
from kiosk.his.front import Front
from kiosk.his.pool import Pool
from tests.contract import running
from tests.contract.behaviour import Behaviour, scene
from tests.contract.scene import TAKAHASHI
from tests.contract.seeds import orca
from tests.contract.subject import Subject, now, today


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Generator[Subject, None, None]:
    made, folder = scene(today()), tmp_path_factory.mktemp("book")
    with pytest.MonkeyPatch.context() as patch, orca.simulated() as simulator:
        patch.setattr(front, "AGAIN_S", 0.1)
        with Proxy(simulator.port, framed=False) as line:
            peer = orca.fill(simulator, made)
            url = simulator.url.replace(f":{simulator.port}", f":{line.port}")

            def connect() -> SystemOfRecord:
                book = open_book(EMBEDDED, Settings(folder))
                settings = Settings(folder, password=simulator.password, doctor=TAKAHASHI.code)
                system = cast("SystemOfRecord", Pool(lambda: open_system(url, settings)))
                return Front(book, system, book, None, front.Settings(), now, lambda *_, **__: None)

            subject = Subject("SQLite+ORCA", connect, made, "reservations", peer, line, without_gaps=True)
            yield subject
            subject.close()


@running.each_behaviour
def test_contract(both: Subject, behaviour: Behaviour, record_property: Callable[[str, object], None]) -> None:
    running.ask(behaviour, both, record_property)
