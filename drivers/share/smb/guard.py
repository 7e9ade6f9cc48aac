"""The library's connection, guarded against what answers in place of an SMB server.

Such a peer must cost neither memory nor lines in the journal: what goes wrong is raised to who uses the connection.
"""

import logging
from contextlib import suppress
from typing import Any

from smbprotocol.connection import Connection
from smbprotocol.exceptions import SMBException
from smbprotocol.transport import Tcp

# The library writes file names at INFO (result files are named after patients' visits), and a traceback for each answer
# that it does not understand: a hundred lines a second where no SMB server answers.
for _name in ("smbprotocol", "spnego"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class _Tcp(Tcp):  # type: ignore[misc]  # the library is untyped
    """The library's line. [MS-SMB2] 2.1: a frame has less than 16 MiB; what says more is no SMB server."""

    def _recv(self, length: int, timeout: float) -> Any:
        if length > self.MAX_SIZE:  # it would set aside so much memory, up to 4 GiB
            raise SMBException("a frame of an impossible length")
        return super()._recv(length, timeout)


class GuardedConnection(Connection):  # type: ignore[misc]  # the library is untyped
    """See above."""

    _tcp: _Tcp | None = None

    @property
    def transport(self) -> Any:
        return self._tcp

    @transport.setter
    def transport(self, made: Tcp | None) -> None:
        """`connect` makes the library's own kind."""
        self._tcp = None if made is None else _Tcp(made.server, made.port, made.timeout)

    @property
    def misunderstood(self) -> bool:
        """Whether something was answered that is no SMB."""
        return self._t_exc is not None and not isinstance(self._t_exc, OSError)

    def _process_message_thread(self) -> None:
        with suppress(Exception):  # a lost connection is noticed, and reported, by its user
            super()._process_message_thread()
