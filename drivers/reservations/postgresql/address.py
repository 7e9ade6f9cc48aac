"""`postgresql://role@db1[:port][,db2[:port]]/database`: where the hospital's book is."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote

from drivers.bad_address import BadAddress

EXPECTED: Final = "expected postgresql://role@host[:port][,host[:port]]/database (the password is in a file)"
_PORT: Final = 5432
_ADDRESS: Final = re.compile(r"postgresql://(?P<role>[^@/:]+)@(?P<hosts>[^/@?#]+)/(?P<database>[^/?#]+)")
_HOST: Final = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\[\]:]+)(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class Address:
    """`hosts`: (name, port), tried in this order; the one that takes writes is used."""

    role: str
    hosts: tuple[tuple[str, int], ...]
    database: str


def parse(url: str) -> Address:
    """Raises BadAddress."""
    match = _ADDRESS.fullmatch(url)
    if match is None:
        if re.match(r"postgresql://[^@/]*:[^@/]*@", url):
            raise BadAddress(
                "password_in_address",
                "a password does not belong into an address; put it into a file and name it in password_file",
            )
        raise BadAddress(expected=EXPECTED)
    return Address(unquote(match["role"]), tuple(map(_host, match["hosts"].split(","))), unquote(match["database"]))


def _host(text: str) -> tuple[str, int]:
    match = _HOST.fullmatch(text)
    port = int(match["port"] or _PORT) if match else 0
    if match is None or not 0 < port < 65536:
        raise BadAddress(expected=EXPECTED)
    return match["host"].strip("[]"), port


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, so that nobody else can listen."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
