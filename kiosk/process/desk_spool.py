"""The way of a result's bytes from the courier to the desk: a folder in memory, one file a result.

Each file is a line of JSON (`Handed` without its content) and then the bytes as they were read. It is whole from its
first moment (written beside, renamed). Its name is the ledger's number: no name of the terminal's, no patient's data.
It is the desk's from then on, which deletes it.

Must never keep the courier waiting, fill the machine's memory, or fail it: a desk that is dead or slow loses the oldest
and learns how many they were; a folder that is not there, is full or may not be written is reported once.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kiosk.process import safe_files

FILES_MAX: Final = 500
BYTES_MAX: Final = 64 << 20
_HEAD_MAX: Final = 4096
_SUFFIX: Final = ".handed"


@dataclass(frozen=True)
class Handed:
    """`file`: the ledger's number; `route`: results or subsidies; `name`: the file's at the terminal; `seen_at`: an ISO
    time with its zone. `key`, `changed`, `alarm`: as in `results.changes.EligibilityChange`; "" where nothing was
    compared. `content`: None when it was too large to read.
    """

    file: int
    route: str
    name: str = field(repr=False)
    seen_at: str
    key: str = ""
    changed: tuple[str, ...] = ()
    alarm: bool = False
    content: bytes | None = field(default=None, repr=False)


class SpoolWriter:
    """The courier's end. Any thread; never raises."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self.dropped = 0  # since the start
        self.fails = False  # the last one could not be put there

    def put(self, handed: Handed) -> bool:
        """Whether it is there now, or the oldest had to go for it. False: the desk will not see it from here."""
        head: dict[str, Any] = {
            "file": handed.file, "route": handed.route, "name": handed.name, "seen_at": handed.seen_at,
            "key": handed.key, "changed": handed.changed, "alarm": handed.alarm, "read": handed.content is not None,
        }  # fmt: skip
        line = json.dumps(head).encode() + b"\n"
        with self._lock:
            try:
                self._make_room(len(line) + len(handed.content or b""))
                part = self._folder / f".{handed.file}.part"
                # For the desk, another user of the folder's group; nobody else is in that.
                with os.fdopen(safe_files.create(part, 0o640), "wb") as out:
                    out.write(line)
                    out.write(handed.content or b"")
                part.replace(self._folder / f"{handed.file:012d}{_SUFFIX}")
                self.fails = False
            except OSError:
                with suppress(OSError):
                    (self._folder / f".{handed.file}.part").unlink(missing_ok=True)
                self.fails = True
        return not self.fails

    def forget(self, before_s: float) -> None:
        """Take away what was put there before that moment (seconds since the epoch): no desk wants it any more.

        And what a process that was killed has left unfinished: there is one writer.
        """
        with self._lock, suppress(OSError):
            for each in os.scandir(self._folder):
                unfinished = each.name.startswith(".") and each.name.endswith(".part")
                if unfinished or (each.name.endswith(_SUFFIX) and each.stat().st_mtime < before_s):
                    (self._folder / each.name).unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        """The oldest go: what came last is what somebody stands at the desk for."""
        there = []
        for each in os.scandir(self._folder):
            with suppress(FileNotFoundError):  # the desk may have taken it just now
                if each.name.endswith(_SUFFIX):
                    there.append((each.name, each.stat().st_size))
        there.sort()
        total = sum(length for _, length in there) + size
        while there and (len(there) >= FILES_MAX or total > BYTES_MAX):
            name, length = there.pop(0)
            (self._folder / name).unlink(missing_ok=True)
            total -= length
            self.dropped += 1


class SpoolReader:
    """The desk's end. For one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def waiting(self) -> Iterator[Handed]:
        """What lies there, oldest first. Raises OSError if the folder cannot be read.

        Each stays until `taken`: a desk that ends in between finds it again. What is no hand-over is deleted.
        """
        for name in sorted(each.name for each in self._folder.iterdir() if each.name.endswith(_SUFFIX)):
            file = self._folder / name
            try:
                with safe_files.opened(file) as opened:
                    handed = _parsed(opened.read(_HEAD_MAX + BYTES_MAX))
            except FileNotFoundError:
                continue  # it was the oldest of too many
            except OSError as error:
                if not isinstance(error, safe_files.NotAFile) and error.errno != errno.ELOOP:
                    raise
                handed = None
            if handed is None or f"{handed.file:012d}{_SUFFIX}" != name:
                with suppress(OSError):
                    file.unlink()
                continue
            yield handed

    def numbers(self) -> set[int]:
        """`Handed.file` of what lies there. Raises OSError. Any thread."""
        names = (each.name.removesuffix(_SUFFIX) for each in self._folder.iterdir() if each.name.endswith(_SUFFIX))
        return {int(name) for name in names if name.isascii() and name.isdecimal()}

    def taken(self, handed: Handed) -> None:
        """It is kept elsewhere now. Raises OSError."""
        (self._folder / f"{handed.file:012d}{_SUFFIX}").unlink(missing_ok=True)


def _parsed(raw: bytes) -> Handed | None:
    line, newline, content = raw.partition(b"\n")
    try:
        head = json.loads(line[:_HEAD_MAX])
        file, texts = head["file"], [head[name] for name in ("route", "name", "seen_at", "key")]
        changed, alarm, read = tuple(head["changed"]), head["alarm"], head["read"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if (
        not newline
        or type(file) is not int
        or file < 0
        or not all(isinstance(each, str) for each in (*texts, *changed))
    ):
        return None
    route, name, seen_at, key = texts
    return Handed(file, route, name, seen_at, key, changed, alarm is True, content if read is True else None)
