"""Invented kiosk-days, event by event, against the real step(), next_deadline(), screen_of() and Watcher.

People with owners: every file, card, appointment and slip knows whose it is, so that after every step it can be checked
that nobody is shown, registered or printed somebody else's (P1), that a result is shown by the rules only (P2), that a
visit prints once (P5), that the counter says nothing of anybody (P6), that late answers change nothing (P7), and that
every stage ends. The terminal's notices of new files may be refused, come in time, or come late, doubled, not at all
and out of order. Nothing sleeps; one `random.Random(seed)` a day. `python -m
tests.reception.test_kiosk_days DAYS` gives figures.

The parameters are invented but plausible; the longest delay between tap and file is `unclean_s`, as the rule demands.
"""

from __future__ import annotations

import heapq
import math
import re
import sys
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from random import Random
from typing import Any, Literal, cast

import pytest

from drivers.share import Busy, Digest, Entry, Missing, Share
from kiosk.results.eligibility import Reading
from kiosk.results.names import ELIGIBILITY_PATTERN
from kiosk.results.sightings import Sighting
from kiosk.results.watch import Folder, Listing, Watcher
from kiosk.screens import views
from kiosk.screens.of_state import screen_of
from kiosk.screens.wording import Wording
from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit import reasons
from kiosk.visit import state as f
from kiosk.visit.begin import switched_on
from kiosk.visit.rules import Rules
from kiosk.visit.state import Kiosk
from kiosk.visit.step import next_deadline, step

WORDS = Wording()
TODAY = date(2026, 1, 15)
POLL_S = 0.25
RELIST_S = 5.0
LISTING_S = 0.02
# A file is at most so much older than the courier says.
LATE_S = 1.1
Notices = Literal["refused", "good", "bad"]
RULES = Rules()
FIRST_NEW_FILE_WINS = Rules(reader_min_s=0.0, settle_s=0.0, unclean_s=0.0, birthday="never")
OUTCOMES = ("not_registered", "ambiguous", "failed", "no_qualification")
PRINTER_REASONS = ("paper_out", "cover_open", "printer_offline", "printer_silent", "printer_stalled")
OWNER_ON_SCREEN = re.compile(r"科(\d+)")
# How long a stage may last, whatever the world does, with what it may have been extended by.
STAGE_MAX_S: dict[type, float] = {
    f.Preparing: 10,
    f.AwaitingTap: 120,
    f.Settling: 0.5,
    f.AwaitingBirthday: 60,
    f.AwaitingCard: 180,
    f.LookingUp: 12,
    f.Registering: 12,
    f.Printing: 110,
    f.Done: 40,
    f.AtCounter: 40,
}
VISIT_MAX_S = 400.0
OF_A_VISIT = (f.Printing, f.Done)


@dataclass(eq=False)
class Person:
    """Who stands there, and what this one is going to do."""

    id: int
    birth_day: str
    by_card: bool
    outcome: str
    leaves: str  # "", "before tap", "after tap", "at birthday", "early"
    typing: str  # "right", "wrong"
    stranger: bool = False
    robbed: bool = False  # was shown another's result, so that the own one goes to whoever comes next
    taps_again: bool = False
    wrong_reader: bool = False
    choices: int = 0
    taps: int = 0
    asked_again: bool = False
    finished: bool = False

    @property
    def number(self) -> str:
        return f"{self.id:08}"


@dataclass(eq=False)
class File:
    """A result file on the terminal's share."""

    name: str
    owner: Person
    outcome: str
    born: float
    whole: bool = False
    broken: bool = False
    displayed: bool = False
    entered: bool = False  # in the ledger


class Terminal:
    """The terminal's folder as a share, as far as a watcher uses one."""

    denies_writers = True

    def __init__(self, day: Day) -> None:
        self._day = day

    def entries(self, pattern: str, limit: int = 0) -> list[Entry]:
        return [self._entry(file) for file in self._day.files.values() if pattern in (ELIGIBILITY_PATTERN, file.name)]

    def fetch(self, name: str, limit: int) -> tuple[Entry, bytes]:
        file = self._day.files.get(name)
        if file is None:
            raise Missing("it is gone")
        if not file.whole and not file.broken:
            raise Busy("it is being written")
        return self._entry(file), b"whole" if file.whole else b"half"

    def chunks(self, name: str, size: int = 0) -> Iterator[bytes]:
        yield self.fetch(name, size)[1]

    @staticmethod
    def _entry(file: File) -> Entry:
        return Entry(file.name, 5 if file.whole else 4, "")


def read(name: str, raw: bytes, max_bytes: int) -> Reading:
    """What stands in a file is of no interest here."""
    return Reading(whole=raw == b"whole", provable=True)


class Violation(AssertionError):
    """An invariant does not hold."""


