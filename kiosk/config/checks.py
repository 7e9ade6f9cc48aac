"""Checks: one raw TOML value → the value of the setting, or `Refused`.

Owns what is expected of each kind of value, for the person who types it. Must never touch the file system but
to look whether a named folder is one, and never repeat a private value.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

import drivers.card_reader
import drivers.printer
import drivers.share
from drivers.bad_address import BadAddress
from drivers.share.protocol import name_fault
from kiosk.words.problems import Problem

_MAX_TEXT: Final = 1024
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# In the order of date.weekday().
WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)


class Refused(Exception):
    """The value is not taken. `why`, if any, says more than `Check.expected`."""

    def __init__(self, why: Problem | None = None) -> None:
        super().__init__()
        self.why = why


@dataclass(frozen=True)
class ClosedDay:
    """A day without reception; `year` None: every year."""

    month: int
    day: int
    year: int | None = None

    def falls_on(self, day: date) -> bool:
        """Whether `day` is this closed day."""
        return (day.month, day.day) == (self.month, self.day) and self.year in (None, day.year)


@dataclass(frozen=True)
class Check:
    """`accept(value, base)` gives the setting's value or raises Refused; relative paths start at the folder `base`.

    `expected`: what would be right. `private`: the value may hold a secret, so no message repeats it.
    """

    expected: Problem
    accept: Callable[[object, Path], object]
    private: bool = False


def plain(value: object) -> str:
    """A text without control characters and not too long."""
    if not isinstance(value, str):
        raise Refused
    if len(value) > _MAX_TEXT:
        raise Refused(Problem("why.long", {"most": _MAX_TEXT}))
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in value):
        raise Refused(Problem("why.control_character"))
    return value


def text(max_chars: int) -> Check:
    """Words for people: not blank, at most `max_chars`; blanks around them go."""

    def accept(value: object, base: Path) -> str:
        words = plain(value).strip()
        if not words or len(words) > max_chars:
            raise Refused
        return words

    return Check(Problem("expected.text", {"most": max_chars}), accept)


def optional_text(max_chars: int) -> Check:
    """Words for people, at most `max_chars`, or ""."""
    words = text(max_chars)

    def accept(value: object, base: Path) -> object:
        return words.accept(value, base) if plain(value).strip() else ""

    return Check(Problem("expected.optional_text", {"most": max_chars}), accept)


def matching(pattern: str, expected: Problem) -> Check:
    """A text that `pattern` matches as a whole."""

    def accept(value: object, base: Path) -> str:
        words = plain(value)
        if not re.fullmatch(pattern, words):
            raise Refused
        return words

    return Check(expected, accept)


def digits(count: int) -> Check:
    """A code of exactly `count` digits; text, because leading zeros count."""
    return matching(f"[0-9]{{{count}}}", Problem("expected.digits", {"count": count}))


def choice(*allowed: str | int) -> Check:
    """One of `allowed`."""

    def accept(value: object, base: Path) -> object:
        # type(): to Python, true is 1 and 80.0 is 80.
        if any(type(value) is type(option) and value == option for option in allowed):
            return value
        raise Refused

    options = tuple(f'"{option}"' if isinstance(option, str) else option for option in allowed)
    if len(options) == 1:
        return Check(Problem("expected.only", {"option": options[0]}), accept)
    if len(options) == 2:
        return Check(Problem("expected.either", {"one": options[0], "other": options[1]}), accept)
    return Check(Problem("expected.one_of", {"options": options}), accept)


def flag() -> Check:
    """True or false."""
    return Check(Problem("expected.flag"), choice(True, False).accept)


def number(low: float, high: float, unit: str) -> Check:
    """A number from `low` to `high`, both included. `unit`: its code."""
    return _between(float, Problem("expected.number", {"unit": Problem(unit), "low": low, "high": high}), low, high)


def whole(low: int, high: int, unit: str) -> Check:
    """A whole number from `low` to `high`, both included."""
    return _between(int, Problem("expected.whole_number", {"unit": Problem(unit), "low": low, "high": high}), low, high)


def _between(kind: type[float], expected: Problem, low: float, high: float) -> Check:
    def accept(value: object, base: Path) -> float:
        # `not …`: nan is neither below nor above anything. Nor isfinite(): a whole number may be too long for a float.
        if isinstance(value, bool) or not isinstance(value, int | kind) or not low <= value <= high:
            raise Refused
        return kind(value)

    return Check(expected, accept)


def timezone() -> Check:
    """A name of the time zone database."""

    def accept(value: object, base: Path) -> str:
        name = plain(value)
        try:
            ZoneInfo(name)
        except (ValueError, OSError, LookupError):  # odd names; folders of the database; unknown names
            raise Refused(Problem("why.timezone")) from None
        return name

    return Check(Problem("expected.timezone"), accept)


def absolute_folder() -> Check:
    """An absolute path at which there is a folder or nothing yet."""

    def accept(value: object, base: Path) -> Path:
        path = Path(plain(value))
        if not path.is_absolute():
            raise Refused
        try:
            if path.exists() and not path.is_dir():
                raise Refused(Problem("why.file_there"))
        except OSError:
            raise Refused(Problem("why.unseen")) from None
        return path

    return Check(Problem("expected.absolute_folder"), accept)


def optional_path() -> Check:
    """A path, relative to site.toml's folder, or "" for none."""

    def accept(value: object, base: Path) -> Path | None:
        name = plain(value).strip()
        return base / name if name else None

    return Check(Problem("expected.optional_path"), accept)


