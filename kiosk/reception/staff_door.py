"""The way from the reception to the technician's page: a finger that rests in the corner asks root to open it.

Owns who may ask when. Must never do so during a visit, show that the corner is there, or hold the reception up: without
the appliance's socket, as on a plain PC, nothing happens.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from kiosk.screens.names import STAFF_CORNER

# No visit is under way on these.
OPEN_ON: Final = ("choose_card", "closed", "out_of_service")
SOCKET: Final = "/run/kiosk-staff/staff.sock"
_LIMIT_S: Final = 5.0
_ANSWER_MAX_BYTES: Final = 4096


class StaffDoor:
    """Stands between the face and the reception. `press`: where every other button goes."""

    def __init__(self, press: Callable[[str], None], address: Path | None = None) -> None:
        self._press = press
        self._address = address or Path(os.environ.get("KIOSK_STAFF_SOCKET", SOCKET))
        self._busy = threading.Lock()
        self.screen = ""  # what is shown; kept by the reception's loop

    @property
    def busy(self) -> bool:
        """Whether root is being asked."""
        return self._busy.locked()

    def pressed(self, button: str) -> None:
        """A button of the face; any thread; does not wait."""
        if button != STAFF_CORNER:
            self._press(button)
        elif self.screen in OPEN_ON and self._busy.acquire(blocking=False):
            threading.Thread(target=self._open, name="staff-door", daemon=True).start()

    def _open(self) -> None:
        try:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as line:
                line.settimeout(_LIMIT_S)
                line.connect(str(self._address))
                line.sendall(b'{"do": "open"}\n')
                line.recv(_ANSWER_MAX_BYTES)  # root has read it; whatever it says, it acts by itself
        finally:
            self._busy.release()