class Day:
    """One kiosk-day. `trouble`: how many times more often than usual people leave, tap twice and results stall.

    `enforce`: raise Violation; without, wrong shows are only counted, as is fair when the rules are switched off.
    `notices`: how the terminal tells of new files.
    """

    def __init__(
        self,
        seed: int,
        people: int,
        *,
        rules: Rules = RULES,
        strangers: int = 0,
        trouble: float = 1.0,
        enforce: bool = True,
        notices: Notices = "bad",
    ) -> None:
        self.seed, self.rules, self.trouble, self.enforce = seed, rules, trouble, enforce
        self.notices = notices
        self.rng = Random(seed)
        self.now = 1000.0
        self.counts: Counter[str] = Counter()
        self.story: deque[str] = deque(maxlen=40)
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = 0
        self._queue: deque[Person] = deque()
        self._born = 0
        self._start_kiosk()
        self._start_courier_world()
        at = self.now
        for _ in range(people):
            at += self.rng.expovariate(1 / 75)
            self.at(at, self._arrives)
        for _ in range(strangers):
            self.at(self.rng.uniform(self.now, at), self._stranger_taps)
        self._plan_faults(at)

    # -- time -----------------------------------------------------------------------------------------------------

    def at(self, moment: float, do: Callable[..., None], *args: Any) -> None:
        self._order += 1
        heapq.heappush(self._heap, (max(moment, self.now), self._order, do, args))

    def after(self, low: float, high: float, do: Callable[..., None], *args: Any) -> None:
        self.at(self.now + self.rng.uniform(low, high), do, *args)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def run(self) -> Counter[str]:
        try:
            while self._heap:
                self.now, _, do, args = heapq.heappop(self._heap)
                do(*args)
            self._must(isinstance(self.kiosk.stage, f.Start), "the day ended in the midst of a visit")
            self._must(self.screen.name == "choose_card", "the start page is not back at the end of the day")
        except Exception as error:
            tail = "\n".join(self.story)
            raise Violation(f"seed {self.seed}, t {self.now:.3f}: {error}\n{tail}") from error
        return self.counts

    def _plan_faults(self, end: float) -> None:
        for _ in range(2):
            self.at(self.rng.uniform(self.now, end), self._share_goes)
            self.at(self.rng.uniform(self.now, end), self._courier_dies)
        if self.chance(0.3):
            self.at(self.rng.uniform(self.now, end), self._start_kiosk)

    # -- the kiosk, driven as runtime.Runtime drives it -------------------------------------------------------------

    def _start_kiosk(self) -> None:
        """A start, or a restart in the midst of anything: answers to the kiosk before it are gone with its process."""
        self.kiosk: Kiosk = switched_on(self.rules, self.now)
        self.screen = screen_of(self.kiosk, WORDS)
        self.life = getattr(self, "life", 0) + 1
        self.armed: int | None = None
        self.arrivals: dict[str, f.VisitReception] = getattr(self, "arrivals", {})
        self.receptions: dict[str, tuple[str, ...]] = getattr(self, "receptions", {})
        self.standing: Person | None = getattr(self, "standing", None)
        self.answers: dict[type, Any] = {}
        self.dirty_until = self.now + self.rules.unclean_s
        self.visitor: Person | None = None
        self.screen_version = getattr(self, "screen_version", 0) + 1
        self.stage_since = self.visit_since = self.now
        self._new_visit()
        if hasattr(self, "files"):
            self.post(e.TerminalChanged(self.courier_up and self.share_up))
            self._react()
        self.at(self.now, self._tick, self.kiosk)

    def _new_visit(self) -> None:
        self.visit_dirty = self.now < self.dirty_until
        self.baseline_at = math.inf
        self.baseline_names: frozenset[str] = frozenset()
        self.window: dict[Hashable, float] = {}  # in this visit's window: file id -> complete since (inf: not yet)
        self.typed = ""
        self.asked_birthday = self.excused = self.tapped_again = False
        self.identified = False
        self.slips = 0

    def post(self, event: e.Event) -> None:
        if isinstance(event, e.Pressed) and event.button not in self.screen.buttons:
            return
        before = self.kiosk
        self._hear(event)
        self.kiosk, commands = step(before, event, self.now)
        screen = screen_of(self.kiosk, WORDS)
        stage = self.kiosk.stage
        if stage is not before.stage or commands:
            asked = " ".join(type(each).__name__ for each in commands)
            self.story.append(f"{self.now:9.3f} {event} -> {type(stage).__name__} {asked}")
        if self.kiosk.last_visit != before.last_visit:
            self.visitor, self.visit_since = self.standing, self.now
            self._new_visit()
            self.counts["visits"] += 1
        if type(stage) is not type(before.stage):
            self.stage_since = self.now
            self._stage_changed(before, stage)
        self._check_lateness(event, before, screen, commands)
        screen_before, self.screen = self.screen, screen
        if screen != screen_before:
            self._check_screen()
        for command in commands:
            self._perform(command, before)
        self._tick_later(event)
        if screen != screen_before:
            self.screen_version += 1
            self._react()

    def _tick_later(self, event: e.Event) -> None:
        due = next_deadline(self.kiosk)
        if due is None:
            return
        self._must(not isinstance(event, e.Ticked) or due > self.now, "a tick that changes nothing is due at once")
        self.at(due + self.rng.uniform(0, 0.005), self._tick, self.kiosk)

    def _tick(self, planned: Kiosk) -> None:
        due = next_deadline(self.kiosk)
        if planned is self.kiosk or (due is not None and due <= self.now):
            self.post(e.Ticked())

    def _answer(self, low: float, high: float, event: e.Event) -> None:
        self.after(low, high, self._answered, self.life, event)

    def _answered(self, life: int, event: e.Event) -> None:
        if life == self.life:
            self.answers[type(event)] = event
            self.post(event)

    def _old_answers(self, *kinds: type) -> None:
        """Now and then a device answers a second time, to a visit long past, just when the same is awaited."""
        for kind in kinds:
            if kind in self.answers and self.chance(0.03):
                self._answer(0, 0.02, self.answers[kind])

    # -- what the commands reach ------------------------------------------------------------------------------------

    def _perform(self, command: c.Command, before: Kiosk) -> None:
        match command:
            case c.TakeBaseline():
                self._old_answers(e.BaselineTaken, e.BaselineFailed)
                self._ask_baseline(command.visit)
            case c.ArmCardReader():
                self.armed = command.visit
                self._old_answers(e.CardRead, e.CardUnreadable)
            case c.DisarmCardReader():
                self.armed = None
            case c.LookUp():
                self._check_identified(command, before)
                self._old_answers(e.AppointmentsFound, e.PatientUnknown, e.ReservationsFailed)
                self._look_up(command)
            case c.Register():
                self._whose(command.patient_number, "registered")
                self._old_answers(e.ArrivalRegistered, e.NothingToRegister, e.ReservationsFailed)
                self._register_soon(command)
            case c.PrintSlip():
                self.slips += 1
                self._must(self.slips == 1, "P5: a second slip in one visit")
                self._whose(command.arrival.patient_number, "printed")
                self._old_answers(e.SlipPrinted, e.SlipFailed)
                self._print(command)
            case c.StopWaiting():
                self._watch_closely(None)
            case c.PrintCounterSlip() | c.Record() | c.Prepare() | c.KeepUnserved() | c.TellStaff():
                pass

    def _delay(self) -> tuple[float, float]:
        draw = self.rng.random()
        return (5, 40) if draw < 0.01 else (0.001, 0.4)

    def _look_up(self, command: c.LookUp) -> None:
        draw = self.rng.random()
        person = int(command.number)
        if draw < 0.004:
            return  # never an answer
        low, high = self._delay()
        if draw < 0.01:
            self._answer(low, high, e.ReservationsFailed(command.visit))
        elif draw < 0.02:
            self._answer(low, high, e.PatientUnknown(command.visit))
        else:
            arrived = command.number in self.arrivals
            has = arrived or person % 20 != 0
            mine = (self._appointment(person),) if has else ()
            next_day = None if has else TODAY + timedelta(days=person)
            answer = e.AppointmentsFound(command.visit, TODAY, time(9), command.number, mine, arrived, next_day)
            self._answer(low, high, answer)

    @staticmethod
    def _appointment(person: int) -> f.VisitAppointment:
        return f.VisitAppointment(time(9, 30), f"科{person}", "佐藤", "A棟1階")

    def _register_soon(self, command: c.Register) -> None:
        draw = self.rng.random()
        if draw < 0.004:
            return
        low, high = self._delay()
        # Between the commit and its answer the visit may be given up.
        self.after(low, high, self._register, self.life, command, 20.0 if draw < 0.01 else 0.01)

    def _register(self, life: int, command: c.Register, answer_s: float) -> None:
        stage = self.kiosk.stage
        wanted = isinstance(stage, f.Registering) and stage.visit == command.visit
        if life != self.life or not wanted:
            self._answer(0, 0.01, e.ReservationsFailed(command.visit))
            return
        number, again = command.patient_number, command.patient_number in self.arrivals
        if int(number) % 40 == 9:
            kept, mine = f"K3-{int(number):03}", (self._appointment(int(number)),)
            self._answer(0, answer_s, e.InCustody(command.visit, TODAY, time(9), number, kept, mine))
            return
        reception = self.arrivals.setdefault(number, f.VisitReception(str(len(self.arrivals) + 1)))
        mine = (self._appointment(int(number)),)
        self._answer(0, answer_s, e.ArrivalRegistered(command.visit, TODAY, time(9), number, (reception,), mine, again))

    def _print(self, command: c.PrintSlip) -> None:
        draw = self.rng.random()
        if draw < 0.003:
            return
        if draw < 0.03:
            self._answer(0.1, 60, e.SlipFailed(command.visit, self.rng.choice(PRINTER_REASONS)))
        else:
            self._answer(1, 4, e.SlipPrinted(command.visit))

    # -- the terminal's share and the courier ---------------------------------------------------------------------

    def _start_courier_world(self) -> None:
        self.files: dict[str, File] = {}
        self.every_file: dict[str, File] = {}  # also those that are gone
        self.by_id: dict[Hashable, File] = {}
        self.share_up = self.courier_up = True
        self.courier_life = 0
        self.asked: list[tuple[int, float]] = []
        self.owed: int | None = None
        self.spoken_until = self.reader_free = 0.0
        self._boot_courier()

    def _boot_courier(self) -> None:
        self.courier_life += 1
        folder = Folder(ELIGIBILITY_PATTERN, frozenset({"eligibility"}), 1000, POLL_S)
        self.watcher = Watcher(cast(Share, Terminal(self)), folder, read, self, lambda: self.now)
        self.polled_at: float | None = None
        self.poll_planned: float | None = None
        self.listing_ends = 0.0
        self.asked = []
        self.waiting: int | None = None  # the visit that waits for a result, as far as the courier knows
        self.told_from = math.inf  # from when on notices come
        self._ask_for_notices()
        self._plan_poll(0.0)

    @property
    def _rhythm_s(self) -> float:
        return RELIST_S if self.now >= self.told_from and self.waiting is None else POLL_S

    def _plan_poll(self, wait_s: float | None = None) -> None:
        """Poll at the next moment of the courier's rhythm; polls at which nothing changed are made up for later."""
        rhythm_s = self._rhythm_s
        if wait_s is not None or self.polled_at is None:
            due = self.now + (wait_s or 0.0)
        else:
            due = self.polled_at + max(1, math.ceil((self.now - self.polled_at) / rhythm_s)) * rhythm_s
        due = max(due, self.listing_ends)
        if self.poll_planned is None or due < self.poll_planned:
            self.poll_planned = due
            self.at(due, self._poll, due)

    def _catch_up(self) -> None:
        """The last listing before this moment showed what the one before it showed: only its moment matters."""
        if self.polled_at is not None and self.now >= self.listing_ends:
            polls = math.ceil((self.now - self.polled_at) / self._rhythm_s) - 1
            if polls > 0:
                self.polled_at += polls * self._rhythm_s
                self.watcher.take(Listing(self.listed, self.polled_at, self.polled_at + LISTING_S, cut=False))

    def _poll(self, planned: float) -> None:
        if planned != self.poll_planned:
            return
        self.poll_planned = None
        if not (self.courier_up and self.share_up):
            return
        self._catch_up()
        listing = replace(self.watcher.list_folder(), finished=self.now + LISTING_S)
        self.polled_at, self.listed, self.listing_ends = self.now, listing.entries, listing.finished
        answered = [visit for visit, _ in self.asked]
        self.asked = []
        self.at(listing.finished, self._take, self.courier_life, listing, answered, frozenset(self.files))

    def _take(self, courier: int, listing: Listing, answered: list[int], names: frozenset[str]) -> None:
        """What a listing showed is looked into when it has ended; meanwhile files come and go, and are looked up."""
        if courier != self.courier_life or not self.courier_up:
            return
        self.watcher.take(listing)
        for visit in answered:
            self.watcher.visit_began(listing.finished)
            self._say(e.BaselineTaken(visit, listing.finished), names)
        self._examine()

    def _watch_closely(self, visit: int | None) -> None:
        """How often the folder is listed changes; what was listed until now is made up for first."""
        if self.courier_up:
            if self.share_up:
                self._catch_up()
            self.waiting = visit
            self._plan_poll()

    # -- notices

    def _ask_for_notices(self) -> None:
        if self.notices != "refused":
            self.told_from = self.now + 0.01
            if self.share_up:
                self._plan_poll(0.02)

    def _notice(self, name: str, *, written: bool) -> None:
        """Something happened to a file. A bad line is late, says things twice or never, and in any order."""
        if self.now < self.told_from or not (self.share_up and self.courier_up):
            return
        draw = self.rng.random() if self.notices == "bad" else 1.0
        late_s = self.rng.uniform(0.05, 30) if draw < 0.3 else self.rng.uniform(0.001, 0.02)
        if draw < 0.1:
            return
        self.at(self.now + late_s, self._noticed, self.courier_life, {name: written})
        if draw < 0.2:
            self.after(0, 60, self._noticed, self.courier_life, {name: written})
        elif draw > 0.99 and self.notices == "bad":
            self._plan_poll(0.0)  # more names than the server could keep

    def _noticed(self, courier: int, names: dict[str, bool]) -> None:
        if courier == self.courier_life and self.courier_up and self.share_up:
            self._catch_up()
            self.watcher.noticed(names, self.now)
            self._examine()

    def _examine(self) -> None:
        self.watcher.examine()
        due = self.watcher.due_at()
        if due is not None:
            self.at(due, self._examine_again, self.courier_life, self.watcher)
        if self.watcher.wants_listing:
            self._plan_poll()

    def _examine_again(self, courier: int, watcher: Watcher) -> None:
        due = watcher.due_at()
        if courier == self.courier_life and self.courier_up and self.share_up and due is not None and due <= self.now:
            self._examine()

    # -- what the courier's watcher finds: kiosk.results.watch.Listener

    def sighted(self, sighting: Sighting) -> None:
        if sighting.fresh:
            self._say(e.ResultSighted(self._id(sighting.id, sighting.name), sighting.first_seen))

    def gone(self, sighting: Sighting) -> None:
        self._say(e.ResultGone(self._id(sighting.id)))

    def unreadable(self, sighting: Sighting) -> None:
        self.after(55, 56, self._file_leaves, self.every_file[sighting.name])
        if sighting.fresh:
            self._say_result(sighting, "unreadable", None)

    def others(self, number: int) -> None:
        pass

    def complete(self, sighting: Sighting, reading: Reading, digest: Digest, raw: bytes | None) -> None:
        file = self.every_file[sighting.name]
        if file.entered:  # as the ledger would say
            self._say(e.ResultGone(self._id(sighting.id)))
            return
        file.entered = True
        self.after(0.05, 1.5, self._file_leaves, file)
        if sighting.fresh:
            self._say_result(sighting, file.outcome, file.owner if file.outcome == "usable" else None)

    def _say_result(self, sighting: Sighting, outcome: str, owner: Person | None) -> None:
        candidate = f.Candidate(
            self._id(sighting.id, sighting.name),
            outcome,
            owner.number if owner else None,
            f"1950{owner.birth_day}" if owner else None,
        )
        self._say(e.ResultArrived(sighting.first_seen, candidate))

    def _id(self, sighting: int, name: str = "") -> tuple[str, int]:
        script = (f"run {self.courier_life}", sighting)
        if name:
            self.by_id[script] = self.every_file[name]
        return script

    def _say(self, event: e.Event, names: frozenset[str] | None = None) -> None:
        """Over the line, in order."""
        self.spoken_until = max(self.spoken_until, self.now + self.rng.uniform(0.001, 0.02))
        self.at(self.spoken_until, self._spoken, self.life, event, names)

    def _spoken(self, life: int, event: e.Event, names: frozenset[str] | None) -> None:
        if life != self.life and isinstance(event, e.BaselineTaken):
            return  # the kiosk that asked is gone
        if isinstance(event, e.BaselineTaken):
            stage = self.kiosk.stage
            if isinstance(stage, f.Preparing) and stage.visit == event.visit:
                self.baseline_at, self.baseline_names = event.at, names or frozenset()
            self.answers[e.BaselineTaken] = event
        self.post(event)

    def _ask_baseline(self, visit: int) -> None:
        if not self.courier_up:
            self.owed = visit
            return
        self._watch_closely(visit)
        self.asked.append((visit, self.now))
        if self.share_up:
            self._plan_poll(0.003)
        else:
            self.at(self.now + 8.3, self._give_up_baseline, self.courier_life, visit)

    def _give_up_baseline(self, courier: int, visit: int) -> None:
        if courier == self.courier_life and self.courier_up and visit in [asked for asked, _ in self.asked]:
            self.asked = []
            self._say(e.BaselineFailed(visit))

    def _file_appears(self, owner: Person) -> None:
        name = f"OQSsiquc01res_face_{self.rng.getrandbits(40):010x}.xml"
        draw = self.rng.random()
        file = File(name, owner, owner.outcome, self.now, whole=draw > 0.03)
        self.story.append(f"{self.now:9.3f} file of {owner.id} appears")
        self.files[name] = self.every_file[name] = file
        self._changed(file)
        if draw < 0.002:
            self.after(1, 20, self._file_leaves, file)
        elif draw < 0.006:
            file.broken = True
        elif not file.whole:
            self.after(0.3, 30, self._file_grows, file)

    def _file_grows(self, file: File) -> None:
        file.whole = True
        self._changed(file)

    def _file_leaves(self, file: File) -> None:
        if not (self.share_up and self.courier_up):
            self.after(1, 5, self._file_leaves, file)
        elif self.files.pop(file.name, None):
            self._changed(file)

    def _changed(self, file: File) -> None:
        self._plan_poll()
        self._notice(file.name, written=file.name in self.files and (file.whole or file.broken))

    def _share_goes(self) -> None:
        if self.share_up and self.courier_up:
            self._catch_up()
            self.share_up, self.poll_planned, self.told_from = False, None, math.inf
            down_s = self.rng.choice((self.rng.uniform(0.3, 3), self.rng.uniform(3, 90)))
            if down_s > 3:
                self.at(self.now + 3, self._say, e.TerminalChanged(False))
            self.at(self.now + down_s, self._share_comes)

    def _share_comes(self) -> None:
        self.share_up = True
        if self.courier_up:
            self.at(self.now + 0.5, self._say, e.TerminalChanged(True))
            self.polled_at = None  # the rhythm begins anew; what was listed before is in the sightings
            self._plan_poll(self.rng.uniform(0, 0.5))
            self.after(0, 1, self._ask_for_notices)

    def _courier_dies(self) -> None:
        if self.courier_up:
            self.courier_up, self.poll_planned = False, None
            down_s = self.rng.uniform(0.3, 8)
            if down_s > 3:
                self.at(self.now + 3, self.post, e.TerminalChanged(False))
            self.at(self.now + down_s, self._courier_comes)

    def _courier_comes(self) -> None:
        self.courier_up = True
        self.spoken_until = self.now
        self._say(e.CourierReturned())
        self._say(e.TerminalChanged(True))
        self._boot_courier()
        if self.owed is not None:
            self._ask_baseline(self.owed)
            self.owed = None

    # -- people -----------------------------------------------------------------------------------------------------

    def _person(self) -> Person:
        self._born += 1
        draw, rng, trouble = self.rng.random() / self.trouble, self.rng, self.trouble
        born = date(2024, 1, 1) + timedelta(days=rng.randrange(366))
        leaves = "before tap" if draw < 0.015 else "after tap" if draw < 0.03 else "at birthday" if draw < 0.04 else ""
        return Person(
            id=self._born + self.seed % 100 * 10_000,
            birth_day=f"{born.month:02}{born.day:02}",
            by_card=self.chance(0.25),
            outcome=rng.choice(OUTCOMES) if self.chance(0.03 * trouble) else "usable",
            leaves=leaves,
            typing="wrong" if self.chance(0.04) else "right",
            taps_again=self.chance(0.03 * trouble),
            wrong_reader=self.chance(0.02 * trouble),
        )

    def _arrives(self) -> None:
        self._queue.append(self._person())
        self._step_up_soon()

    def _step_up_soon(self) -> None:
        if self.standing is None and self._queue:
            # At a visit that was left behind, people wait, or cancel it.
            if self.screen.name == "choose_card" or self._is_covered():
                self.after(1, 5, self._step_up, self.screen_version)
            elif "cancel" in self.screen.buttons:
                self.after(5, 30, self._step_up, self.screen_version)

    def _step_up(self, version: int) -> None:
        if self.standing is not None or not self._queue or version != self.screen_version:
            return
        if self.screen.name != "choose_card" and not self._is_covered():
            self.post(e.Pressed("cancel"))
            return
        person = self.standing = self._queue.popleft()
        if person.wrong_reader and not person.by_card:
            self._tap(person)  # first the card, then the question
        self._react()

    def _is_covered(self) -> bool:
        """Whether the page only says that somebody is done."""
        return isinstance(self.screen, views.Result) and self.screen.covered

    def _leave(self, person: Person, press: str = "") -> None:
        if self.standing is person:
            if press:
                self.post(e.Pressed(press))
            self.standing = None
            self.story.append(f"{self.now:9.3f} {person.id} leaves")
            self._step_up_soon()

    def _tap(self, person: Person) -> None:
        start = max(self.now, self.reader_free)
        self.at(start, self._reads, person)

    def _reads(self, person: Person) -> None:
        if self.standing is not person and not person.stranger:
            return
        if self.now < self.reader_free:
            self._tap(person)
            return
        person.taps += 1
        self.story.append(f"{self.now:9.3f} {person.id} taps")
        reading_s = self.rng.uniform(6, 20)
        self.reader_free = self.now + reading_s
        stalled_s = self.rng.uniform(20, 200) if self.chance(0.01 * self.trouble) else 0.0
        self.at(self.now + max(reading_s, stalled_s), self._file_appears, person)

    def _stranger_taps(self) -> None:
        """Staff, say, who read another patient's card at the same reader."""
        stranger = replace(self._person(), stranger=True, outcome="usable")
        self._tap(stranger)

    def _react(self) -> None:
        """Whoever stands there looks at the new screen and soon does something about it."""
        person = self.standing
        if person is None:
            self._step_up_soon()
            return
        name = self.screen.name
        if self._is_covered() and person is not self.visitor:
            self._at_anothers_page(person)
        elif name in ("done", "already", "counter", "closed", "out_of_service"):
            person.finished = True
            press = "close" if "close" in self.screen.buttons and self.chance(0.6) else ""
            self.after(2, 10, self._if_still, self.screen_version, self._leave, person, press)
        elif name == "choose_card":
            self._at_start(person)
        elif name == "tap_reader":
            self._at_reader(person)
        elif name == "insert_card":
            self._at_card_reader(person)
        elif name == "birthday":
            self.after(2, 20, self._if_still, self.screen_version, self._types, person)
        if name == "preparing" and self.chance(0.3):
            self._tap(person)  # the reader works without us

    def _if_still(self, version: int, do: Callable[..., None], *args: Any) -> None:
        if version == self.screen_version:
            do(*args)

    def _press(self, person: Person, button: str) -> None:
        if self.standing is person:
            self.post(e.Pressed(button))

    def _at_anothers_page(self, person: Person) -> None:
        """The patient before has gone; a card begins a visit, and a touch clears the page."""
        if person.by_card and self.chance(0.5):
            self.counts["cards over another's page"] += 1
            self.after(1, 6, self._if_still, self.screen_version, self._puts_card, person)
        else:
            self.after(1, 6, self._if_still, self.screen_version, self._press, person, "close")

    def _at_start(self, person: Person) -> None:
        if person.finished and self.chance(0.03):
            person.finished = False  # comes again at once, for another slip
        if person.finished or person.choices >= 4:
            self.after(0.5, 2, self._leave, person)
            return
        person.choices += 1
        if self.chance(0.02):
            person.by_card = not person.by_card  # the wrong button; some find out
        if person.by_card and self.chance(0.5):
            self.after(1, 6, self._if_still, self.screen_version, self._puts_card, person)
            return
        button = "patient_card" if person.by_card else "mynumber"
        self.after(1, 6, self._if_still, self.screen_version, self._press, person, button)
        if self.chance(0.05):
            self.after(1, 6, self._press, person, button)  # pressed twice

    def _at_reader(self, person: Person) -> None:
        version, leaves = self.screen_version, person.leaves
        again = isinstance(self.screen, views.Instruct) and self.screen.again
        if leaves == "before tap":
            press = "cancel" if self.chance(0.4) else ""
            self.after(1, 30, self._leave, person, press)
            return
        if again and self.chance(0.8):
            self.after(1, 8, self._tap, person)
            return
        wait_s = self.rng.uniform(1, 15)
        self.at(self.now + wait_s, self._tap, person)
        if leaves == "after tap":
            press = "cancel" if self.chance(0.4) else ""
            self.after(wait_s, wait_s + 10, self._leave, person, press)
        elif person.taps_again:
            self.after(wait_s + 3, wait_s + 25, self._tap, person)
        self.after(wait_s + 20, wait_s + 40, self._if_still, version, self._grows_impatient, person)

    def _grows_impatient(self, person: Person) -> None:
        draw = self.rng.random()
        if draw < 0.5:
            self._tap(person)
        elif draw < 0.7:
            self._leave(person, "cancel")
        elif draw < 0.8:
            self._press(person, "cancel")  # and begins anew

    def _at_card_reader(self, person: Person) -> None:
        version, draw = self.screen_version, self.rng.random()
        if person.wrong_reader:
            self.after(1, 8, self._tap, person)
        if draw < 0.04:
            self.after(2, 20, self._if_still, version, self._leave, person, "cancel" if draw < 0.03 else "")
        elif draw < 0.07:
            person.by_card = False
            self.after(2, 20, self._if_still, version, self._press, person, "cancel")
        else:
            self.after(2, 12, self._if_still, version, self._puts_card, person)

    def _puts_card(self, person: Person) -> None:
        visit = self.armed
        if visit is not None and self.standing is person:
            read = e.CardUnreadable(visit) if self.chance(0.05) else e.CardRead(visit, person.number)
            self._answer(0.01, 0.3, read)

    def _types(self, person: Person) -> None:
        if person.leaves == "at birthday":
            self._leave(person, "cancel" if self.chance(0.3) else "")
            return
        right = person.typing == "right"
        digits = person.birth_day if right else f"{(int(person.birth_day) + 1) % 10_000:04}"
        keys = [f"key_{digit}" for digit in digits]
        if self.chance(0.1):
            keys = ["key_7", "clear", "ok", *keys]
        for key in (*keys, "ok"):
            self._press(person, key)

    # -- what must hold ---------------------------------------------------------------------------------------------

    def _must(self, holds: bool, what: str) -> None:
        if not holds and self.enforce:
            raise Violation(what)

    def _hear(self, event: e.Event) -> None:
        """What the visit has been told so far, kept apart from the visit's own idea of it."""
        match event:
            case e.ResultSighted() if event.first_seen >= self.baseline_at + self.rules.reader_min_s:
                self.window.setdefault(event.file, math.inf)
            case e.ResultGone():
                self.window.pop(event.file, None)
            case e.ResultArrived() if event.first_seen >= self.baseline_at + self.rules.reader_min_s:
                self.window[event.candidate.file] = self.now
            case e.CourierReturned() if isinstance(self.kiosk.stage, f.AwaitingTap | f.Settling):
                self.window = {}  # nobody saw what came meanwhile; the patient is asked to tap again
            case e.Pressed(button=button) if button.startswith("key_") and len(self.typed) < 4:
                self.typed += button.removeprefix("key_")
            case e.Pressed(button="clear"):
                self.typed = ""

    def _stage_changed(self, before: Kiosk, stage: f.Stage) -> None:
        if isinstance(stage, f.AwaitingBirthday):
            self.asked_birthday = True
            self.counts["asked for the birth day"] += 1
            assert isinstance(stage.subject, f.Candidate)
            self._check_alone(stage.subject.file)
        elif isinstance(stage, f.AtCounter):
            self.counts["sent to the counter"] += 1
            self.counts[f"counter: {stage.reason}"] += 1
            if isinstance(before.stage, f.Settling) and stage.reason == before.stage.candidate.outcome:
                owner = self.by_id[before.stage.candidate.file].owner
                self.counts["another's reason at the counter"] += owner is not self.visitor
        elif isinstance(stage, f.Printing):
            self._check_arrival(stage.arrival)
        ended = isinstance(stage, f.Start | f.AtCounter) and not isinstance(before.stage, f.AtCounter)
        if ended and not self.identified:
            self.dirty_until = self.now + self.rules.unclean_s

    def _check_arrival(self, arrival: f.RegisteredArrival | f.ArrivalInCustody) -> None:
        if isinstance(arrival, f.ArrivalInCustody):
            self.counts["in custody"] += 1
            screen = screen_of(self.kiosk, WORDS)
            self._must((screen.name, screen.status) == ("custody", "not_yet"), "custody is said to be done")
            return
        self.counts["registered"] += 1
        person, number = arrival.patient_number, arrival.numbers
        self._must(self.receptions.setdefault(person, number) == number, "registered twice")

    def _check_alone(self, file: Hashable) -> None:
        others = set(self.window) - {file}
        alone_s = self.now - self.window.get(file, math.inf)
        self._must(not others, "P2: a second result was in the window")
        self._must(alone_s >= self.rules.settle_s, "P2: the result had not settled")

    def _check_identified(self, command: c.LookUp, before: Kiosk) -> None:
        self.identified = True
        if command.way == "patient_card":
            self._whose(command.number, "identified")
            return
        candidate = self._candidate(before)
        file = self.by_id[candidate]
        if not self.asked_birthday:
            self._check_alone(candidate)
        self._must(file.name not in self.baseline_names, "P2: the file was there before the visit")
        self._must(candidate in self.window, "P2: the file is not of this visit's window")
        earliest = self.baseline_at + self.rules.reader_min_s - LATE_S
        self._must(file.born >= earliest, "P2: the file came earlier than a reader can be")
        self._must(not file.displayed, "P2: the file was shown before")
        file.displayed = True
        if self.visit_dirty:
            passed = self.asked_birthday and self.typed == file.owner.birth_day
            self._must(passed, "P2: the kiosk was unclean and nobody proved to be the owner")
        if file.owner is not self.visitor:
            equal = self.asked_birthday and self.visitor is not None and self.typed == file.owner.birth_day
            stranger = (file.owner.stranger or file.owner.robbed) and not self.visit_dirty
            self.excused = equal or stranger
            self.counts["wrong shows"] += 1
            self.counts["wrong shows: equal birth days"] += equal
            self.counts["wrong shows: after a stranger's tap"] += stranger and not equal
            if self.excused and self.visitor is not None:
                self.visitor.robbed = True
        self._whose(command.number, "identified")

    def _candidate(self, before: Kiosk) -> Hashable:
        stage = before.stage
        assert isinstance(stage, f.Settling | f.AwaitingBirthday)
        candidate = stage.candidate if isinstance(stage, f.Settling) else stage.subject
        assert isinstance(candidate, f.Candidate)
        return candidate.file

    def _whose(self, number: str, what: str) -> None:
        visitor = self.visitor
        mine = visitor is not None and visitor.number == number and self.standing in (visitor, None)
        self._must(mine or self.excused, f"P1: {what}: {number} in the visit of {visitor and visitor.number}")

    def _check_screen(self) -> None:
        stage, lines = self.kiosk.stage, "\n".join(self.screen.lines)
        owners = OWNER_ON_SCREEN.findall(lines)
        if isinstance(stage, OF_A_VISIT) and stage.covered:
            self._must(not owners, "P1: a covered page still says whose it is")
            return
        if isinstance(stage, OF_A_VISIT):
            self._must(set(owners) == {str(int(stage.arrival.patient_number))}, "P1: the screen is not the reception's")
            self._whose(stage.arrival.patient_number, "shown")
            return
        personal = bool(owners) or isinstance(self.screen, views.Result | views.Custody)
        self._must(not personal, "P6: patient data on a screen without a reception")
        if isinstance(stage, f.AtCounter):
            known = isinstance(self.screen, views.Counter) and self.screen.reason in reasons.COUNTER_REASONS
            self._must(known and self.screen.next[0].code == "go_counter", "P6: no next step at the counter")
            if stage.next_day is not None:
                self._whose(f"{(stage.next_day - TODAY).days:08}", "shown the next day")
        elif isinstance(stage, f.Start):
            rest = self.kiosk.cards_rest_until
            fresh = replace(switched_on(self.rules, self.now), surroundings=self.kiosk.surroundings)
            fresh = replace(fresh, cards_rest_until=rest)
            self._must(self.screen == screen_of(fresh, WORDS), "P3: the start page is not a fresh one")

    def _check_lateness(self, event: e.Event, before: Kiosk, screen: Any, commands: tuple[c.Command, ...]) -> None:
        is_card = isinstance(event, e.CardRead | e.CardUnreadable)
        visit = before.armed_for if is_card else getattr(before.stage, "visit", None)
        late = getattr(event, "visit", visit) != visit or (
            isinstance(event, e.ResultArrived) and not isinstance(before.stage, f.AwaitingTap | f.Settling)
        )
        if late:
            same = screen == self.screen and self.kiosk.stage == before.stage
            self._must(same, "P7: a late answer changed the screen")
            self._must(all(isinstance(each, c.Record) for each in commands), "P7: a late answer did something")
        stage = self.kiosk.stage
        if not isinstance(stage, f.Start):
            self._must(self.now - self.stage_since <= STAGE_MAX_S[type(stage)] + 0.01, "a stage does not end")
            self._must(self.now - self.visit_since <= VISIT_MAX_S, "a visit does not end")


