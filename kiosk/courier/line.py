"""The line between courier and reception: a Unix socket in the courier's folder, one JSON object a line.

courier -> reception   {"event": "sighted", "file": n, "first_seen": s} · {"event": "gone", "file": n} ·
                       {"event": "result", "file": n, "first_seen": s, "outcome": …, "reference_number": …,
                        "birthdate": …, "notes": […]} · {"event": "subsidy_failed", "file": n} ·
                       {"event": "compared", "file": n, "eligibility": first · same · changed · unknown} ·
                       {"event": "terminal", "answers": bool} · {"event": "baseline", "visit": v, "at": s} ·
                       {"event": "baseline_failed", "visit": v} · {"event": "status", …}
reception -> courier   {"ask": "hello"} · {"ask": "baseline", "visit": v} · {"ask": "waiting", "visit": v} ·
                       {"ask": "waiting_ended", "visit": v} · {"ask": "status"} · {"ask": "acknowledge"} ·
                       {"ask": "accept", "run": …, "file": n}

desk -> courier        {"ask": "settle", "mark": text} -> {"event": "settled", "done": bool} ·
                       {"ask": "known"} -> {"event": "known", "put_aside": bool} ·
                       {"ask": "results_since", "seen_at": time} -> {"event": "results_since", "files": [n, …] or null}

"compared" comes after the result of its `file`, only with a desk or `[insurance] key_check`, and only where there was
something to compare (see results/changes.py): no result waits for it. "accept": the patient of this result was sent to
staff, on screen and slip; without a desk, what was new of the patient is known from then on. It has no answer.

The desk settles a change by the mark that came with it in its spool; one that was not `done` is to be settled again.
"put_aside": what was known of patients could not be read, within a day, and each is a first one. "results_since" lists
the results seen since that ISO time (with its zone), without those of the last seconds, the newest 5,000, by the
ledger's number, as in the spool; null: the ledger cannot be read.

`file` is the sighting's number, counted from 1 at each start of the courier. Beside it every event carries "run":
16 hex digits that are others at each start. A courier of an older version sends no run.

A reception sends hello as soon as it is connected: beyond CLIENTS_MAX connections the courier drops the one that has
been silent for longest. A reception of an older version sends nothing before its first visit, and an older courier
answers a hello with its status; neither does harm. The same goes for waiting, by which a courier that was started again
learns which visit had its baseline and still waits for a result, and for waiting_ended.

A patient's data passes here and is never stored. Moments are seconds of CLOCK_MONOTONIC, which all processes of a
machine share. The folder's permissions decide who may open the socket: its owner, and its group if that has x on the
folder. Nothing else is checked: inside the courier's unit SO_PEERCRED shows uid 65534 for every client.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import stat
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path
from typing import Final

from drivers.unix_path import short_path
from kiosk.process.courier_line import GARBLED, Message, connect, parsed
from kiosk.process.data_folder import DataFolder

LINE_MAX = 65_536
CLIENTS_MAX = 16
UNSENT_MAX = 1 << 20  # bytes that a client may leave unread before it is dropped
PAUSE_S = 0.1  # before the reception connects again; it grows while connections end as soon as they begin
PAUSE_MAX_S = 1.0


class Hub:
    """The courier's end; it listens from `open` to `close`. What is emitted while nobody is connected is lost."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.run: Final = secrets.token_hex(8)
        self._writers: dict[asyncio.StreamWriter, float] = {}  # when each sent something last; 0: never
        self._loop = asyncio.new_event_loop()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._asked_at = self._answered_at = time.monotonic()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hub", daemon=True)

    def open(self, answer: Callable[[Message], Message | None], greet: Callable[[], Message]) -> None:
        """`answer(ask)` and `greet()` are called in the hub's thread and must not block."""
        self._answer = answer
        self._greet = greet
        path = DataFolder(self._folder).courier_socket
        path.unlink(missing_ok=True)  # the lock says that nobody else uses it
        with short_path(path) as short:
            self._socket.bind(short)
        # A reception of another user comes by the folder's group. It needs no r: it knows the name.
        path.chmod(0o660 if self._folder.stat().st_mode & stat.S_IXGRP else 0o600)
        self._loop.run_until_complete(asyncio.start_unix_server(self._serve, sock=self._socket, limit=LINE_MAX))
        self._asked_at = self._answered_at = time.monotonic()
        self._thread.start()

    def emit(self, message: Message) -> None:
        """To every reception that is connected; nothing is kept for later. Any thread."""
        named = {**message, "run": self.run} if "file" in message else message
        line = json.dumps(named).encode() + b"\n"
        with suppress(RuntimeError):  # the loop has ended: no reception is connected any more
            self._loop.call_soon_threadsafe(self._send_all, line)

    def stuck(self, after_s: float) -> bool:
        """Whether its thread has not answered for that long. To be polled by one other thread."""
        now = time.monotonic()
        if self._answered_at < self._asked_at:
            return now - self._asked_at > after_s
        # Measured from our question, not from the last answer: the whole process may have been stopped.
        self._asked_at = now
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._note_answer)
        return False

    def close(self) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=1)

    def _note_answer(self) -> None:
        self._answered_at = time.monotonic()

    def _send_all(self, line: bytes) -> None:
        for writer in list(self._writers):
            self._send(writer, line)

    def _send(self, writer: asyncio.StreamWriter, line: bytes) -> None:
        if writer.transport.get_write_buffer_size() > UNSENT_MAX:
            writer.transport.abort()  # `close` would wait until it reads. It will connect again
        else:
            writer.write(line)

    def _make_room(self) -> None:
        """A new client always finds a place: connections that are only held must not keep the reception out."""
        if len(self._writers) >= CLIENTS_MAX:
            quietest = min(self._writers, key=self._writers.__getitem__)  # the oldest of those that never sent anything
            del self._writers[quietest]
            quietest.transport.abort()

    def _note_spoken(self, writer: asyncio.StreamWriter) -> None:
        if writer in self._writers:  # not yet dropped
            self._writers[writer] = time.monotonic()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._make_room()
        self._writers[writer] = 0.0
        try:
            self._send(writer, json.dumps(self._greet()).encode() + b"\n")
            while line := await reader.readline():
                ask = json.loads(line)
                if not isinstance(ask, dict):
                    continue
                self._note_spoken(writer)
                answer = None if ask.get("ask") == "hello" else self._answer(ask)
                if answer is not None:
                    self._send(writer, json.dumps(answer).encode() + b"\n")
        except (OSError, ValueError, RecursionError):
            pass  # a client that breaks off or sends nonsense is dropped
        finally:
            self._writers.pop(writer, None)
            with suppress(RuntimeError):  # the loop has ended before this line did
                writer.close()


