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

from kiosk.config.checks import Check, Refused, matching, plain
from kiosk.words.problems import Problem

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
    return matching("[0-9A-Za-z][0-9A-Za-z._-]{0,14}|", Problem("expected.interface"))


def own_address() -> Check:
    """`"dhcp"`, or an address with the length of its network."""

    def accept(value: object, base: Path) -> str:
        text = plain(value)
        if text == "dhcp":
            return text
        if "/" not in text:
            raise Refused(Problem("why.no_network_length"))
        try:
            own = ipaddress.ip_interface(text)
        except ValueError:
            raise Refused from None
        _address(str(own.ip))
        if own.network.num_addresses > 2 and own.ip in (own.network.network_address, own.network.broadcast_address):
            raise Refused(Problem("why.network_itself"))
        return str(own)

    return Check(Problem("expected.own_address"), accept)


def optional_address() -> Check:
    """An address without a network, or ""."""
    return _optional(_address, Problem("expected.optional_address"))


def addresses(most: int) -> Check:
    """A list of at most `most` addresses."""
    return Check(Problem("expected.addresses", {"most": most}), _list_of(most, _address))


def hosts(most: int) -> Check:
    """A list of at most `most` hosts, by name or address."""
    return Check(Problem("expected.hosts", {"most": most}), _list_of(most, _host))


def hostname() -> Check:
    """The machine's own name, without a domain."""
    return matching(_LABEL.pattern, Problem("expected.hostname"))


def syslog_url() -> Check:
    """Where to forward the journal, or ""."""
    return _optional(lambda url: str(endpoint(url)), Problem("expected.syslog"))


def loopback() -> Check:
    """An address of this machine itself with a port, or ""."""

    def parse(text: str) -> str:
        # One grammar of host:port for all.
        found = endpoint(f"tcp://{text}")
        try:
            inside = ipaddress.ip_address(found.host).is_loopback
        except ValueError:
            raise Refused(Problem("why.no_address")) from None
        if not inside:
            raise Refused(Problem("why.outside"))
        return str(found).removeprefix("tcp://")

    return _optional(parse, Problem("expected.loopback"))


def listening() -> Check:
    """An address of this machine with a port; `0.0.0.0` and `[::]` are every one."""

    def accept(value: object, base: Path) -> str:
        try:
            parts = urlsplit(f"tcp://{plain(value)}")
            port, host = parts.port, parts.hostname or ""
            address = ipaddress.ip_address(host)
        except ValueError:
            raise Refused(Problem("why.no_address")) from None
        if not port or parts.path or "@" in parts.netloc or address.is_multicast or _scoped(address):
            raise Refused
        return str(Endpoint("tcp", str(address), port)).removeprefix("tcp://")

    return Check(Problem("expected.listening"), accept)


def networks(most: int) -> Check:
    """A list of at most `most` networks; an address alone is a network of one."""

    def one(text: str) -> str:
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            raise Refused(Problem("why.no_network")) from None
        # As with addresses: nothing but digits, letters, dots and colons goes into the firewall.
        if "%" in text or network.is_multicast:
            raise Refused(Problem("why.no_network"))
        if network.prefixlen == 0:
            raise Refused(Problem("why.every_network"))
        return str(network)

    return Check(Problem("expected.networks", {"most": most}), _list_of(most, one))


def usb_id() -> Check:
    """Vendor and product; given back in small letters, as the kernel shows them."""
    written = matching("[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}", Problem("expected.usb_id"))
    return Check(written.expected, lambda value, base: str(written.accept(value, base)).lower())


def usb_port() -> Check:
    """The kernel's name of a USB socket, or ""."""
    return matching(r"[0-9]{1,3}-[0-9]{1,3}(\.[0-9]{1,3}){0,5}|", Problem("expected.usb_port"))


def usb_serial() -> Check:
    """A USB serial number, or ""."""
    # Nothing that udev would read as a pattern, a quote or a substitution.
    return matching("[0-9A-Za-z ._:/+=#-]{0,126}", Problem("expected.usb_serial"))


def endpoint(url: str) -> Endpoint:
    """`udp://host:port` or `tcp://host:port`. Raises Refused."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise Refused from None
    rest = (parts.username, parts.password) != (None, None) or parts.path or parts.query or parts.fragment
    if not host or not port or rest:
        raise Refused
    if parts.scheme == "udp":
        return Endpoint("udp", _host(host), port)
    if parts.scheme == "tcp":
        return Endpoint("tcp", _host(host), port)
    raise Refused


def _optional(parse: Callable[[str], str], expected: Problem) -> Check:
    """What `parse` makes of it, or ""."""
    return Check(expected, lambda value, base: parse(text) if (text := plain(value)) else "")


def _list_of(most: int, one: Callable[[str], str]) -> Callable[[object, Path], tuple[str, ...]]:
    def accept(value: object, base: Path) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise Refused
        found = tuple(one(plain(item)) for item in value)
        if len(set(found)) != len(found):
            raise Refused(Problem("why.twice"))
        return found

    return accept


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise Refused from None
    if address.is_unspecified or address.is_multicast or address.is_loopback or _scoped(address):
        raise Refused(Problem("why.no_machine"))
    return str(address)


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
            raise Refused(Problem("why.no_machine"))
        return str(address)
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        raise Refused
    return text
