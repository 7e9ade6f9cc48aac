"""The configuration of the system's services, as texts made from site.toml; the firewall's is in `firewall`.

Owns pure functions Config → text; `apply` writes the texts. Config None: there is no site that can be used, and the
text is the safe one. Must never let a text of site.toml into a file that the check of its key did not make for it, or
name a credential that is not there: systemd 252 then restarts the service for ever.

Formats: systemd.network(5), timesyncd.conf(5) and systemd.exec(5) of systemd 252; udev(7); rsyslog 8.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

from drivers.printer.address import UsbAddress, parse_url
from kiosk.config import Config, Network, UsbDevice, installed
from kiosk.config.network_checks import endpoint

# How far the journal was read, and what waits for the server; systemd makes it (StateDirectory of the drop-in).
_RSYSLOG_STATE: Final = "/var/lib/kiosk-rsyslog"
_RSYSLOG_DROP_IN: Final = f"""\
[Service]
ExecStart=
ExecStart=/usr/sbin/rsyslogd -n -iNONE -f /run/kiosk-appliance/rsyslog.conf
StateDirectory={Path(_RSYSLOG_STATE).name}
StateDirectoryMode=0700
Restart=on-failure
RestartSec=30
MemoryMax=128M
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_DAC_READ_SEARCH
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
"""

# Without a site (a new machine, a broken /var) nobody can name the touch panel, and the page needs it. There is nothing
# to protect yet, and what a device could type reaches no shell; devices that call themselves keyboards stay out.
_TOUCH_PANELS: Final = (
    'SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ENV{ID_USB_INTERFACES}=="*:030000:*", '
    'ENV{ID_USB_INTERFACES}!="*:0301??:*", ENV{KIOSK_USB}="allowed"'
)


def network_file(config: Config | None) -> str:
    """DHCP without a site. The kiosk announces itself to nobody: no LLMNR, no multicast DNS."""
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
{servers}{_dhcp(network, own_time=own_time) if network.address == "dhcp" else _static(network)}"""


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


def _static(network: Network) -> str:
    own = ipaddress.ip_interface(network.address)
    gateway = f"Gateway={network.gateway}\n" if network.gateway else ""
    # With a static IPv4 address nothing needs IPv6, and a forged router advertisement does nothing.
    local = "ipv6" if own.version == 6 else "no"
    return f"DHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing={local}\nAddress={own}\n{gateway}"


def timesyncd_file(config: Config | None) -> str:
    """The servers; those of DHCP reach timesyncd through networkd. Without any, the image's timesyncd.conf decides."""
    servers = " ".join(config.time.servers) if config else ""
    return f"# Made from site.toml.\n[Time]\nNTP={servers}\n"


def rsyslog_file(config: Config | None) -> str | None:
    """[syslog]: the journal is read and forwarded, and no log files are written; None: nothing is forwarded.

    RFC 5424, over TCP framed as in RFC 6587 3.4.1. What writes to the journal writes no patient's data and no secret.
    """
    if config is None or not config.syslog.server:
        return None
    server = endpoint(config.syslog.server)
    framing = ' TCP_Framing="octet-counted"' if server.protocol == "tcp" else ""
    return f"""\
# Made from site.toml.
global(workDirectory="{_RSYSLOG_STATE}")
# A server that was away gets what it missed, as far as the journal and the queue reach.
module(load="imjournal" StateFile="journal" PersistStateInterval="50" Ratelimit.Interval="60" Ratelimit.Burst="5000")
action(type="omfwd" target="{server.host}" port="{server.port}" protocol="{server.protocol}"{framing}
  template="RSYSLOG_SyslogProtocol23Format" action.resumeRetryCount="-1" action.resumeInterval="30"
  queue.type="LinkedList" queue.size="5000" queue.filename="waiting" queue.maxDiskSpace="16m"
  queue.saveOnShutdown="on")
"""


def usb_rules(config: Config | None) -> str:
    """Rules that mark what may be used: [[usb]] in the order of the file and [printer] url; else any touch panel.

    The kernel lets no USB device in by itself (usbcore.authorized_default=0). 59-kiosk-usb.rules of the image marks
    hubs and sticks, the file of here the site's devices, and 61-kiosk-usb.rules lets in what is marked and nothing
    else. A device can lie about its numbers: this keeps out a keyboard that somebody plugs in, not a tool built for
    this hospital.
    """
    lines = ["# Made from site.toml."]
    if config is None:
        lines.append(_TOUCH_PANELS)
    for device in _usb_devices(config) if config else ():
        lines += _udev_rules(device)
    return "\n".join(lines) + "\n"


def _usb_devices(config: Config) -> Iterator[UsbDevice]:
    yield from config.usb
    printer = parse_url(config.printer.url) if config.printer else None
    if isinstance(printer, UsbAddress):
        number = f"{printer.vendor:04x}:{printer.product:04x}"
        # A printer that the list ties to a port or a serial number is authorised nowhere else.
        if number not in {device.id for device in config.usb}:
            yield UsbDevice(what="printer", id=number)


def _udev_rules(device: UsbDevice) -> Iterator[str]:
    vendor, product = device.id.split(":")
    port = f', KERNEL=="{device.port}"' if device.port else ""
    serial = f', ATTR{{serial}}=="{device.serial}"' if device.serial else ""
    # The rules of every kiosk do not recognise a printer of a vendor-specific class.
    group = ', GROUP="lp", MODE="0660"' if device.what == "printer" else ""
    yield (
        f'SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", ATTR{{idVendor}}=="{vendor}", ATTR{{idProduct}}=="{product}"'
        f'{port}{serial}, ENV{{KIOSK_USB}}="allowed"{group}'
    )
    link = {"reader": "kiosk-card-reader", "printer": "kiosk-serial-printer"}.get(device.what)
    if link:
        port, serial = port.replace("KERNEL", "KERNELS"), serial.replace("ATTR", "ATTRS")
        yield (
            f'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}"{port}{serial}, '
            f'SYMLINK+="{link}", OPTIONS+="link_priority=100"'
        )


def drop_ins(config: Config | None, credentials: Path, sealed: AbstractSet[str]) -> dict[str, str]:
    """Text of `UNIT.service.d/site.conf` by unit, without .service; a unit that is not in it needs none.

    `credentials`: the folder of the site's sealed secrets. `sealed`: the names that are in it.
    """
    if config is None:
        return {}
    exports = [config.reservations.import_dir] if config.reservations.import_dir else []
    writes = {
        "kiosk": installed.reception_writes(config),
        "kiosk-courier": installed.courier_writes(config),
        # It tests whether the reception could write there, which a read-only mount would hide.
        "kiosk-check": [*installed.courier_writes(config), *exports],
        "kiosk-metrics": installed.metrics_writes(config),
        "kiosk-appointments": exports,
        "kiosk-desk": installed.desk_writes(config),
    }
    secrets = installed.secrets(config)
    found = {"rsyslog": _RSYSLOG_DROP_IN} if config.syslog.server else {}
    for unit in dict.fromkeys([*writes, *secrets]):
        loaded = "".join(
            f"LoadCredentialEncrypted={name}:{credentials / name}\n" for name in secrets.get(unit, ()) if name in sealed
        )
        lines = loaded + installed.read_write_paths(writes.get(unit, ()))
        if lines:
            found[unit] = f"# Made from site.toml.\n[Service]\n{lines}"
    return found
