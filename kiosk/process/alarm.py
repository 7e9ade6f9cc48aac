"""Alarms that leave the PC: running the site's alarm command, and remembering what it has reported.

`AlarmCommand` runs the program, `AlarmNotifier` decides when: once when a condition begins, again every half hour while
it lasts, and once when it is over. Owns `alarms-told-<process>.json` in the data folder. Must never wait for the
program, pass on more than a code of the event log with its sentence and a share's role, or take in what the program
prints.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.durable import write_whole
from kiosk.process.data_folder import DataFolder
from kiosk.process.event_log import EVENTS, EventLog

TIMEOUT_S = 30.0
AGAIN_S = 1800.0
# A share that comes and goes is one condition, not a message a minute.
OVER_AFTER_S = 60.0
# The mail server may be behind the very switch that failed.
RETRY_S = 60.0
CONDITIONS_MAX = 50
OVER: Final = "recovered"


class AlarmCommand:
    """One program at a time, in a process group of its own and without a shell, killed after `timeout_s` seconds.

    Its last two arguments are a code and a sentence. `start()`, `outcome()` and `close()` belong to one thread.
    """

    def __init__(self, command: tuple[str, ...], log: EventLog, timeout_s: float = TIMEOUT_S) -> None:
        self._command = command
        self._log = log
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._running = False
        self._closed = False
        self._outcome: bool | None = None

    def __bool__(self) -> bool:
        """Whether the site has one."""
        return bool(self._command)

    def start(self, code: str, sentence: str) -> bool:
        """Start the program; False, and nothing was started, while it still runs. Returns at once."""
        with self._lock:
            if self._running or self._closed or not self._command:
                return False
            self._running, self._outcome = True, None
        # In a thread, because even starting a program may wait, for a disk that does not answer.
        threading.Thread(target=self._run, args=(code, sentence), name="alarm", daemon=True).start()
        return True

    def outcome(self) -> bool | None:
        """Whether the last run went well; None: it runs, or none has ended yet."""
        with self._lock:
            return self._outcome

    def close(self) -> None:
        """No program outlives this process: the running one is killed, and none is started any more."""
        with self._lock:
            self._closed = True
            if self._child is not None:
                _kill(self._child)

    def _run(self, code: str, sentence: str) -> None:
        failure = self._failure([*self._command, code, sentence])
        if failure:
            self._log.write("alarm_command_failed", code=code, what=failure)
        else:
            self._log.write("alarm_told", code=code)
        with self._lock:
            self._running, self._outcome = False, not failure

    def _failure(self, command: list[str]) -> str:
        """Run to the end; empty, or why it failed, without a word of the command: it may hold a key."""
        try:
            child = subprocess.Popen(  # noqa: S603 - the site's own program, named in site.toml; no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                process_group=0,
            )
        except OSError as error:
            return f"not started: {errno.errorcode.get(error.errno or 0, 'unknown')}"
        with self._lock:
            self._child = child
            if self._closed:
                _kill(child)
        try:
            code = child.wait(self._timeout_s)
        except subprocess.TimeoutExpired:
            _kill(child)
            child.wait()
            return f"killed after {self._timeout_s:g} s"
        finally:
            with self._lock:
                self._child = None
        if code < 0:
            return f"ended by signal {-code}"
        return f"exit code {code}" if code else ""


def _kill(child: subprocess.Popen[bytes]) -> None:
    """The whole process group. Its number is the child's, and is not given out again before the child is waited for."""
    if child.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Condition:
    """What is wrong for a while. `code`: an id of the event log; `place`: a share's role, or empty."""

    code: str
    place: str = ""

    @property
    def sentence(self) -> str:
        sentence = EVENTS.get(self.code, self.code)  # an alarm may have been raised by a newer version
        return f"{sentence} ({self.place})" if self.place else sentence


@dataclass
class _Note:
    """Monotonic seconds: last active, last reported (None: not yet), last tried."""

    seen_at: float
    sent_at: float | None = None
    tried_at: float | None = None


class AlarmNotifier:
    """`update()` is called every few seconds with all that is wrong; it belongs to one thread and never waits.

    What was reported survives a restart, so that a process that dies again and again does not report it each time.
    """

    def __init__(
        self, command: AlarmCommand, folder: Path, process: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._command = command
        self._memory = DataFolder(folder).alarm_memory(process)
        self._clock = clock
        self._sending: tuple[Condition, str] | None = None  # what the program is reporting, and under which code
        self.fails = False  # whether the last run failed
        self._notes = self._remembered()

    def update(self, active: Collection[Condition]) -> None:
        if not self._command:
            return
        now = self._clock()
        self._take_outcome(now)
        for condition in active:
            if condition in self._notes:
                self._notes[condition].seen_at = now
            elif len(self._notes) < CONDITIONS_MAX:
                self._notes[condition] = _Note(now)
        sending = self._sending[0] if self._sending else None
        for condition, note in list(self._notes.items()):
            if note.sent_at is None and note.seen_at < now and condition != sending:
                del self._notes[condition]  # over before it could be reported
        if self._sending is None:
            self._send_next(now)

    def close(self) -> None:
        self._command.close()

    def _send_next(self, now: float) -> None:
        for condition, note in self._notes.items():
            code = _due(condition, note, now)
            if not code:
                continue
            over = f"{OVER}: {condition.code}: " if code == OVER else ""
            if self._command.start(code, over + condition.sentence):
                self._sending, note.tried_at = (condition, code), now
            return

    def _take_outcome(self, now: float) -> None:
        outcome = self._command.outcome()
        if self._sending is None or outcome is None:
            return
        condition, code = self._sending
        self._sending, self.fails = None, not outcome
        if not outcome:
            return
        if code == OVER:
            del self._notes[condition]
        else:
            self._notes[condition].sent_at, self._notes[condition].tried_at = now, None
        self._remember(now)

    def _remember(self, now: float) -> None:
        """Not written on a full disk; then a restart reports again."""
        sent = [
            {"code": condition.code, "place": condition.place, "at": time.time() - (now - note.sent_at)}
            for condition, note in self._notes.items()
            if note.sent_at is not None
        ]
        with suppress(OSError):
            write_whole(self._memory, json.dumps(sent).encode())

    def _remembered(self) -> dict[Condition, _Note]:
        now, wall = self._clock(), time.time()
        notes: dict[Condition, _Note] = {}
        with suppress(OSError, ValueError, TypeError, KeyError):
            for row in json.loads(self._memory.read_text(encoding="utf-8"))[:CONDITIONS_MAX]:
                if row["code"] in EVENTS and isinstance(row["place"], str):
                    # A clock that was set back must not silence us for longer than the usual half hour.
                    notes[Condition(row["code"], row["place"])] = _Note(now, now - max(0.0, wall - row["at"]))
        return notes


def _due(condition: Condition, note: _Note, now: float) -> str:
    """The code to report now, or empty."""
    if note.tried_at is not None and now - note.tried_at < RETRY_S:
        return ""
    if note.sent_at is None:
        return condition.code
    if now - note.seen_at >= OVER_AFTER_S:
        return OVER
    again = note.seen_at == now and now - note.sent_at >= AGAIN_S
    return condition.code if again else ""