def days(number: int, first: int, people: int, **how: Any) -> Counter[str]:
    total: Counter[str] = Counter()
    for seed in range(first, first + number):
        total.update(Day(seed, people, **how).run())
    return total


# -- the tests --------------------------------------------------------------------------------------------------------


EQUAL = "wrong shows: equal birth days"
STRANGERS = "wrong shows: after a stranger's tap"


@pytest.mark.parametrize("trouble", [1.0, 4.0], ids=["ordinary days", "bad days"])
@pytest.mark.parametrize("notices", ["refused", "good", "bad"])
def test_nobody_is_shown_another_patients_data_but_for_equal_birth_days(notices: Notices, trouble: float) -> None:
    """Whether the terminal tells of new files in time, refuses to, or does it late, twice, never and in any order."""
    first = {"refused": 0, "good": 50, "bad": 100}[notices]
    total = days(50, first, 80, trouble=trouble, notices=notices)
    assert total["wrong shows"] == total[EQUAL] <= 3
    assert total["registered"] > 2000 and total["in custody"] > 20 and total["asked for the birth day"] > 200
    assert total["cards over another's page"] > 10


def test_a_strangers_tap_at_a_waiting_clean_kiosk_is_all_that_is_left() -> None:
    total = days(20, 5000, 80, strangers=20)
    assert 0 < total["wrong shows"] == total[STRANGERS] + total[EQUAL]


