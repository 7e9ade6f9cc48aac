"""What stands on a slip: order, notes, cleaning, bounds, and no name."""

import unicodedata
from datetime import date, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.slip.content import APPOINTMENTS_MAX, FIELD_CHARS_MAX, Slip, counter_slip, reception_slip
from kiosk.visit.state import RegisteredArrival, VisitAppointment
from kiosk.words.texts import load

WORDS = load()
DAY = date(2026, 1, 15)


def slip(
    *appointments: VisitAppointment, notes: tuple[str, ...] = (), again: bool = False, hospital: str = "架空総合病院"
) -> Slip:
    arrival = RegisteredArrival(DAY, time(8, 52), "00123", 12, appointments, notes, again)
    return reception_slip(WORDS, hospital, arrival)


def texts(one: Slip) -> list[str]:
    return [line.text for line in one.lines if line.style != "rule"]


def test_a_slip_from_top_to_bottom() -> None:
    one = slip(VisitAppointment(time(13), "内科", "山田", "A棟1階2番窓口"))
    assert [(line.text, line.style) for line in one.lines] == [
        ("架空総合病院", "body"),
        ("受付票", "title"),
        ("2026年1月15日（木） 08:52受付", "body"),
        ("受付番号", "body"),
        ("12", "number"),
        ("", "rule"),
        ("13:00 内科", "large"),
        ("山田 先生", "body"),
        ("A棟1階2番窓口", "large"),
        ("", "rule"),
    ]
    assert one.barcode == "00123"


def test_appointments_stand_in_time_order() -> None:
    one = slip(*(VisitAppointment(at, "科", "", "") for at in (time(13), time(9, 30), time(10), time(9))))
    assert [text for text in texts(one) if text.endswith("科")] == ["09:00 科", "09:30 科", "10:00 科", "13:00 科"]


@pytest.mark.parametrize(
    ("doctor", "line"), [("山田", "山田 先生"), ("山田先生", "山田先生"), ("山田 先生", "山田 先生")]
)
def test_a_doctor_is_addressed_once(doctor: str, line: str) -> None:
    assert line in texts(slip(VisitAppointment(time(9), "内科", doctor, "")))


def test_what_is_not_known_is_left_out() -> None:
    assert texts(slip(VisitAppointment(time(9), "内科", " ", "")))[-1] == "09:00 内科"


def test_a_note_sends_to_the_counter_too_with_words_for_the_patient_and_a_code_for_the_staff() -> None:
    printed = texts(
        slip(VisitAppointment(time(9), "内科", "", ""), notes=("insurance_check", "subsidy_failed", "new_note"))
    )
    assert printed[-4:] == [
        "受付窓口にもお寄りください",
        "健康保険の確認があります",
        "受給者証をお見せください",
        "職員用：insurance_check subsidy_failed new_note",
    ]
    assert "受付窓口にもお寄りください" not in texts(slip())


def test_a_reprint_says_so() -> None:
    assert "受付票（再発行）" in texts(slip(again=True))


def test_more_appointments_than_fit_are_counted() -> None:
    one = slip(*(VisitAppointment(time(9 + i), "内科", "", "") for i in range(APPOINTMENTS_MAX + 3)))
    assert texts(one)[-1] == "ほか3件のご予約があります"
    assert sum(text.endswith("内科") for text in texts(one)) == APPOINTMENTS_MAX


def test_a_long_field_ends_with_an_ellipsis_and_a_full_one_does_not() -> None:
    printed = texts(slip(VisitAppointment(time(9), "内" * FIELD_CHARS_MAX, "", "外" * (FIELD_CHARS_MAX + 1))))
    assert "内" * FIELD_CHARS_MAX in printed
    assert "外" * (FIELD_CHARS_MAX - 1) + "…" in printed
    assert "外" * (FIELD_CHARS_MAX - 1) + "…" in texts(slip(hospital="外" * 2_000_000))


def test_the_counter_slip_says_what_to_do_and_holds_nothing_of_the_patient() -> None:
    one = counter_slip(WORDS, hospital="架空総合病院", day=DAY, at=time(8, 52), reason="no_appointment")
    assert texts(one) == [
        "架空総合病院",
        "受付窓口へ",
        "お越しください",
        "まだ受付は終わっていません",
        "2026年1月15日（木） 08:52",
        "職員用：no_appointment",
    ]
    assert one.barcode is None


def test_nothing_of_a_slip_shows_in_its_representation() -> None:
    one = slip(VisitAppointment(time(13), "内科", "山田", "A棟"), notes=("insurance_check",))
    printed = repr(one) + repr(one.lines) + repr(VisitAppointment(time(13), "内科", "山田", "A棟"))
    assert not any(word in printed for word in ("00123", "内科", "山田", "13:00", "A棟"))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_no_control_bidi_or_private_character_reaches_the_paper(first: str, second: str) -> None:
    hostile = VisitAppointment(time(9), second, first + second, second + first)
    one = slip(hostile, notes=(first, second), hospital=first)
    for text in texts(one) + texts(counter_slip(WORDS, hospital=first, day=DAY, at=time(8), reason=first)):
        assert not {unicodedata.category(character) for character in text} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_lines_of_another_system_become_one_line() -> None:
    assert "09:00 内科 外来" in texts(slip(VisitAppointment(time(9), "内科\r\n外来\u202e\u200b\x1b", "", "")))
