"""What a process tells the service manager: that it serves, that it lives, that it ends. The protocol of sd_notify(3).

Owns the variables NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. Must never raise, wait, or say anything of a patient.
By hand, because the maintained binding needs a C compiler and libsystemd, and the protocol is one datagram.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Final

_VARIABLES: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
# sd_watchdog_enabled(3) advises half the time; a quarter leaves room for one datagram that is lost.
_A_TIME: Final = 4
# For one step of a start; TimeoutStartSec of the units with a window.
STEP_S: Final = 120


class Notifier:
    """Without a service manager every method does nothing. Each from one thread at a time.

    `address`: a path, or an abstract name with a leading `@`. `watchdog_s`: how long we may be silent before we are
    killed and started again; None: as long as we like.
    """

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._every_s = None if watchdog_s is None else watchdog_s / _A_TIME
        self._alive_at: float | None = None
        self._owed = False  # READY=1 did not get through
        self._status = ""

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str] | None = None) -> Notifier:
        """As the service manager wants it. Takes the variables away: a child must not speak in our name."""
        variables = os.environ if environment is None else environment
        address, usec, process = (variables.pop(name, "") for name in _VARIABLES)
        ours = process in ("", str(os.getpid()))
        number = int(usec) if usec.isascii() and usec.isdigit() else 0
        return cls(address if address[:1] in ("/", "@") else "", number / 1e6 if ours and number else None)

    def starting(self) -> None:
        """A step of the start is done; the next has `STEP_S` from now, whatever the steps before it took.

        A slow PC gets as long as it needs; one that stands still is started again.
        """
        self._send(f"EXTEND_TIMEOUT_USEC={STEP_S * 1_000_000}")

    def ready(self) -> None:
        """We serve. Before this the service counts as starting, and no watchdog runs."""
        self._owed = not self._send("READY=1")

    def alive(self) -> None:
        """To be called about once a second by the loop whose standstill must not go unnoticed."""
        if self._owed:
            self.ready()
        now = time.monotonic()
        if self._every_s is None or (self._alive_at is not None and now - self._alive_at < self._every_s):
            return
        if self._send("WATCHDOG=1"):
            self._alive_at = now

    def status(self, text: str) -> None:
        """One line for `systemctl status`; sent when it changed."""
        line = " ".join(text.split())
        if line != self._status and self._send(f"STATUS={line}"):
            self._status = line

    def stopping(self) -> None:
        """We end, because we were asked to or must."""
        self._owed = False
        self._send("STOPPING=1")

    def _send(self, text: str) -> bool:
        if not self._address:
            return True
        # A manager that is just being updated has no socket for a moment: the next datagram finds it.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.setblocking(False)
            line.sendto(text.encode("utf-8", "replace"), self._address)
            return True
        return False
