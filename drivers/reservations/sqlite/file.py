"""The SQLite file: where it is, who may write it, its schema, and what its errors mean.

Owns the rule that at no time two connections write: the SQLite of Debian 12 (3.40) has the WAL-reset bug, which loses
committed writes when two connections write or checkpoint. So there is no WAL at all (TRUNCATE), and every writer first
holds an exclusive flock on a file of its own. A connection that is merely dropped, and closed after a fork, breaks the
locks of others. So each is opened for one piece of work and closed.

Must never: let an sqlite3 error out (`ReservationsDown` instead); open the database file by anything but SQLite while a
connection may be open (closing any descriptor of the file drops this process's POSIX locks on it); make a database that
vanished anew (its numbers would begin at 1 again: `rescue` does that, from what is kept beside it).
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from urllib.parse import quote

from drivers.file_lock import lock_within
from drivers.reservations import ReservationsDown
from drivers.reservations.sqlite.beside import Beside

APPLICATION_ID = 0x53414B41  # "SAKA"
DATABASE_NAME = "reservations.db"
LOCK_NAME = "reservations.lock"

# Entry n takes a database from version n to n + 1. Never change one that was released; a release adds at most one, and
# it only adds (tables, columns with a default, plain indices): after an update that fell back, the program of the
# version before works on, and what it writes must be good for the newer one.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE migration (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)",
        """CREATE TABLE appointment (
            day TEXT NOT NULL, patient_number TEXT NOT NULL, time TEXT NOT NULL, department TEXT NOT NULL,
            doctor TEXT NOT NULL, place TEXT NOT NULL, note TEXT NOT NULL,
            PRIMARY KEY (day, patient_number, time, department)) WITHOUT ROWID""",
        "CREATE INDEX appointment_of_patient ON appointment (patient_number, day)",
        # The number comes from a counter row: an insert that fails rolls its step back, so there is never a gap.
        "CREATE TABLE reception_counter (day TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID",
        """CREATE TABLE arrival (
            day TEXT NOT NULL, patient_number TEXT NOT NULL, number INTEGER NOT NULL CHECK (number >= 1),
            at TEXT NOT NULL, PRIMARY KEY (day, patient_number), UNIQUE (day, number)) WITHOUT ROWID""",
        # A copy of what was registered: an import replaces appointments, never what was done at the kiosk.
        """CREATE TABLE registered_appointment (
            day TEXT NOT NULL, patient_number TEXT NOT NULL, time TEXT NOT NULL, department TEXT NOT NULL,
            doctor TEXT NOT NULL, place TEXT NOT NULL, note TEXT NOT NULL,
            PRIMARY KEY (day, patient_number, time, department),
            FOREIGN KEY (day, patient_number) REFERENCES arrival (day, patient_number)) WITHOUT ROWID""",
    ),
    (
        # Which of the registered appointments no hospital system knows; `registered_appointment` has them all.
        """CREATE TABLE walk_in (
            day TEXT NOT NULL, patient_number TEXT NOT NULL, time TEXT NOT NULL, department TEXT NOT NULL,
            doctor TEXT NOT NULL, place TEXT NOT NULL, note TEXT NOT NULL,
            PRIMARY KEY (day, patient_number, time, department)) WITHOUT ROWID""",
        # Moved here from `arrival`: to a program that does not know this table the patient has not arrived either.
        """CREATE TABLE cancelled_arrival (
            day TEXT NOT NULL, number INTEGER NOT NULL CHECK (number >= 1), patient_number TEXT NOT NULL,
            at TEXT NOT NULL, cancelled_at TEXT NOT NULL, reason TEXT NOT NULL,
            PRIMARY KEY (day, number)) WITHOUT ROWID""",
        "CREATE INDEX arrival_of_patient ON arrival (patient_number, day)",
    ),
    (
        # What the patient of an appointment is to read; a table of its own, because the program of a version before
        # writes whole rows of `appointment`.
        """CREATE TABLE message (
            day TEXT NOT NULL, patient_number TEXT NOT NULL, time TEXT NOT NULL, department TEXT NOT NULL,
            text TEXT NOT NULL, PRIMARY KEY (day, patient_number, time, department)) WITHOUT ROWID""",
    ),
    (
        # What patients are given (of_system 0) and what the system in front of which this book stands calls it (1), by
        # `arrival.number`, which is the line of the day. An arrival without is one of the version before: its number is
        # the line. `series`, `counted`: of a counter other than the day's; '' and 0 else.
        """CREATE TABLE reception (
            day TEXT NOT NULL, line INTEGER NOT NULL, of_system INTEGER NOT NULL, place INTEGER NOT NULL,
            number TEXT NOT NULL, at TEXT NOT NULL, department TEXT NOT NULL, key TEXT NOT NULL, entrance TEXT NOT NULL,
            series TEXT NOT NULL, counted INTEGER NOT NULL, PRIMARY KEY (day, line, of_system, place)) WITHOUT ROWID""",
        """CREATE TABLE line_attempt (
            day TEXT NOT NULL, line INTEGER NOT NULL, attempt TEXT NOT NULL, PRIMARY KEY (day, line)) WITHOUT ROWID""",
        """CREATE TABLE series_counter (
            day TEXT NOT NULL, series TEXT NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (day, series)) WITHOUT ROWID""",
        # What a registered appointment has besides; of those of `appointment` the message is in its table.
        """CREATE TABLE appointment_code (
            day TEXT NOT NULL, patient_number TEXT NOT NULL, time TEXT NOT NULL, department TEXT NOT NULL,
            department_code TEXT NOT NULL, doctor_code TEXT NOT NULL, kind_code TEXT NOT NULL, kind TEXT NOT NULL,
            key TEXT NOT NULL, message TEXT NOT NULL,
            PRIMARY KEY (day, patient_number, time, department)) WITHOUT ROWID""",
        # Who asks the system for this patient, until when nobody else may (UTC), and whether it must be asked first.
        """CREATE TABLE taken (
            day TEXT NOT NULL, patient_number TEXT NOT NULL, attempt TEXT NOT NULL, until TEXT NOT NULL,
            ask_first INTEGER NOT NULL, PRIMARY KEY (day, patient_number)) WITHOUT ROWID""",
        # `content`: an Unsettled, as `values` has it.
        """CREATE TABLE unsettled (
            day TEXT NOT NULL, attempt TEXT NOT NULL, since TEXT NOT NULL, content TEXT NOT NULL,
            PRIMARY KEY (day, attempt)) WITHOUT ROWID""",
    ),
)

_LOCK_POLL_S = 0.005
_BUSY_S = 5.0
# Pages kept in memory before a big import has to write early, which would shut readers out until its commit.
_CACHE_KIB = 131072


class Damaged(ReservationsDown):
    """The database is not there any more or cannot be read; waiting does not help."""


class DatabaseTrouble(Enum):
    """What is wrong with the database, in English; the name in small letters is the code of `ReservationsDown`."""

    # The reception does by itself what the command does.
    DAMAGED = "damaged: the reception begins it anew from its backup; by hand: reservations restore"
    MISSING = "missing: the reception begins it anew from its backup; by hand: reservations restore"
    UNSURE = "begun anew, and the day's appointments are not all there again: import its export"
    BUSY = "busy for too long: is another program holding it?"
    FULL = "the disk is full: make room in the data folder"
    CLOSED = "cannot be opened: is the data folder there, and may we read it?"
    READ_ONLY = "may not be written: check owner and rights of the data folder"
    DENIED = "access denied: check owner and rights of the data folder"
    DISK = "the disk failed to read or write"
    FAILED = "failed"

    def down(self, name: str) -> ReservationsDown:
        """The exception for it; `name`: for those who know SQLite, or a word."""
        kind = Damaged if self in (DatabaseTrouble.DAMAGED, DatabaseTrouble.MISSING) else ReservationsDown
        return kind(f"{DATABASE_NAME}: {self.value} ({name})", self.name.lower())


_MEANINGS = {
    sqlite3.SQLITE_BUSY: DatabaseTrouble.BUSY,
    sqlite3.SQLITE_LOCKED: DatabaseTrouble.BUSY,
    sqlite3.SQLITE_FULL: DatabaseTrouble.FULL,
    sqlite3.SQLITE_CORRUPT: DatabaseTrouble.DAMAGED,
    sqlite3.SQLITE_NOTADB: DatabaseTrouble.DAMAGED,
    sqlite3.SQLITE_CANTOPEN: DatabaseTrouble.CLOSED,
    sqlite3.SQLITE_READONLY: DatabaseTrouble.READ_ONLY,
    sqlite3.SQLITE_PERM: DatabaseTrouble.DENIED,
    sqlite3.SQLITE_IOERR: DatabaseTrouble.DISK,
}


class DatabaseFile:
    """`reservations.db` in `data_dir`. Safe from any thread and beside other processes.

    `suspected`: somebody met damage; whoever looks after the database judges it.
    """

    def __init__(self, data_dir: Path, *, lock_wait_s: float = 10.0) -> None:
        self.data_dir = data_dir
        self.path = data_dir / DATABASE_NAME
        self.beside = Beside(data_dir)
        self.suspected = False
        self._lock_wait_s = lock_wait_s
        self._prepared = False

    def prepare(self, wait_s: float | None = None) -> None:
        """Make or migrate the database, unless that was done before. Raises ReservationsDown."""
        if self._prepared:
            return
        with self.exclusive(wait_s), self.translated(), disk_trouble():
            self._require_there()
            if not self.path.exists():
                # Nobody has it open yet, so this close frees no lock. Made here for the rights: 0600.
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
            with contextlib.closing(self._open_for_writing()) as connection:
                migrate(connection)
        self._prepared = True

    def _require_there(self) -> None:
        """An empty file is none: SQLite would take it for a new database."""
        gone = not self.path.exists() or self.path.stat().st_size == 0
        if gone and (self._prepared or self.beside.traces()):
            self.suspected = True
            raise DatabaseTrouble.MISSING.down("gone")

    def look(self, *, lock_wait_s: float = 20.0, busy_s: float = 2.0) -> None:
        """Whether it can be asked and written now; nothing is written. Raises ReservationsDown.

        `lock_wait_s`: longer than any import takes; who holds the lock then, hangs.
        """
        self.prepare()
        with self.exclusive(lock_wait_s), self.translated(), disk_trouble():
            self._require_there()
            with contextlib.closing(self.connect(busy_s=busy_s)) as connection:
                # EXCLUSIVE: a reader that does not end would keep every arrival from being committed.
                connection.execute("BEGIN EXCLUSIVE")
                version = require_ours(connection)
                connection.execute("ROLLBACK")
            if version < len(MIGRATIONS):
                # Somebody put an old file in its place.
                with contextlib.closing(self._open_for_writing()) as connection:
                    migrate(connection)

    @contextlib.contextmanager
    def writing(self, wait_s: float | None = None) -> Iterator[sqlite3.Connection]:
        """The one writing connection, inside BEGIN IMMEDIATE. What is not kept by a COMMIT is undone.

        `wait_s`: for others, at most. Raises ReservationsDown: the lock not got in time, or any trouble of SQLite in
        the body.
        """
        self.prepare(wait_s)
        busy_s = _BUSY_S if wait_s is None else min(wait_s, _BUSY_S)
        with (
            self.exclusive(wait_s),
            self.translated(),
            contextlib.closing(self._open_for_writing(busy_s)) as connection,
        ):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            finally:
                # Closing rolls back too; said here because it is the promise.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def committed(self, connection: sqlite3.Connection) -> Iterator[None]:
        """COMMIT, and what belongs to it: what fails here may have been done."""
        try:
            with self.translated(), disk_trouble():
                connection.execute("COMMIT")
                yield
        except ReservationsDown as down:
            # One that is still open is undone by closing.
            down.maybe_done = not connection.in_transaction
            raise

    @contextlib.contextmanager
    def reading(self, wait_s: float | None = None) -> Iterator[sqlite3.Connection]:
        """A read-only connection that sees one moment of the database, however many questions are asked of it."""
        self.prepare(wait_s)
        with self.translated(), contextlib.closing(self._open_for_reading(wait_s)) as connection:
            yield connection

    def _open_for_reading(self, wait_s: float | None) -> sqlite3.Connection:
        busy_s = _BUSY_S if wait_s is None else min(wait_s, _BUSY_S)
        try:
            return self._snapshot(busy_s)
        except sqlite3.OperationalError as error:
            # A writer was killed in the middle of a commit and left its journal. Undoing that needs a writing
            # connection, and so the lock; afterwards reading works again.
            if _primary(error) not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN) or not self.path.exists():
                raise
        with self.exclusive(wait_s), contextlib.closing(self._open_for_writing(busy_s)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return self._snapshot(busy_s)

    def _snapshot(self, busy_s: float) -> sqlite3.Connection:
        connection = self.connect("ro", busy_s=busy_s)
        try:
            connection.execute("BEGIN")
            # A deferred transaction begins with its first question; that fixes the moment.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_for_writing(self, busy_s: float = _BUSY_S) -> sqlite3.Connection:
        connection = self.connect(busy_s=busy_s)
        try:
            mode = connection.execute("PRAGMA journal_mode=TRUNCATE").fetchone()[0]
            if mode != "truncate":
                raise ReservationsDown(f"{DATABASE_NAME}: journal mode {mode} instead of truncate", "journal_mode")
            # FULL: an acknowledged reception number survives a power cut.
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        except BaseException:
            connection.close()
            raise
        return connection

    def connect(self, mode: str = "rw", *, busy_s: float = _BUSY_S) -> sqlite3.Connection:
        """A connection to close again. Whoever writes by it holds the exclusive lock."""
        return connect(self.path, mode, busy_s=busy_s)

    @contextlib.contextmanager
    def exclusive(self, wait_s: float | None = None) -> Iterator[None]:
        """The right to write. Also keeps two threads of one process apart: each call locks a descriptor of its own."""
        with disk_trouble():
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            wait_s = self._lock_wait_s if wait_s is None else wait_s
            if not lock_within(descriptor, wait_s, _LOCK_POLL_S):
                raise ReservationsDown(
                    f"{DATABASE_NAME}: another writer held {LOCK_NAME} for {round(wait_s, 2):g} s", "locked"
                )
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Trouble of SQLite leaves as ReservationsDown; its text names causes, never values."""
        try:
            yield
        except Damaged:
            self.suspected = True
            raise
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            code = _primary(error)
            # An emptied file is a database without tables.
            emptied = code == sqlite3.SQLITE_ERROR and "no such table" in str(error)
            if emptied or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                self.suspected = True
                raise DatabaseTrouble.DAMAGED.down(name) from None
            if code == sqlite3.SQLITE_CANTOPEN and self._prepared:
                with disk_trouble():
                    self._require_there()
            raise _MEANINGS.get(code, DatabaseTrouble.FAILED).down(name) from None