def file_name() -> Check:
    """A path of a file, kept as written: it is also the name of a systemd credential."""

    def accept(value: object, base: Path) -> str:
        name = plain(value).strip()
        if Path(name).name in ("", ".."):
            raise Refused
        return name

    return Check(Problem("expected.file_name"), accept)


def optional_file_name() -> Check:
    """As `file_name`, or "" for none."""
    name = file_name()
    expected = Problem("expected.optional_file_name")
    return Check(expected, lambda value, base: name.accept(value, base) if plain(value).strip() else "")


def folder_of_share() -> Check:
    """A folder of the share, its names divided by /, or "" for none."""

    def accept(value: object, base: Path) -> str:
        folder = plain(value).strip()
        for name in folder.split("/"):
            if name and (fault := name_fault(name)):
                raise Refused(Problem(f"why.{fault.code}", english=str(fault)))
        return folder

    return Check(Problem("expected.folder_of_share"), accept)


def share_url() -> Check:
    """The address of a share."""
    return url_of(Problem("expected.share"), drivers.share.parse)


def optional_share_url() -> Check:
    """The address of a share, or "" for none."""
    share = share_url()
    expected = Problem("expected.optional_share", {"share": share.expected})
    return Check(expected, lambda value, base: "" if value == "" else share.accept(value, base), private=True)


def printer_url() -> Check:
    """The address of a slip printer."""
    return url_of(Problem("expected.printer"), drivers.printer.parse_url)


def card_reader_url() -> Check:
    """The address of a patient-card reader."""
    return url_of(Problem("expected.card_reader"), drivers.card_reader.parse_url)


def url_of(expected: Problem, parse: Callable[[str], object]) -> Check:
    """An address that `parse`, a driver's, takes: it raises BadAddress."""

    def accept(value: object, base: Path) -> str:
        url = plain(value)
        try:
            parse(url)
        except BadAddress as bad:
            # Without what the driver expects: that is `expected` here.
            why = Problem(f"why.{bad.code}", bad.parameters, english=bad.why) if bad.code else None
            raise Refused(why) from None
        return url

    return Check(expected, accept, private=True)


def regex() -> Check:
    """A regular expression."""

    def accept(value: object, base: Path) -> str:
        pattern = plain(value)
        if len(pattern) > 200:
            raise Refused(Problem("why.long", {"most": 200}))
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            at = getattr(error, "pos", None)
            code, parameters = ("why.regex", {}) if at is None else ("why.regex_at", {"position": at})
            raise Refused(Problem(code, parameters, english=str(error))) from None
        return pattern

    return Check(Problem("expected.regex"), accept)


def command() -> Check:
    """A program with its arguments: a list of texts, or one text that is split as a shell would; empty for none."""

    def accept(value: object, base: Path) -> tuple[str, ...]:
        try:
            words = value if isinstance(value, list) else shlex.split(plain(value))
        except ValueError as error:
            raise Refused(Problem("why.unclosed_quote", english=str(error).lower())) from None
        if len(words) > 20:
            raise Refused(Problem("why.many_words"))
        parts = tuple(plain(word) for word in words)
        if parts and not Path(parts[0]).is_absolute():
            raise Refused(Problem("why.program_path"))
        return parts

    # An argument may hold the key of a mail or chat service.
    return Check(Problem("expected.command"), accept, private=True)


# --- times and days ---------------------------------------------------------------------------------------------------


def clock_time() -> Check:
    """A time of day, "08:00"."""

    def accept(value: object, base: Path) -> time:
        if isinstance(value, time):
            return value
        match = re.fullmatch("([01]?[0-9]|2[0-3]):([0-5][0-9])", plain(value), re.ASCII)
        if not match:
            raise Refused
        return time(int(match[1]), int(match[2]))

    return Check(Problem("expected.time"), accept)


def weekdays() -> Check:
    """Days of the week, each once."""

    def accept(value: object, base: Path) -> tuple[object, ...]:
        if not isinstance(value, list) or not value or len(value) > len(WEEKDAYS):
            raise Refused
        if any(day not in WEEKDAYS for day in value) or any(value.count(day) > 1 for day in value):
            raise Refused
        return tuple(value)

    return Check(Problem("expected.weekdays"), accept)


def closed_days() -> Check:
    """Days of one year or of every year."""

    def accept(value: object, base: Path) -> tuple[ClosedDay, ...]:
        if not isinstance(value, list) or len(value) > 400:
            raise Refused
        return tuple(_closed_day(day) for day in value)

    return Check(Problem("expected.closed_days"), accept)


def _closed_day(value: object) -> ClosedDay:
    if type(value) is date:
        return ClosedDay(value.month, value.day, value.year)
    match = re.fullmatch("(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})", plain(value), re.ASCII)
    if not match:
        raise Refused
    year = int(match[1]) if match[1] else None
    try:
        # A leap year stands for "every year", so that 02-29 may be named.
        date(2000 if year is None else year, int(match[2]), int(match[3]))
    except ValueError:
        raise Refused(Problem("why.no_such_day")) from None
    return ClosedDay(int(match[2]), int(match[3]), year)
