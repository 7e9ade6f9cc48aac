"""ORCA (simulated), asked the contract suite through a line that fails: the adapter by itself."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from drivers.reservations.adapter import Settings
from drivers.reservations.opening import open_system
from drivers.reservations.ports import SystemOfRecord
from drivers.simulated.tcp_proxy import Proxy
from tests.contract import running
from tests.contract.behaviour import Behaviour, scene
from tests.contract.scene import TAKAHASHI
from tests.contract.seeds import orca
from tests.contract.subject import Subject, today


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Generator[Subject, None, None]:
    made = scene(today())
    with orca.simulated() as simulator, Proxy(simulator.port, framed=False) as line:
        peer = orca.fill(simulator, made)
        url = simulator.url.replace(f":{simulator.port}", f":{line.port}")

        def connect() -> SystemOfRecord:
            folder = tmp_path_factory.mktemp("orca")
            return open_system(url, Settings(folder, password=simulator.password, doctor=TAKAHASHI.code))

        subject = Subject("ORCA", connect, made, "system", peer, line)
        yield subject
        subject.close()


@running.each_behaviour
def test_contract(system: Subject, behaviour: Behaviour, record_property: Callable[[str, object], None]) -> None:
    running.ask(behaviour, system, record_property)
