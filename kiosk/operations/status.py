"""`kiosk status`: is anything wrong, and what. Reads; writes nothing but an acknowledgement that was asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from drivers.printer import NotReady, open_printer
from drivers.reservations.sqlite.beside import Beside
from drivers.reservations.sqlite.beside import acknowledge as acknowledge_loss
from kiosk.appointments import import_record, retention
from kiosk.config import Config
from kiosk.courier import summary
from kiosk.courier.line import ask_once
from kiosk.machine import facts as machine_facts
from kiosk.operations import stopped_reception
from kiosk.process import disk_room, locks, moments
from kiosk.process.data_folder import DataFolder
from kiosk.process.event_log import EVENTS
from kiosk.reception import run_status
from kiosk.reception.run_status import printer_lock
from kiosk.reception.troubles import TROUBLES, Trouble

PRINTER_FRESH_S = 60.0
SAID_NOTHING_S = 60.0  # the reception says what it sees every ten seconds

# What can be wrong besides the courier's alarms, whose codes are those of the event log.
Problem = Literal[
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
    Trouble,
]


@dataclass
class Status:
    """`wrong`: a sentence for each thing that is wrong; `facts`: everything, for --json.

    `problems`: what `wrong` says, each with a code, for those who say it in other words; without the alarms, which have
    their codes in `facts` already and may be many.
    """

    wrong: list[str] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def found(self, code: Problem, sentence: str, **more: str | float) -> None:
        """One thing that is wrong; `more`: what the sentence says of it."""
        self.wrong.append(sentence)
        self.problems.append({"code": code, **more})


def collect(config: Config, acknowledge: bool, *, ask_printer: bool = True) -> Status:
    """Ask everybody; each question has a deadline. `ask_printer` False: only what the reception knows of it, if at all.

    Of the machine `wrong` holds only a disk without room: what is too much heat, the hospital's alert rules say.
    """
    status = Status()
    folder = config.site.data_dir
    status.facts["alarm_command"] = {"set": bool(config.alarm.command), "fails": False}
    settled = None
    if acknowledge:
        acknowledge_loss(folder)
        settled = import_record.settled(folder, datetime.now(config.site.zone).date())
    told = _courier(status, config.courier_dir, acknowledge)
    _delivery(status, told or _unasked(DataFolder(config.courier_dir).ledger), config)
    _reception(status, folder)
    _troubles(status, config, settled)
    status.facts["retention"] = retention.facts(config)
    if ask_printer:
        _printer(status, config)
    else:
        status.facts["printer"] = status.facts["reception"].get("printer")
    status.facts["machine"] = machine_facts.read(folder).known()
    status.facts["ok"] = not status.wrong
    status.facts["wrong"] = status.wrong
    status.facts["problems"] = status.problems
    status.facts["zone"] = config.site.zone.key  # in which staff read times; those of the facts are UTC
    return status


def _courier(status: Status, folder: Path, acknowledge: bool) -> dict[str, Any] | None:
    """What the courier says of its ledger; None without a courier, and from one of an older version."""
    answer = ask_once(folder, "acknowledge" if acknowledge else "status")
    if answer is not None and not summary.is_status(answer):
        answer = None  # of another version: what cannot be understood tells nothing
    status.facts["courier"] = {"alive": answer is not None}
    if answer is None:
        held = locks.is_held(folder, "courier")
        if held:
            status.found("courier_hangs", "The courier has just started, or hangs.")
        else:
            status.found("courier_gone", "The courier is not running; nothing is delivered.")
        status.facts["shares"] = {}
        return None
    status.facts["courier"] |= {key: answer.get(key) for key in ("process", "up_s")}
    status.facts["shares"] = answer["shares"]
    status.facts |= {"oldest_unfinished_s": answer.get("oldest_unfinished_s")}
    status.facts |= {key: answer.get(key) or 0 for key in ("other_files", "unfinished")}
    for role, share in answer["shares"].items():
        if share["state"] not in (None, "ok"):
            status.found("share", f"{role} {share['state']}: {share['message']}", role=role, state=share["state"])
    status.facts["courier"]["disk"] = answer.get("disk", {})
    if answer.get("journal_fails"):
        status.found("journal_full", "The delivery journal cannot be written; nothing is delivered.")
    status.facts["alarm_command"]["fails"] = bool(answer.get("alarm_fails"))  # an older one does not say
    told = answer.get("overview")
    return told if isinstance(told, dict) else None


def _unasked(ledger: Path) -> dict[str, Any]:
    """What the ledger itself says; {} before the first start; {"hidden": True} if it is not this user's to read."""
    try:
        if not ledger.exists():
            return {}
    except PermissionError:
        return {"hidden": True}
    # By what this process may do, not by who started it: root's `kiosk status` runs as another user.
    return summary.told(ledger) if os.access(ledger, os.R_OK, effective_ids=True) else {"hidden": True}


