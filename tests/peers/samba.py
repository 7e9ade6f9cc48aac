"""The Samba server of `drivers.simulated` as a peer of tests: a missing one skips on a desk and fails where CI=true.

`Smbd` is one server of a test's own. `lend` gives folders of a test out through a server that all tests of a worker
share, which spares its start; a test that stops, freezes or looks into the server takes one of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from drivers.simulated import smb_server
from drivers.simulated.smb_server import Encryption
from tests.keep import last_log, log_of
from tests.peers import need

_NAMES = ("face", "res", "oqs")  # what can be lent
_EACH = 40

_shared = ExitStack()


class Smbd(smb_server.Smbd):
    """See `drivers.simulated.smb_server.Smbd`."""

    def start(self) -> None:
        """Start it; a missing program is told the way tests tell it."""
        for program in smb_server.PROGRAMS:
            need(program)
        super().start()

    def __enter__(self) -> Self:
        log_of("smbd", self.read_log)
        return super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        last_log("smbd", self.read_log)
        super().__exit__(kind, error, tb)

    def read_log(self) -> str:
        """What smbd wrote so far."""
        return self.log


class _Shared(Smbd):
    """One whose shares are links, set for each test: a server reads which shares it has when it starts.

    Many of each, taken in turn: what still has an old connection to a share keeps the folder of its own test.
    """

    def __init__(self, encryption: Encryption) -> None:
        super().__init__({}, encryption=encryption)
        folder = self.home / "shares"
        nothing = folder / "nothing"
        nothing.mkdir(parents=True)
        self.shares = {"nothing": nothing}
        self.free = {name: deque(f"{name}-{number}" for number in range(_EACH)) for name in _NAMES}
        for name in chain(*self.free.values()):
            self.shares[name] = folder / name
            self.shares[name].symlink_to(nothing)

    def take(self, name: str, folder: Path) -> str:
        """The name of a share that is `folder` from now on."""
        taken = self.free[name].popleft()
        self._turn(taken, folder)
        return taken

    def give_back(self, name: str, taken: str) -> None:
        self._turn(taken, self.shares["nothing"])
        self.free[name].append(taken)

    def _turn(self, taken: str, folder: Path) -> None:
        link = self.shares[taken]
        link.unlink()
        link.symlink_to(folder)


class Lent(Smbd):
    """Shares of a server that others use too: it has their addresses, and refuses what would start or end a process."""

    def __init__(self, server: _Shared, shares: Mapping[str, Path]) -> None:  # not Smbd's: nothing is made
        self._server = server
        self.user, self.password, self.port = server.user, server.password, server.port
        self.shares = dict(shares)
        self._names: dict[str, str] = {}

    def __enter__(self) -> Self:
        for name, folder in self.shares.items():
            folder.mkdir(parents=True, exist_ok=True)
            self._names[name] = self._server.take(name, folder)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        while self._names:
            self._server.give_back(*self._names.popitem())

    def url(self, share: str, user: str | None = None) -> str:
        name, slash, folder = share.partition("/")
        return self._server.url(f"{self._names.get(name, name)}{slash}{folder}", user)

    @property
    def home(self) -> Path:
        self._refuse()

    def pids(self) -> list[int]:
        self._refuse()

    def start(self) -> None:
        self._refuse()

    def stop(self) -> None:
        self._refuse()

    def kill(self) -> None:
        self._refuse()

    def freeze(self) -> None:
        self._refuse()

    def thaw(self) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TypeError("this server is others' too: a test that does this needs one of its own")


def lend(shares: Mapping[str, Path], *, which: str, encryption: Encryption) -> Lent:
    """`shares`, name → folder, for as long as the context lasts. `which` tells two servers of the same kind apart."""
    return Lent(_server(which, encryption), shares)


@cache
def _server(which: str, encryption: Encryption) -> _Shared:
    return _shared.enter_context(_Shared(encryption))


def end_shared() -> None:
    """At the end of the worker."""
    _server.cache_clear()
    _shared.close()
