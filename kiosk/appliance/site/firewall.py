"""The firewall: nothing comes in but browsers of [desk] allow, and out goes only what site.toml names.

Owns the ruleset of nftables. Without a site it is deploy/image/tree/etc/nftables.conf, loaded before any network is up.
Must never write a text of site.toml but addresses and ports that were parsed again here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from drivers import page_printer, share
from drivers.printer.address import TcpAddress, parse_url
from drivers.reservations import opening
from kiosk.config import Config
from kiosk.config.network_checks import endpoint

NTP_PORT: Final = 123
DNS_PORT: Final = 53

_TEXT: Final = """\
#!/usr/sbin/nft -f
# Made by kiosk/appliance/site/firewall.py. Everything that is not named here is dropped, both ways.
flush ruleset
table inet kiosk {{
\tchain incoming {{
\t\ttype filter hook input priority filter; policy drop;
\t\tiifname "lo" accept
\t\tct state established,related accept
{incoming}
\t}}
\tchain forwarded {{
\t\ttype filter hook forward priority filter; policy drop;
\t}}
\tchain outgoing {{
\t\ttype filter hook output priority filter; policy drop;
\t\toifname "lo" accept
\t\tct state established,related accept
{outgoing}
\t}}
}}
"""
# RFC 4890 4.4.1: without neighbour discovery there is no IPv6. Hop limit 255: from this link.
# Errors of our own connections are "related".
_NEIGHBOURS_IN: Final = (
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } ip6 hoplimit 255 accept"
)
# MLD reports: switches with MLD snooping pass no neighbour discovery without them.
_NEIGHBOURS_OUT: Final = (
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } accept"
)
# RFC 2131 and 8415: the answer to a broadcast belongs to no connection.
_DHCP_IN: Final = ("udp sport 67 udp dport 68 accept", "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept")
_DHCP_OUT: Final = ("udp sport 68 udp dport 67 accept", "udp sport 546 udp dport 547 accept")


@dataclass(frozen=True)
class Peer:
    """A server that the kiosk connects to."""

    protocol: Literal["tcp", "udp"]
    host: str
    port: int


def ruleset(config: Config | None) -> str:
    """The whole ruleset; nft loads it atomically."""
    incoming, outgoing = [_NEIGHBOURS_IN], [_NEIGHBOURS_OUT]
    if config is None or config.network.address == "dhcp":
        incoming += _DHCP_IN
        outgoing += _DHCP_OUT
    if config is not None:
        incoming += _browsers(config)
        # One rule for each way, however many keys need it.
        outgoing += dict.fromkeys(_rule(peer) for peer in peers(config))
        outgoing += _names(config)
        outgoing += _clock(config)
    # What a wrong site.toml or an intruder tries is logged, rate-limited.
    outgoing.append('limit rate 6/minute burst 12 packets log prefix "kiosk firewall refused: "')
    return _TEXT.format(incoming=_lines(incoming), outgoing=_lines(outgoing))


def peers(config: Config) -> Iterator[Peer]:
    """Everything site.toml names by host and port, but the servers of time and names."""
    receipt_computer, desk = config.receipt_computer, config.desk
    shares = (
        config.terminal.results, config.terminal.subsidies,
        *((receipt_computer.results, receipt_computer.subsidies) if receipt_computer else ()),
        config.reservations.share, config.metrics.push, config.update.folder,
        *((desk.requests, desk.answers, desk.export) if desk else ()),
    )  # fmt: skip
    for address in (share.parse(url) for url in shares if url):
        if isinstance(address, share.SmbAddress):
            yield Peer("tcp", address.host, address.port)
    printer = parse_url(config.printer.url) if config.printer else None
    if isinstance(printer, TcpAddress):
        yield Peer("tcp", printer.host, printer.port)
    pages = page_printer.parse_url(desk.printer) if desk and desk.printer else None
    if isinstance(pages, page_printer.IppAddress):
        yield Peer("tcp", pages.host, pages.port)
    for url in (config.his.url, config.reservations.url):
        if "://" in url:
            yield from (Peer("tcp", host, port) for host, port in opening.peers(url))
    if config.syslog.server:
        server = endpoint(config.syslog.server)
        yield Peer(server.protocol, server.host, server.port)


def _browsers(config: Config) -> Iterator[str]:
    """Who may reach the desk's pages; nobody while it listens on the loopback only."""
    desk = config.desk
    if desk is None or desk.on_loopback:
        return
    for text in desk.allow:
        network = ipaddress.ip_network(text)
        yield f"{'ip6' if network.version == 6 else 'ip'} saddr {network} tcp dport {desk.address[1]} accept"


def _rule(peer: Peer, condition: str = "") -> str:
    address = _address(peer.host)
    to = f"{'ip6' if address.version == 6 else 'ip'} daddr {address} " if address else ""
    # A name may resolve to another address tomorrow; nft would resolve it once, before the network is up.
    more = "" if address else ' comment "a name in site.toml: any address"'
    return f"{condition}{to}{peer.protocol} dport {peer.port} accept{more}"


def _names(config: Config) -> list[str]:
    """Name servers; nobody when site.toml names addresses only."""
    hosts = [peer.host for peer in peers(config)] + list(config.time.servers)
    if all(_address(host) for host in hosts):
        return []
    if config.network.dns:
        return [_rule(Peer(protocol, host, DNS_PORT)) for host in config.network.dns for protocol in _BOTH]
    if config.network.address != "dhcp":
        return []
    return [f'{protocol} dport {DNS_PORT} accept comment "servers of DHCP: known later"' for protocol in _BOTH]


_BOTH: Final[tuple[Literal["udp", "tcp"], ...]] = ("udp", "tcp")


def _clock(config: Config) -> list[str]:
    """NTP servers, for systemd-timesyncd alone: those of site.toml, else those that DHCP names."""
    mine = "meta skuid systemd-timesync "
    if config.time.servers:
        return list(dict.fromkeys(_rule(Peer("udp", host, NTP_PORT), mine) for host in config.time.servers))
    if config.network.address != "dhcp":
        return []
    return [f'{mine}udp dport {NTP_PORT} accept comment "servers of DHCP: known later"']


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, None for a name. Without a scope (fe80::1%eth0): that is a free text."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return ipaddress.IPv6Address(int(address)) if isinstance(address, ipaddress.IPv6Address) else address


def _lines(rules: list[str]) -> str:
    return "\n".join(f"\t\t{rule}" for rule in rules)
