"""The tables of site.toml that only the appliance image reads: its network, its clock, who may look at it, its devices.

As `model`, which joins them with the others. All may be left out; a kiosk on an ordinary PC ignores them but [metrics].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from kiosk.config import checks, network_checks


@dataclass(frozen=True, kw_only=True)
class Network:
    """[network] The appliance's own address."""

    # "": every Ethernet interface.
    interface: Annotated[str, network_checks.interface()] = ""
    # "dhcp", or an address with the length of its network: "192.0.2.40/24".
    address: Annotated[str, network_checks.own_address()] = "dhcp"
    gateway: Annotated[str, network_checks.optional_address()] = ""
    # (): from DHCP.
    dns: Annotated[tuple[str, ...], network_checks.addresses(3)] = ()
    hostname: Annotated[str, network_checks.hostname()] = "kiosk"


@dataclass(frozen=True, kw_only=True)
class TimeServers:
    """[time] The time servers (NTP). (): those of DHCP, else nobody."""

    servers: Annotated[tuple[str, ...], network_checks.hosts(4)] = ()


@dataclass(frozen=True, kw_only=True)
class Syslog:
    """[syslog] Where the journal is forwarded to. "": nowhere."""

    server: Annotated[str, network_checks.syslog_url()] = ""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """[metrics] Figures for the hospital's monitoring."""

    # "": nobody listens. Else an address of this machine itself, "127.0.0.1:9105".
    listen: Annotated[str, network_checks.loopback()] = ""
    # "": nothing is written. Else the share into whose folder the file of figures goes.
    push: Annotated[str, checks.optional_share_url()] = ""
    push_every_s: Annotated[float, checks.number(5, 3600, "seconds")] = 60.0
    password_file: Annotated[str, checks.file_name()] = "metrics.secret"  # noqa: S105 - the name of a file


@dataclass(frozen=True, kw_only=True)
class Technician:
    """[technician] Without its file there is no technician's page."""

    pin_file: Annotated[str, checks.file_name()] = "technician.secret"


@dataclass(frozen=True, kw_only=True)
class Update:
    """[update] Where updates of the appliance lie, beside sticks. "": on sticks only."""

    folder: Annotated[str, checks.optional_share_url()] = ""
    password_file: Annotated[str, checks.file_name()] = "update.secret"  # noqa: S105 - the name of a file


@dataclass(frozen=True, kw_only=True)
class UsbDevice:
    """[[usb]] A device that may be used; on the appliance every other one stays switched off."""

    what: Annotated[
        Literal["printer", "reader", "keypad", "touch"], checks.choice("printer", "reader", "keypad", "touch")
    ]
    # Vendor and product as `lsusb` prints them, in small letters.
    id: Annotated[str, network_checks.usb_id()]
    # "": in any socket. Else the kernel's name of the socket, "1-2".
    port: Annotated[str, network_checks.usb_port()] = ""
    # "": with any serial number.
    serial: Annotated[str, network_checks.usb_serial()] = ""