def _delivery(status: Status, told: dict[str, Any], config: Config) -> None:
    seen = summary.heard(told)
    if seen is None:
        status.facts["delivery"] = None
        status.facts["delivery_hidden"] = "hidden" in told  # nothing wrong by itself: the courier's silence is
        if "fails" in told:
            sentence = (
                f"The delivery journal {DataFolder(config.courier_dir).ledger.name} cannot be read ({told['fails']})."
            )
            status.found("journal_unreadable", sentence, what=told["fails"])
        return
    waiting_s = summary.longest_wait_s(seen, status.facts.get("oldest_unfinished_s"))
    status.facts["delivery"] = {
        "oldest_undelivered_s": None if waiting_s is None else round(waiting_s, 1),
        "undelivered": seen.waiting + status.facts.get("unfinished", 0),
        **{name: told[name] if isinstance(told.get(name), dict) else {} for name in ("files", "subsidies")},
    }
    status.facts["alarms"] = [asdict(alarm) for alarm in seen.alarms]
    if waiting_s is not None and waiting_s > summary.OLDEST_MAX_S:
        sentence = f"A file has been waiting for {waiting_s:.0f} s to be delivered."
        status.found("delivery_waits", sentence, seconds=round(waiting_s, 1))
    for alarm in seen.alarms:
        which = " ".join(part for part in (alarm.subject, alarm.name) if part)
        at = _in_words(alarm.since, config.site.zone)
        status.wrong.append(f"{EVENTS.get(alarm.code, alarm.code)} ({alarm.code} {which}, since {at})")


def _in_words(since: str, zone: ZoneInfo) -> str:
    try:
        return datetime.fromisoformat(since).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        return since


def _reception(status: Status, folder: Path) -> None:
    alive = locks.is_held(folder, "run")
    status.facts["reception"] = {"alive": alive} | (run_status.read(folder) if alive else {})
    if not alive and DataFolder(folder).run_status.exists():  # one that is stopped on purpose takes it away
        status.found("reception_gone", "The reception (kiosk run) ended by itself and is not running.")
    silent_s = _silent_s(folder, status.facts["reception"]) if alive else 0.0
    # On a full disk it cannot say anything; then that is what is told.
    if silent_s > SAID_NOTHING_S and disk_room.now(folder) != "disk_full":
        sentence = f"The reception (kiosk run) has said nothing for {silent_s:.0f} s; it hangs, or cannot write."
        status.found("reception_hangs", sentence, seconds=round(silent_s, 1))
    status.facts["alarm_command"]["fails"] |= status.facts["reception"].get("alarm_fails") is True
    if status.facts["alarm_command"]["fails"]:
        status.found("alarm_command_failed", "The alarm command fails; nobody is told.")
    if status.facts["reception"].get("card_reader") == "down":
        status.found("card_reader_down", "The card reader does not answer.")


def _troubles(status: Status, config: Config, settled: str | None) -> None:
    """What the processes say is wrong, and what can be seen without them.

    A process on a full disk cannot write it down, one that has ended says nothing. The loss of the reservations has a
    file of its own: it is over as soon as it is acknowledged. `settled`: so is this, whatever the reception says.
    """
    reception, folder = status.facts["reception"], config.site.data_dir
    said = {"imports": reception.get("imports"), **_words(reception.get("troubles"))}  # an older one: only `imports`
    said["reservations_lost"] = Beside(folder).loss()
    if settled is not None and said["imports"] == settled:
        said["imports"] = None
    if not reception["alive"]:
        said.update(stopped_reception.troubles(config).items())
    told = _words(status.facts["courier"].get("disk"))
    worse: set[str] = set()
    for code in ("disk_full", "disk_low"):
        seen = (disk_room.way_out(each) for each in sorted({folder, config.courier_dir}) if disk_room.now(each) == code)
        whats = dict.fromkeys(what for what in (said.get(code), told.get(code), *seen) if what and what not in worse)
        worse.update(whats)
        said[code] = "; ".join(whats)
    status.facts["troubles"] = {code: said[code] for code in TROUBLES if said.get(code)}
    for code, what in status.facts["troubles"].items():
        beginning = "The import of appointments" if code == "imports" else EVENTS[code].rstrip(".")
        status.found(code, f"{beginning}: {what} ({code})", what=what)


def _words(told: object) -> dict[str, str]:
    """Codes and sentences, of a process that may be of another version."""
    return {code: what for code, what in told.items() if isinstance(what, str)} if isinstance(told, dict) else {}


def _silent_s(folder: Path, told: Mapping[str, object]) -> float:
    """For how long the reception has written nothing; its lock is as old as the process."""
    with suppress(OSError):
        return min(moments.age_s(told), time.time() - DataFolder(folder).lock("run").stat().st_mtime)
    return 0.0  # it has only begun


def _printer(status: Status, config: Config) -> None:
    """What the reception knows, if that is fresh; else ask the printer, one at a time."""
    known = status.facts["reception"].get("printer")
    if not known or abs(time.time() - known["at"]) > PRINTER_FRESH_S:  # abs: the clock may have been set back
        lock = printer_lock(config.site.data_dir)
        answer = open_printer(config.printer.url, status=config.printer.status, lock=lock).status()
        ready = not isinstance(answer, NotReady)
        known = {
            "state": "ready" if ready else answer.reason,  # type: ignore[union-attr]
            "paper_near_end": bool(ready and answer.paper_near_end),  # type: ignore[union-attr]
            # A printer that is not asked says nothing of its paper.
            "paper_known": bool(ready and answer.paper_near_end is not None),  # type: ignore[union-attr]
            "at": time.time(),
        }
    status.facts["printer"] = known
    if known["state"] != "ready":
        status.found("printer", f"The printer: {known['state']}.", state=known["state"])
    elif known["paper_near_end"]:
        status.facts["printer"]["hint"] = "The paper is near its end."
