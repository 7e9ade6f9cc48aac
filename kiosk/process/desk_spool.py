"""The way of a result's bytes from the courier to the desk: a folder in memory, one file a result.

Each file is a line of JSON (`Handed` without its content) and then the bytes as they were read. It is whole from its
first moment (written beside, renamed). Its name is the ledger's number: no name of the terminal's, no patient's data.
It is the desk's from then on, which deletes it.

Before that a result is staged: the courier's alone, from before the ledger's row until it is handed over, so that a
courier that is killed in between finds it when it starts again (`Staged`, kept in the same form).

Must never keep the courier waiting, fill the machine's memory, or fail it: a desk that is dead or slow loses the oldest
and learns how many they were; a folder that is not there, is full or may not be written is reported once.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from drivers.share import Digest
from kiosk.process import safe_files

FILES_MAX: Final = 500
BYTES_MAX: Final = 64 << 20
_HEAD_MAX: Final = 4096
_SUFFIX: Final = ".handed"
_STAGED: Final = ".staged"
_ROUTES: Final = ("results", "subsidies")


@dataclass(frozen=True)
class Handed:
    """`file`: the ledger's number; `route`: results or subsidies; `name`: the file's at the terminal; `seen_at`: an ISO
    time with its zone. `key`, `changed`, `alarm`, `mark`: as in `results.changes.EligibilityChange`; "" where nothing
    was compared. `content`: None when it was too large to read.
    """

    file: int
    route: str
    name: str = field(repr=False)
    seen_at: str
    key: str = ""
    changed: tuple[str, ...] = ()
    alarm: bool = False
    mark: str = field(default="", repr=False)
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Staged:
    """A complete file that the ledger may not have yet. `digest`: of the whole file. `number`: of the patient whose
    eligibility it says, "" where it is compared with nothing. The rest as in Handed.
    """

    route: Literal["results", "subsidies"]
    name: str = field(repr=False)
    digest: Digest = field(repr=False)
    number: str = field(repr=False)
    seen_at: str
    content: bytes | None = field(default=None, repr=False)

    @property
    def file_name(self) -> str:
        """Says nothing of the file, and is the same whenever it is offered."""
        text = f"{self.route}/{self.name}/{self.digest.sha256}/{self.digest.size}"
        return f".{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}{_STAGED}"


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
            "key": handed.key, "changed": handed.changed, "alarm": handed.alarm, "mark": handed.mark,
            "read": handed.content is not None,
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

    def stage(self, staged: Staged) -> None:
        """For whoever starts after a kill. Where it cannot be put there, a kill costs the desk this result."""
        head: dict[str, Any] = {
            "route": staged.route, "name": staged.name, "sha256": staged.digest.sha256, "size": staged.digest.size,
            "number": staged.number, "seen_at": staged.seen_at, "read": staged.content is not None,
        }  # fmt: skip
        with suppress(OSError), os.fdopen(safe_files.create(self._folder / staged.file_name, 0o600), "wb") as out:
            out.write(json.dumps(head).encode() + b"\n")
            out.write(staged.content or b"")

    def unstage(self, staged: Staged) -> None:
        """It was handed over, or is not to be."""
        with suppress(OSError):
            (self._folder / staged.file_name).unlink(missing_ok=True)

    def staged(self) -> list[Staged]:
        """What a process that was killed has left, in order of first sight. What is not whole is taken away."""
        names, found = list[str](), []
        with suppress(OSError):
            names = [each.name for each in os.scandir(self._folder) if each.name.endswith(_STAGED)]
        for name in names:
            staged = self._staged(name)
            if staged is not None:
                found.append(staged)
            else:
                with suppress(OSError):
                    (self._folder / name).unlink()
        return sorted(found, key=lambda staged: staged.seen_at)

    def _staged(self, name: str) -> Staged | None:
        with suppress(OSError), safe_files.opened(self._folder / name) as file:
            # The desk may write to this folder too, and must not put words into our mouth.
            if os.fstat(file.fileno()).st_uid == os.geteuid():
                staged = _parsed_staged(file.read(_HEAD_MAX + BYTES_MAX))
                return staged if staged is not None and staged.file_name == name else None
        return None

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


def _parsed_staged(raw: bytes) -> Staged | None:
    line, newline, content = raw.partition(b"\n")
    try:
        head = json.loads(line[:_HEAD_MAX])
        route, size, read = head["route"], head["size"], head["read"]
        name, sha256, number, seen_at = (str(head[each]) for each in ("name", "sha256", "number", "seen_at"))
        datetime.fromisoformat(seen_at)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not newline or route not in _ROUTES or type(size) is not int or (read is True and len(content) != size):
        return None
    return Staged(route, name, Digest(sha256, size), number, seen_at, content if read is True else None)


def _parsed(raw: bytes) -> Handed | None:
    line, newline, content = raw.partition(b"\n")
    try:
        head = json.loads(line[:_HEAD_MAX])
        file, texts = head["file"], [head[name] for name in ("route", "name", "seen_at", "key")]
        changed, alarm, read = tuple(head["changed"]), head["alarm"], head["read"]
        mark = head.get("mark", "")  # the version before gives none
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if (
        not newline
        or type(file) is not int
        or file < 0
        or not all(isinstance(each, str) for each in (*texts, mark, *changed))
    ):
        return None
    route, name, seen_at, key = texts
    return Handed(file, route, name, seen_at, key, changed, alarm is True, mark, content if read is True else None)
