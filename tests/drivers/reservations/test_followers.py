"""Who follows the reservations hears of every change, and of an owner that comes, goes and hangs."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.reservations import over_socket, wire
from drivers.reservations.over_socket import SocketReservations
from drivers.reservations.ports import Reservations
from drivers.reservations.sqlite.reservations import SqliteReservations
from tests.drivers.reservations.asking import DEADLINE_S, arrived, cancel, count, entries, register, soon
from tests.drivers.reservations.owner import AT, DAY, Site, answering, put


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    made.server.open()
    yield made
    made.server.close()


class Followed:
    """What a follower is called with: "changed", True and False."""

    def __init__(self, reservations: Reservations) -> None:
        self._calls: queue.SimpleQueue[str | bool] = queue.SimpleQueue()
        self.follower = reservations.follow(lambda: self._calls.put("changed"), self._calls.put)

    def next(self) -> str | bool:
        return self._calls.get(timeout=DEADLINE_S)

    def until(self, true: Callable[[], bool]) -> None:
        """Changes are heard until it is true; at least one."""
        while self.next() == "changed" and not true():
            pass
        assert true()


@pytest.mark.parametrize("far", [True, False], ids=["over the socket", "of the database itself"])
def test_a_follower_hears_of_every_change_whoever_made_it(site: Site, far: bool) -> None:
    followed = Followed(site.client if far else site.book)
    assert (followed.next(), followed.next()) == (True, "changed")
    elsewhere = SqliteReservations(site.folder)
    register(elsewhere, "1", AT)
    followed.until(lambda: len(entries(site.client, DAY)) == 1)
    put(elsewhere, *(f"{n},2099-01-15,9:00,内科,,," for n in range(100)))
    followed.until(lambda: count(site.client, DAY) == 100)
    cancel(site.client, "1", 1, DAY, AT, "")
    followed.until(lambda: arrived(site.client, DAY) == [])
    elsewhere.file.path.unlink()
    if not far:
        while followed.next() is not False:
            pass
    assert followed.next() == "changed"
    followed.follower.close()


def test_a_follower_says_whether_the_owner_answers_and_finds_it_again(tmp_path: Path) -> None:
    followed = Followed(SocketReservations(tmp_path))
    assert followed.next() is False
    for _ in range(2):
        site = Site(tmp_path)
        site.server.open()
        assert (followed.next(), followed.next()) == (True, "changed")
        site.server.close()
        assert followed.next() is False
    followed.follower.close()


def test_an_owner_that_falls_silent_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_socket, "_SILENT_S", 0.2)
    with answering(tmp_path, *[b'{"event": "unknown"}\n{"event": "changed"}\n'] * 50, hold=True):
        followed = Followed(SocketReservations(tmp_path))
        # On a slow machine it may be given up before it said anything.
        while followed.next() != "changed":
            pass
        assert followed.next() is False
        followed.follower.close()


def test_a_follower_that_is_left_alone_hears_that_the_owner_lives(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_socket, "_ALIVE_S", 0.05)
    connection, line = site.connect()
    with connection:
        line.send(wire.FOLLOW, soon())
        assert line.receive(soon()) == {"event": "changed"}
        while line.receive(soon()) != {"event": "alive"}:
            pass


def test_a_follower_that_is_closed_calls_nobody(site: Site) -> None:
    followed = Followed(site.client)
    assert (followed.next(), followed.next()) == (True, "changed")
    followed.follower.close()
    other = Followed(site.client)
    register(site.book, "1", AT)
    other.until(lambda: entries(site.client, DAY) != [])
    other.follower.close()
    assert followed._calls.empty()
