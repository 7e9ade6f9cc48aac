"""Part `book`: one PostgreSQL for many kiosks: how long a visit takes, and what is lost when something breaks."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg

from drivers.reservations import Registered, Trouble
from drivers.reservations.adapter import Settings
from drivers.reservations.postgresql.book import PostgresBook
from drivers.reservations.postgresql.failover import Failover
from drivers.simulated.tcp_proxy import Proxy
from tests.bench import book_kiosks
from tests.bench.book_kiosks import OURS, PLAIN, Round
from tests.bench.figures import Row, Section, Table, at_most
from tests.bench.options import Options, folder, progress
from tests.peers.postgres_kiosks import DAY, order, put_many
from tests.peers.postgresql import PASSWORD, Database, Postgres, soon

OTHERS: Final = 100_000
KIOSKS: Final = 8
FROZEN_S: Final = 3.0
_PAUSE_S: Final = 0.02
_HOW = """Kiosks of 8 processes and one server on this machine, each a patient after the other without a pause: far more
than a hospital has. 100,000 appointments of other days; the server waits for the disk. The two ways take turns. A
kiosk's own copy of each answer, which waits for the disk too, is in its time."""


def book(options: Options) -> Section:
    with folder() as root, Postgres(durable=True) as server:
        times = _times(options, server, root)
        faults = _faults(options, server, root)
    standby = _standby(options)
    return Section("book", "Many kiosks, one book on PostgreSQL", _HOW, (times, faults, standby))


# --- how long a visit takes -------------------------------------------------------------------------------------------


def _times(options: Options, server: Postgres, root: Path) -> Table:
    rounds, each = options.pick(3, 1), options.pick(20, 5)
    database = server.database()
    database.role("kiosk-01")
    sizes = (16, 64)
    _fill(database, sum(rounds * size * each for size in sizes))
    first, found = 0, dict[tuple[int, str], tuple[list[float], list[float]]]()
    for size in sizes:
        for number in range(rounds):
            for way in (OURS, PLAIN) if number % 2 == 0 else (PLAIN, OURS):
                progress(f"book: {size} kiosks, {way}")
                what = Round(way, database.url(), PASSWORD, root / way, DAY, size, each, first)
                took, whole_s = book_kiosks.run(what)
                visits, pace = found.setdefault((size, way), ([], []))
                visits.extend(took)
                pace.append(len(took) / whole_s)
            first += size * each
    for table, patients in (("kiosk.reception", "n"), ("plain_arrival", "number")):
        numbers = sorted(row[0] for row in database.rows(f"SELECT {patients} FROM {table}"))
        assert numbers == list(range(1, first + 1)), "a number twice, or a gap"
    rows = []
    for (size, way), (visits, pace) in found.items():
        cells = (len(visits), *_quantiles(visits), max(visits), statistics.median(pace))
        p99 = _quantiles(visits)[2]
        aims = (at_most(p99, 2000.0, "p99 ≤ {}"),) if way == OURS else ()
        rows.append(Row(f"{size} kiosks, {way}", cells, aims))
    return Table("look-up and registration, ms", ("n", "median", "p95", "p99", "max", "visits/s"), tuple(rows))


def _quantiles(values: list[float]) -> tuple[float, float, float]:
    cut = statistics.quantiles(values, n=100)
    return cut[49], cut[94], cut[98]


def _fill(database: Database, patients: int) -> None:
    """Today's patients, and those of other days, in both kinds of tables."""
    with database.server.connect(database.name) as connection:
        connection.execute(book_kiosks.PLAIN_TABLES)
        for table, more in (("plain_appointment", ""), ("kiosk.appointment", ", '', '', '', false, '', '', '{}', ''")):
            connection.execute(
                f"INSERT INTO {table} SELECT %s::date, n::text, '09:00', '内科', '甲'{more} "
                "FROM generate_series(0, %s) AS n",
                (DAY, patients),
            )
            connection.execute(
                f"INSERT INTO {table} SELECT %s::date + 1 + (n %% 60)::integer, (n %% 20000)::text, "
                f"make_time((8 + n %% 9)::integer, (n / 20000)::integer, 0), '外科', '乙'{more} "
                "FROM generate_series(0, %s) AS n",
                (DAY, OTHERS),
            )
        connection.execute("ANALYZE")


# --- what is lost when something breaks -------------------------------------------------------------------------------


