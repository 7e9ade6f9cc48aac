"""Two kiosks, each with its gate, on one PostgreSQL: as real processes, from the import to the second kiosk."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

import pytest

from drivers.reservations import Found, Registered, Trouble
from drivers.reservations.over_socket import BOOK_SOCKET, SocketBook
from kiosk import config as configuration
from kiosk.his.opened import opened
from tests import ROOT
from tests.peers import postgresql
from tests.peers.postgres_kiosks import AT, DAY, HEADER, line, order
from tests.peers.postgresql import PASSWORD, Database, soon
from tests.site_toml import Site, with_

pytestmark = pytest.mark.peers


class Kiosk:
    """Its site.toml and its folders."""

    def __init__(self, database: Database, folder: Path, role: str, entrance: str, group: str) -> None:
        folder.mkdir()
        database.role(role, group)
        self.role, self.folder, self.site = role, folder, Site(folder)
        self.site.secret("book.secret", f"{PASSWORD}\n")
        text = with_("reservations", f'url = "{database.url(role)}"', 'book_password_file = "book.secret"')
        text = with_("site", f'data_dir = "{folder}/data"', text=text)
        text = with_("numbering", 'series = "entrance"', f'entrance = "{entrance}"', text=text)
        self.site.load(text)
        self.environment = {
            "KIOSK_HIS_DIR": f"{folder}/his",
            "KIOSK_HIS_RUN_DIR": f"{folder}/run",
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "kiosk", *words, "--config", str(self.site.file)]

    @contextmanager
    def gate(self) -> Iterator[None]:
        """`kiosk his` runs."""
        with subprocess.Popen(self.command("his"), env={**os.environ, **self.environment}, cwd=ROOT) as running:
            try:
                self.wait_until_answered()
                yield
            finally:
                running.terminate()

    def wait_until_answered(self) -> None:
        asked, end = SocketBook(self.folder / "run", BOOK_SOCKET), time.monotonic() + 60
        while isinstance(answer := asked.count(DAY, soon(5)), Trouble):
            assert time.monotonic() < end, answer
            time.sleep(0.05)

    def imports(self, content: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command("reservations", "import", "-"), input=content, capture_output=True, text=True,
            env={**os.environ, **self.environment}, cwd=ROOT, timeout=120, check=False,
        )  # fmt: skip


def test_two_kiosks_have_one_book(tmp_path: Path) -> None:
    database = postgresql.shared().database()
    a = Kiosk(database, tmp_path / "a", "hub", "A", "kiosk_hub")
    b = Kiosk(database, tmp_path / "b", "kiosk-b", "B", "kiosk_register")
    content = HEADER + "\n".join((line("1", "9:00", "内科"), line("2", "9:00", "内科"))) + "\n"
    with ExitStack() as running:
        for each in (a, b):
            running.enter_context(each.gate())
        assert a.imports(content).returncode == 0
        refused = b.imports(content)
        assert (refused.returncode, "kiosk_register" in refused.stderr) == (1, True)
        one, two = (
            opened(
                configuration.load(each.site.file, each.environment, passwords=False), each.folder / "data",
                lambda *args, **named: None, receives=True,
            ).reservations
            for each in (a, b)
        )  # fmt: skip
        news = Event()
        subscription = two.follow(news.set, lambda answers: None)
        assert news.wait(20)
        news.clear()
        first = one.register(order("1"), soon())
        assert isinstance(first, Registered), first
        assert news.wait(20)
        subscription.close()
        again = two.register(order("1"), soon())
        assert isinstance(again, Registered)
        assert (again.ours, again.receptions) == (False, first.receptions)
        (reception,) = again.receptions
        assert (reception.number, reception.at, reception.entrance) == ("A1", AT, "A")
        other = two.register(order("2"), soon())
        assert isinstance(other, Registered)
        assert other.receptions[0].number == "B1"
        assert isinstance(one.find("2", DAY, soon()), Found)
        listed = [path.name for path in (a.folder / "his").iterdir() if path.name.startswith("book-copies")]
        assert listed == [f"book-copies-{DAY.isoformat()}.jsonl"]