def test_a_site_that_always_asks_for_the_birth_day_is_safe_from_strangers_too() -> None:
    total = days(20, 5000, 80, strangers=20, rules=replace(RULES, birthday="always"))
    assert total["wrong shows"] == total[EQUAL] <= 1


def test_without_the_rules_the_same_people_are_shown_wrong_data() -> None:
    """The model can see what it is there to see."""
    total = days(20, 0, 80, trouble=4.0, rules=FIRST_NEW_FILE_WINS, enforce=False)
    assert total["wrong shows"] >= 20


class Script:
    """A kiosk to which a test says what happens and when."""

    def __init__(self) -> None:
        self.kiosk = replace(switched_on(RULES, 0.0), unclean_until=0.0)

    def at(self, now: float, *events: e.Event) -> f.Stage:
        for event in (e.Ticked(), *events):
            self.kiosk, _ = step(self.kiosk, event, now)
        return self.kiosk.stage

    def waits_for_a_tap(self, now: float) -> Script:
        self.at(now, e.Pressed("mynumber"))
        self.at(now + 0.1, e.BaselineTaken(self.kiosk.last_visit, now + 0.1))
        return self


def result(file: int, first_seen: float, number: str = "0012", outcome: str = "usable") -> e.ResultArrived:
    usable = outcome == "usable"
    return e.ResultArrived(first_seen, f.Candidate(file, outcome, number if usable else None, "19560321"))


