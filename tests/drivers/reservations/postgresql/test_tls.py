"""The line to a server that is not this machine is encrypted, and the server proves its name."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.reservations import Count, Trouble
from drivers.reservations.adapter import Settings
from drivers.reservations.postgresql import connection
from drivers.reservations.postgresql.book import PostgresBook
from tests.peers import need
from tests.peers.postgres_kiosks import DAY
from tests.peers.postgresql import PASSWORD, Database, Postgres, soon

pytestmark = pytest.mark.peers


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """One that signs itself, for `name`, and its key."""
    made, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", made, "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return made, key


@pytest.fixture
def server() -> Iterator[Postgres]:
    with Postgres() as made:
        yield made


def asked(database: Database, settings: Settings) -> object:
    url = database.url("kiosk-01").replace("127.0.0.1", "localhost")
    book = PostgresBook(url, settings)
    answer = book.count(DAY, soon())
    book.close()
    return (answer.kind, answer.code) if isinstance(answer, Trouble) else answer


def test_verify_full(server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = server.database()
    database.role("kiosk-01")
    monkeypatch.setattr(connection, "is_loopback", lambda host: False)
    ours, key = certificate(tmp_path, "localhost")
    other, other_key = certificate(tmp_path, "db2.hospital.example")
    settings = Settings(tmp_path / "k", password=PASSWORD, name="k", ca_file=ours)
    assert asked(database, settings) == ("login", "no_tls")
    server.encrypt(ours, key)
    assert asked(database, settings) == Count(0)
    book = PostgresBook(database.url("kiosk-01").replace("127.0.0.1", "localhost"), settings)
    assert book.count(DAY, soon()) == Count(0)
    encrypted = "SELECT ssl, version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'kiosk-01'"
    assert database.rows(encrypted) == [(True, "TLSv1.3")]
    book.close()
    assert asked(database, replace(settings, ca_file=other)) == ("login", "certificate")
    assert asked(database, replace(settings, ca_file=tmp_path / "nothing")) == ("login", "ca_file")
    server.encrypt(other, other_key)
    assert asked(database, replace(settings, ca_file=other)) == ("login", "certificate")  # of another name


def test_a_server_that_begins_tls_and_says_no_more_is_given_up_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "is_loopback", lambda host: False)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def begin() -> None:
            met, _ = listening.accept()
            met.recv(8)
            met.sendall(b"S")
            kept.append(met)

        kept: list[socket.socket] = []
        threading.Thread(target=begin, daemon=True).start()
        url = f"postgresql://kiosk-01@127.0.0.1:{listening.getsockname()[1]}/kiosk"
        book = PostgresBook(url, Settings(tmp_path / "k", password=PASSWORD, name="k"))
        answers: list[object] = []
        asking = threading.Thread(target=lambda: answers.append(book.count(DAY, time.monotonic() + 1)), daemon=True)
        asking.start()
        asking.join(30)
        assert [type(each) for each in answers] == [Trouble]
        for each in kept:
            each.close()
