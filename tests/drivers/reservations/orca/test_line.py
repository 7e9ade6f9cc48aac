"""The connection: whatever the other side does, a call ends in time, and says whether something may have happened."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from drivers.bad_address import BadAddress
from drivers.reservations import Found, Registered, Trouble
from drivers.reservations.adapter import Settings
from drivers.reservations.orca import line as line_module
from drivers.reservations.orca.adapter import ADAPTER
from drivers.reservations.orca.system import OrcaSystem
from tests.drivers.reservations.orca import fake as f
from tests.drivers.reservations.orca.fake import DAY, Booked, Fake, Server, opened, order, serving

LIMIT_S = 0.6
LATE_S = 5.0  # of a busy machine, far below what a peer would take


@pytest.fixture
def orca() -> Fake:
    return Fake(booked=[("00012", Booked(DAY, "09:00:00", "01"))])


@pytest.fixture
def server(orca: Fake) -> Iterator[Server]:
    with serving(orca) as made:
        yield made


def dripping(connection: socket.socket, reply: bytes, call: f.Call) -> None:
    for each in reply:
        connection.sendall(bytes([each]))
        time.sleep(0.05)


def dripping_body(connection: socket.socket, reply: bytes, call: f.Call) -> None:
    head, _, body = reply.partition(b"\r\n\r\n")
    connection.sendall(head + b"\r\n\r\n")
    dripping(connection, body, call)


def mute(connection: socket.socket, reply: bytes, call: f.Call) -> None:
    with suppress(OSError):
        connection.recv(1)


def endless(connection: socket.socket, reply: bytes, call: f.Call) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(20_000):
        connection.sendall(b" " * 1024)


def nine_mebibytes(connection: socket.socket, reply: bytes, call: f.Call) -> None:
    body = b" " * (9 << 20)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def half(connection: socket.socket, reply: bytes, call: f.Call) -> None:
    connection.sendall(reply[: len(reply) // 2])
    connection.shutdown(socket.SHUT_RDWR)


def cut(connection: socket.socket, reply: bytes, call: f.Call) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def no_http(connection: socket.socket, reply: bytes, call: f.Call) -> None:
    connection.sendall(b"SSH-2.0-x\r\n\r\n")


def long_head(connection: socket.socket, reply: bytes, call: f.Call) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")


def bad_chunks(connection: socket.socket, reply: bytes, call: f.Call) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<xmlio2>\r\n")


RUDE: list[tuple[Callable[[socket.socket, bytes, f.Call], None], str]] = [
    (mute, "unreachable"),
    (dripping, "unreachable"),
    (dripping_body, "unreachable"),
    (cut, "unreachable"),
    (half, "unreachable"),
    (no_http, "unreachable"),
    (long_head, "unreachable"),
    (bad_chunks, "unreachable"),
    (nine_mebibytes, "misunderstood"),
    (endless, "misunderstood"),
]
IDS = [each.__name__ for each, _ in RUDE]


@pytest.mark.parametrize(("rude", "kind"), RUDE, ids=IDS)
def test_a_look_up_ends_in_time_and_the_next_one_is_answered(
    rude: Callable[[socket.socket, bytes, f.Call], None], kind: str, server: Server
) -> None:
    system, kindly = opened(server.port), server.respond
    server.respond = rude
    limit_s = 20.0 if kind == "misunderstood" else LIMIT_S
    began = time.monotonic()
    found = system.find("12", DAY, began + limit_s)
    assert time.monotonic() - began < limit_s + LATE_S
    assert isinstance(found, Trouble)
    assert (found.kind, found.maybe_done) == (kind, False)
    server.respond = kindly
    assert isinstance(system.find("12", DAY, time.monotonic() + 20), Found)


@pytest.mark.parametrize(("rude", "kind"), RUDE, ids=IDS)
def test_a_registration_that_is_not_answered_is_sent_once_and_asked_about(
    rude: Callable[[socket.socket, bytes, f.Call], None], kind: str, server: Server, orca: Fake
) -> None:
    system, kindly = opened(server.port), server.respond

    def respond(connection: socket.socket, reply: bytes, call: f.Call) -> None:
        (rude if call.target.endswith("acceptmodv2") else kindly)(connection, reply, call)

    server.respond = respond
    slow = rude in (mute, dripping, dripping_body)
    limit_s = 2.0 if slow else 20.0
    began = time.monotonic()
    found = system.register(order(), began + limit_s)
    assert time.monotonic() - began < limit_s + LATE_S
    assert len(orca.writes()) == 1
    if kind == "unreachable" and not slow:
        # There was time to ask.
        assert isinstance(found, Registered)
        assert found.ours
    else:
        assert isinstance(found, Trouble)
        assert (found.kind, found.maybe_done) == (kind, True)
    again = system.register(order(), time.monotonic() + 20)
    assert isinstance(again, Registered)
    assert not again.ours and len(orca.received) == 1


def test_nobody_there_is_unreachable_and_nothing_happened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    system = opened(port)
    for found in (system.find("12", DAY, time.monotonic() + 20), system.register(order(), time.monotonic() + 20)):
        assert isinstance(found, Trouble)
        assert (found.kind, found.code, found.maybe_done) == ("unreachable", "orca_unreachable", False)


def test_no_time_left_sends_nothing(server: Server, orca: Fake) -> None:
    found = opened(server.port).register(order(), time.monotonic() - 1)
    assert isinstance(found, Trouble)
    assert (found.kind, found.maybe_done, orca.calls) == ("unreachable", False, [])


def test_one_connection_is_kept_for_questions_and_each_write_has_a_new_one(server: Server, orca: Fake) -> None:
    system = opened(server.port)
    for _ in range(3):
        assert isinstance(system.find("12", DAY, time.monotonic() + 20), Found)
    assert orca.connections == 1
    assert isinstance(system.register(order(), time.monotonic() + 20), Registered)
    assert isinstance(system.find("12", DAY, time.monotonic() + 20), Found)
    assert orca.connections == 2


def test_servers_that_close_without_a_word_leave_nothing_open(server: Server, orca: Fake) -> None:
    orca.closes = True
    system = opened(server.port)
    for _ in range(10):
        orca.received.clear()
        done = system.register(order(), time.monotonic() + 20)
        assert isinstance(done, Registered)
        assert done.ours
    assert len(orca.writes()) == 10


def test_a_line_that_was_idle_is_not_trusted(server: Server, orca: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "_IDLE_S", 0.0)
    assert isinstance(opened(server.port).find("12", DAY, time.monotonic() + 20), Found)
    assert orca.connections == len(orca.calls) == 3


def test_two_threads_never_hear_each_others_answers(server: Server, orca: Fake) -> None:
    orca.patients["00013"] = "試験　次郎"
    system = opened(server.port)
    names: list[object] = []

    def ask(number: str) -> None:
        for _ in range(20):
            found = system.find(number, DAY, time.monotonic() + 20)
            names.append((number, found.name if isinstance(found, Found) else found))

    threads = [threading.Thread(target=ask, args=(number,)) for number in ("12", "13")]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(set(names)) == [("12", "試験　太郎"), ("13", "試験　次郎")]  # type: ignore[type-var]


def test_closing_ends_a_call_that_is_under_way(server: Server, orca: Fake) -> None:
    server.respond = mute
    system = opened(server.port)
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(system.find("12", DAY, time.monotonic() + 60)))
    thread.start()
    while not orca.calls:
        time.sleep(0.01)
    system.close()
    thread.join(30)
    assert [type(each) for each in found] == [Trouble]


def test_an_optional_call_that_hangs_leaves_time_for_the_answer(server: Server) -> None:
    kindly = server.respond

    def respond(connection: socket.socket, reply: bytes, call: f.Call) -> None:
        (mute if "patientgetv2" in call.target else kindly)(connection, reply, call)

    server.respond = respond
    found = opened(server.port).find("12", DAY, time.monotonic() + 2)
    assert isinstance(found, Found)
    assert [each.code for each in found.notices] == ["orca_late"]


# --- TLS --------------------------------------------------------------------------------------------------------------


class TlsServer(Server):
    def __init__(self, fake: Fake, certificate: Path, authority: Path | None = None) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        if authority is not None:
            self._context.load_verify_locations(authority)
            self._context.verify_mode = ssl.CERT_REQUIRED
        super().__init__(fake)

    def wrap(self, connection: socket.socket) -> socket.socket:
        return self._context.wrap_socket(connection, server_side=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PEM: a key, and a certificate of its own for localhost."""
    made = tmp_path_factory.mktemp("tls") / "pair.pem"
    key = made.with_name("key.pem")
    how = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    words = [*how.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(made)]
    subprocess.run(["openssl", *words], check=True, capture_output=True)
    made.write_bytes(made.read_bytes() + key.read_bytes())
    return made


