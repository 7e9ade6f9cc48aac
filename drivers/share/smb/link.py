"""The connection that the folders of one share use together.

Owns connecting when needed and forgetting. Must never repeat a call.
"""

import threading

from drivers.share.address import SmbAddress
from drivers.share.logon_gate import LogonGate
from drivers.share.smb.wire import Wire


class Link:
    """One share of one server under one account."""

    def __init__(self, address: SmbAddress, password: str, deadline_s: float, gate: LogonGate) -> None:
        self.address = address
        self.password = password
        self._deadline_s = deadline_s
        self._gate = gate
        self._wire: Wire | None = None
        self._connecting = threading.Lock()

    def wire(self) -> tuple[Wire, bool]:
        """A live connection, and whether it was made just now."""
        wire = self._wire
        if wire is not None and wire.alive:
            return wire, False
        with self._connecting:
            wire = self._wire
            if wire is not None and wire.alive:
                return wire, False
            self.drop()
            # Asked before the TCP connection too: a closed gate makes no traffic at all.
            if refusal := self._gate.refusal(self.address.account):
                raise refusal
            self._wire = wire = Wire(self.address, self.password, self._deadline_s, self._gate)
            return wire, True

    def drop(self) -> None:
        """Forget the connection; whoever waits on it gets Unreachable."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()
