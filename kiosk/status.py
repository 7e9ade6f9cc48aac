"""`kiosk status`: is anything wrong, and what. Reads; writes nothing but an acknowledgement that was asked for."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from drivers.printer import NotReady, open_printer
from kiosk import locks
from kiosk.config import Config
from kiosk.courier import overview
from kiosk.journal import EVENTS
from kiosk.link import ask_once

RUN_STATUS = "status-run.json"
PRINTER_LOCK = "printer.lock"
PRINTER_FRESH_S = 60.0


@dataclass
class Status:
    """`wrong`: a sentence for each thing that is wrong; `facts`: everything, for --json."""

    wrong: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def write_run_status(folder: Path, facts: Mapping[str, Any]) -> None:
    """The reception's part, replaced whole. A full disk is no reason to stop a reception."""
    temporary = folder / f".{RUN_STATUS}.{os.getpid()}"
    try:
        temporary.write_text(json.dumps({"at": time.time(), **facts}), encoding="utf-8")
        temporary.replace(folder / RUN_STATUS)
    except OSError:
        temporary.unlink(missing_ok=True)


def forget_run_status(folder: Path) -> None:
    """The reception ends on purpose."""
    with suppress(OSError):
        (folder / RUN_STATUS).unlink(missing_ok=True)


def collect(config: Config, acknowledge: bool) -> Status:
    """Ask everybody; each question has a deadline."""
    status = Status()
    folder = config.site.data_dir
    status.facts["alarm_command"] = {"set": bool(config.alarm.command), "fails": False}
    _courier(status, folder, acknowledge)
    _ledger(status, folder / overview.LEDGER, config.site.zone)
    _reception(status, folder)
    _printer(status, config)
    status.facts["ok"] = not status.wrong
    status.facts["wrong"] = status.wrong
    return status


def _courier(status: Status, folder: Path, acknowledge: bool) -> None:
    answer = ask_once(folder, "acknowledge" if acknowledge else "status")
    status.facts["courier"] = {"alive": answer is not None}
    if answer is None:
        held = locks.is_held(folder, "courier")
        gone = "The courier is not running; nothing is delivered."
        status.wrong.append("The courier has just started, or hangs." if held else gone)
        status.facts["shares"] = {}
        return
    status.facts["courier"] |= {"process": answer["process"], "up_s": answer["up_s"]}
    status.facts["shares"] = answer["shares"]
    status.facts |= {key: answer[key] for key in ("other_files", "unfinished", "oldest_unfinished_s")}
    for role, share in answer["shares"].items():
        if share["state"] not in (None, "ok"):
            status.wrong.append(f"{role} {share['state']}: {share['message']}")
    if answer.get("alarm_fails"):  # a courier of an older version does not say
        status.facts["alarm_command"]["fails"] = True
        status.wrong.append("The alarm command fails; nobody is told.")


def _ledger(status: Status, path: Path, zone: ZoneInfo) -> None:
    if not path.exists():
        status.facts["delivery"] = None
        return
    try:
        seen = overview.read(path)
        states, subsidies = overview.totals(path)
    except sqlite3.Error as error:
        status.facts["delivery"] = None
        status.wrong.append(f"The delivery journal {path.name} cannot be read ({type(error).__name__}).")
        return
    waiting_s = overview.longest_wait_s(seen, status.facts.get("oldest_unfinished_s"))
    status.facts["delivery"] = {
        "oldest_undelivered_s": None if waiting_s is None else round(waiting_s, 1),
        "undelivered": seen.waiting + status.facts.get("unfinished", 0),
        "files": states,
        "subsidies": subsidies,
    }
    status.facts["alarms"] = [asdict(alarm) for alarm in seen.alarms]
    if waiting_s is not None and waiting_s > overview.OLDEST_MAX_S:
        status.wrong.append(f"A file has been waiting for {waiting_s:.0f} s to be delivered.")
    for alarm in seen.alarms:
        which = " ".join(part for part in (alarm.subject, alarm.name) if part)
        at = datetime.fromisoformat(alarm.since).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        status.wrong.append(f"{EVENTS.get(alarm.code, alarm.code)} ({alarm.code} {which}, since {at})")


