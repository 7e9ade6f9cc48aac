"""What a technician wants to know of an ORCA at installation, without writing anything: each point by itself.

Nobody's number is asked: patients need not be known to whom it is told.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from drivers.reservations import Trouble
from drivers.reservations.adapter import Settings
from drivers.reservations.orca.address import Address, parse
from drivers.reservations.orca.api import Api, read
from drivers.reservations.orca.line import Failed, Line, Reply
from drivers.reservations.orca.rows import ZONE
from drivers.reservations.orca.xml2 import answer, request
from drivers.reservations.probing import Finding, Point

POINTS: Final[tuple[Point, ...]] = (
    "host", "tls", "prefix", "login", "clock", "departments", "day_list", "look_up",
)  # fmt: skip
NOBODY: Final = "0"
"""A number that no patient has: ORCA's begin with 1."""

_CLOCK_S: Final = 60.0
# The points that are passed on the way to any answer, in that order.
_WAY: Final[tuple[Point, ...]] = ("host", "tls", "prefix", "login")
_FIRST_POINTS: Final[tuple[Point, ...]] = (*_WAY, "departments")
_POINT_OF: Final[dict[str, Point]] = {
    "orca_files": "tls",
    "orca_certificate": "tls",
    "orca_tls": "tls",
    "orca_path": "prefix",
    "orca_user": "login",
    "orca_garbled": "prefix",
    "orca_login": "login",
    "orca_refused": "departments",
    "orca_busy": "departments",
    "orca_unknown_code": "departments",
}

_NO_PATH: Final = ("orca_path", "orca_user")


def probe(url: str, settings: Settings, day: date, until: float) -> tuple[Finding, ...]:
    """One finding for each of POINTS, in that order; what cannot be tried after a bad one is `not_tried`.

    Ends by `until` (time.monotonic()). Raises BadAddress.
    """
    found = {each.point: each for each in _findings(parse(url), settings, day, until)}
    return tuple(found.get(point, Finding(point, "not_tried")) for point in POINTS)


def _findings(address: Address, settings: Settings, day: date, until: float) -> Iterator[Finding]:
    line = Line(address, settings)
    try:
        reply = _departments(line, day, until)
    except Failed as failed:
        yield from _on_the_way(address, settings, failed, day, until)
        return
    finally:
        line.close()
    yield from (Finding(point, "ok") for point in _WAY if point != "tls" or address.tls)
    yield _clock(reply, settings)
    api = Api(line)
    yield _tried("departments", lambda: _doctors(api, settings, day, until))
    yield _tried("day_list", lambda: _day_list(api, day, until))
    yield _tried("look_up", lambda: _look_up(api, day, until))
    line.close()


def _departments(line: Line, day: date, until: float) -> Reply:
    """A question that needs a login and nothing else."""
    fields = {"Request_Number": "01", "Base_Date": day.isoformat()}
    reply = line.ask("/api01rv2/system01lstv2?class=01", request("system01_managereq", fields), until)
    read(reply.body, writes=False)
    return reply


def _on_the_way(address: Address, settings: Settings, failed: Failed, day: date, until: float) -> Iterator[Finding]:
    code = failed.trouble.code
    point = _POINT_OF.get(code, "host")
    bad = _bad(point, failed.trouble)
    if code in _NO_PATH:
        bad = _other_path(address, settings, bad, day, until)
    # Certificates that cannot be read are found before anybody is asked.
    passed = () if code == "orca_files" else _FIRST_POINTS[: _FIRST_POINTS.index(bad.point)]
    yield from (Finding(each, "ok") for each in passed if each != "tls" or address.tls)
    yield bad


def _other_path(address: Address, settings: Settings, bad: Finding, day: date, until: float) -> Finding:
    """Of an ORCA that has nothing under the path: whether it answers under the other one. To a user that it does not
    know it says the same.
    """
    other = replace(address, prefix="" if address.prefix else "/api")
    line = Line(other, settings)
    try:
        _departments(line, day, until)
    except Failed as failed:
        if failed.trouble.code != "orca_login":
            return bad
    finally:
        line.close()
    what = f"ORCA: answers under {other.prefix or '/'}, and not under {address.prefix or '/'}: change the address"
    return Finding("prefix", "bad", what, "orca_prefix")


def _clock(reply: Reply, settings: Settings) -> Finding:
    """By what ORCA itself says, since receptions are made by it; else by what its web server says."""
    record = answer(reply.body)
    try:
        theirs = datetime.fromisoformat(f"{record.of('Information_Date')}T{record.of('Information_Time')}")
        theirs = theirs.replace(tzinfo=ZONE)
    except ValueError:
        try:
            theirs = parsedate_to_datetime(reply.date).astimezone(ZONE)
        except ValueError:
            return Finding("clock", "not_tried")
    ahead_s = round((theirs - settings.clock()).total_seconds())
    if abs(ahead_s) <= _CLOCK_S:
        return Finding("clock", "ok", number=ahead_s)
    what = f"ORCA: its clock is {abs(ahead_s)} s {'ahead' if ahead_s > 0 else 'behind'}"
    return Finding("clock", "bad", what, "orca_clock_s", ahead_s)


def _tried(point: Point, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except Failed as failed:
        return _bad(point, failed.trouble)


def _bad(point: Point, trouble: Trouble) -> Finding:
    return Finding(point, "bad", trouble.what, trouble.code, trouble.parameters.get("number", 0))


def _doctors(api: Api, settings: Settings, day: date, until: float) -> Finding:
    listed = {each.code for each in api.doctors(day, until)}
    unknown = sorted({settings.doctor, *settings.doctors.values()} - listed - {""})
    if unknown:
        what = f"ORCA: has no doctor {', '.join(unknown)}"
        return Finding("departments", "bad", what, "orca_unknown_doctor", len(unknown))
    return Finding("departments", "ok")


def _day_list(api: Api, day: date, until: float) -> Finding:
    booked = api.day_appointments(day, until)
    api.day_receptions(day, until)
    return Finding("day_list", "ok", number=len(booked.rows))


def _look_up(api: Api, day: date, until: float) -> Finding:
    api.appointments(NOBODY, day, until)
    return Finding("look_up", "ok")
