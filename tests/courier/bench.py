"""What the courier's tests share: folders on a real server, shares that misbehave at a chosen call, a whole courier.

Owns its threads and folders. It must never replace a part of the courier: faults come from around it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from drivers.share import Share, open_share
from kiosk.courier.assembly import RELIST_S, Settings, assemble
from kiosk.courier.deliver import Deliverer
from kiosk.courier.ends import Ends
from kiosk.courier.ledger import Item, Ledger, RouteName
from kiosk.courier.listeners import admit
from kiosk.courier.ownership import DEAD_S
from kiosk.process.event_log import EventLog
from tests.hospital import vector, wait_until

LEDGER = "courier.db"

DEADLINE_S = 60.0
PREFIX = "OQSsiquc01res_face_9912345678"


def result_name(number: int) -> str:
    return f"{PREFIX}{number:020x}_2026011509{number // 60 % 60:02d}{number % 60:02d}.xml"


def document(label: str = "valid-utf8") -> bytes:
    return vector(label)[1]


def place(folder: Path, name: str, content: bytes) -> Path:
    """Put a whole file there at once, from beside the server."""
    hidden = folder / f".{name}.writing"
    hidden.write_bytes(content)
    return hidden.rename(folder / name)


def wait_for_count(now: Callable[[], int], count: int, what: str, deadline_s: float = DEADLINE_S) -> None:
    """`deadline_s`: in which there must be one more; how long many of them take is the machine's affair."""

    def more_than(before: int) -> bool:
        return now() > before

    while (before := now()) < count:
        wait_until(partial(more_than, before), f"more than {before} of {count} {what}", deadline_s)


class Hooked:
    """A share with something happening before, after or instead of chosen calls; keys such as `before_rename_new`."""

    def __init__(self, share: Share, **hooks: Callable[..., Any]) -> None:
        self.share = share
        self.hooks = hooks
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.share, name)
        if not callable(real):
            return real

        def call(*arguments: Any, **more: Any) -> Any:
            self.calls.append(name)
            if instead := self.hooks.get(f"instead_{name}"):
                return instead(*arguments)
            if before := self.hooks.get(f"before_{name}"):
                before(*arguments)
            plain = [_plain(each) for each in arguments]
            result = real(*plain, **{key: _plain(value) for key, value in more.items()})
            if after := self.hooks.get(f"after_{name}"):
                after(*arguments)
            return result

        return call


def _plain(value: Any) -> Any:
    while isinstance(value, Hooked):
        value = value.share
    return value


def hooked(share: Share, **hooks: Callable[..., Any]) -> Share:
    return cast(Share, Hooked(share, **hooks))


def once(do: Callable[..., Any]) -> Callable[..., None]:
    """A hook that acts the first time only."""
    left = [True]

    def act(*arguments: Any) -> None:
        if left:
            left.clear()
            do(*arguments)

    return act


class Notes:
    """Notices, kept."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.alarms: set[tuple[str, int]] = set()

    def event(self, code: str, item: Item, why: str = "") -> None:
        self.events.append(code)

    def alarm(self, code: str, item: Item) -> None:
        self.alarms.add((code, item.id))

    def all_clear(self, item: Item) -> None:
        self.alarms -= {("file_held", item.id), ("temp_lost", item.id)}

    @property
    def codes(self) -> set[str]:
        return {code for code, _ in self.alarms}


class Desk:
    """One deliverer with a ledger of its own; `restart` is what a killed process finds."""

    def __init__(self, ledger: Path, source: Share, destination: Share, staging: Share | None = None) -> None:
        self.path = ledger
        self.ends = Ends("results", source, source, destination, staging or destination)
        self.notes = Notes()
        self.restart()

    def restart(self) -> None:
        self.ledger = Ledger(self.path)
        self.deliverer = Deliverer(self.ends, self.ledger, self.notes)

    def admit(self, name: str, *, route: RouteName = "results") -> Item:
        return admit(self.ledger, route, name, self.ends.source.digest(name), "", "none")

    def advance(self, item: Item, *, raw: bytes | None = None, tries: int = 8) -> str:
        """As the route does: failures are tried again. Returns the state after at most `tries`."""
        from drivers.share import ShareError

        state = item.state
        for _ in range(tries):
            try:
                state = self.deliverer.advance(item.id, raw)
            except ShareError:
                continue
            if state in ("done", "lost", "replaced", "held"):
                break
        return state


class RunningCourier:
    """A whole courier in a thread of this process; a context manager."""

    def __init__(
        self,
        data_dir: Path,
        results: tuple[str, str],
        subsidies: tuple[str, str] | None = None,
        *,
        password: str = "",
        wrap: Callable[[str, Share], Share] = lambda role, share: share,
        poll_s: float = 0.05,
        subsidy_wait_s: float = 5.0,
        staging: str = "",
        dead_s: float = DEAD_S,
        desk_spool: Path | None = None,
        key_check: bool = False,
        relist_s: float = RELIST_S,
    ) -> None:
        self.data_dir = data_dir
        data_dir.mkdir(exist_ok=True)

        def ends(route: RouteName, source: str, destination: str) -> Ends:
            to = open_share(destination, password)
            aside = to.at(staging) if staging else to
            return Ends(
                route,
                wrap("watched", open_share(source, password)),
                wrap("source", open_share(source, password)),
                wrap("destination", to),
                wrap("staging", aside),
            )

        self.settings = Settings(
            data_dir, "9912345678", poll_s, subsidy_wait_s, 1_048_576,
            ends("results", *results), ends("subsidies", *subsidies) if subsidies else None,
            dead_s=dead_s, relist_s=relist_s, desk_spool=desk_spool, key_check=key_check,
        )  # fmt: skip
        self.courier = assemble(self.settings, EventLog(data_dir, "courier", echo=False))
        self.code: int | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self.code = self.courier.run()

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.courier.notices.ending.set()
        self.thread.join(DEADLINE_S)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.data_dir / LEDGER}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(query).fetchall()

    def alarms(self) -> set[str]:
        return {row[0] for row in self.rows("SELECT code FROM alarms")}

    def states(self) -> dict[str, int]:
        return dict(self.rows("SELECT state, count(*) FROM files GROUP BY state"))

    def subsidies(self) -> dict[str, int]:
        return dict(self.rows("SELECT subsidy, count(*) FROM files WHERE route = 'results' GROUP BY subsidy"))

    def wait_done(self, count: int, deadline_s: float = DEADLINE_S) -> None:
        wait_for_count(lambda: self.states().get("done", 0), count, "files done", deadline_s)

    def events(self) -> list[str]:
        path = self.data_dir / "events-courier.jsonl"
        return [json.loads(line)["event"] for line in path.read_text(encoding="utf-8").splitlines()]


class Clock:
    """Monotonic seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
