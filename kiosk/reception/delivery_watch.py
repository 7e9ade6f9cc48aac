"""The reception looking at the courier: what staff are shown on the start screen. The reception's alarms: if the
courier or the desk is silent, and its own troubles.

A thread of its own asks every few seconds what `kiosk status` asks. Must never keep the reception waiting, read the
courier's files (they are another user's), nor tell what the courier itself tells by the alarm command.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.courier import summary
from kiosk.courier.ends import ALARM_AFTER_S
from kiosk.process.alarm import AlarmCommand, AlarmNotifier, Condition
from kiosk.process.courier_line import Message, ask_once
from kiosk.process.event_log import EventLog

EVERY_S = 5.0
ASK_S = 3.0
# Also at the start: the courier may just be starting, and after a crash it is back within 5 s.
SILENT_AFTER_S = 15.0
DESK_GONE_AFTER_S = 30.0
CLOSE_S = 1.0

CODES: Final = (
    "disk_full", "courier_silent", "delivery_waits", "share_terminal", "share_receipt_computer", "alarms",
    "alarm_command_failed", "disk_low",
)  # fmt: skip
SHARE_ALARMS: Final = ("share_down", "share_refused")


@dataclass
class DeliveryWatch:
    """`changed(codes)` is called, in this object's thread, whenever the codes change; at first there are none.

    `codes`: those of CODES that hold, in that order. `folder`: the data folder; `courier_dir`: where the courier's
    socket is. `command`: as in [alarm]. `troubles()`: codes of `kiosk.reception.run_status` that hold now.
    `desk_runs()`: whether the desk does; None: the site has none.
    """

    folder: Path
    courier_dir: Path
    command: tuple[str, ...]
    log: EventLog
    changed: Callable[[tuple[str, ...]], None]
    troubles: Callable[[], Iterable[str]] = tuple
    desk_runs: Callable[[], bool] | None = None
    every_s: float = EVERY_S
    silent_after_s: float = SILENT_AFTER_S
    desk_gone_after_s: float = DESK_GONE_AFTER_S

    def __post_init__(self) -> None:
        self._alarms = AlarmNotifier(AlarmCommand(self.command, self.log), self.folder, "run")
        self._codes: tuple[str, ...] = ()
        self._last: Message = {}
        self._unanswered_since: float | None = None
        self._desk_unseen_since: float | None = None
        self._desk_gone = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._alarms.close()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._stop.wait(self.every_s):
            codes = self._look()
            if self._stop.is_set():
                return
            if codes != self._codes:
                if (is_silent := "courier_silent" in codes) != ("courier_silent" in self._codes):
                    self.log.write("courier_silent" if is_silent else "courier_heard")
                self._codes = codes
                self.changed(codes)
            silent = [Condition("courier_silent")] if "courier_silent" in codes else []
            silent += [Condition("desk_gone")] if self._is_desk_gone() else []
            self._alarms.update([*silent, *(Condition(code) for code in self.troubles())])

    def _is_desk_gone(self) -> bool:
        """Nothing to the patients, and so not on the start screen; also the desk cannot report it."""
        if self.desk_runs is None or self.desk_runs():
            self._desk_unseen_since = None
        elif self._desk_unseen_since is None:
            self._desk_unseen_since = time.monotonic()
        # Also while it is started anew, or for the first time.
        since = self._desk_unseen_since
        gone = since is not None and time.monotonic() - since > self.desk_gone_after_s
        if gone != self._desk_gone:
            self._desk_gone = gone
            self.log.write("desk_gone" if gone else "desk_back")
        return gone

    def _look(self) -> tuple[str, ...]:
        asked_at = time.monotonic()
        answer = ask_once(self.courier_dir, "status", ASK_S)
        silent = False
        if answer is not None and summary.is_status(answer):
            self._last, self._unanswered_since = answer, None
        else:
            # Measured from a question, not from the last answer: this process itself may have been stopped.
            since = self._unanswered_since = self._unanswered_since or asked_at
            silent = time.monotonic() - since > self.silent_after_s
        if silent:
            self._last = {}
        return codes_of(silent, self._last, alarm_fails=self._alarms.fails)


def codes_of(silent: bool, answer: Message, *, alarm_fails: bool = False) -> tuple[str, ...]:
    """What holds. `answer`: what the courier said last, {} if that is too old; `alarm_fails`: the reception's own."""
    seen = summary.from_message(answer.get("overview"))
    found = {"courier_silent"} if silent else set()
    disk = answer.get("disk")
    found |= disk.keys() if isinstance(disk, dict) else set()  # a courier of another version may say anything
    if answer.get("journal_fails"):
        found.add("disk_full")
    if alarm_fails or answer.get("alarm_fails"):
        found.add("alarm_command_failed")
    shares = answer.get("shares", {})
    failing = {role for role, share in shares.items() if (share.get("failing_s") or 0) > ALARM_AFTER_S}
    if seen is not None:
        waiting_s = summary.longest_wait_s(seen, answer.get("oldest_unfinished_s"))
        if waiting_s is not None and waiting_s > summary.OLDEST_MAX_S:
            found.add("delivery_waits")
        failing |= {alarm.subject for alarm in seen.alarms if alarm.code in SHARE_ALARMS and alarm.subject in shares}
        if any(alarm.code not in SHARE_ALARMS for alarm in seen.alarms):
            found.add("alarms")
    found |= {f"share_{role.partition('.')[0]}" for role in failing}
    return tuple(code for code in CODES if code in found)
