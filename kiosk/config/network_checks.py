"""Checks of addresses, names of hosts and USB devices: one raw TOML value → the value of the setting, or `Refused`. As
`checks`, for the tables of the appliance.

What passes here goes into files of nftables, systemd-networkd, timesyncd, rsyslog and udev as it is, so each check
names the characters it lets through. Must never look a name up.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from kiosk.config.checks import Check, Refused, plain

# RFC 1123 section 2.1: letters, digits and inner hyphens, at most 63 characters between the dots.
_LABEL: Final = re.compile("[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?")


@dataclass(frozen=True)
class Endpoint:
    """A host and a port. `host`: a name or an address, IPv6 without brackets."""

    protocol: Literal["udp", "tcp"]
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol}://{host}:{self.port}"


def interface() -> Check:
    """The kernel's name of a network interface, or "" for every Ethernet interface."""
    return _pattern("[0-9A-Za-z][0-9A-Za-z._-]{0,14}|", 'an interface such as "enp1s0", or "" for every one')


def own_address() -> Check:
    """ "dhcp", or an address with the length of its network."""

    def accept(value: object, base: Path) -> str:
        text = plain(value)
        if text == "dhcp":
            return text
        if "/" not in text:
            raise Refused("the length of the network is missing")
        try:
            own = ipaddress.ip_interface(text)
        except ValueError:
            raise Refused from None
        if _unfit(own.ip) or _scoped(own.ip):
            raise Refused("not an address of a machine")
        if own.network.num_addresses > 2 and own.ip in (own.network.network_address, own.network.broadcast_address):
            raise Refused("the address of the network itself, not of a machine in it")
        return str(own)

    return Check('"dhcp" or an address with its network such as "192.0.2.40/24"', accept)


def optional_address() -> Check:
    """An address without a network, or ""."""

    def accept(value: object, base: Path) -> str:
        text = plain(value)
        return _address(text) if text else ""

    return Check('an address such as "192.0.2.1", or "" for none', accept)


def addresses(most: int) -> Check:
    """A list of at most `most` addresses."""
    return Check(f'a list of at most {most} addresses such as ["192.0.2.2"]', _list_of(most, _address))


def hosts(most: int) -> Check:
    """A list of at most `most` hosts, by name or address."""
    return Check(f'a list of at most {most} hosts such as ["192.0.2.2", "ntp.hospital.example"]', _list_of(most, _host))


def hostname() -> Check:
    """The machine's own name, without a domain."""
    return _pattern(_LABEL.pattern, "a name of 1 to 63 letters, digits and hyphens")


def syslog_url() -> Check:
    """Where to forward the journal, or ""."""

    def accept(value: object, base: Path) -> str:
        text = plain(value)
        return str(endpoint(text)) if text else ""

    return Check('udp://host:514, tcp://host:514, or "" for none', accept)


def loopback() -> Check:
    """An address of this machine itself with a port, or ""."""

    def accept(value: object, base: Path) -> str:
        text = plain(value)
        if not text:
            return ""
        # One grammar of host:port for all.
        found = endpoint(f"tcp://{text}")
        try:
            inside = ipaddress.ip_address(found.host).is_loopback
        except ValueError:
            raise Refused("not an address") from None
        if not inside:
            raise Refused("nobody outside may connect to the kiosk")
        return str(found).removeprefix("tcp://")

    return Check('"127.0.0.1:9105" or another port of this machine itself, or "" for none', accept)


def usb_id() -> Check:
    """Vendor and product; given back in small letters, as the kernel shows them."""
    written = _pattern("[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}", 'vendor:product as lsusb prints them, such as "04b8:0202"')
    return Check(written.expected, lambda value, base: str(written.accept(value, base)).lower())


def usb_port() -> Check:
    """The kernel's name of a USB socket, or ""."""
    return _pattern(r"[0-9]{1,3}-[0-9]{1,3}(\.[0-9]{1,3}){0,5}|", 'a USB socket such as "1-2", or "" for any')


def usb_serial() -> Check:
    """A USB serial number, or ""."""
    # Nothing that udev would read as a pattern, a quote or a substitution.
    return _pattern("[0-9A-Za-z ._:/+=#-]{0,126}", 'a serial number of letters and digits, or "" for any')


def endpoint(url: str) -> Endpoint:
    """`udp://host:port` or `tcp://host:port`. Raises Refused."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise Refused from None
    protocol = parts.scheme
    rest = (parts.username, parts.password) != (None, None) or parts.path or parts.query or parts.fragment
    if not host or not port or rest:
        raise Refused
    if protocol == "udp":
        return Endpoint("udp", _host(host), port)
    if protocol == "tcp":
        return Endpoint("tcp", _host(host), port)
    raise Refused


def _list_of(most: int, one: Callable[[str], str]) -> Callable[[object, Path], tuple[str, ...]]:
    def accept(value: object, base: Path) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise Refused
        found = tuple(one(plain(item)) for item in value)
        if len(set(found)) != len(found):
            raise Refused("one of them stands twice")
        return found

    return accept


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise Refused from None
    if _unfit(address) or _scoped(address):
        raise Refused("not an address of a machine")
    return str(address)


def _unfit(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_unspecified or address.is_multicast or address.is_loopback


def _scoped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    # fe80::1%eth0: the name behind % would be text of the file in a place for addresses.
    return isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None


def _host(text: str) -> str:
    """An address, or a name of labels; not what merely looks like an address."""
    if ":" in text or re.fullmatch("[0-9.]+", text):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise Refused from None
        if address.is_unspecified or address.is_multicast or _scoped(address):
            raise Refused("not an address of a machine")
        return str(address)
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        raise Refused
    return text


def _pattern(pattern: str, expected: str) -> Check:
    compiled = re.compile(pattern)

    def accept(value: object, base: Path) -> str:
        text = plain(value)
        if not compiled.fullmatch(text):
            raise Refused
        return text

    return Check(expected, accept)
