"""What a technician wants to know of the book's server at installation, without writing anything: each point told
apart. Nothing is offered to a server that took over: that is the gate's.
"""

import time
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

from drivers.reservations.adapter import Settings
from drivers.reservations.postgresql.address import Address, is_loopback, parse
from drivers.reservations.postgresql.connection import Line, Server
from drivers.reservations.postgresql.failures import Failed, unreachable
from drivers.reservations.postgresql.migrate import newest
from drivers.reservations.probing import Finding, Point

POINTS: Final[tuple[Point, ...]] = ("host", "tls", "login", "clock", "schema", "day_list")
# More than that, and the server's functions refuse to register.
_CLOCK_S: Final = 60.0
# In the order in which they are passed; a failure of another code is the host's.
_WAY: Final[tuple[Point, ...]] = ("host", "tls", "login")
_POINT_OF: Final[dict[str, Point]] = {
    "ca_file": "tls",
    "no_tls": "tls",
    "certificate": "tls",
    "login": "login",
    "rights": "login",
    "no_database": "schema",
    "not_migrated": "schema",
    "not_released": "schema",
}


def probe(url: str, settings: Settings, day: date, until: float) -> tuple[Finding, ...]:
    """One finding for each of POINTS, in that order; what cannot be tried after a bad one is `not_tried`.

    Ends by `until` (time.monotonic()). Raises BadAddress.
    """
    address = parse(url)
    found = {each.point: each for each in _findings(address, settings, day, until)}
    return tuple(found.get(point, Finding(point, "not_tried")) for point in POINTS)


def _findings(address: Address, settings: Settings, day: date, until: float) -> Iterator[Finding]:
    try:
        line = _connected(Server(address, settings.password, settings.ca_file), until)
    except Failed as failed:
        yield from _way(address, _bad(failed))
        return
    try:
        yield from _way(address, None)
        yield from _asked(line, settings, day, until)
    finally:
        line.close()


def _way(address: Address, bad: Finding | None) -> Iterator[Finding]:
    """The points that were passed before `bad`, and that."""
    for point in _WAY if bad is None or bad.point not in _WAY else _WAY[: _WAY.index(bad.point)]:
        if point != "tls" or not all(is_loopback(host) for host, _ in address.hosts):
            yield Finding(point, "ok")
    if bad is not None:
        yield bad


def _connected(server: Server, until: float) -> Line:
    """To the first host that takes writes. Raises Failed: of the host that says most."""
    failures: list[Failed] = []
    hosts = server.address.hosts
    for left, host in zip(range(len(hosts), 0, -1), hosts, strict=True):
        now = time.monotonic()
        try:
            line = Line(server, host, now + (until - now) / left)
            if line.writable:
                return line
            line.close()
            failures.append(unreachable(f"{host[0]}:{host[1]} takes no writes", "read_only"))
        except Failed as failed:
            failures.append(failed)
    raise next((each for each in failures if each.trouble.kind != "unreachable"), failures[0])


def _asked(line: Line, settings: Settings, day: date, until: float) -> Iterator[Finding]:
    try:
        hello, now = line.call("hello", None, until)
        yield _clock(now, settings)
        yield _schema(hello)
        line.call("day_list", {"day": day.isoformat()}, until)
        yield Finding("day_list", "ok")
    except Failed as failed:
        yield _bad(failed, "day_list")


def _schema(hello: dict[str, Any]) -> Finding:
    version = int(hello["version"])
    if version < newest():
        what = f"the book's server: its tables are of version {version}, not {newest()}: kiosk book migrate"
        return Finding("schema", "bad", what, "not_migrated", version)
    if not hello["released"]:
        what = "the book's server: another server has taken over and is not released: kiosk book after-failover"
        return Finding("schema", "bad", what, "not_released")
    return Finding("schema", "ok", number=version)


def _clock(theirs: datetime, settings: Settings) -> Finding:
    ahead_s = round((theirs - settings.clock()).total_seconds())
    if abs(ahead_s) <= _CLOCK_S:
        return Finding("clock", "ok", number=ahead_s)
    what = f"the book's server: its clock is {abs(ahead_s)} s {'ahead' if ahead_s > 0 else 'behind'}"
    return Finding("clock", "bad", what, "clock_differs", ahead_s)


def _bad(failed: Failed, otherwise: Point = "host") -> Finding:
    trouble = failed.trouble
    return Finding(_POINT_OF.get(trouble.code, otherwise), "bad", trouble.what, trouble.code)
