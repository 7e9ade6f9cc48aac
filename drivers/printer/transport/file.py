"""A printer behind a path: /dev/usb/lp0, or a regular file that jobs are appended to.

Owns one file descriptor. Must never create a folder, and never ask: usblp and files give no answers we could trust.
"""

import contextlib
import os
import select
import stat

from drivers.printer.address import FileAddress
from drivers.printer.transport.wire import WireLost

_CHUNK_BYTES = 4096


class FileWire:
    """Opened at the first byte, so that asking for the status creates nothing."""

    def __init__(self, address: FileAddress) -> None:
        """Raises WireLost when the folder is missing or the path is a folder."""
        self._path = address.path
        self._descriptor: int | None = None
        try:
            kind = self._path.stat().st_mode
        except FileNotFoundError:
            kind = stat.S_IFREG if self._path.parent.is_dir() else 0
        except OSError:
            kind = 0
        if kind == 0 or stat.S_ISDIR(kind):
            raise WireLost
        self.keeps_state = not stat.S_ISREG(kind)

    def send(self, data: bytes, wait_s: float) -> int:
        try:
            if self._descriptor is None:
                # 0600: a slip names a patient number. NONBLOCK: a device that is busy must not hang the open.
                flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
                # A device may have another name, a file may not: who plants a link chooses what is written to.
                flags |= 0 if self.keeps_state else os.O_CREAT | os.O_NOFOLLOW
                self._descriptor = os.open(self._path, flags, 0o600)
                if self.keeps_state and stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                    self.close(abandon=True)
                    raise WireLost
            if not select.select([], [self._descriptor], [], wait_s)[1]:
                return 0
            return os.write(self._descriptor, data[:_CHUNK_BYTES])
        except BlockingIOError:
            return 0
        except OSError:
            raise WireLost from None

    def receive(self, wait_s: float) -> bytes:
        return b""

    def unsent(self) -> int:
        return 0

    def close(self, *, abandon: bool) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
