"""Brings the book's database to this version, as the role that owns it: the files of `migrations`, by their numbers.

VERSION-PART-NAME.sql; the parts of a version are one transaction. Each version only adds, so that kiosks of the version
before go on meanwhile.
"""

import time
from pathlib import Path
from typing import Any, Final

from drivers.reservations import ReservationsDown
from drivers.reservations.postgresql.connection import Line, Server
from drivers.reservations.postgresql.failures import Failed

_FOLDER: Final = Path(__file__).parent / "migrations"
_WITHIN_S: Final = 120.0


def migrate(server: Server, zone: str) -> tuple[int, int]:
    """The version before (0: none) and now. `zone`: of the site, as PostgreSQL calls it. Raises ReservationsDown.

    A database that is newer stays as it is.
    """
    until = time.monotonic() + _WITHIN_S
    try:
        line = _writable(server, until)
        try:
            return _applied(line, zone, until)
        finally:
            line.close()
    except Failed as failed:
        trouble = failed.trouble
        raise ReservationsDown(trouble.what, trouble.code, **trouble.parameters) from None


def newest() -> int:
    """The version that this program brings a database to."""
    return max(_migrations())


def _writable(server: Server, until: float) -> Line:
    failures: list[Failed] = []
    for host in server.address.hosts:
        try:
            line = Line(server, host, until)
        except Failed as failed:
            failures.append(failed)
        else:
            if line.writable:
                return line
            line.close()
    if failures:
        raise failures[0]
    raise ReservationsDown("none of the servers takes writes", "read_only")


def _applied(line: Line, zone: str, until: float) -> tuple[int, int]:
    def run(statement: str) -> list[list[Any]]:
        return line.run(statement, until)

    # One at a time; nobody else uses this lock.
    run("SELECT pg_advisory_lock(hashtext('kiosk.migrate'))")
    made = run("SELECT to_regclass('kiosk.migration') IS NOT NULL")[0][0]
    before = int(run("SELECT coalesce(max(version), 0) FROM kiosk.migration")[0][0]) if made else 0
    migrations = _migrations()
    for version, statements in migrations.items():
        if version > before:
            run(
                "BEGIN; SET LOCAL search_path = kiosk, pg_temp; SET LOCAL lock_timeout = '10s'; "
                f"SET LOCAL statement_timeout = '{_WITHIN_S:.0f}s'; {statements}; "
                f"SELECT kiosk.migrated({version}); COMMIT"
            )
    quoted = zone.replace("'", "''")
    run(f"UPDATE kiosk.setting SET zone = '{quoted}' WHERE zone <> '{quoted}'")  # noqa: S608 - quoted
    return before, max(before, newest())


def _migrations() -> dict[int, str]:
    """Statements by version, in order."""
    found: dict[int, str] = {}
    for file in sorted(_FOLDER.glob("*.sql")):
        version = int(file.name.partition("-")[0])
        found[version] = found.get(version, "") + file.read_text("utf-8")
    return found
