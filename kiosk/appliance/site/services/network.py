"""[network] → a file for systemd-networkd. systemd.network(5), systemd 252."""

from __future__ import annotations

import ipaddress

from kiosk.config import Config, Network


def network_file(config: Config | None) -> str:
    """The interfaces' settings; DHCP without a site. The kiosk announces itself to nobody: no LLMNR, no
    multicast DNS.
    """
    network = config.network if config else Network()
    own_time = bool(config and config.time.servers)
    # Kind: virtual interfaces have one, network cards none.
    match = f"Name={network.interface}" if network.interface else "Type=ether\nKind=!*"
    servers = "".join(f"DNS={address}\n" for address in network.dns)
    return f"""\
# Made from site.toml.
[Match]
{match}

[Link]
# The kiosk starts without its network and says so on the screen; nothing waits for a cable.
RequiredForOnline=no

[Network]
LLMNR=no
MulticastDNS=no
EmitLLDP=no
{servers}{_dhcp(network, own_time=own_time) if network.address == "dhcp" else _own(network)}"""


def _dhcp(network: Network, *, own_time: bool) -> str:
    dns, ntp = ("no" if network.dns else "yes"), ("no" if own_time else "yes")
    options = f"UseDNS={dns}\nUseNTP={ntp}\nUseHostname=no\n"
    # By MAC address: after formatting, the machine gets the same lease.
    return f"""\
DHCP=yes

[DHCPv4]
ClientIdentifier=mac
{options}
[DHCPv6]
{options}
[IPv6AcceptRA]
UseDNS={dns}
"""


def _own(network: Network) -> str:
    own = ipaddress.ip_interface(network.address)
    gateway = f"Gateway={network.gateway}\n" if network.gateway else ""
    # With a static IPv4 address nothing needs IPv6, and a forged router advertisement does nothing.
    local = "ipv6" if own.version == 6 else "no"
    return f"DHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing={local}\nAddress={own}\n{gateway}"
