"""What follows from what the watchers see: ledger rows, messages to the reception, alarms, pairing, precedence.

The row is written before the message is sent, but for a ledger that cannot be written (a full disk): the patient needs
no ledger, so the result is reported and the file stays where it is, to be offered again; see `_report_unwritten`.

One listener a route. They meet in `Pairing`: an eligibility result asks for a subsidy answer by name, and whichever of
the two comes first, the other finds it.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from drivers.share import Digest
from kiosk.courier.alarms import NoticeBoard
from kiosk.courier.desk import HandOver
from kiosk.courier.ledger import Item, Ledger, RouteName, was_sent
from kiosk.courier.ledger import Subsidy as SubsidyState
from kiosk.courier.line import Hub
from kiosk.courier.queue import Parcel, Queue
from kiosk.process.courier_line import Message
from kiosk.process.desk_spool import Staged
from kiosk.results.changes import EligibilityChange
from kiosk.results.eligibility import Eligibility, Reading
from kiosk.results.examine import NotTaken
from kiosk.results.sightings import Sighting, SightingId

ASKERS_MAX = 200
# Files that wait until the ledger can be written; beyond that nothing is reported, rather than something twice.
UNWRITTEN_MAX = 10_000


class Pairing:
    """Which sighted eligibility file asked for which subsidy request. In memory; the ledger knows it durably."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sighting_of: OrderedDict[str, SightingId] = OrderedDict()
        self._failed: OrderedDict[str, None] = OrderedDict()

    def asked(self, request: str, sighting: SightingId) -> None:
        with self._lock:
            self._sighting_of[request] = sighting
            while len(self._sighting_of) > ASKERS_MAX:
                self._sighting_of.popitem(last=False)

    def asker(self, request: str) -> SightingId | None:
        with self._lock:
            return self._sighting_of.get(request)

    def failed(self, request: str) -> SightingId | None:
        """Its error file is here and cannot be entered into the ledger: only this object knows. Returns the asker."""
        with self._lock:
            self._failed[request] = None
            while len(self._failed) > ASKERS_MAX:
                self._failed.popitem(last=False)
            return self._sighting_of.get(request)

    def has_failed(self, request: str) -> bool:
        with self._lock:
            return request in self._failed


@dataclass(frozen=True)
class Precedence:
    """Which goes first: the answer to a subsidy request before the eligibility result that asked for it, for a while.

    `askers`: the queue of the results; `wait_s`: for how long one that was known before the start waits.
    """

    ledger: Ledger
    notices: NoticeBoard
    askers: Queue
    wait_s: float

    def may_go(self, parcel: Parcel) -> bool:
        """Whether a file may go now; the ledger keeps how an eligibility result's wait ended."""
        if not parcel.request:
            return True
        item = self.ledger.item(parcel.file)
        if item.subsidy != "waiting":
            return True
        answers = self.ledger.of_request("subsidies", parcel.request)
        failed = _has_error(answers)
        if any(answer.state in ("published", "done") for answer in answers):
            self.ledger.set_subsidy(item, "failed" if failed else "result")
            if failed:
                self.notices.event("subsidy_failed", item)
            return True
        if time.monotonic() < parcel.deadline:
            return False
        # An answer that is here but could not be put ahead is late as well.
        late: SubsidyState = "late_failed" if failed else "late_result"
        self.ledger.set_subsidy(item, late if answers else "unanswered")
        self.notices.event("subsidy_unanswered", item)
        if failed:
            self.notices.alarm("subsidy_failed_late", item)
        return True

    def answered(self, parcel: Parcel) -> None:
        """A subsidy file has gone: the results that asked for it need wait no longer."""
        request = self.ledger.item(parcel.file).request
        if request:
            self.askers.wake(request)


def _has_error(answers: list[Item]) -> bool:
    return any(answer.name.lower().endswith(".err") for answer in answers)


