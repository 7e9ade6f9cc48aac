"""What a kiosk was told by the server of the book: offered again to one that takes over and may have lost it.

`book-copies-DAY.jsonl`: each registration and cancelling as the server answered it, written before anybody hears of it.
`book-servers.json`: the highest timeline seen of each cluster, and the last one that was offered everything.

0600; a patient's data is in it. Days before yesterday are forgotten: who takes over lacks minutes, not days.
"""

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from drivers.durable import write_durably

_SERVERS: Final = "book-servers.json"
_BYTES_MAX: Final = 64 * 1024 * 1024


@cache
def copies_in(folder: Path) -> "Copies":
    """One for all books of the process that keep it in `folder`."""
    return Copies(folder)


class Copies:
    """The files in `folder`, made when they are needed. From any thread; see `copies_in`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._servers: dict[str, Any] | None = None

    def keep(self, copy: dict[str, Any]) -> None:
        """Durable when it returns. Raises OSError."""
        day = date.fromisoformat(str(copy["day"]))
        path = self._folder / f"book-copies-{day.isoformat()}.jsonl"
        with self._lock:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                self._forget(day - timedelta(days=1))
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "ab", buffering=0) as out:
                # Begins with a line break: half a line, after a power cut, must not take ours with it.
                out.write(f"\n{json.dumps(copy, ensure_ascii=False)}\n".encode())
                os.fdatasync(descriptor)

    def everything(self) -> Iterator[dict[str, Any]]:
        """In the order it was told; what cannot be read is passed over."""
        for path in sorted(self._folder.glob("book-copies-????-??-??.jsonl")):
            with contextlib.suppress(OSError), path.open("rb") as file:
                for line in file.read(_BYTES_MAX).splitlines():
                    with contextlib.suppress(ValueError):
                        copy = json.loads(line)
                        if isinstance(copy, dict):
                            yield copy

    def accepts(self, timeline: str) -> bool:
        """Whether no later timeline of the same cluster is known; then this one is the highest from now on."""
        cluster, _, number = timeline.partition("/")
        with self._lock:
            highest = self._read().setdefault("highest", {})
            known = str(highest.get(cluster, ""))
            if number > known:
                highest[cluster] = number
                self._write()
        return number >= known

    def offered(self, timeline: str) -> bool:
        """Whether everything was offered to the server of `timeline`, or all of it came from there."""
        with self._lock:
            return bool(self._read().get("offered") == timeline)

    def note_offered(self, timeline: str) -> None:
        with self._lock:
            self._read()["offered"] = timeline
            self._write()

    def _forget(self, before: date) -> None:
        for path in self._folder.glob("book-copies-????-??-??.jsonl"):
            if path.stem.removeprefix("book-copies-") < before.isoformat():
                path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        if self._servers is None:
            read = None
            with contextlib.suppress(OSError, ValueError):
                read = json.loads((self._folder / _SERVERS).read_bytes())
            self._servers = read if isinstance(read, dict) and isinstance(read.get("highest", {}), dict) else {}
        return self._servers

    def _write(self) -> None:
        # Not written: it is offered again, or seen again.
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_durably(self._folder / _SERVERS, json.dumps(self._servers).encode())
