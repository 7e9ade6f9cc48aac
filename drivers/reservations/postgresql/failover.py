"""After another server took over: which kiosks have offered what they were told, and the release of numbers.

A server whose timeline is not the released one refuses to write. Every kiosk offers by itself as soon as it reaches it
(see `hosts`); then a person releases it, once, and the series of kiosks that did not come begin higher.
"""

import socket
import time
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from drivers.reservations import ReservationsDown
from drivers.reservations.adapter import Settings
from drivers.reservations.postgresql.address import parse
from drivers.reservations.postgresql.connection import Server
from drivers.reservations.postgresql.failures import Failed
from drivers.reservations.postgresql.hosts import Caller, Hosts

_WITHIN_S: Final = 20.0


@dataclass(frozen=True)
class KioskOffer:
    """A kiosk that registered patients lately, last on `day`. `offered`: what it was told, to this server; of that
    `restored` were missing.
    """

    role: str
    host: str
    day: date
    offered: bool
    restored: int


@dataclass(frozen=True)
class State:
    """`timeline`: cluster and timeline of the server; `released`: it gives numbers."""

    timeline: str
    released: bool
    kiosks: tuple[KioskOffer, ...]

    @property
    def waits(self) -> bool:
        """For kiosks that have not offered yet."""
        return not all(each.offered for each in self.kiosks)


class Failover:
    """The server of the book at `url`, asked by a role that is in kiosk_hub. Every call raises ReservationsDown."""

    def __init__(self, url: str, settings: Settings) -> None:
        caller = Caller(settings.name or socket.gethostname(), settings.clock, None)
        self._hosts = Hosts(Server(parse(url), settings.password, settings.ca_file), caller)

    def state(self, today: date) -> State:
        """As the server sees it."""
        answer = self._ask("failover", today)
        return State(str(answer["timeline"]), bool(answer["released"]), tuple(map(_offer, answer["kiosks"])))

    def release(self, today: date) -> bool:
        """Let it give numbers. True: the series of `today` begin 100 higher, as not every kiosk had offered."""
        return bool(self._ask("release", today)["lifted"])

    def close(self) -> None:
        self._hosts.close()

    def _ask(self, name: str, today: date) -> dict[str, Any]:
        try:
            return self._hosts.ask(name, {"day": today.isoformat()}, time.monotonic() + _WITHIN_S)
        except Failed as failed:
            known = failed.trouble
            raise ReservationsDown(known.what, known.code, **known.parameters) from None


def _offer(part: dict[str, Any]) -> KioskOffer:
    day = date.fromisoformat(part["day"])
    return KioskOffer(str(part["role"]), str(part["host"]), day, bool(part["offered"]), int(part["restored"]))