def admit(
    ledger: Ledger,
    route: RouteName,
    name: str,
    digest: Digest,
    request: str,
    subsidy: SubsidyState,
    history: list[Item] | None = None,
) -> Item:
    """Enter a complete file into the ledger. `history`: `of_name`, if it was read already.

    A name and content that were delivered before mean that the server lost our delete: it is deleted again, never sent
    again. A known name with other content is held: the receipt computer must not get two files of one name.
    """
    if history is None:
        history = ledger.of_name(route, name)
    for item in reversed(history):
        if item.digest == digest:
            _open_again(ledger, item, name, history)
            return ledger.item(item.id)
    sent = [item for item in history if item.state not in ("lost", "replaced") and not ledger.replace_unsent(item)]
    held = "other_content" if sent else ""
    return ledger.add(route, name, digest, request=request, subsidy=subsidy, held=held)


def is_news(history: list[Item], sighting: Sighting, digest: Digest) -> bool:
    """Whether the ledger lacked this content when it was first offered. `history`: `of_name` before `admit`.

    An offer may enter it and then fail at the next statement; the file is offered again, and is still news to the
    patient who waits.
    """
    if sighting.news != digest and all(item.digest != digest for item in history):
        sighting.news = digest
    return sighting.news == digest


def _open_again(ledger: Ledger, item: Item, name: str, history: list[Item]) -> None:
    if item.state in ("done", "lost", "replaced") and item.name != name:
        ledger.set_spelling(item, name)
    if item.state == "done":
        ledger.set_state(item, "published")
    elif item.state in ("lost", "replaced"):
        if was_sent(history, item):  # other bytes were sent under this name meanwhile
            ledger.set_state(item, "held", "other_content")
        else:
            ledger.set_state(item, "seen")


def _hand_over(
    desk: HandOver | None,
    staged: Staged | None,
    item: Item | None,
    report: Callable[[EligibilityChange], None] | None = None,
) -> None:
    """`item`: its row; None: it could not be written, and the file is offered again."""
    if desk is None or staged is None:
        return
    if item is None or item.state == "held":
        desk.drop(staged)
    else:
        desk.hand_over(staged, item, report or (lambda _: None))


def taken_by_other(ledger: Ledger, route: RouteName, name: str) -> bool:
    """Whether a file that vanished unread is a loss: not if the ledger has it, because we may have deleted it."""
    return all(item.state in ("lost", "replaced") for item in ledger.of_name(route, name))


