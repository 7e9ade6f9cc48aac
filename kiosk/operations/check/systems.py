"""The hospital's own systems: [his], and a book on a server; and the gate that asks them while patients are received.

Owns the questions that `kiosk check` has about them, point by point. Nothing is written there, and nobody's number is
asked for. Must never repeat a user's name or a password.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from drivers.bad_address import BadAddress
from drivers.reservations import Trouble, opening, probing
from drivers.reservations.over_socket import BOOK_SOCKET, SocketBook
from kiosk.config import Access, Config, ConfigError, book_access, his_access
from kiosk.config.system_checks import leaves_machine
from kiosk.his.opened import SYSTEM_SOCKET, adapter_settings
from kiosk.operations.check.finding import Finding, Findings, ng, ok, skip
from kiosk.operations.check.schedule import Job
from kiosk.words.problems import word

# Of all points together; less than a job may take.
_LOOK_S: Final = 30.0
_GATE_S: Final = 5.0
# Of an answer by a socket on which nobody listens.
_NOBODY: Final = "owner_down"


@dataclass(frozen=True)
class _Point:
    """What is said of a point, by codes of the catalogue: it is well, it is not, and what to do then."""

    well: str
    bad: str
    do: str


_OF_HIS: Final[dict[probing.Point, _Point]] = {
    "host": _Point("message.his_host", "message.his_host_bad", "do.his_host"),
    "tls": _Point("message.his_tls", "message.his_tls_bad", "do.his_tls"),
    "prefix": _Point("message.his_prefix", "message.his_prefix_bad", "do.his_prefix"),
    "login": _Point("message.his_login", "message.his_login_bad", "do.his_login"),
    "clock": _Point("message.his_clock", "message.his_clock_bad", "do.his_clock"),
    "departments": _Point("message.his_departments", "message.his_departments_bad", "do.his_departments"),
    "day_list": _Point("message.his_day_list", "message.his_day_list_bad", "do.his_day_list"),
    "look_up": _Point("message.his_look_up", "message.his_look_up_bad", "do.his_look_up"),
}
_OF_BOOK: Final[dict[probing.Point, _Point]] = {
    "host": _Point("message.book_host", "message.book_host_bad", "do.book_host"),
    "tls": _Point("message.his_tls", "message.his_tls_bad", "do.book_tls"),
    "login": _Point("message.his_login", "message.his_login_bad", "do.book_login"),
    "clock": _Point("message.his_clock", "message.his_clock_bad", "do.his_clock"),
    "schema": _Point("message.book_schema", "message.book_schema_bad", "do.book_schema"),
    "day_list": _Point("message.book_day_list", "message.his_day_list_bad", "do.book_day_list"),
}
# By what stands in the way, where one point may be wrong in ways that are mended differently.
_OF_CODE: Final[dict[str, _Point]] = {
    "not_released": _Point("message.book_schema", "message.book_not_released", "do.release_book"),
}


def jobs(config: Config) -> Iterator[Job]:
    """None, where all appointments and arrivals are in the data folder."""
    if config.his.url:
        codes = tuple(f"his_{point}" for point in _OF_HIS)
        yield Job(codes, partial(_his, config))
    if not config.reservations.is_embedded:
        codes = tuple(f"book_{point}" for point in _OF_BOOK)
        yield Job(codes, partial(_book, config))
    if config.has_gate:
        yield Job(("his_running",), lambda: (each for each in (_gate(config),)))


def _his(config: Config) -> Findings:
    try:
        access = his_access(config)
    except ConfigError as error:
        yield from _unreadable("his", tuple(_OF_HIS), error)
        return
    yield from _points("his", config.his.url, _OF_HIS, config, access)


def _book(config: Config) -> Findings:
    try:
        access = book_access(config)
    except ConfigError as error:
        yield from _unreadable("book", tuple(_OF_BOOK), error)
        return
    yield from _points("book", config.reservations.url, _OF_BOOK, config, access)


def _unreadable(prefix: str, points: tuple[probing.Point, ...], error: ConfigError) -> Findings:
    """The files that open it are no use: nothing else can be tried."""
    why = "".join(word(problem, "config", "ja") for problem in error.problems)
    for point in points:
        if point == "login":
            yield ng(f"{prefix}_login", "message.system_files", "do.put_password_beside", why=why)
        else:
            yield skip(f"{prefix}_{point}", "message.not_tried")


def _points(
    prefix: str, url: str, words: dict[probing.Point, _Point], config: Config, access: Access
) -> Iterator[Finding]:
    """A finding for each of `words`, in that order."""
    settings = adapter_settings(config, config.his_dir, access)
    today = datetime.now(config.site.zone).date()
    try:
        found = {each.point: each for each in opening.probe(url, settings, today, time.monotonic() + _LOOK_S)}
    except BadAddress as bad:
        found = {"host": probing.Finding("host", "bad", str(bad))}
    for point, texts in words.items():
        code, each = f"{prefix}_{point}", found.get(point)
        if each is None or each.verdict == "not_tried":
            yield _in_clear(code, url) if point == "tls" and _is_reached(found) else skip(code, "message.not_tried")
        elif each.verdict == "ok":
            yield ok(code, texts.well, "do.his_doctor" if code == "his_departments" and not config.his.doctor else "")
        else:
            wrong = _OF_CODE.get(each.code, texts)
            # Of a server or an operating system, in its own words.
            yield ng(code, wrong.bad, wrong.do, why=each.what)


def _is_reached(found: dict[probing.Point, probing.Finding]) -> bool:
    return "host" in found and found["host"].verdict == "ok"


def _in_clear(code: str, url: str) -> Finding:
    """Whoever was reached without TLS: said at every run, for as long as it is so."""
    if leaves_machine(url):
        return ok(code, "message.his_in_clear", "do.his_encrypt")
    return skip(code, "message.same_machine")


def _gate(config: Config) -> Finding:
    """Whether the process that talks to them runs."""
    name = SYSTEM_SOCKET if config.his.url else BOOK_SOCKET
    asked = SocketBook(config.his_run_dir, name)
    answer = asked.departments(datetime.now(config.site.zone).date(), time.monotonic() + _GATE_S)
    if isinstance(answer, Trouble) and answer.code == _NOBODY:
        return skip("his_running", "message.his_stopped", "do.start_service", unit="kiosk-his")
    return ok("his_running", "message.his_runs", "do.more_in_status")
