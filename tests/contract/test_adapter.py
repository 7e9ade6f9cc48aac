"""The adapter that `--adapter` names, asked the contract suite. README.md is for whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack

import pytest

from drivers.reservations import opening
from drivers.reservations.ports import SystemOfRecord
from drivers.simulated.tcp_proxy import Proxy
from tests.contract import options, running
from tests.contract.behaviour import Behaviour, scene
from tests.contract.subject import Peer, Subject, today


@pytest.fixture(scope="session")
def adapter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Subject, None, None]:
    config = request.config
    url = options.adapter(config)
    made = scene(today(), config.getoption("--first-number"))
    settings = options.settings(config, tmp_path_factory.mktemp("adapter"))
    peer = options.seed(config)(made, url, settings) or Peer()
    with ExitStack() as stack:
        neighbours = opening.peers(url)
        line, through = None, url
        if len(neighbours) == 1:
            line = stack.enter_context(Proxy(neighbours[0][1], neighbours[0][0], framed=False))
            through = options.moved(url, *neighbours[0], line.port)

        def connect() -> SystemOfRecord:
            if opening.is_book(url):
                return opening.open_book(through, settings)
            return opening.open_system(through, settings)

        role = "book" if opening.is_book(url) else "system"
        subject = Subject(url.split(":", maxsplit=1)[0], connect, made, role, peer, line)  # type: ignore[arg-type]
        yield subject
        subject.close()


@running.each_behaviour
def test_contract(adapter: Subject, behaviour: Behaviour, record_property: Callable[[str, object], None]) -> None:
    running.ask(behaviour, adapter, record_property)