@dataclass
class _Stress:
    """Eight kiosks that register patients of their own, and insist as a patient's reception does."""

    database: Database
    root: Path
    url: str = ""
    numbers: dict[str, int] = field(default_factory=dict)
    longest_s: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, patients: int, breaks: Callable[[], None]) -> Row:
        for number in range(KIOSKS):
            self.database.role(f"kiosk-{number}")
        pool = ThreadPoolExecutor(KIOSKS)
        each = patients // KIOSKS
        running = [
            pool.submit(self._kiosk, number, range(number * each, (number + 1) * each)) for number in range(KIOSKS)
        ]
        while len(self.numbers) < KIOSKS:
            time.sleep(0.01)
        breaks()
        self.stop.set()
        for kiosk in running:
            kiosk.result()
        pool.shutdown()
        return self.row("")

    def row(self, name: str) -> Row:
        stored = dict(self.database.rows("SELECT patient_number, n FROM kiosk.reception"))
        lost = sum(stored.get(patient) != number for patient, number in self.numbers.items())
        values = sorted(stored.values())
        double, gaps = len(values) - len(set(values)), (values[-1] if values else 0) - len(set(values))
        aims = (at_most(float(lost + double + gaps), 0.0, "lost + double + gaps = 0"),)
        return Row(name, (len(self.numbers), lost, double, gaps, self.longest_s), aims)

    def _kiosk(self, number: int, patients: range) -> None:
        role = f"kiosk-{number}"
        url = (self.url or self.database.url()).replace("kiosk-01@", f"{role}@")
        book = PostgresBook(url, Settings(self.root / role, password=PASSWORD, name=role))
        for patient in patients:
            began = time.monotonic()
            what = order(str(patient), not_after=datetime.now(UTC) + timedelta(minutes=2))
            answer = book.register(what, soon(8))
            while isinstance(answer, Trouble) and time.monotonic() < began + 120:
                answer = book.register(what, soon(8))
            assert isinstance(answer, Registered), answer
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            self.numbers[str(patient)] = int(answer.receptions[0].number)
        book.close()


def _faults(options: Options, server: Postgres, root: Path) -> Table:
    patients = options.pick(800, 160)
    rows = []
    for mode in ("fast", "immediate"):
        progress(f"book: restart -m {mode}")
        rows.append(_stressed(server, root / mode, patients, f"restart -m {mode}", lambda: server.restart(mode)))  # noqa: B023 - called at once
    progress("book: lost lines")
    with Proxy(server.port, framed=False) as proxy:

        def lose() -> None:
            for each in range(40):
                proxy.swallow, proxy.lose = each % 2 == 0, each % 3
                time.sleep(0.05)

        rows.append(_stressed(server, root / "lines", patients, "40 answers lost or lines cut", lose, proxy.port))
    progress("book: a frozen client")
    rows.append(_frozen(server, root / "frozen", patients))
    columns = ("acknowledged", "lost", "double", "gaps", "longest, s")
    return Table(f"{KIOSKS} kiosks while something breaks", columns, tuple(rows))


def _stressed(server: Postgres, root: Path, patients: int, name: str, breaks: Callable[[], None], port: int = 0) -> Row:
    database = server.database()
    put_many(database, root / "hub", patients)
    url = f"postgresql://kiosk-01@127.0.0.1:{port}/{database.name}" if port else ""
    stress = _Stress(database, root, url)
    stress.run(patients, breaks)
    return stress.row(name)


def _frozen(server: Postgres, root: Path, patients: int) -> Row:
    """A client has taken a number by the server's function and does not go on: no transaction of ours does that."""
    database = server.database()
    put_many(database, root / "hub", patients + 1)
    database.role("kiosk-01")
    stress = _Stress(database, root)
    frozen = psycopg.connect(database.url(), password=PASSWORD)

    def freeze() -> None:
        frozen.execute(
            """SELECT kiosk.register(jsonb_build_object('now', now(), 'not_after', now() + interval '1 min',
            'host', 'x', 'numbering', '{"series": "hospital", "entrance": "", "by_system": false}'::jsonb, 'order',
            jsonb_build_object('day', %s::text, 'patient_number', %s::text, 'attempt', 'a', 'at', now())))""",
            (DAY.isoformat(), str(patients)),
        )
        time.sleep(FROZEN_S + 1)

    stress.run(patients, freeze)
    frozen.close()
    row = stress.row("a client frozen in a transaction")
    aim = at_most(stress.longest_s, FROZEN_S, "the others wait ≤ {} s")
    return Row(row.name, row.cells, (*row.aims, aim))


