"""The machine's own facts as lines for the technician: version, and the network as it is now.

Owns the words. Must never show a password; only looks.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from kiosk.appliance.machine.places import Places
from kiosk.appliance.update import slots
from kiosk.config import ConfigError, load

_LIMIT_S: Final = 10.0
_MAX: Final = 20


def version(places: Places) -> list[str]:
    """What is installed."""
    release = places.release()
    slot = places.on_cmdline("rauc.slot") or "-"
    lines = [f"版 {release.get('VERSION', '-')}（スロット {slot}、鍵 {release.get('KEYRING', '-')}）"]
    # It is decided once, when /var is made: a TPM that is switched on later encrypts nothing.
    encrypted = places.call("findmnt", "-n", "-o", "SOURCE", "/var", limit_s=_LIMIT_S).out.startswith(b"/dev/mapper/")
    lines.append(f"記録の領域: {'TPM の鍵で暗号化しています' if encrypted else '暗号化していません'}")
    if slots.passed_over(places):
        lines.append("いつもの版が 3 回続けて起動しなかったので、もう一方の版で動いています")
        lines.append("［前の版に戻す］を押すと、いつもの版に戻ります")
    return lines


def network(places: Places) -> list[str]:
    """Name, interfaces, addresses, gateway, name servers, time servers."""
    lines = [f"名前: {socket.gethostname()}"]
    for link in _query_ip(places, "addr", "show")[:_MAX]:
        if link.get("ifname") != "lo":
            lines += list(_link(link))
    routes = [route for route in _query_ip(places, "route", "show", "default") if route.get("gateway")]
    gateways = dict.fromkeys(str(route["gateway"]) for route in routes[:_MAX])
    lines.append(f"ゲートウェイ: {'、'.join(gateways) or 'なし'}")
    lines.append(f"DNS: {'、'.join(_name_servers(places)) or 'なし'}")
    lines.append(f"時刻サーバー: {'、'.join(_time_servers(places)) or '設定なし（DHCP が教えるもの）'}")
    synchronised = (places.root / "run/systemd/timesync/synchronized").exists()
    lines.append("時計: 合っています" if synchronised else "時計: まだ合わせていません")
    return lines


def _link(link: dict[str, Any]) -> Iterator[str]:
    state = "つながっています" if link.get("operstate") == "UP" else "つながっていません"
    yield f"{link.get('ifname')}: {state}（{link.get('address', '')}）"
    for address in link.get("addr_info", [])[:_MAX]:
        yield f"　{address.get('local')}/{address.get('prefixlen')}"


def _query_ip(places: Places, *what: str) -> list[dict[str, Any]]:
    done = places.call("ip", "-j", *what, limit_s=_LIMIT_S)
    with suppress(ValueError):
        found = json.loads(done.out or b"[]")
        return [each for each in found if isinstance(each, dict)]
    return []


def _name_servers(places: Places) -> list[str]:
    with suppress(OSError, UnicodeDecodeError):
        text = (places.root / "run/systemd/resolve/resolv.conf").read_text(encoding="utf-8")
        words = [line.split() for line in text.splitlines()]
        return [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"][:_MAX]
    return []


def _time_servers(places: Places) -> tuple[str, ...]:
    with suppress(ConfigError):
        return load(places.site_file, {}, passwords=False).time.servers
    return ()
