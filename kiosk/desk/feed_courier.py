"""The feed of a hospital with a kiosk: the courier hands over what it reads, through the spool in memory.

Must never ask anything of the courier that delivery waits for, and never take a result out of the spool before it is
kept elsewhere.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, get_args

from kiosk.desk.feed import FeedState, Result, Sink, State, Subsidy
from kiosk.process import courier_line
from kiosk.process.desk_spool import Handed, SpoolReader
from kiosk.results import names
from kiosk.results.changes import EligibilityChange, KeyVerdict, Prints
from kiosk.words.problems import Problem

POLL_S: Final = 0.1
PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0)  # after what could not be kept
ASK_EVERY_S: Final = 5.0
ANSWER_S: Final = 2.0
_NOTHING: Final = Prints(frozenset(), {})


class CourierFeed:
    """A `Feed`. `courier`: the courier's folder, with its socket. `spool`: made if it is not there."""

    def __init__(self, courier: Path, spool: Path) -> None:
        self._courier, self._spool = courier, spool
        self._reader = SpoolReader(spool)
        self._state = State()
        self._stop = threading.Event()
        self._owed: set[str] = set()
        self._was_put_aside = False
        self._lock = threading.Lock()
        self._ask_at = 0.0
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> FeedState:
        """See Feed."""
        return self._state.now

    @property
    def was_put_aside(self) -> bool:
        """See Feed. As the courier said last."""
        return self._was_put_aside

    def start(self, sink: Sink) -> None:
        """See Feed. Raises OSError: there can be no spool."""
        self._spool.mkdir(mode=0o700, exist_ok=True)
        self._thread = threading.Thread(target=self._run, args=(sink,), name="feed", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """See Feed."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2)

    def settle(self, mark: str) -> bool:
        """See Feed."""
        answer = courier_line.ask(self._courier, {"ask": "settle", "mark": mark}, "settled", ANSWER_S)
        done = answer is not None and answer.get("done") is True
        with self._lock:
            (self._owed.discard if done else self._owed.add)(mark)
        return done

    def missing(self, displayed: AbstractSet[int], since: datetime) -> tuple[int, ...]:
        """See Feed."""
        question = {"ask": "results_since", "seen_at": since.isoformat()}
        answer = courier_line.ask(self._courier, question, "results_since", ANSWER_S)
        files = answer.get("files") if answer is not None else None
        if not isinstance(files, list):
            return ()
        here = set(displayed)
        with suppress(OSError):
            here |= self._reader.numbers()
        return tuple(file for file in files if type(file) is int and file not in here)

    # -- its thread -----------------------------------------------------------------------------------------------

    def _run(self, sink: Sink) -> None:
        failures = 0
        while not self._stop.wait(PAUSES_S[min(failures, len(PAUSES_S)) - 1] if failures else POLL_S):
            failures = 0 if self._take_all(sink) else failures + 1
            if time.monotonic() >= self._ask_at:
                self._ask_at = time.monotonic() + ASK_EVERY_S
                self._ask()

    def _take_all(self, sink: Sink) -> bool:
        """False: to be tried again after a pause."""
        waiting = self._reader.waiting()
        while not self._stop.is_set():
            try:
                handed = next(waiting, None)
            except OSError as error:
                self._state.set("spool", Problem("feed.spool", {"why": error.strerror or ""}))
                return False
            self._state.set("spool", None)
            if handed is None:
                break
            try:
                self._offer(handed, sink)
                self._reader.taken(handed)
            except (sqlite3.Error, OSError) as error:
                self._state.set("store", Problem("feed.store", {"why": type(error).__name__}))
                return False
            except Exception as error:  # noqa: BLE001 - a fault of ours in one result must not stop all others
                self._state.set("fault", Problem("feed.fault", {"name": type(error).__name__}))
                with suppress(OSError):
                    self._reader.taken(handed)
            self._state.set("store", None)
        return True

    def _offer(self, handed: Handed, sink: Sink) -> None:
        at = _time(handed.seen_at)
        if handed.route == "results":
            sink.result(Result(handed.file, handed.name, at, handed.content, _change(handed)))
            return
        request = names.request_key(handed.name)
        if request is not None:
            failed = names.kind(handed.name) == "subsidy_error"
            sink.subsidy(Subsidy(handed.file, request, None if failed else handed.content or b"", at))

    def _ask(self) -> None:
        """Whether the courier is there, and knows its patients; and what it still owes."""
        with self._lock:
            owed = sorted(self._owed)
        known = courier_line.ask(self._courier, {"ask": "known"}, "known", ANSWER_S)
        self._state.set("courier", None if known else Problem("feed.courier"))
        if known:
            self._was_put_aside = known.get("put_aside") is True
        for mark in owed if known else ():
            if self._stop.is_set() or not self.settle(mark):
                break


def _change(handed: Handed) -> EligibilityChange | None:
    verdicts: tuple[KeyVerdict, ...] = get_args(KeyVerdict)
    key = next((each for each in verdicts if each == handed.key), None)
    if key is None:
        return None
    return EligibilityChange(key, handed.changed, handed.alarm, now=_NOTHING, learn=None, mark=handed.mark)


def _time(text: str) -> datetime:
    """What is no time with a zone is of another version: now."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC)
    return at if at.tzinfo is not None else datetime.now(UTC)