@dataclass(frozen=True)
class ResultsListener:
    """Eligibility results: reported to the reception, then delivered, whatever they contain."""

    ledger: Ledger
    notices: NoticeBoard
    hub: Hub
    queue: Queue
    pairing: Pairing
    institution_code: str
    subsidy_wait_s: float | None  # None: subsidies need no forwarding here
    desk: HandOver | None = None  # None: no desk wants them
    # What was complete while the ledger could not be written, and by which sighting. Only this object knows: a file
    # that goes and comes back must not be reported as a new one.
    unwritten: dict[tuple[str, Digest], SightingId] = field(default_factory=dict, repr=False)

    def sighted(self, sighting: Sighting) -> None:
        if sighting.fresh:
            self.hub.emit({"event": "sighted", "file": sighting.id, "first_seen": sighting.first_seen})

    def gone(self, sighting: Sighting) -> None:
        """Another program took it before it was complete or could be read."""
        self.hub.emit({"event": "gone", "file": sighting.id})
        if taken_by_other(self.ledger, "results", sighting.name):
            self.notices.alarm("file_lost_to_other")

    def unreadable(self, sighting: Sighting) -> None:
        if sighting.fresh:
            self._emit_result(sighting, "unreadable", {})

    def others(self, number: int) -> None:
        self.notices.other_files(number)

    def complete(self, sighting: Sighting, reading: Reading, digest: Digest, raw: bytes | None) -> None:
        request = reading.request if self.subsidy_wait_s is not None else ""
        state: SubsidyState = "refused" if reading.refused else "waiting" if request else "none"
        staged = None
        try:
            history = self.ledger.of_name("results", sighting.name)
            news = is_news(history, sighting, digest)
            if news and self.desk is not None:
                staged = self.desk.stage("results", sighting.name, digest, raw, self._patient(reading))
            item = admit(self.ledger, "results", sighting.name, digest, request, state, history)
        except sqlite3.Error as error:
            _hand_over(self.desk, staged, None)
            self._report_unwritten(sighting, reading, digest, request)
            self.notices.ledger_failed(error)
            raise NotTaken from error
        may_report = self._may_report(sighting, digest)
        self.unwritten.pop((sighting.name.lower(), digest), None)
        if not news or item.state == "held":
            self.hub.emit({"event": "gone", "file": sighting.id})  # known: delivered, never reported
            if item.state == "held":
                self.notices.alarm("file_held", item)
            elif item.state == "published":
                self.notices.event("file_reappeared", item)
        else:
            self._announce(sighting, item, reading, may_report)
        wait_s = self.subsidy_wait_s if request and self.subsidy_wait_s is not None else 0.0
        self.queue.add(Parcel(item.id, request, time.monotonic() + wait_s, raw, sighting.fresh))
        _hand_over(self.desk, staged, item, partial(self._report_compared, sighting))

    def _report_unwritten(self, sighting: Sighting, reading: Reading, digest: Digest, request: str) -> None:
        """The ledger cannot be written. Whether it knows the file can still be read; only a new one is reported.

        A courier that is started again meanwhile finds the file there, so it is not fresh and is not reported.
        """
        if not self._may_report(sighting, digest) or len(self.unwritten) >= UNWRITTEN_MAX:
            return
        self.unwritten.setdefault((sighting.name.lower(), digest), sighting.id)
        try:
            history = self.ledger.of_name("results", sighting.name)
            if not is_news(history, sighting, digest):
                self.hub.emit({"event": "gone", "file": sighting.id})  # as in `complete`: never reported
                return
            others = [item for item in history if item.digest != digest]
            if any(item.state not in ("lost", "replaced") for item in others):
                return  # other content of this name; only the row can decide what becomes of it
            self._report_result(sighting, reading, request)
        except sqlite3.Error:
            return  # it cannot be read either: perhaps this was delivered long ago

    def _may_report(self, sighting: Sighting, digest: Digest) -> bool:
        """Not what was reported, nor what another sighting of the same file may have reported."""
        first = self.unwritten.get((sighting.name.lower(), digest), sighting.id)
        return not sighting.reported and first == sighting.id

    def _announce(self, sighting: Sighting, item: Item, reading: Reading, may_report: bool) -> None:
        if may_report:  # first: a statement that fails here must not report anything twice
            self._report_result(sighting, reading, item.request)
        self.notices.event("file_seen", item)
        if reading.refused:
            self.notices.event("subsidy_refused", item)
        if reading.result is None:
            self.notices.alarm("file_unreadable", item)
        elif self._is_foreign(reading.result):
            self.notices.alarm("institution_differs", item)

    def _is_foreign(self, result: Eligibility | None) -> bool:
        return result is not None and result.institution_code not in (None, self.institution_code)

    def _patient(self, reading: Reading) -> str:
        """The number of the patient that the result is of; "": none that may be believed."""
        result = reading.result
        if result is None or result.outcome != "usable" or self._is_foreign(result):
            return ""
        return result.reference_number or ""

    def _report_compared(self, sighting: Sighting, change: EligibilityChange) -> None:
        """Any thread."""
        if sighting.reported and self.desk is not None:
            self.desk.reported(sighting.id, change)
            self.hub.emit({"event": "compared", "file": sighting.id, "eligibility": change.key})

    def _report_result(self, sighting: Sighting, reading: Reading, request: str) -> None:
        result = reading.result
        if result is None:
            return
        if request:
            self.pairing.asked(request, sighting.id)
        if not sighting.fresh:
            return  # it was there when the courier started: delivered, not reported
        foreign = self._is_foreign(result)
        content: Message = {}
        if result.outcome == "usable" and not foreign:
            failed = bool(request) and (
                self.pairing.has_failed(request) or _has_error(self.ledger.of_request("subsidies", request))
            )
            notes = [*result.notes, *(["subsidy_failed"] if failed else [])]
            content = {"reference_number": result.reference_number, "birthdate": result.birthdate, "notes": notes}
        self._emit_result(sighting, "failed" if foreign else str(result.outcome), content)
        sighting.reported = True

    def _emit_result(self, sighting: Sighting, outcome: str, content: Message) -> None:
        empty: Message = {"reference_number": None, "birthdate": None, "notes": []}
        head: Message = {"event": "result", "file": sighting.id, "first_seen": sighting.first_seen}
        self.hub.emit({**head, "outcome": outcome, **empty, **content})