def test_a_second_result_of_someone_just_served_is_not_shown_to_the_next_patient_without_asking() -> None:
    script = Script().waits_for_a_tap(100)
    assert isinstance((script.at(110, result(1, 110)), script.at(110.6))[-1], f.LookingUp)
    script.at(111, e.PatientUnknown(1), e.Pressed("close"))
    script.waits_for_a_tap(120).at(130, result(2, 130))
    assert isinstance(script.at(130.6), f.AwaitingBirthday)


def test_whoever_was_served_long_ago_is_not_asked() -> None:
    script = Script().waits_for_a_tap(100)
    script.at(110, result(1, 110))
    script.at(110.6)
    script.at(111, e.PatientUnknown(1), e.Pressed("close"))
    script.waits_for_a_tap(111 + RULES.unclean_s + 1).at(330, result(2, 330))
    assert isinstance(script.at(330.6), f.LookingUp)


def test_another_patient_is_not_asked_because_of_one_who_was_served() -> None:
    script = Script().waits_for_a_tap(100)
    script.at(110, result(1, 110))
    script.at(110.6)
    script.at(111, e.PatientUnknown(1), e.Pressed("close"))
    script.waits_for_a_tap(120).at(130, result(2, 130, "0013"))
    assert isinstance(script.at(130.6), f.LookingUp)


