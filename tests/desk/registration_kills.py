"""A process that has desks killed (SIGKILL) at every step of a registration, and says what the terminal got.

    python -m tests.desk.registration_kills FOLDER TERMINAL_FIRST     a JSON object a line, one for each kill

A step: before and after each call to a share, amid a file that is written, before and after each commit. The process
has one thread, so that it can fork; each child is one run of the desk's program.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast
from uuid import uuid4

from drivers.share import Digest, Entry, Share
from kiosk.desk.registration import Refused
from kiosk.desk.registration_work import Folders
from kiosk.desk.registrations_file import MIGRATIONS
from kiosk.process.database import Database
from tests.desk.registering import CONFIRMED, FOUND, NOON, Site

STEPS_MAX = 200
T = TypeVar("T")


class Steps:
    """Kills this process at step `kill_at` (counted from 1; 0: never)."""

    def __init__(self, kill_at: int) -> None:
        self.left = kill_at

    def passed(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[[], T]) -> T:
        self.passed()
        result = call()
        self.passed()
        return result


class KilledShare:
    """The calls of a share that the desk uses, a step before and after each."""

    def __init__(self, share: Share, steps: Steps) -> None:
        self._share = share
        self._steps = steps

    def entries(self, pattern: str) -> list[Entry]:
        return self._steps.around(lambda: self._share.entries(pattern))

    def fetch(self, name: str, limit: int) -> tuple[Entry, bytes | None]:
        return self._steps.around(lambda: self._share.fetch(name, limit))

    def put(self, name: str, chunks: Iterable[bytes]) -> Digest:
        def halves() -> Iterator[bytes]:
            for chunk in chunks:
                yield chunk[: len(chunk) // 2]
                self._steps.passed()
                yield chunk[len(chunk) // 2 :]

        return self._steps.around(lambda: self._share.put(name, halves()))

    def rename_new(self, name: str, new_name: str) -> None:
        self._steps.around(lambda: self._share.rename_new(name, new_name))

    def remove(self, name: str) -> None:
        self._steps.around(lambda: self._share.remove(name))


class KilledFile(Database):
    def __init__(self, path: Path, steps: Steps) -> None:
        super().__init__(path, MIGRATIONS)
        self._steps = steps

    @contextmanager
    def writing(self, *, synced: bool | None = None) -> Iterator[sqlite3.Connection]:
        with super().writing(synced=synced) as db:
            yield db
            self._steps.passed()
        self._steps.passed()


def keep_taken(site: Site) -> None:
    """The terminal takes what lies there; each request is kept, whatever name it had."""
    site.terminal.taken.clear()
    site.terminal.poll()
    for _, raw in site.terminal.taken:
        (site.root / "taken" / uuid4().hex).write_bytes(raw)


def run(site: Site, kill_at: int) -> None:
    """One run of the desk's program: an act, a request, an answer."""
    steps = Steps(kill_at)
    shares = [cast("Share", KilledShare(site.share(name), steps)) for name in ("req", "res")]
    desk = site.start(KilledFile(site.path(), steps), Folders(*shares))
    desk.send(FOUND, CONFIRMED, "sato")
    desk.advance()
    keep_taken(site)
    site.wait(1)
    desk.advance()


def killed(site: Site, kill_at: int) -> bool:
    """Whether a child that runs the desk died at that step; False: it came to its end."""
    child = os.fork()
    if child == 0:
        run(site, kill_at)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status not in (0, signal.SIGKILL):
        raise RuntimeError(f"the desk failed at step {kill_at}: {status}")
    return status != 0


def recover(site: Site, *, terminal_first: bool) -> dict[str, object]:
    """The next start: staff try again, the terminal goes on. What was sent, and how it ended."""
    if terminal_first:
        keep_taken(site)
    desk = site.start()
    again = desk.send(FOUND, CONFIRMED, "sato")
    for _ in range(3):
        desk.advance()
        keep_taken(site)
        site.wait(2)
    states = [each.state for each in desk.of_day(NOON.date())]
    site.file.close()
    return {
        "again": again.reason if isinstance(again, Refused) else "stored",
        "states": states,
        "taken": len(list((site.root / "taken").iterdir())),
        "left": site.requests(),
    }


def main() -> None:
    for kill_at in range(1, STEPS_MAX):
        site = Site(Path(sys.argv[1]) / str(kill_at))
        (site.root / "taken").mkdir()
        died = killed(site, kill_at)
        found = recover(site, terminal_first=sys.argv[2] == "yes") if died else {}
        sys.stdout.write(json.dumps({"kill_at": kill_at, "died": died, **found}) + "\n")
        if not died:
            return


if __name__ == "__main__":
    main()
