"""Something that is no SMB server answers: real connections to a peer that says nonsense, and what is answer of it."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from drivers.share import Unreachable, open_share
from tests import ROOT
from tests.hospital import wait_until

SMB = b"\xfeSMB"


def frame(content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + content


def closes(line: socket.socket) -> None:
    pass


def resets(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def a_frame_of_noise(line: socket.socket) -> None:
    line.sendall(frame(os.urandom(64)))
    line.recv(1000)


def noise(line: socket.socket) -> None:
    line.sendall(b"\x7f" + os.urandom(4000))
    line.recv(1000)


def http(line: socket.socket) -> None:
    line.recv(1000)
    line.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def ssh(line: socket.socket) -> None:
    line.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    line.recv(1000)


def short(line: socket.socket) -> None:
    line.sendall(frame(SMB))
    line.recv(1000)


def zeros(line: socket.socket) -> None:
    line.sendall(frame(SMB + struct.pack("<H", 64) + bytes(58)))
    line.recv(1000)


KINDS = (closes, resets, a_frame_of_noise, noise, http, ssh, short, zeros)


class Peer:
    """Answers each connection in its turn with the next of `kinds`; a context manager."""

    def __init__(self, *kinds: Callable[[socket.socket], None]) -> None:
        self._kinds = kinds
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            kind = self._kinds[self.accepted % len(self._kinds)]
            self.accepted += 1
            threading.Thread(target=self._serve, args=(line, kind), daemon=True).start()

    def _serve(self, line: socket.socket, kind: Callable[[socket.socket], None]) -> None:
        with line, suppress(OSError):
            kind(line)


SITE = """
[site]
name = "架空総合病院"
institution_code = "9912345678"
pattern = 1
data_dir = "{folder}/data"
[terminal]
results = "smb://face@127.0.0.1:{port}/face"
password_file = "{folder}/secret"
[receipt_computer]
results = "smb://res@127.0.0.1:{port}/res"
password_file = "{folder}/secret"
[printer]
url = "file://{folder}/slips.bin"
"""


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer(*KINDS) as made:
        yield made


def peak_bytes(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))


def test_a_courier_says_once_that_no_smb_server_answers_and_keeps_its_memory(tmp_path: Path, peer: Peer) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "secret").touch(mode=0o600)
    (tmp_path / "secret").write_text("made up\n")
    (tmp_path / "site.toml").write_text(SITE.format(folder=tmp_path, port=peer.port))
    command = [sys.executable, "-m", "kiosk", "courier", "--config", str(tmp_path / "site.toml")]
    with (tmp_path / "answer").open("wb") as answer:
        courier = subprocess.Popen(command, cwd=ROOT, stderr=answer, stdout=answer)
    try:
        wait_until(lambda: peer.accepted > 3 * len(KINDS), "each kind of nonsense has been answered")
        peak = peak_bytes(courier.pid)
    finally:
        courier.terminate()
        assert courier.wait(30) == 0
    lines = (tmp_path / "answer").read_text().splitlines()
    assert len(lines) <= 5, lines
    assert sum("share_down: " in line for line in lines) == 2
    assert peak < 400 << 20


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_any_program_hears_it_by_the_exception_alone(kind: Callable[[socket.socket], None]) -> None:
    """As `kiosk check`, `kiosk metrics` and `kiosk reservations fetch` use a share: in a process of their own."""
    asking = (
        "import sys\nfrom drivers.share import ShareError, open_share\n"
        "share = open_share(sys.argv[1], 'made up')\n"
        "for _ in range(3):\n    try:\n        share.entries('*')\n"
        "    except ShareError as error:\n        print(type(error).__name__, error)\n"
    )
    with Peer(kind) as peer:
        url = f"smb://face@127.0.0.1:{peer.port}/face"
        answer = subprocess.run(
            [sys.executable, "-c", asking, url], cwd=ROOT, capture_output=True, text=True, timeout=90, check=True
        )
        assert answer.stderr == ""
        lines = answer.stdout.splitlines()
        assert len(lines) == 3 and all(line.startswith(f"Unreachable {url.replace('face@', '')}: ") for line in lines)
        if kind in (noise, http, ssh, short):
            assert all(line.endswith("is no SMB server. Check host, port and network.") for line in lines)


def test_a_server_that_is_slow_to_say_anything_is_not_taken_for_something_else() -> None:
    with Peer(lambda line: time.sleep(30)) as peer:
        share = open_share(f"smb://face@127.0.0.1:{peer.port}/face", "made up", deadline_s=0.5)
        with pytest.raises(Unreachable, match="no answer within"):
            share.entries("*")
