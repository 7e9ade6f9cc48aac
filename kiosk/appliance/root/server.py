"""The root helper behind the technician's page: a Unix socket, one JSON object a line.

Owns the socket, who may connect (the reception's user and root) and its limits; `verbs` has what may be asked.
Must never trust a request: the program on the screen is the one that patients touch.
"""

from __future__ import annotations

import json
import os
import pwd
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from kiosk.appliance.machine.event_log import StaffLog
from kiosk.appliance.machine.places import Places
from kiosk.appliance.root.verbs import Verbs
from kiosk.process.ending import when_asked_to_end
from kiosk.process.systemd import Notifier

MAX_REQUEST: Final = 64 * 1024
MAX_CLIENTS: Final = 8
# A client that neither writes nor reads for so long is disconnected.
SILENT_S: Final = 120.0
_POLL_S: Final = 0.5
_USER: Final = "kiosk"


class StaffServer(socketserver.ThreadingUnixStreamServer):
    """The socket at `places.staff_socket`. `users`: who may connect, by number."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = MAX_CLIENTS

    def __init__(self, places: Places, verbs: Verbs, users: frozenset[int], notifier: Notifier | None = None) -> None:
        self.verbs = verbs
        self._users = users
        self._free = threading.BoundedSemaphore(MAX_CLIENTS)
        self._notifier = notifier or Notifier()
        path = places.staff_socket
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        before = os.umask(0o117)  # 0660 from the first moment on
        try:
            super().__init__(str(path), _Client)
        finally:
            os.umask(before)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether the client is an allowed user (SO_PEERCRED) and a place is free."""
        wanted = struct.calcsize("3i")
        _, user, _ = struct.unpack("3i", request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, wanted))
        return user in self._users and self._free.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As inherited, then frees the client's place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no error; of a fault of ours only the kind is logged: a request may hold a PIN."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            sys.stderr.write(f"a request failed: {type(error).__name__}\n")

    def service_actions(self) -> None:
        """Between two clients, twice a second."""
        self._notifier.alive()
        self.verbs.close_idle_page()


class _Client(socketserver.StreamRequestHandler):
    timeout = SILENT_S
    server: StaffServer

    def handle(self) -> None:
        while line := self.rfile.readline(MAX_REQUEST + 1):
            if len(line) > MAX_REQUEST or not line.endswith(b"\n"):
                return
            for answer in self.server.verbs.answer(_request(line)):
                self.wfile.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")


def _request(line: bytes) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        read = json.loads(line)
        if isinstance(read, dict):
            return read
    return {}


def main(arguments: Sequence[str]) -> int:
    """`kiosk.appliance staff`: serve until asked to end. `--root FOLDER`: a test's machine, for our own user alone."""
    test = len(arguments) == 2 and arguments[0] == "--root"
    if arguments and not test:
        sys.stderr.write("staff takes no arguments\n")
        return 2
    places = Places(Path(arguments[1])) if test else Places()
    notifier = Notifier.from_environment()
    users = frozenset({os.geteuid()}) if test else frozenset({0, pwd.getpwnam(_USER).pw_uid})
    with closing(StaffLog(places)) as log, StaffServer(places, Verbs(places, log), users, notifier) as server:
        if not test:
            os.chown(places.staff_socket, 0, pwd.getpwnam(_USER).pw_gid)
        when_asked_to_end(server.shutdown)
        notifier.ready()
        server.serve_forever(_POLL_S)
    return 0
