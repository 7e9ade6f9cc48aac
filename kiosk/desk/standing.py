"""How the desk's parts stand: banners above every page, the page 管理, and results that could not be displayed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kiosk.config import Config
from kiosk.desk.acts import Done, Outcome
from kiosk.desk.desk_watch import Seen, overdue_s
from kiosk.desk.export import Exports
from kiosk.desk.feed import Feed
from kiosk.desk.kiosk_notices import KioskNotices, waiting_since
from kiosk.desk.numbers import Numbers
from kiosk.desk.pages import Banner, Part
from kiosk.desk.papers import Papers
from kiosk.desk.receptions import Receptions
from kiosk.desk.sealed_register import SealedRegister
from kiosk.desk.today import ENDS_AT_H, Today
from kiosk.desk.unsettled import UnsettledOrders
from kiosk.words.problems import Problem, in_english


@dataclass(frozen=True)
class Watched:
    """Whose standing it is."""

    config: Config
    today: Today
    feed: Feed
    receptions: Receptions
    numbers: Numbers
    exports: Exports | None
    register: SealedRegister
    kiosk: KioskNotices
    unsettled: UnsettledOrders
    clock: Callable[[], datetime]


class Standing:
    """Any thread; `look_…` may wait for another process."""

    def __init__(self, watched: Watched, papers: Papers) -> None:
        self._watched, self._papers = watched, papers
        self._lock = threading.Lock()
        self._lost: frozenset[int] = frozenset()
        self._confirmed: frozenset[int] = frozenset()

    def look_for_lost(self) -> None:
        """Ask the feed which of today's results never came."""
        today = self._watched.today
        start = datetime.combine(today.day, datetime.min.time(), self._watched.clock().tzinfo)
        missing = frozenset(self._watched.feed.missing(today.files(), start + timedelta(hours=ENDS_AT_H)))
        with self._lock:
            changed, self._lost = missing != self._lost, missing
        if changed:
            today.touch()

    @property
    def lost(self) -> int:
        """Results of today that were not displayed, and that nobody has confirmed to have looked up."""
        with self._lock:
            return len(self._lost - self._confirmed)

    def confirm_lost(self) -> Outcome:
        """Staff have looked them up at the receipt computer."""
        with self._lock:
            already = self._lost <= self._confirmed
            self._confirmed |= self._lost
        self._watched.today.touch()
        return Done(already=already)

    def confirm_unserved(self, line: int, code: str) -> Outcome:
        """Staff have taken care of a patient whom the kiosk could not register. Waits for another process."""
        outcome = self._watched.kiosk.serve(line, code)
        self.look_at_kiosk()
        return outcome

    def confirm_unsettled(self, attempt: str) -> Outcome:
        """Staff have dealt with an order, and with its patient, whom the kiosk could not register. Waits likewise."""
        watched = self._watched
        found = watched.unsettled.of(attempt)
        outcome = watched.unsettled.settle(attempt)
        if found is not None and found.order.day == watched.unsettled.day and isinstance(outcome, Done):
            for each in watched.kiosk.of_patient(found.order.patient_number):
                watched.kiosk.serve(each.line, each.code)
        self.look_at_kiosk()
        self.look_at_orders()
        watched.today.touch()
        return outcome

    def is_overdue(self, since: datetime | None) -> bool:
        """Whether something waits for a person longer than the site bears."""
        return overdue_s(self._watched.config, since, self._watched.clock()) is not None

    def banners(self) -> tuple[Banner, ...]:
        """What holds for every page."""
        found = []
        feed = self._watched.feed.state
        if feed.problem is not None:
            found.append(Banner(feed.problem, serious=True))
        if self.lost:
            found.append(Banner(Problem("banner.lost", {"count": self.lost}), confirm=True))
        if not self._watched.receptions.answers:
            found.append(Banner(Problem("banner.reservations"), serious=True))
        # With a courier it is the courier that compares, and says so of its own store.
        if self._watched.register.was_put_aside or self._watched.feed.was_put_aside:
            found.append(Banner(Problem("banner.begun_anew")))
        return (*self._of_kiosk(), *found)

    def look_at_kiosk(self) -> None:
        """Ask for what the kiosk has for staff. Waits for another process."""
        if self._watched.kiosk.refresh():
            self._watched.today.touch()

    def look_at_orders(self) -> None:
        """Ask for what is not settled. Waits likewise."""
        if self._watched.unsettled.refresh():
            self._watched.today.touch()

    def _of_kiosk(self) -> Iterator[Banner]:
        """A call for staff; and that nobody can say whom the kiosk could not register."""
        kiosk = self._watched.kiosk
        if kiosk.call is not None:
            code, name, at = kiosk.call
            problem = "banner.call" if code == "call" else "banner.many_cards"
            yield Banner(Problem(problem, {"kiosk": name, "at": f"{at:%H:%M}"}), serious=True)
        if not kiosk.reached and self._watched.config.printer is not None:
            yield Banner(Problem("banner.unserved"))

    def parts(self) -> tuple[Part, ...]:
        """Of the page 管理, one line each."""
        watched, troubles = self._watched, self._watched.numbers.troubles
        feed, exports = watched.feed.state, watched.exports
        found = [
            Part("feed", feed.problem, feed.since.astimezone(watched.config.site.zone)),
            Part("reservations", None if watched.receptions.answers else Problem("banner.reservations")),
        ]
        if self._papers.possible:
            found.append(Part("printer", self._papers.trouble))
        if not watched.numbers.off:
            found += [Part(name, troubles.get(name)) for name in ("requests", "answers", "store")]
        if watched.numbers.has_patients:
            found.append(Part("patients", troubles.get("patients")))
        if exports is not None:
            found.append(Part("export", exports.trouble))
        return tuple(found)

    def look(self) -> Seen:
        """Figures for `kiosk status` and the alarm."""
        watched, view = self._watched, self._watched.today.view()
        unsettled = watched.unsettled.listed
        unserved = watched.kiosk.unserved(watched.receptions.entries, watched.unsettled.of_today())
        problem = watched.feed.state.problem
        return Seen(
            len(view.entries),
            len(view.waiting) + len(unserved) + len(unsettled),
            waiting_since(view.waiting_since, unserved, unsettled),
            in_english(problem) if problem else "",
            self.lost,
        )
