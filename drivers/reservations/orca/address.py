"""`orca+https://user@host[:port][/api]`: where the hospital's ORCA is."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from drivers.bad_address import BadAddress

EXPECTED: Final = "expected orca+https://user@host[:port][/api] or orca+http://… (the password is in a file)"
PORT: Final = 8000
"""Where ORCA listens, with TLS and without."""

_HOST: Final = re.compile(r"[0-9A-Za-z_]([0-9A-Za-z_.-]{0,252}[0-9A-Za-z_.])?")
_PREFIX: Final = re.compile(r"(/[0-9A-Za-z._-]+)*")
_URL_MAX: Final = 1024


@dataclass(frozen=True)
class Address:
    """`prefix`: "/api" of a WebORCA, "" of an ORCA before it. `user`: an operator of 職員情報."""

    host: str
    port: int
    user: str
    prefix: str
    tls: bool

    @property
    def authority(self) -> str:
        """As HTTP's Host says it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse(url: str) -> Address:
    """Raises BadAddress, which does not repeat the url."""
    if len(url) > _URL_MAX or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in url):
        raise BadAddress(expected=EXPECTED)
    try:
        parts = urlsplit(url)
        port = PORT if parts.port is None else parts.port
    except ValueError:
        raise BadAddress(expected=EXPECTED) from None
    if parts.password is not None:
        raise BadAddress(
            "password_in_address",
            "a password does not belong into an address; put it into a file and name it in password_file",
        )
    host, prefix = parts.hostname or "", parts.path.rstrip("/")
    if not _is_whole(parts, prefix) or port == 0 or not (_HOST.fullmatch(host) or _is_number(host)):
        raise BadAddress(expected=EXPECTED)
    return Address(host, port, _user(parts), prefix, parts.scheme == "orca+https")


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, so that nobody else can listen."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_whole(parts: SplitResult, prefix: str) -> bool:
    rest = parts.query or parts.fragment or not _PREFIX.fullmatch(prefix)
    return parts.scheme in {"orca+http", "orca+https"} and not rest


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _user(parts: SplitResult) -> str:
    user = unquote(parts.username or "")
    # A colon ends the user's name in HTTP's Basic authentication (RFC 7617).
    if not user or ":" in user or any(ord(c) < 0x20 or ord(c) == 0x7F for c in user):
        raise BadAddress("orca_user", "the user is missing, or has a character that HTTP cannot send", EXPECTED)
    return user
