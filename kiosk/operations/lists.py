"""`kiosk unserved`, `kiosk arrivals` and `kiosk unsettled`: lists of a day for staff and for programs, a line each.

They hold patients' numbers, on standard output only. Must never change anything, or make a database.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from kiosk.config import Config
from kiosk.config import load as load_config
from kiosk.process.stderr import complain

if TYPE_CHECKING:
    from drivers.reservations import Entry, Unsettled
    from drivers.reservations.ports import Reservations

EXIT_WRONG: Final = 1
ANSWER_S: Final = 20.0
_HELP: Final = {
    "unserved": "patients of a day whom the kiosk could not register",
    "arrivals": "who has arrived on a day",
    "unsettled": "registrations of a day of which staff must know",
}
_LineOf = tuple[str, dict[str, object]]


class _Down(Exception):
    """The list cannot be read; why, without patient data."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> tuple[argparse.ArgumentParser, ...]:
    """Add them to the commands of `kiosk`. Each sets `do`: arguments → exit code."""
    made = []
    for name, what in _HELP.items():
        parser = commands.add_parser(name, help=what)
        parser.add_argument("--day", type=date.fromisoformat, metavar="YYYY-MM-DD", help="default: today")
        parser.add_argument("--json", action="store_true", help="a JSON object a line")
        parser.set_defaults(do=_print, list=name)
        made.append(parser)
    return tuple(made)


def _print(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config, passwords=False)
    day = arguments.day or datetime.now(config.site.zone).date()
    lines = {"unserved": _unserved, "arrivals": _arrivals, "unsettled": _unsettled}[arguments.list]
    try:
        for text, parts in lines(config, day):
            print(json.dumps(parts, ensure_ascii=False) if arguments.json else text)  # noqa: T201 - the command's answer
    except _Down as down:
        complain(str(down))
        return EXIT_WRONG
    return 0


def _unserved(config: Config, day: date) -> Iterator[_LineOf]:
    from kiosk.reception import unserved

    try:
        entries = unserved.read(config.site.data_dir, day)
    except OSError as error:
        raise _Down(f"{config.site.data_dir}: {error.strerror}") from None
    for each in entries:
        text = f"{each.at} {each.code} {each.way} {each.number}" + f" served {each.served}" * bool(each.served)
        yield text, asdict(each)


def _arrivals(config: Config, day: date) -> Iterator[_LineOf]:
    from drivers.reservations import Trouble

    book = _asked(config)
    answer = book.entries(day, time.monotonic() + ANSWER_S) if book else None
    if isinstance(answer, Trouble):
        raise _Down(answer.what)
    for each in answer.entries if answer else ():
        yield _arrival(config, each)


def _arrival(config: Config, entry: Entry) -> _LineOf:
    at = entry.receptions[0].at.astimezone(config.site.zone)
    numbers = tuple(dict.fromkeys(each.number for each in entry.receptions))
    departments = tuple(dict.fromkeys(each.department for each in entry.appointments))
    parts: dict[str, object] = {
        "line": entry.key,
        "at": at.isoformat(timespec="seconds"),
        "number": entry.patient_number,
        "receptions": [
            {"number": each.number, "department": each.department, "entrance": each.entrance}
            for each in entry.receptions
        ],
        "departments": list(departments),
        "cancelled": entry.cancelled.reason if entry.cancelled else None,
    }
    words = (f"{at:%H:%M}", "・".join(numbers), entry.patient_number, "・".join(departments))
    text = " ".join(word for word in words if word)
    return (f"{text} cancelled {entry.cancelled.reason}" if entry.cancelled else text), parts


def _unsettled(config: Config, day: date) -> Iterator[_LineOf]:
    from drivers.reservations import Trouble

    book = _asked(config)
    answer = book.unsettled(day, time.monotonic() + ANSWER_S) if book else None
    if isinstance(answer, Trouble):
        raise _Down(answer.what)
    for each in answer.unsettled if answer else ():
        yield _order(config, each)


def _order(config: Config, of: Unsettled) -> _LineOf:
    at = of.since.astimezone(config.site.zone)
    parts: dict[str, object] = {
        "at": at.isoformat(timespec="seconds"),
        "kind": of.kind,
        "number": of.order.patient_number,
        "called": of.number,
        "what": of.what,
        "attempt": of.order.attempt,
    }
    words = (f"{at:%H:%M}", of.kind, of.order.patient_number, of.number, of.what)
    return " ".join(word for word in words if word), parts


def _asked(config: Config) -> Reservations | None:
    """Whom the reception asks; None: nothing was ever registered here. To ask would make a database."""
    from drivers.reservations.sqlite.beside import Beside
    from kiosk.his.opened import opened
    from kiosk.process.data_folder import DataFolder

    folder = config.site.data_dir
    if not config.has_gate and not DataFolder(folder).reservations.exists() and not Beside(folder).traces():
        return None
    return opened(config, folder, lambda *_, **__: None, receives=False).reservations