def connect(path: Path, mode: str = "rw", *, busy_s: float = _BUSY_S) -> sqlite3.Connection:
    """A connection to the database at `path`, which is there."""
    # isolation_level None: transactions begin and end where the code says so.
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=busy_s, isolation_level=None)


@contextlib.contextmanager
def disk_trouble() -> Iterator[None]:
    """The same for trouble with the folder and its files."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno is not None else "failed"
        raise ReservationsDown(f"{DATABASE_NAME}: {reason}: check the data folder", "folder") from None


def _primary(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def require_ours(connection: sqlite3.Connection) -> int:
    """Its version. Raises ReservationsDown: it is of another program, of a newer one, or not complete.

    One of an earlier version is ours: a backup made before an update is still the best there is.
    """
    version, empty = _version(connection)
    if version < 1 or empty:
        raise DatabaseTrouble.DAMAGED.down("incomplete")
    return version


def _version(connection: sqlite3.Connection) -> tuple[int, bool]:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if owner != APPLICATION_ID and not (empty and owner == 0):
        raise ReservationsDown(f"{DATABASE_NAME}: a database of another program", "foreign")
    if version > len(MIGRATIONS) + 1:
        raise ReservationsDown(f"{DATABASE_NAME}: made by a newer version of the kiosk ({version})", "newer")
    return version, empty


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to this version; an empty one gets its tables."""
    # In a new file only: pages that become free can then be given back in small steps.
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("BEGIN IMMEDIATE")
    version, _ = _version(connection)
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        for statement in statements:
            connection.execute(statement)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        connection.execute("INSERT INTO migration (version, applied_at) VALUES (?, ?)", (number, now))
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    # Never backwards: the newer program must find its own number again.
    connection.execute(f"PRAGMA user_version={max(version, len(MIGRATIONS))}")
    connection.execute("COMMIT")
