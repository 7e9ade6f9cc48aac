"""`kiosk book`: a database made, brought to a version again, and released after a failover."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from drivers.reservations import Registered, Trouble
from kiosk import __main__ as command_line
from tests.peers import postgresql
from tests.peers.postgres_kiosks import DAY, order, put_many
from tests.peers.postgresql import PASSWORD, Database, soon
from tests.site_toml import Site, with_

pytestmark = pytest.mark.peers


def site_of(database: Database, folder: Path, role: str = "hub") -> list[str]:
    site = Site(folder)
    site.secret("book.secret", f"{PASSWORD}\n")
    url, secret = f'url = "{database.url(role)}"', 'book_password_file = "book.secret"'
    site.load(with_("reservations", url, secret))
    return ["--config", str(site.file)]


def test_migrate_makes_the_tables_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = postgresql.shared().database()
    where = site_of(database, tmp_path)
    with database.server.connect(database.name) as connection:
        connection.execute("DROP SCHEMA kiosk CASCADE")
    said = []
    for _ in range(2):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        assert command_line.main(["book", "migrate", *where]) == 0
        said.append(capsys.readouterr().out)
    assert said == ["version 1, new\n", "version 1 already\n"]
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    assert command_line.main(["book", "migrate", *where]) == 1
    assert "password" in capsys.readouterr().err


def test_after_failover_waits_for_kiosks_and_releases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = postgresql.shared().database()
    put_many(database, tmp_path / "hub", 2)
    book = database.book(tmp_path / "k", "kiosk-01")
    assert isinstance(book.register(order("0"), soon()), Registered)
    with database.server.connect(database.name) as connection:
        connection.execute("UPDATE kiosk.epoch SET timeline = 'another'")
        connection.execute("UPDATE kiosk.kiosk SET timeline = 'another'")
    refused = book.register(order("1"), soon())
    assert isinstance(refused, Trouble)
    assert refused.code == "not_released"
    where = site_of(database, tmp_path)
    assert command_line.main(["book", "after-failover", "--wait", "0", "--json", *where]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        {"role": "kiosk-01", "host": "kiosk-01", "day": DAY.isoformat(), "offered": False, "restored": 0},
        {"released": True, "lifted": True},
    ]
    answer = book.register(order("1"), soon())
    assert isinstance(answer, Registered)
    assert answer.receptions[0].number == "102"
    assert command_line.main(["book", "after-failover", *where]) == 0
    assert "already" in capsys.readouterr().out
    book.close()


def test_a_site_without_a_server_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = Site(tmp_path)
    site.load()
    assert command_line.main(["book", "after-failover", "--config", str(site.file)]) == 2
    assert "PostgreSQL" in capsys.readouterr().err
