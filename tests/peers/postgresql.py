"""PostgreSQL as a peer of tests: one cluster for all tests of a worker, a database of its own for each that asks.

A test that stops, kills or promotes the server takes a cluster of its own. Roles: `kiosk_owner` migrates, `hub` imports
and releases, any other name registers; all have the password `PASSWORD`. As root the server runs as user postgres.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psycopg

from drivers.reservations import Numbering
from drivers.reservations.adapter import Settings
from drivers.reservations.postgresql.address import parse
from drivers.reservations.postgresql.book import PostgresBook
from drivers.reservations.postgresql.connection import Server
from drivers.reservations.postgresql.migrate import migrate
from tests import peers
from tests.keep import last_log, log_of
from tests.peers import need

PASSWORD: Final = "kiosk-of-a-test"
HOSPITAL: Final = Numbering()
PROGRAMS: Final = ("initdb", "pg_ctl")
_START_S: Final = 60
_names = count(1)


class Postgres:
    """One cluster on a free port of 127.0.0.1. `durable`: it waits for the disk, as in a hospital; what a test kills is
    a process, never the machine.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self.durable = durable
        self.port = _free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="kiosk-pg-", dir="/tmp"))
        self.data = self._folder / "data"
        # Its programs refuse to be root's.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self._folder, "postgres", "postgres")

    def __enter__(self) -> Self:
        log_of("postgres", self.read_log)
        if not self.data.exists():
            self.make()
            self.start()
            with self.connect("postgres") as connection:
                connection.execute(f"CREATE ROLE kiosk_owner LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        last_log("postgres", self.read_log)
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    def make(self) -> None:
        """An empty cluster: a copy of the one that this worker makes first, which takes a second of computing."""
        self.run("cp", "-a", str(_empty()), str(self.data))
        self.configure(
            "listen_addresses='127.0.0.1'", f"unix_socket_directories='{self._folder}'", "max_connections=150",
            f"fsync={'on' if self.durable else 'off'}", "wal_level=replica", "shared_buffers=32MB",
            "log_error_verbosity=terse", f"port={self.port}",
        )  # fmt: skip
        hba = "local all all trust\nhost replication all 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (self.data / "pg_hba.conf").write_text(hba)

    def configure(self, *settings: str) -> None:
        """Lines of postgresql.conf; the later one of a setting counts."""
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{each}\n" for each in settings)

    def encrypt(self, certificate: Path, key: Path) -> None:
        """From now on it speaks TLS with these."""
        for path, name in ((certificate, "server.crt"), (key, "server.key")):
            shutil.copyfile(path, self.data / name)
            (self.data / name).chmod(0o600)
            if self._user:
                shutil.chown(self.data / name, self._user, self._user)
        self.configure("ssl=on")
        self.restart("fast")

    def start(self) -> None:
        self.program("pg_ctl", "-D", self.data, "-l", self._log, "-w", "-t", str(_START_S), "start")

    def stop(self, mode: str = "fast") -> None:
        self.program("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def restart(self, mode: str) -> None:
        self.program("pg_ctl", "-D", self.data, "-l", self._log, "-m", mode, "-w", "-t", str(_START_S), "restart")

    def kill(self) -> None:
        """As a machine that loses its power; the next `start` recovers."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        for each in (pid, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        end = time.monotonic() + _START_S
        while any(_is_alive(each) for each in (pid, *children)):
            assert time.monotonic() < end
            time.sleep(0.01)
        # Who looks after orphans may not have buried it yet: then it seems to live.
        for lock in (self.data / "postmaster.pid", *self._folder.glob(".s.PGSQL.*")):
            lock.unlink(missing_ok=True)

    def standby(self) -> Postgres:
        """A copy that follows this server and is started, to be entered as any other; `promote` makes it the next."""
        made = Postgres()
        self.program("pg_basebackup", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-D", made.data,
                     "-R", "-X", "stream", "-c", "fast", "--no-sync")  # fmt: skip
        made.configure(f"port={made.port}", f"unix_socket_directories='{made._folder}'")
        made.start()
        return made

    def wait_for(self, database: str, condition: str) -> None:
        """Until the statement gives true: a standby has received something."""
        end = time.monotonic() + _START_S
        with self.connect(database) as connection:
            while connection.execute(condition).fetchone() != (True,):
                assert time.monotonic() < end, condition
                time.sleep(0.02)

    def cut_off(self) -> None:
        """A standby receives nothing any more."""
        with self.connect("postgres") as connection:
            connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
            connection.execute("SELECT pg_reload_conf()")
        self.wait_for("postgres", "SELECT count(*) = 0 FROM pg_stat_wal_receiver")

    def promote(self) -> None:
        self.program("pg_ctl", "-D", self.data, "-w", "-t", str(_START_S), "promote")

    def connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        """As the superuser, by another library than the kiosk's."""
        return psycopg.connect(f"host={self._folder} port={self.port} user=postgres dbname={database}", autocommit=True)

    def database(self) -> Database:
        """A new one, with the book in it."""
        name = f"book{next(_names)}"
        with self.connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}" OWNER kiosk_owner')
        made = Database(self, name)
        made.migrate()
        made.role("hub", "kiosk_hub")
        return made

    def read_log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def program(self, name: str, *arguments: str | Path) -> None:
        """Of PostgreSQL; raises CalledProcessError."""
        self.run(program(name), *map(str, arguments))

    def run(self, *command: str) -> None:
        """As the server's user."""
        subprocess.run(
            command, check=True, capture_output=True, timeout=120, cwd="/", user=self._user, group=self._user
        )


@dataclass
class Database:
    """A book of `server`."""

    server: Postgres
    name: str

    def migrate(self) -> tuple[int, int]:
        return migrate(Server(parse(self.url("kiosk_owner")), PASSWORD), "Asia/Tokyo")

    def role(self, name: str, group: str = "kiosk_register") -> None:
        """Make the role, if it is missing."""
        with self.server.connect(self.name) as connection:
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
            if known is None:
                connection.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{PASSWORD}' IN ROLE {group}")

    def url(self, role: str = "kiosk-01", *servers: Postgres) -> str:
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in servers or (self.server,))
        return f"postgresql://{role}@{hosts}/{self.name}"

    def book(self, folder: Path, role: str = "kiosk-01", numbering: Numbering = HOSPITAL) -> PostgresBook:
        """Of a kiosk that has its data in `folder`."""
        self.role(role)
        return PostgresBook(self.url(role), Settings(folder, numbering, password=PASSWORD, name=role))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What the superuser sees."""
        with self.server.connect(self.name) as connection:
            return connection.execute(statement).fetchall()


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs: Debian has most of them on no PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else need(name)


@cache
def _empty() -> Path:
    """A cluster as initdb makes it. All have one identity, as those that follow each other have."""
    made = peers.shared.enter_context(_Folder())
    made.program("initdb", "-D", made.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    return made.data


class _Folder(Postgres):
    """No server, only where one could be."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        shutil.rmtree(self.data.parent, ignore_errors=True)


@cache
def shared() -> Postgres:
    """The cluster that all tests of this worker have together."""
    for each in PROGRAMS:
        program(each)
    return peers.shared.enter_context(Postgres())


def soon(seconds: float = 10.0) -> float:
    """An `until`."""
    return time.monotonic() + seconds


def now() -> datetime:
    return datetime.now(UTC)


def _is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