@dataclass(frozen=True)
class SubsidiesListener:
    """Subsidy results and error files: delivered, and reported to the result that asked for them."""

    ledger: Ledger
    notices: NoticeBoard
    hub: Hub
    queue: Queue
    pairing: Pairing
    desk: HandOver | None = None

    def sighted(self, sighting: Sighting) -> None:
        pass  # a patient never waits for a subsidy

    def gone(self, sighting: Sighting) -> None:
        if taken_by_other(self.ledger, "subsidies", sighting.name):
            self.notices.alarm("file_lost_to_other")

    def unreadable(self, sighting: Sighting) -> None:
        pass

    def others(self, number: int) -> None:
        pass  # the folder is the terminal's common one; files of other kinds are normal there

    def complete(self, sighting: Sighting, reading: Reading, digest: Digest, raw: bytes | None) -> None:
        staged = None
        try:
            history = self.ledger.of_name("subsidies", sighting.name)
            news = is_news(history, sighting, digest)
            if news and self.desk is not None:
                # Of an error file nobody knows how it is written: that it is there is all there is to it.
                staged = self.desk.stage("subsidies", sighting.name, digest, None if reading.failed else raw)
            item = admit(self.ledger, "subsidies", sighting.name, digest, reading.request, "none", history)
        except sqlite3.Error as error:
            _hand_over(self.desk, staged, None)
            asker = self.pairing.failed(reading.request) if reading.failed and reading.request else None
            if asker is not None:
                self.hub.emit({"event": "subsidy_failed", "file": asker})
            self.notices.ledger_failed(error)
            raise NotTaken from error
        if item.state == "held":
            self.notices.alarm("file_held", item)
        elif news:
            self._notify_askers(reading)
            self.notices.event("file_seen", item)
            if reading.result is None and not reading.whole:
                self.notices.alarm("file_unreadable", item)
        elif item.state == "published":
            self.notices.event("file_reappeared", item)
        self.queue.add(Parcel(item.id, raw=raw, fresh=sighting.fresh))
        _hand_over(self.desk, staged, item)

    def _notify_askers(self, reading: Reading) -> None:
        askers = self.ledger.of_request("results", reading.request) if reading.request else []
        if not askers and reading.failed and (sighting := self.pairing.asker(reading.request)) is not None:
            # Reported while its row could not be written. It asks by `pairing`, then looks for our row, and we the
            # other way round: one of the two sees the other.
            self.hub.emit({"event": "subsidy_failed", "file": sighting})
        for asker in askers:
            late = asker.subsidy == "unanswered"
            if reading.failed:
                sighting = self.pairing.asker(reading.request)
                if late:
                    self.ledger.set_subsidy(asker, "late_failed")
                    self.notices.alarm("subsidy_failed_late", asker)
                elif sighting is not None:
                    self.hub.emit({"event": "subsidy_failed", "file": sighting})
            elif late:
                self.ledger.set_subsidy(asker, "late_result")
                self.notices.event("subsidy_late", asker)
