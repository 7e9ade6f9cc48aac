"""What an adapter to a system or a book exposes, as `ADAPTER` of its module; `opening` finds it by a url's scheme."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from drivers.reservations import HOSPITAL, Numbering
from drivers.reservations.ports import ImportingBook, SystemOfRecord

if TYPE_CHECKING:
    from drivers.reservations.probing import Probe

CONTRACT: Final = 1
Clock = Callable[[], datetime]


def now() -> datetime:
    """Aware."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Settings:
    """What adapters may need besides their url; each takes what it knows.

    `folder`: where it may keep files of its own (0700, there). `appointments`: False for a book that has none of its
    own, because a system or another book has them. `clock()`: aware; by it `not_after` and leases are
    judged. `ca_file`: PEM, whom to trust instead of the machine's list. `client_certificate`: PEM with key.
    `plain_http`: off loopback too. `doctor`: the code of the doctor of who has none, `doctors`: by department (code or
    name), before it. `name`: of this kiosk, for who keeps books of kiosks.
    """

    folder: Path
    numbering: Numbering = HOSPITAL
    clock: Clock = now
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    client_certificate: Path | None = None
    plain_http: bool = False
    doctor: str = ""
    doctors: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    appointments: bool = True


@dataclass(frozen=True)
class Adapter:
    """`contract`: CONTRACT as it was when the adapter was written.

    `check(url)` raises BadAddress, which never repeats the url. `peers(url)`: host and port of each neighbour, for the
    firewall. `book`, `system`: open it, without talking to anybody yet; None: it is none.
    `probe`: what a technician is told of it; None: nothing but whether it answers.
    """

    contract: int
    check: Callable[[str], None]
    peers: Callable[[str], tuple[tuple[str, int], ...]]
    book: Callable[[str, Settings], ImportingBook] | None = None
    system: Callable[[str, Settings], SystemOfRecord] | None = None
    probe: "Probe | None" = None