def over_tls(port: int, host: str = "localhost", **files: Path | None) -> OrcaSystem:
    settings = Settings(Path("/nonexistent"), password=f.PASSWORD, clock=lambda: f.NOW, **files)  # type: ignore[arg-type]
    assert ADAPTER.system is not None
    found = ADAPTER.system(f"orca+https://{f.USER}@{host}:{port}", settings)
    assert isinstance(found, OrcaSystem)
    return found


def code(system: OrcaSystem, seconds: float = 20) -> str:
    found = system.find("12", DAY, time.monotonic() + seconds)
    return found.code if isinstance(found, Trouble) else type(found).__name__


def test_a_certificate_is_verified(orca: Fake, certificate: Path, tmp_path: Path) -> None:
    server = TlsServer(orca, certificate)
    assert code(over_tls(server.port, ca_file=certificate)) == "Found"
    assert code(over_tls(server.port, "127.0.0.1", ca_file=certificate)) == "orca_certificate"
    assert code(over_tls(server.port)) == "orca_certificate"
    assert code(over_tls(server.port, ca_file=tmp_path / "missing.pem")) == "orca_files"
    (tmp_path / "broken.pem").write_text("x", encoding="utf-8")
    assert code(over_tls(server.port, ca_file=tmp_path / "broken.pem")) == "orca_files"
    assert code(over_tls(server.port, ca_file=certificate, client_certificate=tmp_path / "none.pem")) == "orca_files"
    server.close()