class CourierLine:
    """The reception's end: connects, connects again, and passes on the courier's messages.

    `on_message(message)` is called in this object's thread; {"event": "connected"} and {"event": "disconnected"} come
    from this object itself. Connected: a message has come. A socket that only opens is no courier yet.
    """

    def __init__(self, folder: Path, on_message: Callable[[Message], None]) -> None:
        self._folder = folder
        self._on_message = on_message
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._owed: Message | None = None
        self._waiting: Message | None = None  # for a courier that does not know it
        self._thread = threading.Thread(target=self._run, name="courier-line", daemon=True)
        self._thread.start()

    def ask(self, message: Message) -> None:
        """Ask for a baseline, and again on a new connection while unanswered; only the latest question counts."""
        with self._lock:
            self._owed = message
            self._send_owed()

    def end_waiting(self, visit: int) -> None:
        """The visit that asked for a baseline waits for no result any more. No courier need hear it."""
        with self._lock:
            self._waiting = None
            self._send({"ask": "waiting_ended", "visit": visit})

    def accept(self, file: Hashable) -> None:
        """The new key that came with `file` counts as known: the patient was sent to have it looked at."""
        if isinstance(file, tuple) and len(file) == 2:
            with self._lock:
                self._send({"ask": "accept", "run": file[0], "file": file[1]})

    def close(self) -> None:
        self._stop.set()
        with self._lock:
            if self._line is not None:
                with suppress(OSError):
                    self._line.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=1)

    def _send_owed(self) -> None:
        if self._owed is not None:
            self._send(self._owed)

    def _send(self, message: Message) -> None:
        if self._line is not None:
            with suppress(OSError):  # the reading side notices and connects again
                self._line.sendall(json.dumps(message).encode() + b"\n")

    def _take(self, message: Message) -> None:
        with self._lock:
            answered = message.get("event") in ("baseline", "baseline_failed")
            if answered and self._owed is not None and message.get("visit") == self._owed.get("visit"):
                self._waiting = {**self._owed, "ask": "waiting"} if message.get("event") == "baseline" else None
                self._owed = None
        self._on_message(message)

    def _run(self) -> None:
        pause_s = PAUSE_S
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                line = connect(self._folder, 5.0)
            except OSError:
                self._stop.wait(PAUSE_S)
                continue
            self._listen(line)
            if time.monotonic() - began > PAUSE_MAX_S:
                pause_s = PAUSE_S
            self._stop.wait(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)

    def _listen(self, line: socket.socket) -> None:
        """Until the connection ends."""
        line.settimeout(None)
        connected = False
        with suppress(OSError), line, line.makefile("rb") as lines:
            line.sendall(b'{"ask": "hello"}\n')
            with self._lock:
                self._line = line
                self._send_owed()
                if self._waiting is not None:
                    self._send(self._waiting)
            for text in lines:
                message = parsed(text)
                if not connected and message.get("event") != GARBLED:
                    connected = True
                    self._on_message({"event": "connected"})
                self._take(message)
        with self._lock:
            self._line = None
        if connected:
            self._on_message({"event": "disconnected"})