def _reception(status: Status, folder: Path) -> None:
    alive = locks.is_held(folder, "run")
    status.facts["reception"] = {"alive": alive} | (_run_status(folder) if alive else {})
    if not alive and (folder / RUN_STATUS).exists():  # one that is stopped on purpose takes it away
        status.wrong.append("The reception (kiosk run) ended by itself and is not running.")
    if status.facts["reception"].get("card_reader") == "down":
        status.wrong.append("The card reader does not answer.")
    if problem := status.facts["reception"].get("imports"):
        status.wrong.append(f"The import of appointments: {problem}")


def _run_status(folder: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((folder / RUN_STATUS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts


def _printer(status: Status, config: Config) -> None:
    """What the reception knows, if that is fresh; else ask the printer, one at a time."""
    known = status.facts["reception"].get("printer")
    if not known or time.time() - known["at"] > PRINTER_FRESH_S:
        lock = printer_lock(config.site.data_dir)
        answer = open_printer(config.printer.url, status=config.printer.status, lock=lock).status()
        ready = not isinstance(answer, NotReady)
        known = {
            "state": "ready" if ready else answer.reason,  # type: ignore[union-attr]
            "paper_near_end": bool(ready and answer.paper_near_end),  # type: ignore[union-attr]
            "at": time.time(),
        }
    status.facts["printer"] = known
    if known["state"] != "ready":
        status.wrong.append(f"The printer: {known['state']}.")
    elif known["paper_near_end"]:
        status.facts["printer"]["hint"] = "The paper is near its end."


def printer_lock(data_dir: Path) -> Path | None:
    """The lock that the reception uses. Never made by another user (root): the reception could not open it then."""
    lock = data_dir / PRINTER_LOCK
    try:
        return lock if lock.exists() or data_dir.stat().st_uid == os.geteuid() else None
    except OSError:
        return None


def as_text(status: Status) -> str:
    """For people: what is wrong, or that all is well, then the figures."""
    delivery = status.facts.get("delivery") or {}
    printer = status.facts["printer"]
    lines = [f"NG  {sentence}" for sentence in status.wrong] or ["OK  nothing is wrong"]
    if not status.facts["reception"]["alive"]:  # stopped on purpose: not wrong, but a dark screen to patients
        lines.append("    NOTE the reception is not running: systemctl start kiosk")
    lines.append(f"    courier alive: {status.facts['courier']['alive']}")
    lines.append(f"    reception alive: {status.facts['reception']['alive']}")
    lines += [f"    {role}: {share['state'] or 'not tried yet'}" for role, share in status.facts["shares"].items()]
    oldest = delivery.get("oldest_undelivered_s")
    waiting = "-" if oldest is None else f"{oldest} s"
    lines.append(f"    undelivered: {delivery.get('undelivered', 0)}{_as_far_as_known(status)}, oldest: {waiting}")
    lines.append(f"    files of other kinds, left alone: {status.facts.get('other_files', 0)}")
    subsidies = delivery.get("subsidies", {})
    lines.append(f"    subsidies: {', '.join(f'{name} {number}' for name, number in subsidies.items()) or 'none seen'}")
    lines.append(f"    printer: {printer['state']}{', paper near end' if printer['paper_near_end'] else ''}")
    lines.append(f"    alarm command: {'set' if status.facts['alarm_command']['set'] else 'none'}")
    return "\n".join(lines)


def _as_far_as_known(status: Status) -> str:
    """Only a courier that sees its shares knows what waits in the terminal's folder."""
    if not status.facts["courier"]["alive"]:
        return " known; UNKNOWN what waits in the terminal's folder, because the courier is not running"
    if any(share["state"] != "ok" for share in status.facts["shares"].values()):
        return " known; UNKNOWN what waits in the terminal's folder, because a share does not answer"
    return ""
