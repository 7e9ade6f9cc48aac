"""The machine as lines for the technician: version, and the network as it is now.

Must never show a password, or change anything.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from kiosk.appliance.machine.places import Places, text_of
from kiosk.appliance.update import slots
from kiosk.appliance.words import line
from kiosk.config import ConfigError, load

_LIMIT_S: Final = 10.0
_MAX: Final = 20


def version(places: Places) -> list[str]:
    """Version, slot and signing key; whether /var is encrypted."""
    release = places.release()
    slot = places.on_cmdline("rauc.slot") or "-"
    lines = [
        line("machine.version", version=release.get("VERSION", "-"), slot=slot, keyring=release.get("KEYRING", "-"))
    ]
    # Decided once, when /var is formatted: a TPM that is enabled later encrypts nothing.
    encrypted = places.call("findmnt", "-n", "-o", "SOURCE", "/var", limit_s=_LIMIT_S).out.startswith(b"/dev/mapper/")
    lines.append(line("machine.var_encrypted" if encrypted else "machine.var_plain"))
    if slots.passed_over(places):
        lines += [line("machine.passed_over"), line("machine.passed_over_do")]
    return lines


def network(places: Places) -> list[str]:
    """Name, interfaces, addresses, gateway, name servers, time servers."""
    lines = [line("machine.name", name=socket.gethostname())]
    for link in _query_ip(places, "addr", "show")[:_MAX]:
        if link.get("ifname") != "lo":
            lines += list(_link(link))
    routes = [route for route in _query_ip(places, "route", "show", "default") if route.get("gateway")]
    gateways = dict.fromkeys(str(route["gateway"]) for route in routes[:_MAX])
    none, comma = line("machine.none"), line("machine.comma")
    lines.append(line("machine.gateway", addresses=comma.join(gateways) or none))
    lines.append(line("machine.dns", addresses=comma.join(_name_servers(places)) or none))
    time_servers = comma.join(_time_servers(places)) or line("machine.of_dhcp")
    lines.append(line("machine.time_servers", servers=time_servers))
    synchronised = (places.root / "run/systemd/timesync/synchronized").exists()
    lines.append(line("machine.clock_right" if synchronised else "machine.clock_not_set"))
    return lines


def _link(link: dict[str, Any]) -> Iterator[str]:
    code = "machine.link_up" if link.get("operstate") == "UP" else "machine.link_down"
    yield line(code, name=str(link.get("ifname")), address=str(link.get("address", "")))
    for address in link.get("addr_info", [])[:_MAX]:
        yield f"　{address.get('local')}/{address.get('prefixlen')}"


def _query_ip(places: Places, *what: str) -> list[dict[str, Any]]:
    done = places.call("ip", "-j", *what, limit_s=_LIMIT_S)
    with suppress(ValueError):
        found = json.loads(done.out or b"[]")
        return [each for each in found if isinstance(each, dict)]
    return []


def _name_servers(places: Places) -> list[str]:
    words = (line.split() for line in text_of(places.root / "run/systemd/resolve/resolv.conf").splitlines())
    return [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"][:_MAX]


def _time_servers(places: Places) -> tuple[str, ...]:
    with suppress(ConfigError):
        return load(places.site_file, {}, passwords=False).time.servers
    return ()
