"""`kiosk status`: is anything wrong, and what. Reads; writes nothing but an acknowledgement that was asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from drivers.printer import NotReady, open_printer
from drivers.reservations import ReservationsDown
from drivers.reservations.sqlite.beside import Beside
from drivers.reservations.sqlite.beside import acknowledge as acknowledge_loss
from drivers.reservations.sqlite.file import Damaged, DatabaseFile, DatabaseTrouble, require_ours
from kiosk.appointments import import_record, retention
from kiosk.config import Config, SlipPrinter
from kiosk.courier import summary
from kiosk.desk import desk_status
from kiosk.machine import state as machine_state
from kiosk.operations.report import (
    AlarmCommandState,
    CourierState,
    Delivery,
    DeskState,
    ReceptionState,
    ReportedProblem,
    ShareState,
    StatusReport,
)
from kiosk.process import disk_room, json_values, locks
from kiosk.process.courier_line import ask_once
from kiosk.process.data_folder import DataFolder
from kiosk.process.event_log import EVENTS
from kiosk.process.json_values import Count, Number
from kiosk.reception import run_status
from kiosk.reception.run_status import TROUBLES, PrinterState, Trouble, printer_lock
from kiosk.tables.reference_numbers import ReferenceNumbers
from kiosk.tables.table_file import BadTable
from kiosk.words.problems import Problem, in_english

PRINTER_FRESH_S = 60.0
_BUSY_S = 1.0
SILENT_MAX_S = 60.0  # the reception writes what it sees every ten seconds

# What can be wrong besides the courier's alarms, whose codes are those of the event log.
ProblemCode = Literal[
    "courier_gone",
    "courier_hangs",
    "share",
    "alarm_command_failed",
    "journal_unreadable",
    "journal_full",
    "delivery_waits",
    "reception_gone",
    "reception_hangs",
    "card_reader_down",
    "printer",
    "desk_gone",
    "desk_waits",
    "desk_feed_down",
    Trouble,
]


@dataclass
class Wrong:
    """What is wrong, as far as it was found: `sentences` for each thing, `problems` without the alarms."""

    sentences: list[str] = field(default_factory=list)
    problems: list[ReportedProblem] = field(default_factory=list)

    def add_problem(self, code: ProblemCode, sentence: str, **more: Any) -> None:
        """One thing; `more`: what the sentence says of it, as fields of ReportedProblem."""
        self.sentences.append(sentence)
        self.problems.append(ReportedProblem(code, **more))


@dataclass(frozen=True)
class CourierAnswer:
    """What the courier says to `status`. `overview`: of its ledger, see summary; None: it is of an older version."""

    process: Count | None = None
    up_s: Number | None = None
    shares: Mapping[str, ShareState] = field(default_factory=dict)
    oldest_unfinished_s: Number | None = None
    other_files: Count = 0
    unfinished: Count = 0
    disk: Mapping[str, str] = field(default_factory=dict)
    journal_fails: bool = False
    alarm_fails: bool = False
    overview: dict[str, Any] | None = None


def collect(config: Config, acknowledge: bool, *, ask_printer: bool = True) -> StatusReport:
    """Ask everybody; each question has a deadline. `ask_printer` False: only what the reception knows of it, if at all.

    Of the machine `wrong` holds only a disk without room: what is too much heat, the hospital's alert rules say.
    """
    wrong, folder = Wrong(), config.site.data_dir
    settled: Problem | None = None
    if acknowledge:
        acknowledge_loss(folder)
        settled = import_record.settle(folder, datetime.now(config.site.zone).date())
    report = StatusReport(
        alarm_command=AlarmCommandState(set=bool(config.alarm.command)),
        retention=retention.read(config),
        machine=machine_state.read(folder),
        zone=config.site.zone.key,
        parts=_parts(config),
    )
    if report.has("courier"):
        answer = _ask_courier(config.courier_dir, acknowledge)
        report = _with_courier(report, wrong, config.courier_dir, answer)
        overview = answer.overview if answer else None
        ledger = DataFolder(config.courier_dir).ledger
        report = _with_delivery(report, wrong, ledger, overview or _read_ledger_file(ledger))
    report = _with_reception(report, wrong, folder)
    report = _with_troubles(report, wrong, config, settled)
    if report.has("desk"):
        report = _with_desk(report, wrong, config.desk_run_dir)
    printer = report.reception.printer
    if ask_printer and config.printer is not None:
        printer = _printer(wrong, config, config.printer, printer)
    return replace(
        report,
        printer=printer,
        ok=not wrong.sentences,
        wrong=tuple(wrong.sentences),
        problems=tuple(wrong.problems),
    )


def _parts(config: Config) -> tuple[str, ...]:
    """What this site has; a PC without a kiosk lacks the second, and the first if its desk watches."""
    there = {"courier": config.receipt_computer, "reception": config.printer, "desk": config.desk}
    return tuple(part for part, table in there.items() if table is not None)


def _ask_courier(folder: Path, acknowledge: bool) -> CourierAnswer | None:
    answer = ask_once(folder, "acknowledge" if acknowledge else "status")
    # Of another version: what cannot be understood tells nothing.
    if answer is None or not summary.is_status(answer):
        return None
    return json_values.from_parts(answer, CourierAnswer)


def _with_courier(report: StatusReport, wrong: Wrong, folder: Path, answer: CourierAnswer | None) -> StatusReport:
    if answer is None:
        if locks.is_held(folder, "courier"):
            wrong.add_problem("courier_hangs", "The courier has just started, or hangs.")
        else:
            wrong.add_problem("courier_gone", "The courier is not running; nothing is delivered.")
        return report
    for role, share in answer.shares.items():
        if share.state not in (None, "ok"):
            wrong.add_problem("share", f"{role} {share.state}: {share.message}", role=role, state=share.state)
    if answer.journal_fails:
        wrong.add_problem("journal_full", "The delivery ledger cannot be written; nothing is delivered.")
    return replace(
        report,
        courier=CourierState(alive=True, process=answer.process, up_s=answer.up_s, disk=answer.disk),
        shares=answer.shares,
        oldest_unfinished_s=answer.oldest_unfinished_s,
        other_files=answer.other_files,
        unfinished=answer.unfinished,
        alarm_command=replace(report.alarm_command, fails=answer.alarm_fails),
    )


def _read_ledger_file(ledger: Path) -> dict[str, Any]:
    """What the ledger itself says; {} before the first start; {"hidden": True} if it is not this user's to read."""
    try:
        if not ledger.exists():
            return {}
    except PermissionError:
        return {"hidden": True}
    # By what this process may do, not by who started it: root's `kiosk status` runs as another user.
    return summary.to_message(ledger) if os.access(ledger, os.R_OK, effective_ids=True) else {"hidden": True}