# --- another server takes over ----------------------------------------------------------------------------------------


def _standby(options: Options) -> Table:
    patients = options.pick(6000, 3000)
    rows = [
        _taken_over("asynchronous, its line whole", patients, cut=False, synchronous=False),
        _taken_over("asynchronous, its line cut before", patients, cut=True, synchronous=False),
        _taken_over("synchronous, its line whole", patients, cut=False, synchronous=True),
        _taken_over("synchronous, its line cut before", patients, cut=True, synchronous=True),
    ]
    columns = (
        "acknowledged", "in the cut", "offered again", "lost", "double", "refused before the release",
        "first number, s after the death",
    )  # fmt: skip
    return Table("primary killed, standby promoted", columns, tuple(rows))


def _taken_over(name: str, patients: int, *, cut: bool, synchronous: bool) -> Row:
    progress(f"book: standby {name}")
    with folder() as root, Postgres(durable=True) as server:
        database = server.database()
        put_many(database, root / "hub", patients)
        for number in range(KIOSKS):
            database.role(f"kiosk-{number}")
        with server.standby() as standby:
            if synchronous:
                server.configure("synchronous_standby_names='*'")
                server.program("pg_ctl", "-D", server.data, "reload")
            run = _Failing(database, standby, root, patients)
            return run.row(name, cut=cut)


@dataclass
class _Failing:
    """Kiosks that know both servers, from before the death of one until the other has given numbers."""

    database: Database
    standby: Postgres
    root: Path
    patients: int
    numbers: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    dead_at: float = 0.0
    first_at: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)

    def row(self, name: str, *, cut: bool) -> Row:
        with ThreadPoolExecutor(KIOSKS) as pool:
            running = [pool.submit(self._kiosk, number) for number in range(KIOSKS)]
            time.sleep(1.5)
            before = len(self.numbers)
            if cut:
                self.standby.cut_off()
                before = len(self.numbers)
                time.sleep(2)
            in_cut = len(self.numbers) - before if cut else 0
            self.database.server.kill()
            self.dead_at = time.monotonic()
            self.standby.promote()
            offered = self._release()
            end = time.monotonic() + 60
            while not self.first_at and time.monotonic() < end:
                time.sleep(0.02)
            time.sleep(0.5)
            self.ended.set()
            for kiosk in running:
                kiosk.result()
        moved = Database(self.standby, self.database.name)
        stored = dict(moved.rows("SELECT patient_number, n FROM kiosk.reception"))
        lost = sum(stored.get(patient) != number for patient, number in self.numbers.items())
        double = len(stored) - len(set(stored.values()))
        aims = (at_most(float(lost + double), 0.0, "lost + double = 0"),)
        cells = (
            len(self.numbers),
            in_cut,
            offered,
            lost,
            double,
            self.refused,
            self.first_at - self.dead_at if self.first_at else None,
        )
        return Row(name, cells, aims)

    def _release(self) -> int:
        """As `kiosk book after-failover` does. How many were missing."""
        hub = Failover(self.database.url("hub", self.standby), Settings(self.root, password=PASSWORD, name="hub"))
        end = time.monotonic() + 30
        while (state := hub.state(DAY)).waits and time.monotonic() < end:
            time.sleep(0.1)
        hub.release(DAY)
        hub.close()
        return sum(each.restored for each in state.kiosks)

    def _kiosk(self, number: int) -> None:
        role = f"kiosk-{number}"
        url = self.database.url(role, self.database.server, self.standby)
        book = PostgresBook(url, Settings(self.root / role, password=PASSWORD, name=role))
        for patient in range(number, self.patients, KIOSKS):
            what = order(str(patient), not_after=datetime.now(UTC) + timedelta(minutes=2))
            while not self.ended.is_set():
                answer = book.register(what, soon(3))
                if isinstance(answer, Registered):
                    self.numbers[str(patient)] = int(answer.receptions[0].number)
                    if self.dead_at and not self.first_at and answer.ours:
                        self.first_at = time.monotonic()
                    break
                self.refused += isinstance(answer, Trouble) and answer.code == "not_released"
                time.sleep(0.05)
            time.sleep(_PAUSE_S)
        while not self.ended.wait(0.2):
            book.find("0", DAY, soon(3))  # as the one who follows its changes
        book.close()
