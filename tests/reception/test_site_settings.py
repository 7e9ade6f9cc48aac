"""site.toml → what a visit goes by, what its pages say, and what the reservations' thread adds to an answer."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from drivers.reservations import csv_file
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.reception.assembly import rules_of, wording_of
from kiosk.reception.birth_days import BirthDays
from kiosk.reception.reservations_worker import ReservationsWorker
from kiosk.tables.reference_numbers import ReferenceNumbers
from kiosk.ui.frame import Stand
from kiosk.ui.pages import stand_of
from kiosk.ui.scale import glass_mm
from kiosk.visit import commands as c
from kiosk.visit import events as e
from kiosk.visit.rules import LANGUAGES, Look, Rules
from kiosk.visit.state import AppointmentsFound, VisitAppointment, WalkInDepartment
from tests.site_toml import REQUIRED, Site

ZONE = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 1, 15, 9, 0, tzinfo=ZONE)
CARD = "0012345"
HEADER = "patient_number,date,time,department,doctor,place,note,message\n"
SITE = """
[screen]
languages = ["en", "ja"]
default_language = "en"
theme = "high_contrast"
reader = "drop"
reader_side = "left"
reader_phone = true
slip_at = "right-bottom"
mounting_cm = 75
[counter]
window = "1"
text = "総合受付"
call = true
[arrival]
early_min = 45
late_min = 15
early = "refuse"
late = "register"
[card_reader]
also = "serial:///dev/ttyS1?baudrate=9600"
birthday = "qr"
[insurance]
monthly_reminder = true
[walk_in]
departments = ["02", "03"]
doctor = "当番"
[[department]]
code = "01"
name = "内科"
place = "本館"
[[department]]
code = "02"
name = "外科"
names = {en = "Our Surgery", zh_hans = "外科门诊"}
hours = [{days = ["thu"], open = "10:00", close = "12:00"}]
[[department]]
code = "03"
name = "眼科"
[[place]]
department = "01"
text = "A棟1階2番窓口"
building = "A"
floor = 1
window = "2"
[[place]]
department = "眼科"
text = "B棟"
floor = -1
[desk]
feed = "watch"
patients = "patients.csv"
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "patients.csv").write_text(f"number,name,kana,birth\n{CARD},架空 花子,,1950-01-02\n2,,,19500100\n")
    return Site(tmp_path)


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_site_of_before_has_the_rules_of_before(site: Site) -> None:
    config = site.load(REQUIRED + "[card_reader]\n")
    assert rules_of(config) == Rules()
    assert stand_of(config) == Stand("架空総合病院", glass_mm=glass_mm(1080, 1920, 21.5))
    wording = wording_of(config)
    assert (wording.counter_window, wording.counter_text, wording.phone_card, wording.phone_mynumber) == (
        "",
        "",
        False,
        False,
    )


def test_what_the_site_wants_reaches_visit_pages_and_words(site: Site) -> None:
    config = site.load(REQUIRED + SITE)
    rules = rules_of(config)
    assert (rules.early, rules.late, rules.early_min, rules.late_min) == ("refuse", "register", 45, 15)
    assert (rules.no_card, rules.walk_in, rules.staff_call, rules.card_birthday) == (True, True, True, "qr")
    assert (rules.languages, rules.look) == (("ja", "en"), Look("en", "high_contrast"))
    assert stand_of(config) == Stand("架空総合病院", "drop", "left", "right-bottom", 75.0, glass_mm(1080, 1920, 21.5))
    assert wording_of(config).slip_at == "right-bottom"
    wording = wording_of(config)
    assert (wording.counter_window, wording.counter_text, wording.phone_card, wording.phone_mynumber) == (
        "1",
        "総合受付",
        True,
        True,
    )
    assert wording.in_language("en").department("外科") == "Our Surgery"
    assert wording.in_language("zh_hans").department("外科") == "外科门诊"


def test_the_third_way_is_there_where_the_site_says_where_it_leads(site: Site) -> None:
    assert set(LANGUAGES) == set(rules_of(site.load()).languages)
    assert not rules_of(site.load()).no_card
    assert rules_of(site.load(REQUIRED + '[counter]\nwindow = "1"\n')).no_card
    assert not rules_of(site.load(REQUIRED + '[counter]\nwindow = ""\n')).no_card


def test_one_reader_for_cards_and_phones_has_no_second_address(site: Site) -> None:
    reader = site.load(REQUIRED + '[card_reader]\nalso = "same"\n').card_reader
    assert reader is not None and reader.reads_phones and reader.second_url == ""
    reader = site.load(REQUIRED + SITE).card_reader
    assert reader is not None and reader.second_url == "serial:///dev/ttyS1?baudrate=9600"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('[screen]\nlanguages = ["en"]\n', "[screen] default_language"),
        ("[screen]\nlanguages = []\n", "one or more"),
        ('[screen]\nlanguages = ["ja", "ja"]\n', "each once"),
        ('[screen]\nlanguages = ["ja", "klingon"]\n', "[screen] languages"),
        ('[screen]\nreader = "round"\n', "[screen] reader"),
        ("[screen]\nmounting_cm = -1\n", "[screen] mounting_cm"),
        ('[arrival]\nearly = "never"\n', "[arrival] early"),
        ('[card_reader]\nbirthday = "qr"\n', "[desk] patients"),
        ('[card_reader]\nalso = "serial:///dev/ttyS0?baudrate=9600"\n', '"same"'),
        ('[card_reader]\nalso = "COM1"\n', "[card_reader] also"),
        ('[[place]]\ndepartment = "a"\ntext = "b"\nfloor = 100\n', "floor"),
        ('[insurance]\nkey_check = "yes"\n', "[insurance] key_check"),
    ],
)
def test_what_cannot_be_is_named(site: Site, lines: str, words: str) -> None:
    [line] = site.problems(REQUIRED + lines)
    assert words in line