def _with_delivery(report: StatusReport, wrong: Wrong, ledger: Path, overview: dict[str, Any]) -> StatusReport:
    known = summary.from_message(overview)
    if known is None:
        if (fault := overview.get("fails")) is not None:
            sentence = f"The delivery ledger {ledger.name} cannot be read ({fault})."
            wrong.add_problem("journal_unreadable", sentence, what=str(fault))
        # Nothing wrong by itself: the courier's silence is.
        return replace(report, delivery_hidden="hidden" in overview)
    waiting_s = summary.longest_wait_s(known, report.oldest_unfinished_s)
    if waiting_s is not None and waiting_s > summary.OLDEST_MAX_S:
        sentence = f"A file has been waiting for {waiting_s:.0f} s to be delivered."
        wrong.add_problem("delivery_waits", sentence, seconds=round(waiting_s, 1))
    for alarm in known.alarms:
        which = " ".join(part for part in (alarm.subject, alarm.name) if part)
        at = _in_words(alarm.since, ZoneInfo(report.zone))
        wrong.sentences.append(f"{EVENTS.get(alarm.code, alarm.code)} ({alarm.code} {which}, since {at})")
    oldest_s = None if waiting_s is None else round(waiting_s, 1)
    delivery = replace(
        json_values.from_parts(overview, Delivery),
        oldest_undelivered_s=oldest_s,
        undelivered=known.waiting + (report.unfinished or 0),
    )
    return replace(report, delivery=delivery, alarms=known.alarms)


def _in_words(since: str, zone: ZoneInfo) -> str:
    try:
        return datetime.fromisoformat(since).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        return since


def _with_reception(report: StatusReport, wrong: Wrong, folder: Path) -> StatusReport:
    alive = locks.is_held(folder, "run")
    reception = ReceptionState(**vars(run_status.read(folder)), alive=True) if alive else ReceptionState()
    if not alive and DataFolder(folder).run_status.exists():  # one that is stopped on purpose takes it away
        wrong.add_problem("reception_gone", "The reception (kiosk run) ended by itself and is not running.")
    silent_s = _silent_s(folder, reception) if alive else 0.0
    # On a full disk it cannot write anything; then that is what is reported.
    if silent_s > SILENT_MAX_S and disk_room.now(folder) != "disk_full":
        sentence = f"The reception (kiosk run) has said nothing for {silent_s:.0f} s; it hangs, or cannot write."
        wrong.add_problem("reception_hangs", sentence, seconds=round(silent_s, 1))
    alarm_command = replace(report.alarm_command, fails=report.alarm_command.fails or reception.alarm_fails)
    if alarm_command.fails:
        wrong.add_problem("alarm_command_failed", "The alarm command fails; nobody is told.")
    if reception.card_reader == "down":
        wrong.add_problem("card_reader_down", "The card reader does not answer.")
    return replace(report, reception=reception, alarm_command=alarm_command)


