"""Runs couriers that kill themselves at the n-th boundary of a visible effect; a program of the crash tests.

Reads one JSON command a line: {"url": …} of the shares, the data folder, and `kill_at` (0: never); `dies`: before or
after which step of what is done for a desk it kills itself. Each command is run in a fork of this warm process, so that
a hundred runs take seconds. Answers {"killed": bool, "finished": bool}.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

from drivers.share import Changes, Digest, Entry, SessionInfo, Share, open_share
from kiosk.courier.assembly import Settings, assemble
from kiosk.courier.desk import HandOver
from kiosk.courier.ends import Ends
from kiosk.courier.ledger import Ledger, RouteName
from kiosk.courier.ownership import DEAD_S
from kiosk.courier.summary import totals
from kiosk.process.data_folder import DataFolder
from kiosk.process.desk_spool import SpoolWriter
from kiosk.process.event_log import EventLog
from kiosk.tables.known_people import KnownPeople

FINISH_S = 60.0


class Boundaries:
    """Counts the moments before, within and after each effect; kills the process at one of them."""

    def __init__(self, kill_at: int) -> None:
        self._kill_at = kill_at
        self._count = count(1)
        self._lock = threading.Lock()

    def cross(self) -> None:
        with self._lock:
            if next(self._count) == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)


class DeadlyShare:
    """A share that may be the last thing its process uses."""

    def __init__(self, share: Share, boundaries: Boundaries) -> None:
        self.share = share
        self._boundaries = boundaries

    @property
    def where(self) -> str:
        return self.share.where

    @property
    def denies_writers(self) -> bool:
        return self.share.denies_writers

    def entries(self, pattern: str, limit: int = 20_000) -> list[Entry]:
        return self.share.entries(pattern, limit)

    def chunks(self, name: str, size: int = 1 << 20) -> Iterator[bytes]:
        return self.share.chunks(name, size)

    def watch(self) -> Changes:
        return self.share.watch()

    def fetch(self, name: str, limit: int) -> tuple[Entry, bytes | None]:
        return self.share.fetch(name, limit)

    def glance(self, name: str, limit: int) -> tuple[Entry, bytes | None]:
        return self.share.glance(name, limit)

    def read(self, name: str, limit: int) -> bytes:
        return self.share.read(name, limit)

    def digest(self, name: str) -> Digest:
        self._boundaries.cross()
        return self.share.digest(name)

    def put(self, name: str, chunks: Iterable[bytes]) -> Digest:
        def halves() -> Iterator[bytes]:
            for chunk in chunks:
                yield chunk[: len(chunk) // 2]
                self._boundaries.cross()
                yield chunk[len(chunk) // 2 :]

        self._boundaries.cross()
        digest = self.share.put(name, halves())
        self._boundaries.cross()
        return digest

    def rename_new(self, name: str, new_name: str, into: Share | None = None) -> None:
        self._boundaries.cross()
        self.share.rename_new(name, new_name, _real(into))
        self._boundaries.cross()

    def move_same(self, name: str, digest: Digest, new_name: str, into: Share) -> bool:
        self._boundaries.cross()
        moved = self.share.move_same(name, digest, new_name, _real(into) or into)
        self._boundaries.cross()
        return moved

    def delete_same(self, name: str, digest: Digest) -> bool:
        self._boundaries.cross()
        deleted = self.share.delete_same(name, digest)
        self._boundaries.cross()
        return deleted

    def remove(self, name: str) -> None:
        self._boundaries.cross()
        self.share.remove(name)

    def reaches(self, other: Share) -> bool:
        return self.share.reaches(_real(other) or other)

    def identity(self) -> str:
        return self.share.identity()

    def at(self, folder: str) -> Share:
        return DeadlyShare(self.share.at(folder), self._boundaries)

    def session_info(self) -> SessionInfo:
        return self.share.session_info()

    def drop(self) -> None:
        self.share.drop()


# In their order.
_STEPS: Final[dict[str, type]] = {
    "stage": SpoolWriter, "add": Ledger, "hand_over": HandOver, "compare": KnownPeople, "put": SpoolWriter,
    "unstage": SpoolWriter,
}  # fmt: skip


def die_at(step: str, when: str) -> None:
    """Kill this process `before` or `after` the first time that a step is done for the desk."""
    owner: Any = _STEPS[step]
    real = getattr(owner, step)

    def dying(*arguments: Any, **named: Any) -> Any:
        if when == "after":
            real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, step, dying)


def _real(share: Share | None) -> Share | None:
    return share.share if isinstance(share, DeadlyShare) else share


def settings(command: dict[str, Any], boundaries: Boundaries) -> Settings:
    def open_(url: str) -> Share:
        return DeadlyShare(open_share(url, command["password"]), boundaries)

    def ends(route: RouteName, source: str, destination: str) -> Ends:
        to = open_(destination)
        return Ends(route, open_(source), open_(source), to, to)

    urls = command["url"]
    return Settings(
        data_dir=Path(command["data_dir"]),
        institution_code="9912345678",
        poll_s=0.05,
        subsidy_wait_s=5.0,
        max_bytes=1_048_576,
        results=ends("results", urls["source"], urls["destination"]),
        subsidies=ends("subsidies", urls["subsidies"], urls["subsidies_to"]) if "subsidies" in urls else None,
        dead_s=command.get("dead_s", DEAD_S),
        desk_spool=Path(command["desk_spool"]) if "desk_spool" in command else None,
    )


def deliver(command: dict[str, Any]) -> None:
    """Until `files` files are done in the ledger, or forever after a kill."""
    folder = Path(command["data_dir"])
    if "dies" in command:
        die_at(*command["dies"])
    courier = assemble(settings(command, Boundaries(command["kill_at"])), EventLog(folder, "courier", echo=False))
    threading.Thread(target=courier.run, daemon=True).start()
    deadline = time.monotonic() + FINISH_S
    tick = threading.Event()
    while time.monotonic() < deadline:
        done = totals(DataFolder(folder).ledger)[0].get("done", 0) >= command["files"]
        if done and "dies" not in command and not any(Path(command.get("desk_spool", folder)).glob("*.staged")):
            os._exit(0)
        tick.wait(0.01)
    os._exit(9)


def main() -> None:
    for line in sys.stdin:
        command = json.loads(line)
        child = os.fork()
        if child == 0:
            deliver(command)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        finished = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
        print(json.dumps({"killed": killed, "finished": finished}), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
