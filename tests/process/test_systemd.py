"""The service manager's protocol: the notifier alone, and `kiosk courier` beside a real notify socket."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kiosk.courier.line import Hub
from kiosk.process.systemd import Notifier
from tests import ROOT
from tests.hospital import DEADLINE_S, Hospital, wait_until


class Manager:
    """Stands for systemd: a datagram socket, and what came in. `address`: for NOTIFY_SOCKET."""

    def __init__(self, folder: Path, *, abstract: bool) -> None:
        self.address = f"@kiosk-test-{uuid.uuid4().hex}" if abstract else str(folder / "n")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.address[1:] if abstract else self.address)
        self._socket.setblocking(False)
        self.received: list[str] = []

    def listen(self) -> list[str]:
        """All that has come so far."""
        while True:
            try:
                self.received.append(self._socket.recv(4096).decode("utf-8"))
            except BlockingIOError:
                return self.received

    def wait(self, text: str, times: int = 1) -> None:
        wait_until(lambda: self.listen().count(text) >= times, f"{times} × {text}")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path, abstract=request.param == "abstract")
    yield made
    made.close()


def test_the_words_of_the_protocol_are_sent_one_a_datagram(manager: Manager) -> None:
    notifier = Notifier(manager.address, 0.001)
    notifier.starting()
    notifier.ready()
    notifier.alive()
    notifier.status("delivering;\n 0 waiting")
    notifier.status("delivering; 0 waiting")  # nothing new
    notifier.stopping()
    assert manager.listen() == [
        "EXTEND_TIMEOUT_USEC=120000000",
        "READY=1",
        "WATCHDOG=1",
        "STATUS=delivering; 0 waiting",
        "STOPPING=1",
    ]


def test_signs_of_life_are_sent_four_times_in_the_time_that_is_allowed(manager: Manager) -> None:
    notifier = Notifier(manager.address, 600)
    for _ in range(50):
        notifier.alive()
    assert manager.listen() == ["WATCHDOG=1"]


def test_without_a_watchdog_no_sign_of_life_is_sent(manager: Manager) -> None:
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": manager.address})
    notifier.alive()
    notifier.ready()
    assert manager.listen() == ["READY=1"]


@pytest.mark.parametrize(
    ("process", "sent"),
    [("", ["WATCHDOG=1"]), (str(os.getpid()), ["WATCHDOG=1"]), ("1", []), ("x", [])],
    ids=["anybody", "this one", "another", "nonsense"],  # a name with our number would differ between the test workers
)
def test_a_watchdog_for_another_process_is_not_ours(manager: Manager, process: str, sent: list[str]) -> None:
    environment = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1000000", "PATH": "/bin"}
    if process:
        environment["WATCHDOG_PID"] = process
    Notifier.from_environment(environment).alive()
    assert manager.listen() == sent
    assert environment == {"PATH": "/bin"}, "a child would inherit the rest"


@pytest.mark.parametrize(
    "address", ["", "relative", "vsock:2:1234", "/nowhere/to/be/found", "/" + "x" * 300, "@" + "x" * 300]
)
@pytest.mark.parametrize("usec", ["", "0", "-5", "ten", "²", "1000"])
def test_nothing_in_the_environment_can_make_it_raise(address: str, usec: str) -> None:
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": usec})
    notifier.ready()
    notifier.alive()
    notifier.status("x")
    notifier.stopping()


def test_a_manager_that_does_not_read_keeps_nobody_waiting(manager: Manager) -> None:
    notifier = Notifier(manager.address, 1e-9)
    began = time.monotonic()
    for _ in range(2000):  # far more than a socket takes
        notifier.alive()
    assert time.monotonic() - began < 20
    assert 0 < len(manager.listen()) < 2000


def test_a_word_that_did_not_get_through_is_said_again(tmp_path: Path) -> None:
    notifier = Notifier(str(tmp_path / "n"), 0.001)
    notifier.ready()  # nobody there
    late = Manager(tmp_path, abstract=False)
    notifier.alive()
    assert late.listen() == ["READY=1", "WATCHDOG=1"]
    late.close()


# -- the courier --------------------------------------------------------------------------------------------------


@contextmanager
def courier(hospital: Hospital, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NOTIFY_", "WATCHDOG_"))}
    process = subprocess.Popen(
        hospital.command("courier"),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=clean | environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(DEADLINE_S)


@pytest.mark.peers
def test_the_courier_is_ready_when_it_serves_lives_and_says_when_it_ends(tmp_path: Path, manager: Manager) -> None:
    with Hospital(tmp_path, own_servers=True) as hospital:
        with courier(hospital, NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="1000000") as process:
            manager.wait("READY=1")
            assert manager.received[0] == "READY=1"
            assert (hospital.data_dir / "courier.sock").exists()
            manager.wait("WATCHDOG=1", 4)
            manager.wait("STATUS=delivering; 0 waiting")
            hospital.receipt_server.kill()
            hospital.place("valid-utf8")
            datagrams = re.compile(r"STATUS=delivering; 1 waiting; share_down receipt_computer\.results")
            wait_until(lambda: any(datagrams.match(line) for line in manager.listen()), "what is wrong")
            process.terminate()
            assert process.wait(DEADLINE_S) == 0
            assert manager.listen()[-1] == "STOPPING=1"
        assert {line.partition("=")[0] for line in manager.received} == {"READY", "WATCHDOG", "STATUS", "STOPPING"}


@pytest.mark.peers
def test_a_courier_that_stands_still_gives_no_sign_of_life(tmp_path: Path) -> None:
    manager = Manager(tmp_path, abstract=False)
    with (
        Hospital(tmp_path) as hospital,
        courier(hospital, NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="1000000") as process,
    ):
        manager.wait("WATCHDOG=1", 2)
        os.kill(process.pid, signal.SIGSTOP)
        stat = Path(f"/proc/{process.pid}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "its standstill")
        before = len(manager.listen())
        assert_nothing_for(manager, before, 3.0)  # a living one says it every half second
        os.kill(process.pid, signal.SIGCONT)
        wait_until(lambda: "WATCHDOG=1" in manager.listen()[before:], "signs of life again")
        assert process.poll() is None, "a pause is no reason to end"
    manager.close()


def assert_nothing_for(manager: Manager, before: int, wait_s: float) -> None:
    until = time.monotonic() + wait_s
    wait_until(lambda: time.monotonic() > until or len(manager.listen()) > before, "some time")
    assert len(manager.listen()) == before


@pytest.mark.peers
def test_a_courier_without_a_service_manager_delivers_all_the_same(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital, courier(hospital, WATCHDOG_USEC="1000000", WATCHDOG_PID="1") as process:
        hospital.place("valid-utf8")
        hospital.wait_delivered("valid-utf8")
        assert process.poll() is None


def test_a_hub_whose_thread_hangs_is_stuck_and_one_that_answers_is_not(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    hub.open(lambda ask: None, dict)
    hub._loop.call_soon_threadsafe(lambda: threading.Event().wait(1.5))  # what must never happen, made to happen
    wait_until(lambda: hub.stuck(0.5), "it is noticed")
    wait_until(lambda: not hub.stuck(0.5), "it is back")
    hub.close()