def _with_troubles(report: StatusReport, wrong: Wrong, config: Config, settled: Problem | None) -> StatusReport:
    """What the processes say is wrong, and what can be seen without them.

    A process on a full disk cannot write it down, one that has ended says nothing. The loss of the reservations has a
    file of its own: it is over as soon as it is acknowledged. `settled`: so is this, whatever the reception says.
    """
    reception, folder = report.reception, config.site.data_dir
    found = {"imports": reception.imports, **(reception.troubles or {})}  # an older one: only `imports`
    reasons = {**(reception.reasons or {})}
    found["reservations_lost"] = Beside(folder).loss()
    if settled is not None and found["imports"] == in_english(settled):
        found["imports"] = None
    if not reception.alive:
        reasons = dict(_of_stopped_reception(config).items())
        found |= {code: in_english(reason) for code, reason in reasons.items()}
    of_courier = report.courier.disk or {}
    worse: set[str] = set()
    for code in ("disk_full", "disk_low"):
        seen = (disk_room.way_out(each) for each in sorted({folder, config.courier_dir}) if disk_room.now(each) == code)
        places = (found.get(code), of_courier.get(code), *seen)
        whats = dict.fromkeys(what for what in places if what and what not in worse)
        worse.update(whats)
        found[code] = "; ".join(whats)
    troubles = {code: what for code in TROUBLES if (what := found.get(code))}
    for code, what in troubles.items():
        beginning = "The import of appointments" if code == "imports" else EVENTS[code].rstrip(".")
        wrong.add_problem(code, f"{beginning}: {what} ({code})", what=what, reason=reasons.get(code))
    return replace(report, troubles=dict(troubles.items()))


def _of_stopped_reception(config: Config) -> dict[Trouble, Problem]:
    """What a reception that does not run would report of its files, and so for the technician's page, for which it is
    stopped. Must never write, nor wait for long.
    """
    today = datetime.now(config.site.zone).date()
    found: dict[Trouble, Problem | None] = {
        "imports": import_record.unsettled(config.site.data_dir, today),
        "reservations_down": _damage(DatabaseFile(config.site.data_dir), today.isoformat()),
    }
    try:
        ReferenceNumbers.load(config.reference_numbers.map)
    except BadTable as error:
        found["reference_numbers_refused"] = Problem("reference_numbers.stopped", {"problem": error.problem})
    return {code: reason for code, reason in found.items() if reason}


def _damage(file: DatabaseFile, today: str) -> Problem | None:
    """What a look at the database finds; that it is busy, or was never made, is nothing wrong."""
    try:
        if not file.path.exists():
            return _down(str(DatabaseTrouble.MISSING.down("gone"))) if file.beside.traces() else None
        with file.translated(), closing(file.connect("ro", busy_s=_BUSY_S)) as connection:
            require_ours(connection)
            connection.execute("SELECT count(*) FROM appointment WHERE day = ?", (today,)).fetchone()
    except Damaged as error:
        return _down(str(error))
    except (ReservationsDown, OSError):
        pass
    return None


def _down(what: str) -> Problem:
    return Problem("database.down", {"what": what})


def _silent_s(folder: Path, reception: ReceptionState) -> float:
    """For how long the reception has written nothing; its lock is as old as the process."""
    with suppress(OSError):
        return min(json_values.age_s(vars(reception)), time.time() - DataFolder(folder).lock("run").stat().st_mtime)
    return 0.0  # it has only begun


def _with_desk(report: StatusReport, wrong: Wrong, run: Path) -> StatusReport:
    written = desk_status.read(run)
    if written is None:
        wrong.add_problem("desk_gone", "The reception desk (kiosk desk) does not run, or hangs; staff see no list.")
        return replace(report, desk=DeskState())
    desk = DeskState(**vars(written), alive=True)
    if desk.overdue_s is not None:
        sentence = f"At the reception desk something has been waiting for a person for {desk.overdue_s:.0f} s."
        wrong.add_problem("desk_waits", sentence, seconds=desk.overdue_s)
    if desk.feed == "down":
        sentence = f"The reception desk does not learn of the reader's users ({desk.feed_what or 'unknown'})."
        wrong.add_problem("desk_feed_down", sentence, what=desk.feed_what)
    if desk.alarm_fails and not report.alarm_command.fails:
        wrong.add_problem("alarm_command_failed", "The alarm command fails; nobody is told.")
        report = replace(report, alarm_command=replace(report.alarm_command, fails=True))
    return replace(report, desk=desk)


def _printer(wrong: Wrong, config: Config, settings: SlipPrinter, known: PrinterState | None) -> PrinterState:
    """What the reception knows, if that is fresh; else ask the printer, one at a time."""
    if known is None or abs(time.time() - known.at) > PRINTER_FRESH_S:  # abs: the clock may have been set back
        lock = printer_lock(config.site.data_dir)
        answer = open_printer(settings.url, status=settings.status, lock=lock).status()
        if isinstance(answer, NotReady):
            known = PrinterState(answer.reason, paper_known=False, at=time.time())
        else:
            near_end = answer.paper_near_end  # None: a printer that is not asked says nothing of its paper
            known = PrinterState("ready", bool(near_end), near_end is not None, time.time())
    if known.state != "ready":
        wrong.add_problem("printer", f"The printer: {known.state}.", state=known.state)
    elif known.paper_near_end:
        return replace(known, hint="The paper is near its end.")
    return known
