"""Many kiosks at once, servers that are restarted, lines that break, a client that freezes: no double, no gap."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from drivers.reservations import Found, Taken, Trouble, WalkIn, Withdrawn
from drivers.reservations.adapter import Settings
from drivers.reservations.postgresql.book import PostgresBook
from drivers.simulated.tcp_proxy import Proxy
from tests import ROOT
from tests.peers import postgresql
from tests.peers.postgres_kiosks import DAY, at_once, insisting, order, put_many, stored
from tests.peers.postgresql import PASSWORD, Database, Postgres, soon

pytestmark = pytest.mark.peers


@pytest.fixture
def database() -> Database:
    return postgresql.shared().database()


@pytest.fixture
def own() -> Iterator[Postgres]:
    """A server that may be stopped."""
    with Postgres() as server:
        yield server


def test_sixteen_kiosks_and_the_same_sixty_patients(database: Database, tmp_path: Path) -> None:
    put_many(database, tmp_path / "hub", 60)
    told, ours, lock = dict[str, set[str]](), list[str](), threading.Lock()

    def kiosk(number: int) -> None:
        book = database.book(tmp_path / str(number), f"kiosk-{number}")
        for each in range(60):
            patient = str((each * 7 + number) % 60)
            answer = insisting(book, patient)
            with lock:
                told.setdefault(patient, set()).add(answer.receptions[0].number)
                ours.extend([patient] if answer.ours else [])
        book.close()

    at_once(16, kiosk)
    assert len(ours) == len(set(ours)) == 60
    assert told == {patient: {str(number)} for patient, number in stored(database).items()}


def test_restarts_under_load_lose_and_double_nothing(own: Postgres, tmp_path: Path) -> None:
    database = own.database()
    put_many(database, tmp_path / "hub", 8 * 40)
    told, restarted = dict[str, int](), threading.Event()

    def kiosk(number: int) -> None:
        book = database.book(tmp_path / str(number), f"kiosk-{number}")
        for each in range(40):
            patient = str(number * 40 + each)
            told[patient] = int(insisting(book, patient).receptions[0].number)
            if each == 30:
                assert restarted.wait(60)
        book.close()

    for number in range(8):
        database.role(f"kiosk-{number}")
    running = threading.Thread(target=at_once, args=(8, kiosk))
    running.start()
    for mode in ("fast", "immediate"):
        before = len(told)
        while len(told) < before + 10 and len(told) < 8 * 30:
            time.sleep(0.01)
        own.restart(mode)
    restarted.set()
    running.join(120)
    assert stored(database) == told
    assert len(told) == 8 * 40


@pytest.fixture
def behind(database: Database, tmp_path: Path) -> Iterator[tuple[PostgresBook, Proxy]]:
    """A kiosk whose line can be broken."""
    with Proxy(database.server.port, framed=False) as proxy:
        database.role("kiosk-01")
        url = f"postgresql://kiosk-01@127.0.0.1:{proxy.port}/{database.name}"
        book = PostgresBook(url, Settings(tmp_path / "k", password=PASSWORD, name="kiosk-01"))
        yield book, proxy
        book.close()


def test_lost_answers_are_found_again_under_the_same_number(
    database: Database, behind: tuple[PostgresBook, Proxy], tmp_path: Path
) -> None:
    book, proxy = behind
    put_many(database, tmp_path / "hub", 30)
    told = {}
    for patient in range(30):
        proxy.swallow = patient % 3 == 0
        proxy.lose = patient % 2
        told[str(patient)] = int(insisting(book, str(patient)).receptions[0].number)
    assert stored(database) == told


@pytest.mark.parametrize("how", ["mute", "drip", "cut", "half"])
def test_a_call_ends_in_time_whatever_the_line_does(
    database: Database, behind: tuple[PostgresBook, Proxy], tmp_path: Path, how: str
) -> None:
    book, proxy = behind
    put_many(database, tmp_path / "hub", 1)
    assert isinstance(book.find("0", DAY, soon()), Found)
    what = order("0")
    if how == "mute":
        proxy.mute = True
    elif how == "drip":
        proxy.drip_s = 0.05
    elif how == "cut":
        proxy.cut()
    else:
        proxy.halve, proxy.slow_s = True, 0.8
    began = time.monotonic()
    answer = book.register(what, began + 1.5)
    assert time.monotonic() - began < 1.5 + 0.6
    assert isinstance(answer, Trouble), answer
    assert (answer.kind, answer.maybe_done) == ("unreachable", how != "cut")
    proxy.mute, proxy.drip_s, proxy.slow_s = False, 0, 0
    proxy.mend()
    settled = insisting(book, "0")
    assert settled.receptions[0].number == "1"
    assert stored(database) == {"0": 1}


def test_who_freezes_in_an_open_transaction_delays_others_for_three_seconds_at_most(
    database: Database, tmp_path: Path
) -> None:
    put_many(database, tmp_path / "hub", 2)
    book = database.book(tmp_path / "k", "kiosk-02")
    assert isinstance(book.find("1", DAY, soon()), Found)
    database.role("kiosk-01")
    frozen = psycopg.connect(database.url("kiosk-01"), password=PASSWORD)
    question = """SELECT kiosk.register(jsonb_build_object('now', now(), 'not_after', now() + interval '1 min',
        'host', 'x', 'numbering', '{"series": "hospital", "entrance": "", "by_system": false}'::jsonb,
        'order', jsonb_build_object('day', %s::text, 'patient_number', '0', 'attempt', 'a', 'at', now())))"""
    frozen.execute(question, (DAY.isoformat(),))
    began = time.monotonic()
    answer = insisting(book, "1")
    assert time.monotonic() - began < 3 + 1
    assert answer.receptions[0].number == "1"  # what the frozen one had taken is given back
    frozen.close()
    book.close()


REGISTER = """
import sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from drivers.reservations import Order
from drivers.reservations.adapter import Settings
from drivers.reservations.postgresql.book import PostgresBook
url, password, folder, first = sys.argv[1:]
book = PostgresBook(url, Settings(Path(folder), password=password, name="frozen"))
patient = int(first)
while True:
    now = datetime.now(UTC)
    order = Order(f"f{patient}", str(patient), datetime.fromisoformat(sys.stdin.readline().strip()).date(), now,
                  now + timedelta(seconds=30))
    print(book.register(order, time.monotonic() + 20).receptions[0].number, flush=True)
    patient += 1
