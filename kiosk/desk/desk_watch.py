"""What waits at the desk for a person: how long, whether that is too long, and who is notified.

Owns the thread that looks every few seconds, writes the desk's figures and runs the site's alarm command. Must never
keep the desk waiting, or pass on more than codes and numbers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from kiosk.config import Config
from kiosk.desk import desk_status
from kiosk.desk.desk_status import DeskStatus
from kiosk.process.alarm import AlarmCommand, AlarmNotifier, Condition
from kiosk.process.data_folder import DeskFolder
from kiosk.process.event_log import EventLog

_MINUTE: Final = timedelta(minutes=1)
# A visit's day has no more; what is older waits at least as long.
_LOOK_BACK: Final = timedelta(days=1)
_CLOSE_S: Final = 1.0


@dataclass(frozen=True)
class Seen:
    """How the desk stands. `open_since`: of the oldest that waits for a person; the rest as in DeskStatus."""

    visits: int = 0
    open: int = 0
    open_since: datetime | None = None
    feed_down: str = ""
    missed: int = 0


def waited_min(config: Config, since: datetime, now: datetime) -> int:
    """Whole minutes of reception between `since` and `now`, both with a time zone: nobody waits for staff at night."""
    at, minutes = max(since, now - _LOOK_BACK), 0
    while at + _MINUTE <= now:
        minutes += config.open_at(at.astimezone(config.site.zone))
        at += _MINUTE
    return minutes


def overdue_s(config: Config, since: datetime | None, now: datetime) -> float | None:
    """For how long the oldest has waited within the hours, while they last and where that is longer than
    [desk] attention_min; else None.
    """
    if since is None or config.desk is None or not config.open_at(now.astimezone(config.site.zone)):
        return None
    minutes = waited_min(config, since, now)
    return minutes * 60.0 if minutes > config.desk.attention_min else None


class DeskWatch:
    """Looks from the moment it is made until `close`. `look()` is called in a thread of this object's; what it raises
    ends the process' figures, which is then reported as a desk that does not run.
    """

    def __init__(
        self,
        config: Config,
        folder: DeskFolder,
        log: EventLog,
        look: Callable[[], Seen],
        every_s: float = desk_status.EVERY_S,
    ) -> None:
        self._config = config
        self._folder = folder
        self._log = log
        self._look = look
        self._every_s = every_s
        self._began_s = time.monotonic()
        self._alarms = AlarmNotifier(AlarmCommand(config.alarm.command, log), folder.path, "desk")
        self._wrong: frozenset[str] = frozenset()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="desk-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End, on purpose: the figures are taken away."""
        self._stop.set()
        self._alarms.close()
        self._thread.join(_CLOSE_S)
        desk_status.forget(self._folder)

    def _run(self) -> None:
        while True:
            status = self._status(datetime.now(self._config.site.zone))
            if self._stop.is_set():
                return
            self._report(status)
            if self._stop.wait(self._every_s):
                return

    def _status(self, now: datetime) -> DeskStatus:
        seen = self._look()
        since = seen.open_since
        return DeskStatus(
            up_s=round(time.monotonic() - self._began_s, 1),
            visits=seen.visits,
            open=seen.open,
            oldest_open_s=None if since is None else round(max(0.0, (now - since).total_seconds()), 1),
            overdue_s=overdue_s(self._config, since, now),
            feed="down" if seen.feed_down else "ok",
            feed_what=seen.feed_down or None,
            missed=seen.missed,
        )

    def _report(self, status: DeskStatus) -> None:
        wrong = frozenset(
            code
            for code, holds in (("desk_waits", status.overdue_s is not None), ("desk_feed_down", status.feed == "down"))
            if holds
        )
        for code in sorted(wrong - self._wrong):
            self._log.write(code)
        if "desk_feed_down" in self._wrong - wrong:
            self._log.write("desk_feed_up")
        self._wrong = wrong
        self._alarms.update([Condition(code) for code in sorted(wrong)])
        desk_status.write(self._folder, replace(status, alarm_fails=self._alarms.fails))
