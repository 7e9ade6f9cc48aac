"""What `kiosk status` found, as one value: `--json` is its JSON; text, rows and metrics are made of it. Pure.

A key may be added, none renamed or given another meaning: scripts of hospitals read `--json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kiosk.appointments.retention import Retention
from kiosk.courier.summary import RaisedAlarm
from kiosk.desk.desk_status import DeskStatus
from kiosk.machine.state import MachineState
from kiosk.process import json_values
from kiosk.process.json_values import NULLABLE, Count, Number
from kiosk.reception.run_status import PrinterState, RunStatus
from kiosk.words.problems import Problem


@dataclass(frozen=True)
class ReportedProblem:
    """One thing that is wrong, for who says it in other words; what the rest means, the code says.

    `seconds`: how long; `role`, `state`: of a share or the printer; `what`: in English; `reason`: the same as a value.
    """

    code: str
    role: str | None = None
    state: str | None = None
    seconds: Number | None = None
    what: str | None = None
    reason: Problem | None = None


@dataclass(frozen=True)
class AlarmCommandState:
    """Whether there is one, and whether it failed when it was last run."""

    set: bool = False
    fails: bool = False


@dataclass(frozen=True)
class CourierState:
    """`alive`: it answers. `disk`: what is wrong with its disk, by code."""

    alive: bool = False
    process: Count | None = None
    up_s: Number | None = None
    disk: Mapping[str, str] | None = None


# Notices that a server does not offer, or that do not come.
WITHOUT_NOTICES = ("refused", "silent")


@dataclass(frozen=True)
class ShareState:
    """`state`: ok, down, refused; None: not tried yet. `failing_s`: for how long it has not been ok.

    `notices`: whether a folder of the terminal reports its changes (in_force), or why it is only listed: the server
    refuses to, or its reports do not come (silent); starting, down: not now. None: not a folder of the terminal.
    """

    state: str | None = field(default=None, metadata=NULLABLE)
    message: str = ""
    code: str | None = None
    parameters: Mapping[str, str | int] = field(default_factory=dict)
    failing_s: Number | None = None
    notices: str | None = None


@dataclass(frozen=True)
class Delivery:
    """What the ledger says. `files`, `subsidies`: how many of each state."""

    oldest_undelivered_s: Number | None = field(default=None, metadata=NULLABLE)
    undelivered: Count | None = None
    files: Mapping[str, Count] = field(default_factory=dict)
    subsidies: Mapping[str, Count] = field(default_factory=dict)


@dataclass(frozen=True)
class ReceptionState(RunStatus):
    """`alive`: the process runs; what else it wrote itself."""

    alive: bool = False


@dataclass(frozen=True)
class DeskState(DeskStatus):
    """`alive`: the process runs, and says so every few seconds; what else it wrote itself."""

    alive: bool = False


@dataclass(frozen=True)
class StatusReport:
    """Everything. `wrong`: a sentence for each thing that is wrong; `problems`: the same as codes, but for the alarms,
    which have theirs and may be many. None: not known; `problems`: of another version.

    `parts`: those of `courier`, `reception` and `desk` that this site has; None: of a version before the desk.
    `desk`: None where there is none.

    `delivery_hidden`: the ledger is not this user's to read, and the courier does not say. `zone`: in which staff read
    times; those here are UTC.
    """

    alarm_command: AlarmCommandState = AlarmCommandState()
    courier: CourierState = CourierState()
    shares: Mapping[str, ShareState] = field(default_factory=dict)
    oldest_unfinished_s: Number | None = field(default=None, metadata=NULLABLE)
    other_files: Count | None = None
    unfinished: Count | None = None
    delivery: Delivery | None = field(default=None, metadata=NULLABLE)
    delivery_hidden: bool = False
    alarms: tuple[RaisedAlarm, ...] | None = None
    reception: ReceptionState = ReceptionState()
    troubles: Mapping[str, str] | None = None
    retention: Retention | None = None
    printer: PrinterState | None = None
    machine: MachineState = field(default_factory=MachineState)
    ok: bool = False
    wrong: tuple[str, ...] | None = None
    problems: tuple[ReportedProblem, ...] | None = None
    zone: str = ""
    parts: tuple[str, ...] | None = None
    desk: DeskState | None = None

    def has(self, part: str) -> bool:
        """Whether this site has that part: `courier`, `reception` or `desk`."""
        return part in (("courier", "reception") if self.parts is None else self.parts)


def decode(answer: bytes) -> StatusReport | None:
    """What `kiosk status --json` wrote; None: that is no answer of it."""
    report = json_values.decode(answer, StatusReport)
    return report if report is not None and report.wrong is not None else None