def test_a_client_certificate_is_shown_where_one_is_wanted(orca: Fake, certificate: Path) -> None:
    server = TlsServer(orca, certificate, certificate)
    assert code(over_tls(server.port, ca_file=certificate, client_certificate=certificate)) == "Found"
    assert code(over_tls(server.port, ca_file=certificate)) in {"orca_tls", "orca_no_answer"}
    server.close()


def test_over_tls_a_dripping_answer_ends_in_time_too(orca: Fake, certificate: Path) -> None:
    server = TlsServer(orca, certificate)
    server.respond = dripping
    assert code(over_tls(server.port, ca_file=certificate), LIMIT_S) == "orca_late"
    server.close()


def test_no_tls_and_a_hand_shake_without_end(orca: Fake, server: Server, certificate: Path) -> None:
    assert code(over_tls(server.port, ca_file=certificate), LIMIT_S) == "orca_tls"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        assert code(over_tls(int(listener.getsockname()[1]), ca_file=certificate), LIMIT_S) == "orca_tls"
        assert time.monotonic() - began < LIMIT_S + LATE_S


# --- address ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "peer"),
    [
        ("orca+https://user@orca.example", ("orca.example", 8000)),
        ("orca+http://user@192.0.2.1:8001/api", ("192.0.2.1", 8001)),
        ("orca+https://user@[2001:db8::1]:443/api/", ("2001:db8::1", 443)),
    ],
)
def test_an_address_names_its_neighbour(url: str, peer: tuple[str, int]) -> None:
    ADAPTER.check(url)
    assert ADAPTER.peers(url) == (peer,)


@pytest.mark.parametrize(
    "url",
    [
        "orca+https://orca.example",
        "orca+https://user:secret@orca.example",
        "orca+https://user@",
        "orca+https://user@orca.example:0",
        "orca+https://user@orca.example:99999",
        "orca+https://user@orca.example:x",
        "orca+https://user@orca.example/api?x=1",
        "orca+https://user@orca.example/api#x",
        "orca+https://user@orca.example/a b",
        "orca+https://user@orca.example/%0a",
        "orca+https://us%3Aer@orca.example",
        "orca+https://user@-bad",
        "orca://user@orca.example",
        "https://user@orca.example",
    ],
)
def test_a_bad_address_says_what_was_expected_and_repeats_nothing(url: str) -> None:
    with pytest.raises(BadAddress) as bad:
        ADAPTER.check(url)
    assert re.search("orca.https://|password_file", str(bad.value)) and "secret" not in str(bad.value)


def test_plain_http_leaves_the_machine_only_where_the_site_says_so() -> None:
    assert ADAPTER.system is not None
    url = "orca+http://user@orca.example"
    with pytest.raises(BadAddress, match="unencrypted"):
        ADAPTER.system(url, Settings(Path("/nonexistent")))
    ADAPTER.system(url, Settings(Path("/nonexistent"), plain_http=True))
    ADAPTER.system("orca+http://user@localhost", Settings(Path("/nonexistent")))
    ADAPTER.system("orca+http://user@[::1]", Settings(Path("/nonexistent")))


def test_user_password_and_prefix_are_sent_and_only_what_orca_asks_for_is_in_the_url(orca: Fake) -> None:
    with serving(orca, "/api") as server:
        assert ADAPTER.system is not None
        settings = Settings(Path("/nonexistent"), password=f.PASSWORD, clock=lambda: f.NOW)
        system = ADAPTER.system(f"orca+http://{f.USER}@127.0.0.1:{server.port}/api", settings)
        assert isinstance(system.find("12", date(2026, 11, 30), time.monotonic() + 20), Found)
        assert [each.target for each in orca.calls] == [
            "/api/api01rv2/appointlst2v2?class=01",
            "/api/api01rv2/acceptlstv2?class=03",
            "/api/api01rv2/patientgetv2?id=12",
        ]
