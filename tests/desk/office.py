"""A desk without a web server: every part of it real, its feed played by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drivers.page_printer import open_page_printer
from drivers.reservations import ReservationsDown, csv_file
from drivers.reservations.sqlite.reservations import SqliteReservations
from drivers.share import open_share
from kiosk.config import Config, load
from kiosk.desk.day_store import open_day_store
from kiosk.desk.departments import Departments
from kiosk.desk.export import Exports
from kiosk.desk.feed import FeedState, Result, Subsidy
from kiosk.desk.kiosk_notices import ASK, SERVED, KioskNotices
from kiosk.desk.numbers import Numbers
from kiosk.desk.papers import Look, Papers
from kiosk.desk.patients import Patients
from kiosk.desk.people.people import People
from kiosk.desk.printing import Printing
from kiosk.desk.receptions import Receptions
from kiosk.desk.registration_store import RegistrationStore
from kiosk.desk.registration_work import Folders, Registrations
from kiosk.desk.registrations_file import open_registrations
from kiosk.desk.sealed_register import SealedRegister
from kiosk.desk.service import Parts, Service
from kiosk.desk.standing import Standing, Watched
from kiosk.desk.today import Today
from kiosk.desk.unsettled import UnsettledOrders
from kiosk.desk.visits import tap_of
from kiosk.his.opened import numbering_of
from kiosk.process.data_folder import DeskFolder
from kiosk.process.event_log import EventLog
from kiosk.process.sealing import Seals, load_secret
from kiosk.reception import notices
from kiosk.results import pmh_names
from kiosk.tables.known_people import KnownPeople
from kiosk.tables.reference_numbers import ReferenceNumbers
from kiosk.words.problems import Problem

SITE = """
[site]
name = "架空病院"
institution_code = "9912345678"
pattern = 1
data_dir = "{folder}/data"
[terminal]
results = "file://{folder}/terminal"
subsidy_wait_s = 30
[desk]
feed = "watch"
printer = "file://{folder}/paper"
requests = "file://{folder}/requests"
answers = "file://{folder}/answers"
export = "file://{folder}/export"
{desk}
[walk_in]
departments = ["01"]
[[department]]
code = "01"
name = "内科"
place = "2階"
[[department]]
code = "02"
name = "眼科"
[[place]]
department = "内科"
text = "1番窓口"
"""
PATIENTS = (
    "number,name,kana,birth\n70000001,例示 翔,レイジ ショウ,2018-05-06\n70000002,例示 花,レイジ ハナ,1950-01-02\n"
)


@dataclass(frozen=True)
class KioskFiles:
    """What the process that has the reservations answers of the kiosk."""

    folder: Path
    clock: Callable[[], datetime]

    def other(self, ask: str, **parameters: object) -> object:
        if ask == SERVED:
            try:
                return notices.served(self.folder, self.clock(), parameters)
            except OSError:  # the connection ends without an answer
                raise ReservationsDown from None
        assert ask == ASK
        return notices.of_day(self.folder, self.clock().date())


@dataclass
class PlayedFeed:
    """What the test says of its feed."""

    known: KnownPeople
    problem: Problem | None = None
    lost: tuple[int, ...] = ()
    settled: list[str] = field(default_factory=list)
    since: datetime = datetime(2026, 1, 15, 8, tzinfo=UTC)

    @property
    def state(self) -> FeedState:
        return FeedState(self.problem, self.since)

    def start(self, sink: object) -> None:
        pass

    def close(self) -> None:
        pass

    @property
    def was_put_aside(self) -> bool:
        return self.known.was_put_aside

    def settle(self, mark: str) -> bool:
        self.settled.append(mark)
        return self.known.settle(mark)

    def missing(self, displayed: AbstractSet[int], since: datetime) -> tuple[int, ...]:
        return tuple(file for file in self.lost if file not in displayed)


@dataclass
class Office:
    """`now`: the desk's clock; a test sets it."""

    config: Config
    parts: Parts
    service: Service
    feed: PlayedFeed
    people: People
    reservations: SqliteReservations
    now: list[datetime]
    files: int = 0

    @property
    def today(self) -> Today:
        return self.parts.today

    def tap(self, raw: bytes) -> int:
        """A result comes; its number in the feed."""
        self.files += 1
        tap = tap_of("f", raw, self.now[0], institution=self.config.site.institution_code)
        change = None
        if tap.number and tap.confirmation is not None:
            change = self.feed.known.compare(tap.number, tap.confirmation, self.now[0].date())
        self.service.result(Result(self.files, "f", self.now[0], raw, change))
        return self.files

    def answer(self, request: str, raw: bytes | None) -> None:
        """What answers a subsidy request comes."""
        self.files += 1
        self.service.subsidy(Subsidy(self.files, request.lower(), raw, self.now[0]))

    def books(self, *lines: str) -> None:
        """Today's appointments: `10:30,70000001,内科`."""
        rows = "".join(f"{self.today.day},{line},,,\n" for line in lines)
        head = "date,time,patient_number,department,doctor,place,note\n"
        self.reservations.import_rows(csv_file.read(f"{head}{rows}".encode()))

    def audited(self) -> list[tuple[str, str, str, int]]:
        """User, act, outcome and visit, the oldest first."""
        lines = self.people.chain.lines()
        return [(line.user, line.act, line.outcome, line.visit) for line in reversed(lines)]


