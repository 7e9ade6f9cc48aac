"""The server: where it listens, for which browsers, with which certificate."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kiosk.desk.people.gate import Gate
from kiosk.desk.web.guard import Guard
from kiosk.desk.web.server import Listening, NotStarted, Server
from tests.desk.web.fake_desk import FakeDesk


class Nobody:
    """A gate that knows nobody."""

    def session(self, cookie: str, *, by_person: bool = True) -> None:
        return None


def server(listening: Listening) -> Server:
    return Server(FakeDesk(), cast(Gate, Nobody()), listening, "さくら病院", print)


@pytest.mark.parametrize(
    "listening",
    [
        Listening("192.0.2.1", 8443),
        Listening("192.0.2.1", 8443, certificate=Path("c"), key=Path("k")),
        Listening("0.0.0.0", 8443, allow=("192.0.2.0/24",)),
    ],
)
def test_off_loopback_it_wants_a_certificate_and_who_may_connect(listening: Listening) -> None:
    with pytest.raises(ValueError, match="off loopback"):
        server(listening)


def test_a_port_that_is_taken_is_no_start(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        late = server(Listening("127.0.0.1", other.getsockname()[1]))
        with pytest.raises(NotStarted):
            late.start()
        assert not late.running


def test_a_certificate_that_cannot_be_read_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(NotStarted):
        server(Listening("127.0.0.1", 0, certificate=tmp_path / "none", key=tmp_path / "none")).start()


def test_it_ends_and_says_so() -> None:
    running = server(Listening("127.0.0.1", 0))
    running.start()
    assert running.running
    running.stop()
    assert not running.running


# --- certificates ----------------------------------------------------------------------------------------------------


def certificate(
    folder: Path, name: str, by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """NAME.pem and NAME.key in `folder`, signed by `by` or itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[0].subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(by[1] if by else key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(made.public_bytes(pem))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made, key


def status(port: int, context: ssl.SSLContext) -> int:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
    try:
        connection.request("GET", "/login")
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def test_with_a_certificate_it_speaks_tls_and_may_want_one_of_the_browser(tmp_path: Path) -> None:
    authority = certificate(tmp_path, "authority", None)
    for name in ("desk", "pc"):
        certificate(tmp_path, name, authority)
    listening = Listening("127.0.0.1", 0, certificate=tmp_path / "desk.pem", key=tmp_path / "desk.key")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    known = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    known.load_cert_chain(tmp_path / "pc.pem", tmp_path / "pc.key")
    for client_ca in (None, tmp_path / "authority.pem"):
        running = server(replace(listening, client_ca=client_ca))
        running.start()
        try:
            assert status(running.port, known) == 200
            if client_ca is None:
                assert status(running.port, trusting) == 200
            else:
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    status(running.port, trusting)
        finally:
            running.stop()


# --- who may connect -------------------------------------------------------------------------------------------------


async def _ok(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", 200),
        ("::1", 200),
        ("192.0.2.77", 200),
        ("::ffff:192.0.2.77", 200),  # the same, where one socket serves both
        ("2001:db8::5", 200),
        ("198.51.100.1", 403),
        ("2001:db9::5", 403),
        (None, 403),
    ],
)
def test_only_this_machine_and_the_named_networks_may_connect(address: str | None, expected: int) -> None:
    guard = Guard(_ok, hosts=("desk.example.invalid",), allow=("192.0.2.0/24", "2001:db8::/64"), report=print)
    answers: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answers.append(message["status"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    scope = {
        "type": "http", "method": "GET", "path": "/", "scheme": "https", "query_string": b"",
        "headers": [(b"host", b"desk.example.invalid:8443")], "client": address and (address, 40000),
    }  # fmt: skip
    asyncio.run(guard(scope, receive, send))
    assert answers == [expected]
