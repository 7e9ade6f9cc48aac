"""What a technician wants to know of the book's server at installation; nothing is written."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from drivers.reservations.adapter import Settings
from drivers.reservations.postgresql.address import parse
from drivers.reservations.postgresql.connection import Server
from drivers.reservations.postgresql.failures import Failed
from drivers.reservations.postgresql.hosts import Caller, Hosts
from drivers.reservations.postgresql.migrate import newest
from drivers.reservations.probing import Finding, Point

_POINTS: Final[tuple[Point, ...]] = ("host", "tls", "login", "clock", "schema", "day_list")
# What stands in the way, by the code of the trouble; all others: nobody answers.
_POINT_OF: Final[dict[str, Point]] = {
    "no_tls": "tls",
    "certificate": "tls",
    "ca_file": "tls",
    "login": "login",
    "rights": "login",
    "no_database": "login",
    "not_migrated": "schema",
    "not_released": "schema",
}
_OFF_MAX_S: Final = 60


def probe(url: str, settings: Settings, day: date, until: float) -> tuple[Finding, ...]:
    """See drivers.reservations.probing. Raises BadAddress."""
    caller = Caller(settings.name, settings.clock, None)
    hosts = Hosts(Server(parse(url), settings.password, settings.ca_file), caller)
    bad: list[Finding] = []
    in_clear = False
    try:
        bad.extend(_faults(hosts, settings, day, until))
        in_clear = not hosts.line(until).is_encrypted
    except Failed as failed:
        point = _POINT_OF.get(failed.trouble.code, "day_list" if bad else "host")
        bad.append(Finding(point, "bad", failed.trouble.what, failed.trouble.code))
    finally:
        hosts.close()
    found = _verdicts({each.point: each for each in bad})
    return tuple(Finding("tls", "not_tried") if each.point == "tls" and in_clear else each for each in found)


def _faults(hosts: Hosts, settings: Settings, day: date, until: float) -> Iterator[Finding]:
    """What is wrong with a server that answers. Raises Failed."""
    hello, now = hosts.line(until).call("hello", None, until)
    off_s = (now - settings.clock()).total_seconds()
    if abs(off_s) > _OFF_MAX_S:
        yield Finding("clock", "bad", f"its clock and this machine's differ by {abs(off_s):.0f} s", "clock_s", off_s)
    if int(hello["version"]) < newest():
        what = f"its tables are of version {hello['version']}, not {newest()}: kiosk book migrate"
        yield Finding("schema", "bad", what, "not_migrated")
    if not hello["released"]:
        what = "another server has taken over and is not released: kiosk book after-failover"
        yield Finding("schema", "bad", what, "not_released")
    hosts.ask("count", {"day": day.isoformat()}, until)


def _verdicts(bad: dict[Point, Finding]) -> Iterator[Finding]:
    """After one that keeps everything from being asked, nothing was tried."""
    stopped = False
    for point in _POINTS:
        if point in bad:
            yield bad[point]
            stopped = stopped or point in ("host", "tls", "login")
        else:
            yield Finding(point, "not_tried" if stopped else "ok")
