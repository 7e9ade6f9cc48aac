"""Checks: one raw TOML value → the value of the setting, or `Refused`.

Owns what is expected of each kind of value, in words for the person who types it. Must never touch the file system but
to look whether a named folder is one, and never repeat a private value.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import drivers.card_reader
import drivers.printer
import drivers.share
from drivers.share.protocol import name_fault

_MAX_TEXT: Final = 1024


class Refused(Exception):
    """The value is not taken. The text, if any, says more than `Check.expected`."""


@dataclass(frozen=True)
class Check:
    """`accept(value, base)` gives the setting's value or raises Refused; relative paths start at the folder `base`.

    `expected`: what would be right. `private`: the value may hold a secret, so no message repeats it.
    """

    expected: str
    accept: Callable[[object, Path], object]
    private: bool = False


def plain(value: object) -> str:
    """A text without control characters and not too long."""
    if not isinstance(value, str):
        raise Refused
    if len(value) > _MAX_TEXT:
        raise Refused(f"longer than {_MAX_TEXT} characters")
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in value):
        raise Refused("holds a control character")
    return value


def text(max_chars: int) -> Check:
    """Words for people: not blank, at most `max_chars`; blanks around them go."""

    def accept(value: object, base: Path) -> str:
        words = plain(value).strip()
        if not words or len(words) > max_chars:
            raise Refused
        return words

    return Check(f"a text of 1 to {max_chars} characters", accept)


def digits(count: int) -> Check:
    """A code of exactly `count` digits; text, because leading zeros count."""

    def accept(value: object, base: Path) -> str:
        if not re.fullmatch(f"[0-9]{{{count}}}", plain(value)):
            raise Refused
        return str(value)

    return Check(f"{count} digits in quotes", accept)


def choice(*allowed: str | int) -> Check:
    """One of `allowed`."""

    def accept(value: object, base: Path) -> object:
        # type(): to Python, true is 1 and 80.0 is 80.
        if any(type(value) is type(option) and value == option for option in allowed):
            return value
        raise Refused

    words = " or ".join(f'"{option}"' if isinstance(option, str) else str(option) for option in allowed)
    return Check(words, accept)


def flag() -> Check:
    """true or false."""

    def accept(value: object, base: Path) -> bool:
        if isinstance(value, bool):
            return value
        raise Refused

    return Check("true or false, without quotes", accept)


def number(low: float, high: float, unit: str) -> Check:
    """A number from `low` to `high`, both included."""

    def accept(value: object, base: Path) -> float:
        # `not …`: nan is neither below nor above anything. Nor isfinite(): a whole number may be too long for a float.
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise Refused
        return float(value)

    return Check(f"a number of {unit} from {low:g} to {high:g}", accept)


def whole(low: int, high: int, unit: str) -> Check:
    """A whole number from `low` to `high`, both included."""

    def accept(value: object, base: Path) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Refused
        return value

    return Check(f"a whole number of {unit} from {low} to {high}", accept)


def timezone() -> Check:
    """A name of the time zone database."""

    def accept(value: object, base: Path) -> str:
        name = plain(value)
        try:
            ZoneInfo(name)
        except (ValueError, OSError, LookupError):  # odd names; folders of the database; unknown names
            raise Refused("not in the time zone database") from None
        return name

    return Check('a time zone such as "Asia/Tokyo"', accept)


def absolute_folder() -> Check:
    """An absolute path at which there is a folder or nothing yet."""

    def accept(value: object, base: Path) -> Path:
        path = Path(plain(value))
        if not path.is_absolute():
            raise Refused
        try:
            if path.exists() and not path.is_dir():
                raise Refused("there is a file of that name")
        except OSError:
            raise Refused("cannot be looked at") from None
        return path

    return Check('the absolute path of a folder, such as "/var/lib/kiosk"', accept)


def optional_path() -> Check:
    """A path, relative to site.toml's folder, or "" for none."""

    def accept(value: object, base: Path) -> Path | None:
        name = plain(value).strip()
        return base / name if name else None

    return Check('a path, absolute or relative to site.toml, or "" for none', accept)


def file_name() -> Check:
    """A path of a file, kept as written: it is also the name of a systemd credential."""

    def accept(value: object, base: Path) -> str:
        name = plain(value).strip()
        if Path(name).name in ("", ".."):
            raise Refused
        return name

    return Check("the name of a file, absolute or relative to site.toml", accept)


def folder_of_share() -> Check:
    """A folder of the share, its names divided by /, or "" for none."""

    def accept(value: object, base: Path) -> str:
        folder = plain(value).strip()
        for name in folder.split("/"):
            if name and (fault := name_fault(name)):
                raise Refused(fault)
        return folder

    return Check('a folder on the same share, written with /, or "" for none', accept)


def share_url() -> Check:
    """The address of a share."""
    return _url(
        "smb://[domain;]user@host[:port]/share[/folder] or file:///absolute/folder",
        drivers.share.parse,
        drivers.share.BadAddress,
    )


def optional_share_url() -> Check:
    """The address of a share, or "" for none."""
    share = share_url()

    def accept(value: object, base: Path) -> object:
        return "" if value == "" else share.accept(value, base)

    return Check(f'{share.expected}, or "" for none', accept, private=True)


def printer_url() -> Check:
    """The address of a slip printer."""
    return _url(
        "tcp://host:port, serial:///dev/ttyUSB0?baudrate=115200, usb:04b8:0202 or file:///path",
        drivers.printer.parse_url,
        drivers.printer.BadAddress,
    )


def card_reader_url() -> Check:
    """The address of a patient-card reader."""
    return _url("serial:///dev/ttyS0?baudrate=9600", drivers.card_reader.parse_url, drivers.card_reader.BadAddress)


def _url(expected: str, parse: Callable[[str], object], bad: type[ValueError]) -> Check:
    def accept(value: object, base: Path) -> str:
        url = plain(value)
        try:
            parse(url)
        except bad as error:
            # Said once: the drivers end their sentences with the grammar, which is `expected` here.
            raise Refused(str(error).partition("expected ")[0].rstrip("; ")) from None
        return url

    return Check(expected, accept, private=True)


def regex() -> Check:
    """A regular expression."""

    def accept(value: object, base: Path) -> str:
        pattern = plain(value)
        if len(pattern) > 200:
            raise Refused("longer than 200 characters")
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise Refused(str(error)) from None
        return pattern

    return Check("a regular expression of at most 200 characters; its first group, if any, is the number", accept)


def command() -> Check:
    """A program with its arguments: a list of texts, or one text that is split as a shell would; empty for none."""

    def accept(value: object, base: Path) -> tuple[str, ...]:
        try:
            words = value if isinstance(value, list) else shlex.split(plain(value))
        except ValueError as error:
            raise Refused(str(error).lower()) from None
        if len(words) > 20:
            raise Refused("more than 20 words")
        parts = tuple(plain(word) for word in words)
        if parts and not Path(parts[0]).is_absolute():
            raise Refused("the program needs its whole path")
        return parts

    # An argument may hold the key of a mail or chat service.
    return Check('a program and its arguments such as ["/usr/local/bin/alarm"]', accept, private=True)