"""


def test_a_kiosk_that_is_stopped_in_the_middle_delays_nobody(database: Database, tmp_path: Path) -> None:
    put_many(database, tmp_path / "hub", 200)
    database.role("kiosk-01")
    book = database.book(tmp_path / "k", "kiosk-02")
    stopped = subprocess.Popen(
        [sys.executable, "-c", REGISTER, database.url("kiosk-01"), PASSWORD, str(tmp_path / "f"), "100"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert stopped.stdin is not None
    assert stopped.stdout is not None
    told = {}
    for each in range(20):
        stopped.stdin.write(f"{DAY.isoformat()}\n")
        stopped.stdin.flush()
        if each:
            os.kill(stopped.pid, signal.SIGSTOP)
        began = time.monotonic()
        told[str(each)] = int(insisting(book, str(each)).receptions[0].number)
        assert time.monotonic() - began < 3
        os.kill(stopped.pid, signal.SIGCONT)
        told[str(100 + each)] = int(stopped.stdout.readline())
    stopped.kill()
    stopped.communicate()
    assert stored(database) == told
    book.close()


def test_a_dead_host_is_passed_over(database: Database, tmp_path: Path) -> None:
    put_many(database, tmp_path / "hub", 1)
    database.role("kiosk-01")
    with Proxy(database.server.port, framed=False) as proxy:
        proxy.mute = True
        hosts = f"127.0.0.1:1,127.0.0.1:{proxy.port},127.0.0.1:{database.server.port}"
        url = f"postgresql://kiosk-01@{hosts}/{database.name}"
        book = PostgresBook(url, Settings(tmp_path / "k", password=PASSWORD, name="k"))
        assert isinstance(book.find("0", DAY, soon(3)), Found)
        assert isinstance(book.find("0", DAY, soon(0.5)), Found)
        book.close()


def test_login_database_and_rights_are_told_apart(database: Database, tmp_path: Path) -> None:
    database.role("kiosk-01")
    database.role("nobody", "kiosk_display")
    settings = Settings(tmp_path / "k", password=PASSWORD, name="k")
    found = []
    for url, which in (
        (database.url("kiosk-01"), replace(settings, password="wrong")),
        (database.url("nobody"), settings),
        (database.url("kiosk-01").replace(database.name, "nothing"), settings),
        (database.url("kiosk_owner").replace(database.name, "postgres"), settings),
        (database.url("kiosk-01").replace(str(database.server.port), "1"), settings),
    ):
        book = PostgresBook(url, which)
        answer = book.find("0", DAY, soon(2))
        assert isinstance(answer, Trouble)
        found.append((answer.kind, answer.code))
        assert not answer.maybe_done
        book.close()
    assert found == [
        ("login", "login"), ("login", "rights"), ("refused", "no_database"), ("refused", "not_migrated"),
        ("unreachable", "connection_refused"),
    ]  # fmt: skip


def test_kiosks_may_call_functions_and_nothing_else(database: Database) -> None:
    database.role("kiosk-01")
    with psycopg.connect(database.url("kiosk-01"), password=PASSWORD, autocommit=True) as connection:
        for statement in (
            "SELECT * FROM kiosk.visit", "DELETE FROM kiosk.appointment", "SELECT kiosk.next_number('2026-01-01', '')",
            "SELECT kiosk.import_clear('{}')", "SELECT kiosk.release('{}')", "CREATE TABLE kiosk.x (a int)",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_no_patient_is_in_the_servers_log(own: Postgres, tmp_path: Path) -> None:
    database = own.database()
    book = database.book(tmp_path / "k", "kiosk-01")
    patient = "7719385520"
    late = order(patient, not_after=datetime.now(UTC) - timedelta(seconds=1), walk_in=WalkIn("内科"))
    assert isinstance(book.register(late, soon()), Withdrawn)
    assert isinstance(book.take(order(patient), 30, soon()), Taken)
    assert isinstance(book.take(order(patient), 30, soon()), Trouble)
    for wrong in (order(f"{patient}\0"), order(patient, walk_in=WalkIn("\udc80"))):
        assert isinstance(book.register(wrong, soon()), Trouble)
    with own.connect(database.name) as connection:
        connection.execute("UPDATE kiosk.epoch SET timeline = 'another'")
    assert isinstance(book.register(order(patient, walk_in=WalkIn("内科")), soon()), Trouble)
    log = own.read_log()
    assert "not released" in log
    assert patient not in log
    book.close()
