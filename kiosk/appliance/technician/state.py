"""What the appliance's pages know: the page that root requests, the machine's state, and how far a person got. Pure.

Owns the state, the events and the asks of `step.step`. Must never hold a patient's data; the PIN and the
session's key are kept out of every repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

KINDS: Final = ("no_site", "provisioned", "recovery", "technician", "updating", "installer")
TEXT_MAX_CHARS: Final = 400
ROWS_MAX: Final = 500
OPTIONS_MAX: Final = 40


@dataclass(frozen=True)
class RequestedPage:
    """page.json as root wrote it. An unknown kind (of a newer root) becomes `updating`."""

    kind: str = "no_site"
    taken: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    accepted: bool = False
    checking: bool = False  # root is reading a stick
    reason: str = ""
    percent: int | None = None


@dataclass(frozen=True)
class Machine:
    """The answer to `state`, as far as pages need it, and the USB devices that are not allowed."""

    version: str = ""
    slot: str = ""
    site: bool = False
    technician: bool = False
    stick: bool = False
    locked_s: int = 0
    refused_usb: tuple[str, ...] = ()
    desk: bool = False  # the site has a reception desk


@dataclass(frozen=True)
class Option:
    """One of a list to choose from. `name` is sent to root."""

    name: str
    label: str


@dataclass(frozen=True)
class Front:
    """The page itself; `part`: which part of a long list."""

    part: int = 0


@dataclass(frozen=True)
class Pin:
    """`outcome`: of the last try, a key of [pin]; `number`: tries or minutes left. `asked`: 0, or waiting."""

    digits: str = field(default="", repr=False)
    outcome: str = ""
    number: int = 0
    asked: int = 0


@dataclass(frozen=True)
class Menu:
    """The technician has given the PIN."""


@dataclass(frozen=True)
class Working:
    """Root is busy with a job that was asked for; it ends at `until` whatever root does."""

    job: str
    asked: int
    until: float
    rows: tuple[str, ...] = ()
    percent: int | None = None


@dataclass(frozen=True)
class Report:
    """What came out of a job. `reason`: a word, or a whole sentence from root. `well`: nothing needs a look."""

    job: str
    ok: bool
    reason: str = ""
    rows: tuple[str, ...] = ()
    part: int = 0
    well: bool = True


@dataclass(frozen=True)
class Choice:
    """A list to choose from, for `job`."""

    job: str
    options: tuple[Option, ...]
    part: int = 0


@dataclass(frozen=True)
class Sure:
    """Are you sure? `again`: asked for the second time."""

    job: str
    option: Option | None = None
    again: bool = False


@dataclass(frozen=True)
class Gone:
    """Root was asked to put something else on the screen; if it does not, the page is there again at `until`."""

    until: float


Stage = Front | Pin | Menu | Working | Report | Choice | Sure | Gone


@dataclass(frozen=True)
class State:
    """Everything the pages depend on. `touched_at`: the last touch, or the end of the last job; seconds, monotonic.

    `idle_s`: how long a page that goes by itself stays without a touch.
    """

    requested: RequestedPage
    stage: Stage
    touched_at: float
    machine: Machine = Machine()
    asks: int = 0  # how many so far: the number of the last one
    used_at: float = 0.0
    idle_s: float = 60.0
    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Pressed:
    """A button of the page was touched."""

    button: str


@dataclass(frozen=True)
class Ticked:
    """Time went on."""


@dataclass(frozen=True)
class PageSet:
    """Root requests another page."""

    requested: RequestedPage


@dataclass(frozen=True)
class MachinePolled:
    """The machine's state was read, changed or not."""

    machine: Machine


@dataclass(frozen=True)
class Answered:
    """Root sent an object: a {"line": …} or {"progress": …} of a job that goes on, or the last one, with "ok"."""

    ask: int
    body: Mapping[str, Any] = field(repr=False)


Event = Pressed | Ticked | PageSet | MachinePolled | Answered


@dataclass(frozen=True)
class Ask:
    """A request to root. `body` may hold the PIN or the key. `number` 0: nobody waits for the answer."""

    number: int
    body: Mapping[str, Any] = field(repr=False)
    limit_s: float


def requested_page(raw: object) -> RequestedPage:
    """page.json, read tolerantly: whatever is in it, there is a page."""
    read = raw if isinstance(raw, dict) else {}
    kind = str(read.get("page", "no_site"))
    if kind == "reception":  # on the way there: the service manager is about to end us
        kind = "updating"
    return RequestedPage(
        kind if kind in KINDS else "updating",
        texts_in(read.get("taken")),
        texts_in(read.get("wrong")),
        read.get("accepted") is True,
        read.get("checking") is True,
        plain(read.get("reason", "")),
        percent_of(read.get("progress")),
    )


def machine_of(body: Mapping[str, Any], refused_usb: tuple[str, ...]) -> Machine:
    """The answer to `state`."""
    locked = body.get("locked_s")
    return Machine(
        plain(body.get("version", "")),
        plain(body.get("slot", "")),
        body.get("site") is True,
        body.get("technician") is True,
        body.get("stick") is True,
        round(locked) if isinstance(locked, int | float) and 0 < locked < 1e6 else 0,
        refused_usb,
        body.get("desk") is True,
    )


def texts_in(value: object) -> tuple[str, ...]:
    """The lines of a list from root; anything else is none."""
    return tuple(plain(each) for each in value[:ROWS_MAX]) if isinstance(value, list) else ()


def plain(value: object) -> str:
    """One line that can be drawn, not too long."""
    text = str(value)[: 2 * TEXT_MAX_CHARS] if isinstance(value, str | int | float) else ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:TEXT_MAX_CHARS]


def percent_of(value: object) -> int | None:
    """0 to 100, or None."""
    return max(0, min(100, round(value))) if isinstance(value, int | float) and abs(value) < 1e6 else None