def test_a_candidate_is_dropped_if_the_courier_was_away_while_it_should_stay_alone() -> None:
    script = Script().waits_for_a_tap(100)
    script.at(110, result(1, 110))
    stage = script.at(110.2, e.CourierReturned())
    assert isinstance(stage, f.AwaitingTap)
    stage = script.at(114)
    assert isinstance(stage, f.AwaitingTap) and stage.asked_again
    script.at(125, result(2, 125))
    assert isinstance(script.at(125.6), f.LookingUp)


@pytest.mark.parametrize("outcome", [*OUTCOMES, "unreadable"])
def test_a_result_that_names_nobody_may_have_been_a_late_one(outcome: str) -> None:
    script = Script().waits_for_a_tap(100)
    script.at(110, result(1, 110, outcome=outcome))
    assert isinstance(script.at(110.6), f.AtCounter)
    script.at(111, e.Pressed("close"))
    script.waits_for_a_tap(112).at(122, result(2, 122))
    assert isinstance(script.at(122.6), f.AwaitingBirthday)


def main(number: int, people: int) -> None:
    for title, how in (
        ("rules on, notices late, doubled, missing, out of order", {}),
        ("rules on, notices in time", {"notices": "good"}),
        ("rules on, no notices", {"notices": "refused"}),
        ("rules on, 10 strangers a day", {"strangers": 10}),
        ("first new file wins", {"rules": FIRST_NEW_FILE_WINS, "enforce": False}),
    ):
        print(f"{title}: {number} kiosk-days of {people} patients")  # noqa: T201 - the program's output
        for name, count in sorted(days(number, 1_000_000, people, **how).items()):
            print(f"  {count:9} {name}")  # noqa: T201 - the program's output


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100, int(sys.argv[2]) if len(sys.argv) > 2 else 300)
