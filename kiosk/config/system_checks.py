"""Checks of what the hospital's own systems are known by: one raw TOML value → the value of the setting, or `Refused`.
As `checks`, for [reservations], [his], [numbering] and [[place]].
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from drivers.reservations import EMBEDDED
from kiosk.config.checks import Check, Refused, matching, plain
from kiosk.words.problems import Problem

_HOST: Final = re.compile(r"[0-9A-Za-z]([0-9A-Za-z_.-]{0,252}[0-9A-Za-z_])?|\[[0-9A-Fa-f:.]+\]")


def book_url() -> Check:
    """Where the book is."""
    return _url(Problem("expected.book"), ("postgresql",), EMBEDDED)


def his_url() -> Check:
    """The address of the hospital's system, or ""."""
    return _url(Problem("expected.his"), ("orca+http", "orca+https"), "")


def entrance() -> Check:
    """Letters of an entrance as they stand before a number, or ""."""
    # No digits: "A1" with 7 and "A" with 17 would be one number.
    return matching("[A-Za-z]{0,4}", Problem("expected.entrance"))


def offline_prefix() -> Check:
    """What stands before the numbers of a kiosk that is alone, or ""."""
    return matching("([A-Za-z][0-9A-Za-z]{0,4}-)?", Problem("expected.offline_prefix"))


def hosts(url: str) -> list[str]:
    """The hosts of an address that was accepted, IPv6 without brackets; [] of the embedded book and of ""."""
    return [each.rpartition(":")[0].strip("[]") for each in _authorities(url)] if "://" in url else []


def without_user(url: str) -> str:
    """An address that was accepted, as it may be displayed."""
    return re.sub("//[^/]*@", "//", url)


def leaves_machine(url: str) -> bool:
    """Whether any host of an address that was accepted is not this machine itself."""
    return not all(map(_is_loopback, hosts(url)))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _authorities(url: str) -> list[str]:
    """host:port of each; an empty port where none is written."""
    found = urlsplit(url).netloc.rpartition("@")[2].split(",")
    return [each if re.search(":[0-9]*$", each.rpartition("]")[2]) else f"{each}:" for each in found]


def _url(expected: Problem, schemes: tuple[str, ...], without: str) -> Check:
    def accept(value: object, base: Path) -> str:
        url = plain(value)
        if url == without:
            return url
        try:
            parts = urlsplit(url)
        except ValueError:
            raise Refused from None
        user = parts.netloc.rpartition("@")[0]
        if parts.scheme not in schemes or not user:
            raise Refused
        if ":" in user:
            english = "a password does not belong into an address; put it into a file and name it in password_file"
            raise Refused(Problem("why.password_in_address", english=english))
        for each in _authorities(url):
            host, _, port = each.rpartition(":")
            if not _HOST.fullmatch(host) or (port and not 0 < int(port) < 65536):
                raise Refused
        return url

    return Check(expected, accept, private=True)