# --- the reservations' thread ---------------------------------------------------------------------------------------


class Asked:
    """The thread over a database of its own. `now`: the site's clock."""

    def __init__(self, site: Site, text: str) -> None:
        config = site.load(REQUIRED + text)
        self.now = NOW
        self.reported: list[str] = []
        self.book = SqliteReservations(site.folder, clock=lambda: self.now)
        self._events: queue.SimpleQueue[e.Event] = queue.SimpleQueue()
        patients = config.desk.patients if config.desk else None
        self.worker = ReservationsWorker(
            self.book,
            ReferenceNumbers.load(None),
            BirthDays(patients, lambda event, **_: self.reported.append(event)),
            config,
            lambda: self.now,
            self._events.put,
            lambda event, **_: self.reported.append(event),
            lambda code, reason: None,
        )

    def book_in(self, *lines: str) -> None:
        self.book.import_rows(csv_file.read((HEADER + "\n".join(lines)).encode()))

    def found(self, number: str = CARD) -> AppointmentsFound:
        self.worker.look_up(c.LookUp(1, "patient_card", number))
        event = self._events.get(timeout=60)
        assert isinstance(event, AppointmentsFound)
        return event

    def registered(self, command: c.Register | c.RegisterWalkIn) -> e.Event:
        (self.worker.walk_in if isinstance(command, c.RegisterWalkIn) else self.worker.register)(command)  # type: ignore[arg-type]
        return self._events.get(timeout=60)


@pytest.fixture
def asked(site: Site) -> Iterator[Asked]:
    made = Asked(site, SITE)
    yield made
    made.worker.close()


def test_places_come_in_parts_where_the_site_words_them_so(asked: Asked) -> None:
    asked.book_in(
        f"{CARD},2026-01-15,9:00,内科,佐藤,,,採尿してから診察へ",
        f"{CARD},2026-01-15,9:30,内科,,A棟1階2番窓口,memo,",
        f"{CARD},2026-01-15,10:00,内科,,C棟,,",
        f"{CARD},2026-01-15,10:30,眼科,,,,",
        f"{CARD},2026-01-15,11:00,皮膚科,,B棟,,",
    )
    assert asked.found().appointments == (
        VisitAppointment(time(9, 0), "内科", "佐藤", "A棟1階2番窓口", "A", 1, "2", "採尿してから診察へ"),
        VisitAppointment(time(9, 30), "内科", "", "A棟1階2番窓口", "A", 1, "2"),
        VisitAppointment(time(10, 0), "内科", "", "C棟"),
        VisitAppointment(time(10, 30), "眼科", "", "B棟", floor=-1),
        VisitAppointment(time(11, 0), "皮膚科", "", "B棟", floor=-1),
    )


def test_another_day_comes_with_its_departments_and_where_one_may_walk_in_now(asked: Asked) -> None:
    asked.book_in(f"{CARD},2026-01-20,9:00,外科｜《x》,,,,", f"{CARD},2026-01-20,10:00,内科,,,,")
    found = asked.found()
    assert (found.next_day, found.next_departments) == (date(2026, 1, 20), ("外科x", "内科"))
    assert found.walk_in == (WalkInDepartment("03", "眼科"), WalkInDepartment("02", "外科", "later", time(10)))
    asked.now = NOW.replace(hour=11)
    assert [each.receives for each in asked.found().walk_in] == [True, True]


def test_who_walks_in_is_registered_where_the_department_is(asked: Asked) -> None:
    event = asked.registered(c.RegisterWalkIn(1, NOW.date(), CARD, "03"))
    assert isinstance(event, e.ArrivalRegistered)
    assert event.appointments == (VisitAppointment(time(9, 0), "眼科", "当番", "B棟", floor=-1, walk_in=True),)
    again = asked.registered(c.Register(1, NOW.date(), CARD))
    assert isinstance(again, e.ArrivalRegistered)
    assert (again.again, again.appointments) == (True, event.appointments)
    closed = asked.registered(c.RegisterWalkIn(1, NOW.date(), "2", "02"))
    assert isinstance(closed, e.ReservationsFailed), "it opens at ten"


def test_the_birth_day_is_known_of_whom_the_hospital_knows_it(asked: Asked) -> None:
    assert [asked.found(number).birth_day for number in (CARD, "2", "3")] == ["0102", None, None]
    assert asked.reported == []


def test_a_bad_list_of_patients_is_reported_once_and_asks_nobody(site: Site) -> None:
    (site.folder / "patients.csv").write_text("number,name\n")
    asked = Asked(site, SITE)
    try:
        assert asked.found().birth_day is None
        asked.worker.birth_days.refresh()
        assert asked.reported == ["birth_days_unknown"]
    finally:
        asked.worker.close()


def test_the_insurance_is_asked_for_at_the_first_visit_of_a_month(asked: Asked) -> None:
    asked.book_in(*(f"{CARD},{day},13:00,内科,,,," for day in ("2026-01-15", "2026-01-31", "2026-02-01")))
    due = []
    for days in (0, 0, 16, 17):
        asked.now = NOW + timedelta(days=days)
        due.append(asked.found().insurance_due)
        asked.registered(c.Register(1, asked.now.date(), CARD))
    assert due == [True, False, False, True]
