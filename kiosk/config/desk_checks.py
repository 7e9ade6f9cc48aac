"""Checks of departments and of what the reception desk uses: one raw TOML value → the value of the setting, or
`Refused`. As `checks`, for [desk], [walk_in], [[department]] and the hours of reception.

Must never touch the file system or look a name up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import drivers.page_printer
from kiosk.config.checks import (
    WEEKDAYS,
    Check,
    Refused,
    Weekday,
    clock_time,
    matching,
    plain,
    share_url,
    url_of,
    weekdays,
)
from kiosk.words.problems import Problem

_CODE: Final = "[0-9A-Za-z._-]{1,20}"
_MAX_LANGUAGES: Final = 20


@dataclass(frozen=True, kw_only=True)
class Hours:
    """[[hours]], and `hours` of a [[department]]: days and times of reception, local; `close` is no longer open."""

    days: Annotated[tuple[Weekday, ...], weekdays()]
    open: Annotated[time, clock_time()]
    close: Annotated[time, clock_time()]

    def on(self, day: date) -> bool:
        """Whether they are of this day of the week."""
        return WEEKDAYS[day.weekday()] in self.days

    def cover(self, local: datetime) -> bool:
        """Whether `local` (in the site's time zone) is within these hours."""
        return self.on(local) and self.open <= local.time() < self.close


def department_code() -> Check:
    """The code of a department, as the hospital's systems write it."""
    return matching(_CODE, Problem("expected.department_code"))


def optional_code() -> Check:
    """A code of the hospital's systems, or ""."""
    return matching(f"({_CODE})?", Problem("expected.optional_code"))


def department_codes(most: int) -> Check:
    """A list of at most `most` codes, each once."""
    one = department_code()

    def accept(value: object, base: Path) -> tuple[object, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise Refused
        found = tuple(one.accept(each, base) for each in value)
        if len(set(found)) != len(found):
            raise Refused(Problem("why.twice"))
        return found

    return Check(Problem("expected.department_codes", {"most": most}), accept)


def names_by_language() -> Check:
    """A table of names by language code (ISO 639, small letters, or as [screen] languages); an empty one is none."""
    language = matching("[a-z]{2,3}([-_][A-Za-z0-9]{2,8})?", Problem("expected.names"))

    def accept(value: object, base: Path) -> tuple[tuple[str, str], ...]:
        if not isinstance(value, dict) or len(value) > _MAX_LANGUAGES:
            raise Refused
        found = [(str(language.accept(key, base)), plain(name).strip()) for key, name in value.items()]
        if any(len(name) > 60 for _, name in found):
            raise Refused
        return tuple((key, name) for key, name in found if name)

    return Check(language.expected, accept)


def opening_hours(most: int) -> Check:
    """A list of at most `most` tables with days, open and close."""
    days, clock = weekdays(), clock_time()

    def one(value: object, base: Path) -> Hours:
        if not isinstance(value, dict) or set(value) != {"days", "open", "close"}:
            raise Refused
        # The checks give what the fields are.
        hours = Hours(**{key: (days if key == "days" else clock).accept(value[key], base) for key in value})  # type: ignore[arg-type]
        if not hours.open < hours.close:
            raise Refused(Problem("why.closes_early"))
        return hours

    def accept(value: object, base: Path) -> tuple[Hours, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise Refused
        return tuple(one(each, base) for each in value)

    return Check(Problem("expected.opening_hours", {"most": most}), accept)


def optional_page_printer_url() -> Check:
    """The address of an ordinary printer, a folder that stands for one, or ""."""
    printer = url_of(Problem("expected.page_printer"), drivers.page_printer.parse_url)

    def accept(value: object, base: Path) -> object:
        return printer.accept(value, base) if plain(value) else ""

    return Check(printer.expected, accept, private=True)


def optional_folder_or_share() -> Check:
    """The address of a share, or the path of a folder, which becomes file:///…; or ""."""
    share = share_url()

    def accept(value: object, base: Path) -> object:
        text = plain(value).strip()
        if text and "://" not in text:
            text = "file://" + quote(str(base / text), safe="/")
        return share.accept(text, base) if text else ""

    return Check(Problem("expected.folder_or_share", {"share": share.expected}), accept, private=True)
