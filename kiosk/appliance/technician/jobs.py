"""What a person can ask root for on the appliance's pages: a closed list, with limits. Pure.

Owns the names, which are the verbs of root's socket. Protects nothing: root has its own list and checks every request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Job:
    """`limit_s`: time-out of the answer. `sure`: how many confirmations it takes."""

    limit_s: float
    sure: int = 0


JOBS: Final[dict[str, Job]] = {
    "status": Job(60),
    "acknowledge": Job(60, sure=1),
    "check": Job(600),
    "print": Job(120),
    "network": Job(60),
    "events": Job(60),
    "updates": Job(180),
    "update": Job(3600, sure=1),
    "previous": Job(120, sure=1),
    "restart": Job(120, sure=1),
    "restore": Job(300, sure=1),
    "reboot": Job(120, sure=1),
    "poweroff": Job(120, sure=1),
    "format": Job(120, sure=2),
    "disks": Job(60),
    "write_disk": Job(7200, sure=2),
}
MENU: Final = (
    "status", "check", "print", "network", "events", "updates", "previous", "restore", "restart", "reboot", "poweroff",
    "format",
)  # fmt: skip
# After these the machine goes down: their report has no buttons.
LAST_WORDS: Final = ("reboot", "poweroff", "previous", "format")