@contextmanager
def office(folder: Path, *, desk: str = "", patients: str = PATIENTS, now: datetime | None = None) -> Iterator[Office]:
    """A desk in `folder`, which may have been one's before. `desk`: more lines of [desk]."""
    for name in ("data", "terminal", "requests", "answers", "export", "paper", "run", "data/desk"):
        (folder / name).mkdir(exist_ok=True, mode=0o700)
    (folder / "patients.csv").write_text(patients)
    (folder / "site.toml").write_text(SITE.format(folder=folder, desk=f'patients = "{folder}/patients.csv"\n{desk}'))
    config = load(folder / "site.toml", {"KIOSK_DESK_RUN_DIR": str(folder / "run")})
    assert config.desk is not None
    clock = [now or datetime(2026, 1, 15, 9, tzinfo=config.site.zone)]
    with ExitStack() as stack:
        yield _opened(config, folder, clock, stack)


def _opened(config: Config, folder: Path, now: list[datetime], stack: ExitStack) -> Office:
    desk, where = config.desk, DeskFolder(config.desk_dir, config.desk_run_dir)

    def clock() -> datetime:
        return now[0]

    assert desk is not None
    log = EventLog(where.path, "desk")
    stack.callback(log.close)
    people = People(where, config.site.zone, log)
    seals = Seals(load_secret(where.key, {}))
    known = KnownPeople(where.known, seals)
    stack.callback(known.close)
    register = SealedRegister(where.accepted, seals, known, keep_values=desk.keep_values, today=lambda: clock().date())
    stack.callback(register.close)
    store = open_day_store(where, seals, desk.keep_days)
    stack.callback(store.close)
    today = Today(store, register, clock, timedelta(seconds=config.terminal.subsidy_wait_s), desk.keep_days)
    departments = Departments(config)
    reservations = SqliteReservations(config.site.data_dir, numbering=numbering_of(config), clock=clock)
    receptions = Receptions(reservations, today, departments, clock, desk.register, timedelta(0))
    printing = Printing(open_page_printer(desk.printer), log) if desk.printer else None
    papers = Papers(printing, today, receptions, Look(config.site.name, "code128", departments.place), clock)
    file = open_registrations(where.registrations)
    stack.callback(file.close)
    assert desk.patients is not None
    patients = Patients(desk.patients)
    patients.refresh()
    folders = Folders(open_share(desk.requests, None), open_share(desk.answers, None))
    references = ReferenceNumbers.load(None)
    registrations = Registrations(
        RegistrationStore(file, seals, keep_values=desk.keep_values), folders, references, patients, log.write, clock
    )
    numbers = Numbers(registrations, references, patients, off=False)
    exports = Exports(register.file, file, seals, open_share(desk.export, None), clock)
    feed = PlayedFeed(known)
    kiosk = KioskNotices(KioskFiles(config.site.data_dir, clock), numbers.patient_of, clock)
    unsettled = UnsettledOrders(reservations, lambda: today.day)
    watched = Watched(config, today, feed, receptions, numbers, exports, register, kiosk, unsettled, clock)
    parts = Parts(
        config, today, register, receptions, departments, papers, numbers, exports, feed, kiosk, unsettled,
        Standing(watched, papers), people.chain, seals, pmh_names.load(), clock,
    )  # fmt: skip
    service = Service(parts)
    receptions.registered, receptions.act = service.registered, service.act
    receptions.ticked, receptions.renewed = parts.standing.look_at_kiosk, parts.standing.look_at_orders
    papers.begin()
    receptions.start()
    stack.callback(receptions.close)
    return Office(config, parts, service, feed, people, reservations, now)
