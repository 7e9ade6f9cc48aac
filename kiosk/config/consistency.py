"""Settings that must agree with one another.

Owns the rules between keys; each key by itself is right already. Must never guess which of two keys is the wrong one.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from typing import Final

from drivers.share import FolderAddress, SmbAddress, parse
from kiosk.config import systems_consistency
from kiosk.config.reading import Read
from kiosk.words.problems import Problem


def problems(read: Read) -> list[Problem]:
    """The rules that are broken. Keys that were refused already are not looked at again."""
    rules = (
        _data_folder,
        _shares,
        _appointments,
        systems_consistency.problems,
        _places,
        _hours,
        _network,
        _departments,
        _desk,
        _desk_shares,
        _patients,
    )
    return [problem for rule in rules for problem in rule(read)]


def _shares(read: Read) -> Iterator[Problem]:
    if "receipt_computer" not in read.tables:
        return
    terminal, receipt_computer = read.tables["terminal"], read.tables["receipt_computer"]
    for key in ("results", "subsidies"):
        source, target = terminal.get(key), receipt_computer.get(key)
        # Camel, Mirth: a move into its own folder once deleted the file.
        if source is not None and target is not None and _place(source) == _place(target):
            yield Problem("problem.same_folder", {"key": key})
    if "subsidies" not in terminal or "subsidies" not in receipt_computer:
        return
    has = {"terminal": terminal["subsidies"] is not None, "receipt_computer": receipt_computer["subsidies"] is not None}
    lacking, having = sorted(has, key=lambda table: has[table])
    # Pattern 2: the receipt computer reads the terminal's own folder of subsidies, and a desk may do so beside it.
    if lacking == "receipt_computer" and "desk" in read.tables and read.tables["site"].get("pattern") == 2:
        return
    if has[lacking] != has[having]:
        yield Problem("problem.subsidies_missing", {"lacking": lacking, "having": having})


_FOLDERS: Final = {
    "terminal": ("results", "subsidies"),
    "receipt_computer": ("results", "subsidies"),
    "desk": ("requests", "answers", "export"),
}


def _data_folder(read: Read) -> Iterator[Problem]:
    data_dir = read.tables["site"].get("data_dir")
    for table, keys in _FOLDERS.items():
        for key in keys:
            url = read.tables.get(table, {}).get(key)
            if data_dir is not None and url and _place(url) == ("file", os.path.realpath(data_dir)):
                yield Problem("problem.data_dir_shared", {"table": table, "key": key})


def _appointments(read: Read) -> Iterator[Problem]:
    reservations = read.tables["reservations"]
    if reservations.get("share") and "import_dir" in reservations and reservations["import_dir"] is None:
        yield Problem("problem.import_dir_missing")


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
    return isinstance(left, SmbAddress) and isinstance(right, SmbAddress) and left.account == right.account


# A [[place]] is one for each of these.
_PLACE: Final = ("department", "doctor", "entrance")


def _places(read: Read) -> Iterator[Problem]:
    seen: dict[tuple[str, ...], int] = {}
    for n, place in enumerate(read.lists["place"], 1):
        if not all(key in place for key in _PLACE):
            continue
        where = tuple(place[key] for key in _PLACE)
        if seen.setdefault(where, n) != n:
            yield Problem("problem.place_twice", {"n": n, "other": seen[where]})


def _departments(read: Read) -> Iterator[Problem]:
    """A department is one, whether it is named by its code or by its name."""
    owner: dict[str, int] = {}
    for n, department in enumerate(read.lists["department"], 1):
        for key in ("code", "name"):
            known = owner.setdefault(department.get(key, ""), n) if department.get(key) else n
            if known != n:
                yield Problem("problem.department_twice", {"n": n, "key": key, "other": known})
    placed: dict[tuple[object, ...], int] = {}
    for n, place in enumerate(read.lists["place"], 1):
        number = owner.get(place.get("department", ""))
        where = (number, place.get("doctor"), place.get("entrance"))
        if number is not None and placed.setdefault(where, n) != n:
            other = read.lists["place"][placed[where] - 1]
            if other.get("department") != place.get("department"):  # else `_places` says so
                yield Problem("problem.place_twice", {"n": n, "other": placed[where]})
    codes = {department.get("code") for department in read.lists["department"]}
    for code in read.tables["walk_in"].get("departments", ()):
        if code not in codes:
            yield Problem("problem.walk_in_department", {"code": code})
    always = read.tables.get("desk", {}).get("always_department")
    if always and always not in owner:
        yield Problem("problem.always_department", {"name": always})


def _desk(read: Read) -> Iterator[Problem]:
    desk = read.tables.get("desk", {})
    certificate, key = desk.get("certificate_file"), desk.get("key_file")
    if certificate is not None and key is not None and bool(certificate) != bool(key):
        lacking, having = ("key_file", "certificate_file") if certificate else ("certificate_file", "key_file")
        yield Problem("problem.desk_pair", {"lacking": lacking, "having": having})
    if desk.get("client_ca_file") and certificate == "":
        yield Problem("problem.desk_pair", {"lacking": "certificate_file", "having": "client_ca_file"})
    if desk.get("print") in ("on_tap", "on_register") and desk.get("printer") == "":
        yield Problem("problem.desk_printer", {"print": desk["print"]})
    listen = desk.get("listen")
    if listen is None or ipaddress.ip_address(listen.rpartition(":")[0].strip("[]")).is_loopback:
        return
    if certificate == "" and key == "":
        yield Problem("problem.desk_in_clear")
    if desk.get("allow") == ():
        yield Problem("problem.desk_allow")


def _desk_shares(read: Read) -> Iterator[Problem]:
    """What the desk writes must not look like a result, nor come into a folder of the receipt computer's results."""
    desk = read.tables.get("desk", {})
    if desk.get("answers") and desk.get("requests") == "":
        yield Problem("problem.requests_missing")
    for key in ("requests", "export"):
        own = desk.get(key)
        for table in ("terminal", "receipt_computer"):
            for other in ("results", "subsidies"):
                url = read.tables.get(table, {}).get(other)
                if own and url and _place(own) == _place(url):
                    yield Problem("problem.desk_folder", {"key": key, "table": table, "other": other})


def _patients(read: Read) -> Iterator[Problem]:
    screen, reader = read.tables["screen"], read.tables.get("card_reader", {})
    language, languages = screen.get("default_language"), screen.get("languages")
    if language is not None and languages is not None and language not in languages:
        yield Problem("problem.default_language", {"language": f'"{language}"'})
    if reader.get("birthday", "never") != "never" and not read.tables.get("desk", {"patients": None}).get(
        "patients", "?"
    ):
        yield Problem("problem.birthday_unknown")
    if reader.get("also") and reader.get("also") == reader.get("url"):
        yield Problem("problem.also_reader")


def _hours(read: Read) -> Iterator[Problem]:
    for n, hours in enumerate(read.lists["hours"], 1):
        if "open" in hours and "close" in hours and not hours["open"] < hours["close"]:
            yield Problem("problem.closes_early", {"n": n})


def _network(read: Read) -> Iterator[Problem]:
    network = read.tables["network"]
    if "address" not in network or "gateway" not in network:
        return
    address, gateway = network["address"], network["gateway"]
    if not gateway:
        return
    if address == "dhcp":
        yield Problem("problem.gateway_by_dhcp")
        return
    own, other = ipaddress.ip_interface(address), ipaddress.ip_address(gateway)
    if other not in own.network:
        yield Problem("problem.gateway_elsewhere", {"network": str(own.network)})
    elif other == own.ip:
        yield Problem("problem.gateway_own")
