"""What stands on the chart-room sheet."""

from dataclasses import replace
from datetime import date, time

import pytest

from kiosk.screens.wording import Wording
from kiosk.slip.content import reception_slip
from kiosk.slip.sheet import APPOINTMENTS_MAX, Sheet, SheetAppointment, slip_of, worded
from kiosk.visit.state import RegisteredArrival, VisitAppointment, VisitReception
from kiosk.words.texts import load

TEXTS, DATES = load("sheet"), load()
SHEET = Sheet(
    hospital="みどり総合病院",
    day=date(2026, 1, 15),
    local_time=time(9, 5),
    patient_number="00123456",
    name="山田　花子",
    kana="ﾔﾏﾀﾞ ﾊﾅｺ",
    birth=date(1956, 3, 3),
    receptions=(VisitReception("12"),),
    appointments=(
        SheetAppointment(time(10, 30), "眼科"),
        SheetAppointment(time(9, 30), "内科", "佐藤", "A棟1階2番窓口"),
    ),
)


def test_all_of_an_arrival_as_staff_read_it() -> None:
    sheet = worded(SHEET, TEXTS, DATES)
    assert (sheet.title, sheet.hospital, sheet.moment) == ("カルテ出し", "みどり総合病院", "2026年1月15日（木） 09:05")
    assert (sheet.number_label, sheet.number, sheet.barcode) == ("患者番号", "00123456", "00123456")
    assert (sheet.reception_label, sheet.reception, sheet.received) == ("受付番号", "12", True)
    assert (sheet.kana, sheet.name) == ("ヤマダ ハナコ", "山田 花子")
    assert sheet.birth == "昭和31年3月3日生（1956年）　69歳"
    assert sheet.appointments == ("09:30　内科　佐藤 先生　A棟1階2番窓口", "10:30　眼科")
    assert sheet.more == ""


def test_each_department_has_its_own_number() -> None:
    sheet = worded(
        replace(SHEET, receptions=(VisitReception("A17", "眼科"), VisitReception("4", "内科"))), TEXTS, DATES
    )
    assert (sheet.reception, sheet.received) == ("A17・4", True)
    assert sheet.appointments == ("09:30　内科　佐藤 先生　A棟1階2番窓口　受付番号 4", "10:30　眼科　受付番号 A17")


def test_the_age_is_that_of_the_day() -> None:
    on_the_day_before = replace(SHEET, day=date(2026, 3, 2))
    on_the_birthday = replace(SHEET, day=date(2026, 3, 3))
    assert worded(on_the_day_before, TEXTS, DATES).birth.endswith("69歳")
    assert worded(on_the_birthday, TEXTS, DATES).birth.endswith("70歳")


def test_what_is_not_known_is_written_as_such_or_left_out() -> None:
    unknown = Sheet("", SHEET.day, SHEET.local_time, "", "山田 花子", "", None)
    sheet = worded(unknown, TEXTS, DATES)
    assert (sheet.number, sheet.barcode, sheet.reception, sheet.received) == ("不明", None, "未受付", False)
    assert (sheet.kana, sheet.birth, sheet.appointments) == ("", "生年月日 不明", ())


def test_a_walk_in_has_no_time_and_comes_last() -> None:
    walk_in = SheetAppointment(None, "外科")
    sheet = worded(replace(SHEET, appointments=(walk_in, *SHEET.appointments)), TEXTS, DATES)
    assert sheet.appointments[-1] == "予約外　外科"


def test_a_second_sheet_says_so() -> None:
    assert worded(replace(SHEET, again=True), TEXTS, DATES).title == "カルテ出し（再印刷）"


def test_more_appointments_than_there_is_room_for_are_counted() -> None:
    many = tuple(SheetAppointment(time(9, minute), "内科") for minute in range(APPOINTMENTS_MAX + 3))
    sheet = worded(replace(SHEET, appointments=many), TEXTS, DATES)
    assert len(sheet.appointments) == APPOINTMENTS_MAX
    assert sheet.more == "ほか3件"


def test_what_other_systems_write_is_cleaned() -> None:
    hostile = replace(
        SHEET, name="山田\u202e花子\x07\n様" + "長" * 500, appointments=(SheetAppointment(None, "内\u200b科\t1"),)
    )
    sheet = worded(hostile, TEXTS, DATES)
    assert sheet.name.startswith("山田花子 様")
    assert len(sheet.name) == 80
    assert sheet.appointments == ("予約外　内科 1",)


def test_the_slip_of_the_same_arrival_is_the_kiosks() -> None:
    walk_in = SheetAppointment(None, "外科")
    slip = slip_of(replace(SHEET, appointments=(*SHEET.appointments, walk_in), again=True), Wording(), time(11))
    appointments = (
        VisitAppointment(time(10, 30), "眼科", "", ""),
        VisitAppointment(time(9, 30), "内科", "佐藤", "A棟1階2番窓口"),
        VisitAppointment(time(9, 5), "外科", "", "", walk_in=True),
    )
    arrival = RegisteredArrival(
        SHEET.day, SHEET.local_time, "00123456", (VisitReception("12"),), appointments, again=True
    )
    assert slip == reception_slip(Wording(), "みどり総合病院", arrival, printed_at=time(11))
    assert "山田" not in "".join(line.text for line in slip.lines)


def test_what_is_not_registered_has_no_slip() -> None:
    with pytest.raises(ValueError, match="nothing is registered"):
        slip_of(replace(SHEET, receptions=()), Wording(), time(11))


def test_no_repr_names_the_patient() -> None:
    text = repr(SHEET) + repr(worded(SHEET, TEXTS, DATES))
    for private in ("00123456", "山田", "花子", "ﾔﾏﾀﾞ", "ヤマダ", "1956", "昭和", "佐藤", "内科"):
        assert private not in text
