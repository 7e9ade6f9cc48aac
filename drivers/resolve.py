"""Name look-ups that end: getaddrinfo knows no time-out and blocks for tens of seconds when the name server is dead."""

import socket
import threading
from contextlib import suppress

Place = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
"""An address family and what a socket of it connects to."""


def resolve(host: str, port: int, wait_s: float) -> list[Place]:
    """Where `host` can be reached, in the order of the system. OSError when unknown; TimeoutError after `wait_s`.

    An address in numbers is taken as it is; a name is looked up by a thread that can be left behind.
    """
    found: list[Place] = []

    def ask(flags: socket.AddressInfo | int) -> None:
        with suppress(OSError, UnicodeError):
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
            found.extend(dict.fromkeys((family, where) for family, _, _, _, where in answers))

    ask(socket.AI_NUMERICHOST)
    if not found:
        worker = threading.Thread(target=ask, args=(0,), name="resolve", daemon=True)
        worker.start()
        worker.join(wait_s)
        if worker.is_alive():
            raise TimeoutError("the name server does not answer")
    if not found:
        raise OSError("unknown host")
    return found
