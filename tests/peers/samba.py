"""The Samba server of `drivers.simulated` as a peer of tests: a missing one skips on a desk and fails where CI=true."""

from types import TracebackType
from typing import Self

from drivers.simulated import smb_server
from tests.keep import last_log, log_of
from tests.peers import need


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
