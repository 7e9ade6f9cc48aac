"""Checks of what the hospital's own systems are known by: one raw TOML value → the value of the setting, or `Refused`.
As `checks`, for [reservations], [his], [numbering] and [[place]].
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path

from drivers.bad_address import BadAddress
from drivers.reservations import opening
from kiosk.config.checks import Check, matching, url_of
from kiosk.words.problems import Problem


def book_url() -> Check:
    """Where the book is."""
    return url_of(Problem("expected.book"), _kind(opening.is_book))


def his_url() -> Check:
    """The address of the hospital's system, or ""."""
    address = url_of(Problem("expected.his"), _kind(opening.is_system))

    def accept(value: object, base: Path) -> object:
        return "" if value == "" else address.accept(value, base)

    return Check(address.expected, accept, private=True)


def entrance() -> Check:
    """Letters of an entrance as they stand before a number, or ""."""
    # No digits: "A1" with 7 and "A" with 17 would be one number.
    return matching("[A-Za-z]{0,4}", Problem("expected.entrance"))


def offline_prefix() -> Check:
    """What stands before the numbers of a kiosk that is alone, or ""."""
    return matching("([A-Za-z][0-9A-Za-z]{0,4}-)?", Problem("expected.offline_prefix"))


def without_user(url: str) -> str:
    """An address that was accepted, as it may be displayed."""
    return re.sub("//[^/]*@", "//", url)


def leaves_machine(url: str) -> bool:
    """Whether any host of an address that was accepted is not this machine itself."""
    return "://" in url and not all(_is_loopback(host) for host, _ in opening.peers(url))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _kind(is_kind: Callable[[str], bool]) -> Callable[[str], None]:
    def parse(url: str) -> None:
        if not is_kind(url):
            raise BadAddress
        opening.check(url)

    return parse
