"""One session with a printer: query its status, send the job, watch the paper, return the outcome.

Owns the order of the session and all its deadlines. Must never resend, never raise for device trouble, never hang:
print() ends within waiting for the printer (`answer_s`) + connecting (10 s) + asking (2 `answer_s`) + sending
(`SEND_S`) + watching (`WATCH_MAX_S` + 3 `stall_s`).
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL.Image import Image

from drivers.file_lock import lock_within
from drivers.printer import NotPrinted, NotReady, Printed, PrinterStatus, PrintOutcome, Ready, Reason, escpos
from drivers.printer.transport import Wire, WireLost

SEND_S = 60.0
"""A slip of 50 kB takes 52 s at 9600 baud, the slowest line that makes sense."""

WATCH_MIN_S = 0.3
WATCH_MAX_S = 3.0
PAPER_MM_S = 100.0
_QUIET_S = 0.1
_CLEAR_ROUNDS = 2
_DRAIN_EVERY_S = 0.01
_STRAY_BYTES_MAX = 4096


class EscposPrinter:
    """The `Printer` of every real device; see `drivers.printer.open_printer` for the arguments."""

    def __init__(
        self,
        *,
        where: str,
        connect: Callable[[], Wire],
        asks: bool = True,
        answer_s: float = 5.0,
        stall_s: float = 5.0,
        lock: Path | None = None,
    ) -> None:
        self._where = where
        self._connect = connect
        self._asks = asks
        self._answer_s = answer_s
        self._stall_s = stall_s
        self._lock = lock
        self._threads = threading.Lock()
        self._answered = False
        self._half_sent = False
        self._slowest_s = 0.0

    @property
    def where(self) -> str:
        """The printer's URL."""
        return self._where

    def status(self) -> PrinterStatus:
        """Query the printer's status; for printers that are never queried, whether it can be connected to."""
        with _exclusive(self._threads, self._lock, self._answer_s) as ours:
            if not ours:
                return NotReady("printer_offline")
            try:
                wire = self._connect()
                try:
                    return self._before(wire)
                finally:
                    wire.close(abandon=False)
            except WireLost:
                return NotReady("printer_offline")

    def print(self, picture: Image, *, on_first_byte: Callable[[], None] | None = None) -> PrintOutcome:
        """Print one picture and cut it off; see `drivers.printer.Printer`."""
        job = escpos.build_job(picture)
        with _exclusive(self._threads, self._lock, self._answer_s) as ours:
            if not ours:
                return NotPrinted("printer_offline", maybe_out=False)
            try:
                wire = self._connect()
            except WireLost:
                return NotPrinted("printer_offline", maybe_out=False)
            return self._print(wire, job, on_first_byte or (lambda: None))

    def _print(self, wire: Wire, job: escpos.Job, on_first_byte: Callable[[], None]) -> PrintOutcome:
        sending = _Sending(wire, job, self._stall_s)
        outcome: PrintOutcome | None = None
        try:
            before = self._before(wire)
            if isinstance(before, NotReady):
                outcome = NotPrinted(before.reason, maybe_out=False)
                return outcome
            stalled = self._send(sending, on_first_byte)
            after = NotReady("printer_stalled") if stalled else self._after(wire, job)
            if isinstance(after, NotReady):
                outcome = NotPrinted(after.reason, sending.maybe_out)
            else:
                outcome = Printed(after.paper_near_end)
        except WireLost:
            outcome = NotPrinted("printer_offline", sending.maybe_out)
        finally:
            if sending.begun:
                lost = outcome is None or outcome == NotPrinted("printer_stalled", sending.maybe_out)
                self._half_sent = wire.keeps_state and (lost or not sending.complete)
            # None: the caller's own callback raised. Whatever failed, nothing of this slip may come out later.
            wire.close(abandon=sending.begun and not isinstance(outcome, Printed))
        return outcome

    def _send(self, sending: "_Sending", on_first_byte: Callable[[], None]) -> bool:
        """Whether the printer stalled."""
        if self._half_sent and not sending.refill():
            return True
        if not sending.first():
            return True
        on_first_byte()
        return not sending.rest()

    def _before(self, wire: Wire) -> PrinterStatus:
        self._slowest_s = 0.0
        silence: Reason = "printer_stalled" if self._answered else "printer_silent"
        return self._ask_until_consistent(wire, self._answer_s, silence)

    def _after(self, wire: Wire, job: escpos.Job) -> PrinterStatus:
        """Query the status repeatedly while the paper moves: paper that ends mid-slip is reported only then.

        Late answers to the raster are drained first: an answer that is one query off hides a fault, too.
        """
        if not self._asks:
            return Ready(paper_near_end=None)
        paper_s = job.rows / escpos.DOTS_PER_MM / PAPER_MM_S
        deadline = time.monotonic() + min(max(paper_s, WATCH_MIN_S), WATCH_MAX_S)
        while True:
            self._drain_late_answers(wire, time.monotonic() + self._stall_s)
            status = self._ask_until_consistent(wire, self._stall_s, "printer_stalled")
            if isinstance(status, NotReady) or time.monotonic() >= deadline:
                return status

    def _ask_until_consistent(self, wire: Wire, wait_s: float, silence: Reason) -> PrinterStatus:
        """The status, a fault only if it is reported twice in a row with no late answer in between, within `wait_s`.

        A raster payload may contain the bytes of DLE EOT by chance and be answered, so answers may be one query off:
        "near end" (1E) to query 4 would be "cover open" to query 2. Then one more answer is still on its way.
        """
        deadline = time.monotonic() + wait_s
        clear = 0
        while True:
            status = self._ask(wire, wait_s, silence)
            if isinstance(status, Ready) or status.reason == silence:
                return status
            clear = clear + 1 if self._drain_late_answers(wire, deadline) else 0
            if clear == _CLEAR_ROUNDS or time.monotonic() >= deadline:
                return status

    def _drain_late_answers(self, wire: Wire, deadline: float) -> bool:
        """Read until no answer has come for longer than this printer takes; True when none came at all."""
        quiet = True
        # Of three answers that are one question off, the slowest still took half of what the printer takes.
        quiet_s = max(_QUIET_S, 2 * self._slowest_s)
        end = time.monotonic() + quiet_s
        while (left_s := min(end, deadline) - time.monotonic()) > 0:
            if any(escpos.is_answer(byte) for byte in wire.receive(left_s)):
                quiet = False
                end = time.monotonic() + quiet_s
        return quiet

    def _ask(self, wire: Wire, wait_s: float, silence: Reason) -> PrinterStatus:
        if not self._asks:
            return Ready(paper_near_end=None)
        deadline = time.monotonic() + wait_s
        _forget(wire)
        answers: list[int] = []
        for number in escpos.STATUS_QUERIES:
            asked = time.monotonic()
            answer = _answer(wire, escpos.status_query(number), deadline)
            if answer is None:
                return NotReady(silence)
            self._answered = True
            self._slowest_s = max(self._slowest_s, time.monotonic() - asked)
            answers.append(answer)
        return escpos.to_status(*answers)


