"""Killed, refused, cut off at every round trip and every commit of one delivery, over real Samba: delivered once.

The kills of test_crash.py end a process; these end a deliverer in this process, at finer boundaries and many more:
whatever it raises on its way out does nothing any more, its connections are cut, and the next one has only the ledger.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from drivers.share import Busy, Full, Refused, ShareError, Unreachable, open_share
from drivers.share.smb import wire
from kiosk.courier.ownership import uninterrupted
from kiosk.courier.sweep import sweep
from tests.courier.bench import Desk, document, place, result_name
from tests.peers.samba import Smbd

pytestmark = pytest.mark.peers
NAME = result_name(1)
ONE = document("valid-utf8")
BOUNDARIES_MAX = 100


class Killed(BaseException):
    """The end of the process: nothing that it does on its way out has an effect."""


class Boundaries:
    """The moments before and after each round trip and commit. At the `fail_at`th of a kind, `error` is raised.

    `lost`: counted are those after a round trip or commit, which was carried out; else those before it. `of`: of one
    of the two, "trip" or "commit"; "": of both.
    """

    def __init__(self) -> None:
        self.arm(None, 0)
        self.between: Callable[[], None] = lambda: None

    def arm(self, error: BaseException | None, fail_at: int, *, lost: bool = False, of: str = "") -> None:
        self._error, self._left, self._lost, self._of = error, fail_at, lost, of
        self._wires: list[Any] = []
        self.dead = self.met = False

    def round_trip(self, exchange: Callable[..., Any], connection: Any, steps: tuple[Any, ...]) -> Any:
        self._wires.append(connection)
        self._cross("trip", lost=False)
        answers = exchange(connection, *steps)
        self._cross("trip", lost=True)
        return answers

    def commit(self, execute: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        self._cross("commit", lost=False)
        done = execute()
        self._cross("commit", lost=True)
        return done

    def _cross(self, of: str, *, lost: bool) -> None:
        if self.dead:
            raise Killed
        self.between()
        if self._error is None or lost != self._lost or self._of not in ("", of):
            return
        self._left -= 1
        if self._left:
            return
        self.met, self.dead = True, isinstance(self._error, Killed)
        if self.dead or isinstance(self._error, Unreachable):
            for each in self._wires:
                each.close()
        raise self._error


class Counted:
    """A connection to the ledger whose commits are boundaries."""

    def __init__(self, db: sqlite3.Connection, boundaries: Boundaries) -> None:
        self._db, self._boundaries = db, boundaries

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        if arguments[0] == "COMMIT":
            return self._boundaries.commit(lambda: self._db.execute(*arguments))
        return self._db.execute(*arguments)


class Yard:
    """A terminal's folder and a receipt computer's, which takes a file at once, or when all is over."""

    def __init__(self, root: Path, server: Smbd, boundaries: Boundaries) -> None:
        self.face, self.usual, self._server = root / "face", root / "usual", server
        self._boundaries = boundaries
        self.taken: list[bytes] = []

    def take(self) -> None:
        path = self.usual / NAME
        if path.exists():
            self.taken.append(path.read_bytes())
            path.unlink()

    def desk(self, ledger: Path, how: str) -> Desk:
        """With connections of its own; a kill has cut those of the one before."""
        at = "oqs/" if how == "move" else ""
        shares = [open_share(self._server.url(f"{at}{folder}"), self._server.password) for folder in ("face", "usual")]
        desk = Desk(ledger, *shares)
        desk.ledger._db = Counted(desk.ledger._db, self._boundaries)  # type: ignore[assignment]
        return desk

    def deliver(self, desk: Desk) -> None:
        """What the route does, from the sighting to the end; once more after a failure that leaves it alive."""
        for _ in range(6):
            try:
                if (self.face / NAME).exists():
                    desk.admit(NAME)
                for item in desk.ledger.open_items("results"):
                    desk.deliverer.advance(item.id, ONE, uninterrupted())
                return
            except (ShareError, sqlite3.OperationalError):
                continue
        raise AssertionError("six tries failed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    root = tmp_path_factory.mktemp("boundaries")
    with Smbd({"oqs": root, "face": root / "face", "usual": root / "usual"}) as smbd:
        yield smbd


@pytest.fixture
def boundaries(monkeypatch: pytest.MonkeyPatch) -> Boundaries:
    made, exchange = Boundaries(), wire.Wire.exchange
    monkeypatch.setattr(wire.Wire, "exchange", lambda self, *steps: made.round_trip(exchange, self, steps))
    return made


def everywhere(
    server: Smbd, boundaries: Boundaries, tmp_path: Path, how: str, instant: bool, error: BaseException, **arming: Any
) -> int:
    """Fail at boundary 1, 2, 3 … until one is not met any more. Returns how many there were."""
    for fail_at in range(1, BOUNDARIES_MAX):
        yard = Yard(server.shares["oqs"], server, boundaries)
        for folder in (yard.face, yard.usual):
            folder.mkdir(exist_ok=True)
            for left in folder.iterdir():
                left.unlink()
        ledger = tmp_path / f"{fail_at}.db"
        place(yard.face, NAME, ONE)
        boundaries.arm(None, 0)
        boundaries.between = yard.take if instant else lambda: None
        desk = yard.desk(ledger, how)
        desk.ends.destination.entries("*")  # connected: a log-on is no boundary of this
        boundaries.arm(error, fail_at, **arming)
        with suppress(Killed):
            yard.deliver(desk)
        met, dead = boundaries.met, boundaries.dead
        boundaries.arm(None, 0)
        if dead:
            desk.ledger.close()
            desk = yard.desk(ledger, how)
            yard.deliver(desk)
        for _ in range(2):  # what is back is sent again, and what is left behind is removed, once
            for item in sweep(desk.ends, desk.ledger).back:
                desk.deliverer.send_again(item)
                yard.deliver(desk)
        yard.take()
        where = f"{how}, {error!r} at {fail_at}"
        assert yard.taken == [ONE], where
        assert not list(yard.face.iterdir()) and not list(yard.usual.iterdir()), where
        assert not desk.ledger.open_items("results") and not desk.ledger.abandoned_temps("results"), where
        assert not desk.notes.alarms, where
        desk.ledger.close()
        if not met:
            return fail_at - 1
    raise AssertionError("no run passed untouched")


@pytest.mark.parametrize("lost", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("instant", [True, False], ids=["instant", "slow"])
@pytest.mark.parametrize(("how", "least"), [("copy", 8), ("move", 5)])
def test_killed_at_every_round_trip_and_commit_a_file_is_delivered_once(
    server: Smbd, boundaries: Boundaries, tmp_path: Path, how: str, least: int, instant: bool, lost: bool
) -> None:
    assert everywhere(server, boundaries, tmp_path, how, instant, Killed(), lost=lost) >= least


@pytest.mark.parametrize("how", ["copy", "move"])
@pytest.mark.parametrize("instant", [True, False], ids=["instant", "slow"])
@pytest.mark.parametrize("lost", [False, True], ids=["before", "after"])
def test_cut_off_at_every_round_trip_a_file_is_delivered_once(
    server: Smbd, boundaries: Boundaries, tmp_path: Path, how: str, instant: bool, lost: bool
) -> None:
    """Not sent, or carried out and its answer lost."""
    error = Unreachable("cut off")
    assert everywhere(server, boundaries, tmp_path, how, instant, error, lost=lost, of="trip") >= 2


@pytest.mark.parametrize("how", ["copy", "move"])
@pytest.mark.parametrize("error", [Busy("in use"), Refused("no"), Full("full")], ids=["busy", "refused", "full"])
def test_refused_at_every_round_trip_a_file_is_delivered_once(
    server: Smbd, boundaries: Boundaries, tmp_path: Path, how: str, error: ShareError
) -> None:
    assert everywhere(server, boundaries, tmp_path, how, True, error, lost=False, of="trip") >= 2


@pytest.mark.parametrize("how", ["copy", "move"])
@pytest.mark.parametrize("lost", [False, True], ids=["before", "after"])
def test_a_ledger_that_fails_at_every_commit_costs_and_doubles_nothing(
    server: Smbd, boundaries: Boundaries, tmp_path: Path, how: str, lost: bool
) -> None:
    """After: it reports an error and has written all the same."""
    error = sqlite3.OperationalError("disk I/O")
    assert everywhere(server, boundaries, tmp_path, how, True, error, lost=lost, of="commit") >= 3
