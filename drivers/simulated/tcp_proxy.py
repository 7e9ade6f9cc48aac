"""A proxy between a driver and a server that does what networks and strangers do. For the demo and for tests.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from drivers.share import Unreachable, open_share
    >>> from drivers.simulated.smb_server import Smbd
    >>> with tempfile.TemporaryDirectory() as made, Smbd({"face": Path(made)}) as server, Proxy(server.port) as proxy:
    ...     share = open_share(f"smb://{server.user}@127.0.0.1:{proxy.port}/face", server.password, deadline_s=20)
    ...     digest = share.put(".a.tmp", [b"<XmlMsg/>"])
    ...     proxy.swallow = True  # the server renames, and its answer is lost
    ...     try:
    ...         share.rename_new(".a.tmp", "a.xml")
    ...     except Unreachable as error:
    ...         code = error.code
    ...     names = [entry.name for entry in share.entries("*")]
    ...     share.drop()
    >>> code, names
    ('no_connection', ['a.xml'])

Owns its sockets and threads. Must never understand a protocol beyond the 4-byte length in front of each of SMB's
frames, or be imported by anything that runs in a hospital.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.unix_path import short_path

_CONNECT_S = 5.0
_CONNECTIONS_MAX = 1000
_PIECE_BYTES = 65536


class Proxy:
    """`with Proxy(smbd.port) as proxy:` listens on `proxy.port`.

    `target`: a port of `host`, or a Unix socket, in whose folder the proxy listens as `proxy.sock`.
    `framed`: pieces are SMB's frames; False: whatever one read of a stream gives, for HTTP, PostgreSQL and others.
    `accepted` counts connections, `requests` pieces that clients sent (a compound is one).

    Knobs, to be set at any time: `swallow` = True: the next answer is dropped and its connection cut. `halve` = True:
    one half of the next answer arrives, then it is cut. `lose` = n: it is cut instead of the nth piece from now,
    questions and answers counted together. `mute`: answers get lost, and nobody notices. `tamper` changes each piece on
    its way back. `slow_s`: what each answer takes longer; `drip_s`: what each byte of it takes longer. `cut()` ends all
    connections and every new one until `mend()`.
    """

    def __init__(self, target: int | Path, host: str = "127.0.0.1", *, framed: bool = True) -> None:
        self.accepted = 0
        self.requests = 0
        self.swallow = False
        self.halve = False
        self.lose = 0
        self.mute = False
        self.tamper: Callable[[bytes], bytes] | None = None
        self.slow_s = 0.0
        self.drip_s = 0.0
        self._framed = framed
        self._target, self._host = target, host
        self.path = target.with_name("proxy.sock") if isinstance(target, Path) else None
        if self.path is not None:
            self._listener = socket.socket(socket.AF_UNIX)
            with short_path(self.path) as short:
                self._listener.bind(short)
            self._listener.listen()
            self.port = 0
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.port = int(self._listener.getsockname()[1])
        self._is_cut = threading.Event()
        self._ended = threading.Event()
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="tcp-proxy", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._ended.set()
        _cut(self._listener)
        self._listener.close()
        self.cut()

    @property
    def is_cut(self) -> bool:
        """Whether the line is cut now."""
        return self._is_cut.is_set()

    def cut(self) -> None:
        """Pull the cable: what is connected is dropped, and nobody gets through."""
        self._is_cut.set()
        with self._lock:
            dropped, self._open = self._open, []
        _cut(*dropped)

    def mend(self) -> None:
        """Put the cable back."""
        self._is_cut.clear()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._ended.is_set():
                client, _ = self._listener.accept()
                self.accepted += 1
                try:
                    server = self._connected()
                except OSError:  # the server is down: so is the line
                    client.close()
                    continue
                server.settimeout(None)
                self._join(client, server)

    def _connected(self) -> socket.socket:
        if not isinstance(self._target, Path):
            return socket.create_connection((self._host, self._target), _CONNECT_S)
        server = socket.socket(socket.AF_UNIX)
        try:
            with short_path(self._target) as short:
                server.connect(short)
        except OSError:
            server.close()
            raise
        return server

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        with self._lock:
            refused = self._is_cut.is_set() or len(self._open) > _CONNECTIONS_MAX
            if not refused:
                self._open += [client, server]
        if refused:
            client.close()
            server.close()
            return
        threading.Thread(target=self._serve, args=(client, server), name="tcp-proxy", daemon=True).start()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._back, args=(server, client), name="tcp-proxy", daemon=True)
        back.start()
        with suppress(OSError):
            for piece in self._pieces(client):
                self.requests += 1
                if self._is_lost():
                    break
                server.sendall(piece)
        _cut(client, server)
        back.join()
        with self._lock:
            self._open = [one for one in self._open if one not in (client, server)]
        client.close()
        server.close()

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            for piece in self._pieces(server):
                if self.swallow or self._is_lost():
                    self.swallow = False
                    break
                if not self.mute:
                    self._answer(client, piece)
        _cut(client, server)

    def _answer(self, client: socket.socket, piece: bytes) -> None:
        self._ended.wait(self.slow_s)
        head, body = (piece[:4], piece[4:]) if self._framed else (b"", piece)
        answer = head + (self.tamper(body) if self.tamper else body)
        if self.halve:
            self.halve = False
            client.sendall(answer[: len(answer) // 2])
            raise ConnectionResetError
        while self.drip_s and answer and not self._ended.wait(self.drip_s):
            client.sendall(answer[:1])
            answer = answer[1:]
        client.sendall(answer)

    def _pieces(self, sock: socket.socket) -> Iterator[bytes]:
        if not self._framed:
            while piece := sock.recv(_PIECE_BYTES):
                yield piece
            return
        with sock.makefile("rb") as stream:
            while len(length := stream.read(4)) == 4:
                yield length + stream.read(int.from_bytes(length, "big"))

    def _is_lost(self) -> bool:
        with self._lock:
            self.lose = max(0, (before := self.lose) - 1)
        return before == 1


def _cut(*socks: socket.socket) -> None:
    """Shut both directions, so that a thread that reads comes back."""
    for sock in socks:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