class _Sending:
    """One job on its way: how much has been taken, and whether it still moves."""

    def __init__(self, wire: Wire, job: escpos.Job, stall_s: float) -> None:
        self._wire = wire
        self._job = job
        self._stall_s = stall_s
        self._deadline = time.monotonic() + SEND_S
        self._sent = 0
        self.begun = False
        self.complete = False

    @property
    def maybe_out(self) -> bool:
        """Whether a raster byte has been taken from us."""
        return self._sent > self._job.harmless

    def refill(self) -> bool:
        """End what an earlier, half sent job left open; False when stalled."""
        left = escpos.refill(self._job.row_bytes)
        while left:
            taken = self._take(left)
            if not taken:
                return False
            left = left[taken:]
        return True

    def first(self) -> bool:
        """Send the beginning of the job; False when stalled."""
        self._sent += self._take(self._job.data)
        return self._sent > 0

    def rest(self) -> bool:
        """Send what is left and see it leave our own machine; False when stalled."""
        while self._sent < len(self._job.data):
            taken = self._take(self._job.data[self._sent :])
            if not taken:
                return False
            self._sent += taken
        self.complete = self._drained()
        return self.complete

    def _take(self, data: bytes) -> int:
        wait_s = min(self._stall_s, self._deadline - time.monotonic())
        taken = self._wire.send(data, wait_s) if wait_s > 0 else 0
        self.begun = self.begun or taken > 0
        return taken

    def _drained(self) -> bool:
        """Bytes taken may only have filled the kernel's buffer: wait until they are gone, as long as they move."""
        pause = threading.Event()
        unsent = self._wire.unsent()
        moved = time.monotonic()
        while unsent:
            pause.wait(_DRAIN_EVERY_S)
            now = time.monotonic()
            left = self._wire.unsent()
            if left < unsent:
                moved = now
            unsent = left
            if now - moved > self._stall_s or now > self._deadline:
                return False
        return True


def _answer(wire: Wire, query: bytes, deadline: float) -> int | None:
    """The first byte after the query that can be an answer; None when none came. A query is taken whole or in part."""
    while query:
        left_s = deadline - time.monotonic()
        taken = wire.send(query, left_s) if left_s > 0 else 0
        if not taken:
            return None
        query = query[taken:]
    stray = 0
    while stray < _STRAY_BYTES_MAX:
        left_s = deadline - time.monotonic()
        received = wire.receive(left_s) if left_s > 0 else b""
        answer = next((byte for byte in received if escpos.is_answer(byte)), None)
        if answer is not None:
            return answer
        if not received and time.monotonic() >= deadline:
            return None
        stray += len(received)
    return None


def _forget(wire: Wire) -> None:
    """Drop what has been received by now: it answers no query of this session."""
    dropped = 0
    while dropped < _STRAY_BYTES_MAX and (received := wire.receive(0.0)):
        dropped += len(received)


@contextmanager
def _exclusive(threads: threading.Lock, lock: Path | None, wait_s: float) -> Iterator[bool]:
    """Whether the printer is ours until the block ends; False when others had it for `wait_s`.

    The kiosk and `kiosk status` must not talk to one printer at once. The lock file is never deleted: who holds a
    deleted one locks nobody out.
    """
    deadline = time.monotonic() + wait_s
    if not threads.acquire(timeout=wait_s):
        yield False
        return
    try:
        descriptor = _open(lock)
        if descriptor is None:
            yield True
            return
        try:
            ours = True
            with suppress(OSError):  # a file system without locks: as without a lock file
                ours = lock_within(descriptor, deadline - time.monotonic())
            yield ours
        finally:
            os.close(descriptor)
    finally:
        threads.release()


def _open(lock: Path | None) -> int | None:
    """The lock file; None without one, and when it cannot be made: a full disk must not cost the patient the slip."""
    if lock is None:
        return None
    with suppress(OSError):
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    return None
