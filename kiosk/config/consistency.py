"""Settings that must agree with one another.

Owns the rules between keys; each key by itself is right already. Must never guess which of two keys is the wrong one.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator

from drivers.share import FolderAddress, SmbAddress, parse
from kiosk.config.reading import Read


def problems(read: Read) -> list[str]:
    """A line for each rule that is broken. Keys that were refused already are not judged again."""
    return [*_data_folder(read), *_shares(read), *_appointments(read), *_places(read), *_hours(read), *_network(read)]


def _shares(read: Read) -> Iterator[str]:
    terminal, receipt_computer = read.tables["terminal"], read.tables["receipt_computer"]
    for key in ("results", "subsidies"):
        source, target = terminal.get(key), receipt_computer.get(key)
        # Camel, Mirth: a move into its own folder once deleted the file.
        if source is not None and target is not None and _place(source) == _place(target):
            yield f"[receipt_computer] {key}: is the same folder as [terminal] {key}; expected another one"
    if "subsidies" not in terminal or "subsidies" not in receipt_computer:
        return
    if (terminal["subsidies"] is None) != (receipt_computer["subsidies"] is None):
        lacking, having = (
            ("terminal", "receipt_computer") if terminal["subsidies"] is None else ("receipt_computer", "terminal")
        )
        yield f"[{lacking}] subsidies: missing, because [{having}] subsidies is there; expected both or neither"


def _data_folder(read: Read) -> Iterator[str]:
    data_dir = read.tables["site"].get("data_dir")
    for table in ("terminal", "receipt_computer"):
        for key in ("results", "subsidies"):
            url = read.tables[table].get(key)
            if data_dir is not None and url is not None and _place(url) == ("file", os.path.realpath(data_dir)):
                yield f"[site] data_dir: is the folder of [{table}] {key}; expected a folder of its own"


def _appointments(read: Read) -> Iterator[str]:
    reservations = read.tables["reservations"]
    if reservations.get("share") and "import_dir" in reservations and reservations["import_dir"] is None:
        yield "[reservations] import_dir: missing, because [reservations] share is there; expected a folder for copies"


def _place(url: str) -> tuple[object, ...]:
    """What two addresses of one folder have in common; the user does not matter."""
    address = parse(url)
    if isinstance(address, FolderAddress):
        # Links are followed, so that two names of one folder are seen to be one. Not Path.resolve: it raises on loops.
        return ("file", os.path.realpath(address.path))
    folder = tuple(name.casefold() for name in address.folder)
    return ("smb", address.host.casefold(), address.port, address.share.casefold(), folder)


def same_account(one: str | None, other: str | None) -> bool:
    """True when both are SMB addresses of one server and one user."""
    if one is None or other is None:
        return False
    left, right = parse(one), parse(other)
    if not (isinstance(left, SmbAddress) and isinstance(right, SmbAddress)):
        return False
    return (left.host.casefold(), left.port, left.domain, left.user) == (
        right.host.casefold(),
        right.port,
        right.domain,
        right.user,
    )


def _places(read: Read) -> Iterator[str]:
    seen: dict[str, int] = {}
    for n, place in enumerate(read.lists["place"], 1):
        department = place.get("department")
        if department is not None and seen.setdefault(department, n) != n:
            yield f"[[place]] no. {n} department: stands already in no. {seen[department]}; expected each once"


def _hours(read: Read) -> Iterator[str]:
    for n, hours in enumerate(read.lists["hours"], 1):
        if "open" in hours and "close" in hours and not hours["open"] < hours["close"]:
            yield f"[[hours]] no. {n} close: expected a time later than open"


def _network(read: Read) -> Iterator[str]:
    network = read.tables["network"]
    if "address" not in network or "gateway" not in network:
        return
    address, gateway = network["address"], network["gateway"]
    if address == "dhcp":
        if gateway:
            yield '[network] gateway: DHCP tells it; expected "", or an address of its own in [network] address'
    elif gateway and ipaddress.ip_address(gateway) not in ipaddress.ip_interface(address).network:
        yield f"[network] gateway: is not in the network of [network] address; expected one in {_network_of(address)}"
    elif gateway and ipaddress.ip_address(gateway) == ipaddress.ip_interface(address).ip:
        yield "[network] gateway: is the kiosk's own address; expected the router's"


def _network_of(address: str) -> str:
    return str(ipaddress.ip_interface(address).network)
