"""A TCP proxy that sits between a share driver and smbd, and does what networks and strangers do.

Owns its sockets and threads. Must never understand SMB beyond the 4-byte length in front of each frame.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class Proxy:
    """`with Proxy(smbd.port) as proxy:` listens on `proxy.port`.

    `accepted` counts connections. `swallow` = True: the next answer is dropped and the connection cut. `tamper`
    changes each frame on its way back.
    """

    def __init__(self, target_port: int) -> None:
        self.accepted = 0
        self.swallow = False
        self.tamper: Callable[[bytes], bytes] | None = None
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = [self._listener]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.accepted += 1
                server = socket.create_connection(("127.0.0.1", self._target_port))
                self._open += [client, server]
                threading.Thread(target=self._forth, args=(client, server), daemon=True).start()
                threading.Thread(target=self._back, args=(server, client), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                server.sendall(data)
        _cut(client, server)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError), server.makefile("rb") as stream:
            while len(length := stream.read(4)) == 4:
                frame = stream.read(int.from_bytes(length, "big"))
                if self.swallow:
                    self.swallow = False
                    break
                client.sendall(length + (self.tamper(frame) if self.tamper else frame))
        _cut(client, server)


def _cut(*socks: socket.socket) -> None:
    for sock in socks:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
