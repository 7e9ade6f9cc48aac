"""What stands on a slip: order, notes, cleaning, bounds, and no name."""

import unicodedata
from datetime import date, time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.screens.wording import Wording
from kiosk.slip.content import APPOINTMENTS_MAX, FIELD_CHARS_MAX, Slip, counter_slip, custody_slip, reception_slip
from kiosk.typography.ruby import plain
from kiosk.visit.state import ArrivalInCustody, RegisteredArrival, VisitAppointment, VisitReception
from kiosk.words.texts import LANGUAGES, load

WORDS = Wording()
DAY = date(2026, 1, 15)


def slip(
    *appointments: VisitAppointment,
    notes: tuple[str, ...] = (),
    again: bool = False,
    hospital: str = "架空総合病院",
    language: str = "ja",
    wording: Wording = WORDS,
    receptions: tuple[VisitReception, ...] = (VisitReception("12"),),
) -> Slip:
    arrival = RegisteredArrival(DAY, time(8, 52), "00123", receptions, appointments, notes, again)
    return reception_slip(wording, hospital, arrival, language, time(10, 5))


def texts(one: Slip) -> list[str]:
    return [plain(line.text) for line in one.lines if line.style != "rule"]


def test_a_slip_from_top_to_bottom() -> None:
    one = slip(VisitAppointment(time(13), "内科", "山田", "A棟1階2番窓口"))
    assert [(line.text, line.style) for line in one.lines] == [
        ("架空総合病院", "body"),
        ("受付票", "title"),
        ("2026年1月15日（木） 08:52 受付", "body"),
        ("受付番号", "body"),
        ("12", "number"),
        ("", "rule"),
        ("13:00 内科", "large"),
        ("山田 先生", "body"),
        ("A棟1階2番窓口", "place"),
        ("", "rule"),
        ("次にすること", "body"),
        ("1. A棟1階2番窓口へ行く", "step"),
        ("2. 13:00 ごろ呼ばれるのを待つ", "step"),
    ]
    assert one.barcode == "00123"
    assert [line.text for line in one.caption] == ["会計で使います"]
    assert one.number_label == "診察券の番号"


def test_a_slip_in_another_language_has_each_line_for_the_patient_in_both() -> None:
    place = VisitAppointment(time(13), "内科", "山田", "A棟1階2番窓口", "A", 1, "2")
    one = slip(place, notes=("insurance_check",), language="en", wording=Wording(counter_window="1"))
    assert [(line.text, line.style) for line in one.lines] == [
        ("架空総合病院", "body"),
        ("受付票", "title"),
        ("Check-in slip", "other"),
        ("2026年1月15日（木） 08:52 受付", "body"),
        ("Checked in January 15, 2026 8:52 AM", "other"),
        ("受付番号", "body"),
        ("Reception number", "other"),
        ("12", "number"),
        ("", "rule"),
        ("13:00 内科", "large"),
        ("1:00 PM Internal Medicine", "step"),
        ("山田 先生", "body"),
        ("A棟1階2番窓口", "place"),
        ("Building A Floor 1 Window 2", "step"),
        ("", "rule"),
        ("次にすること", "body"),
        ("What to do next", "other"),
        ("1. Have your insurance checked at Window 1", "step"),
        ("1番窓口で保険の確認をする", "body"),
        ("2. Go to Building A Floor 1 Window 2", "step"),
        ("A棟1階2番窓口へ行く", "body"),
        ("3. Wait to be called at about 1:00 PM", "step"),
        ("13:00 ごろ呼ばれるのを待つ", "body"),
        ("", "rule"),
        ("職員用：insurance_check", "small"),
        ("画面の言語：English", "small"),
    ]
    assert {line.text for line in one.lines if line.language == "en"} == {
        line.text for line in one.lines if line.text.isascii() and line.text not in ("", "12")
    }
    assert [line.text for line in one.caption] == ["会計で使います", "For payment"]


def test_each_department_has_its_own_number_beside_it() -> None:
    two = (VisitAppointment(time(11), "眼科", "", ""), VisitAppointment(time(9), "内科", "", "1階"))
    numbers = (VisitReception("A17", "内科"), VisitReception("00018", "眼科"))
    lines = texts(slip(*two, receptions=numbers))
    assert lines[3:8] == ["09:00 内科", "1階", "受付番号 A17", "11:00 眼科", "受付番号 00018"]
    assert not any(line.style == "number" for line in slip(*two, receptions=numbers).lines)
    english = texts(slip(two[1], receptions=numbers, language="en"))
    assert "受付番号 A17" in english and any("A17" in line and "受付" not in line for line in english)


def test_a_number_whose_appointment_is_not_there_stands_above_with_its_department() -> None:
    numbers = (VisitReception("A17", "内科"), VisitReception("B\u202e4", "外科"))
    lines = texts(slip(VisitAppointment(time(9), "内科", "", ""), receptions=numbers))
    assert lines[3:8] == ["受付番号", "外科", "B4", "09:00 内科", "受付番号 A17"]


def test_a_slip_of_custody_says_that_nothing_is_registered_and_tells_the_staff() -> None:
    place = VisitAppointment(time(13), "内科", "山田", "A棟1階2番窓口")
    arrival = ArrivalInCustody(DAY, time(8, 52), "00123", "K3-012", (place,), ("insurance_check",))
    one = custody_slip(WORDS, "架空総合病院", arrival)
    assert [(line.text, line.style) for line in one.lines] == [
        ("架空総合病院", "body"),
        ("受付票（お預かり）", "title"),
        ("まだ受付は終わっていません", "note"),
        ("2026年1月15日（木） 08:52 お預かり", "body"),
        ("お預かり番号", "body"),
        ("K3-012", "number"),
        ("HIS未登録　職員用コード S4", "large"),
        ("", "rule"),
        ("13:00 内科", "large"),
        ("山田 先生", "body"),
        ("A棟1階2番窓口", "place"),
        ("", "rule"),
        ("次にすること", "body"),
        ("1. 受付窓口で保険の確認をする", "step"),
        ("2. A棟1階2番窓口へ行く", "step"),
        ("3. 内科の窓口で受付票を見せる", "step"),
        ("", "rule"),
        ("職員用：insurance_check", "small"),
    ]
    assert one.barcode == "00123" and "K3-012" not in repr(one) and "00123" not in repr(one)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_slip_of_custody_says_in_every_language_that_it_is_not_done(language: str) -> None:
    arrival = ArrivalInCustody(DAY, time(8, 52), "00123", "K3-012", (VisitAppointment(time(13), "内科", "", ""),))
    lines = texts(custody_slip(WORDS, "架空総合病院", arrival, language))
    assert plain(load("patient", language)["slip"]["counter_note"]) in lines
    assert "HIS未登録　職員用コード S4" in lines and "K3-012" in lines
    assert not any("受付番号" in line or line.endswith("受付") for line in lines)


def test_who_reads_plain_japanese_gets_the_readings_below() -> None:
    printed = texts(slip(VisitAppointment(time(13), "内科", "", ""), language="ja_simple"))
    after = dict(pairwise(printed))
    assert after["受付番号"] == "うけつけばんごう" and after["13:00 内科"] == "13:00 ないか"
    assert after["1. 13:00 ごろ よびます。まちます"] == "13:00 ごろ 呼びます。待ちます"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_mark_of_a_reading_is_printed_in_any_language(language: str) -> None:
    hostile = VisitAppointment(time(13), "内科《がんか》", "｜山田", "《A棟》", message="《採尿》してから")
    notes = ("insurance_check", "insurance_monthly", "arrived_late", "arrived_early", "walk_in")
    one = slip(hostile, notes=notes, again=True, language=language)
    counter = counter_slip(WORDS, hospital="《》", day=DAY, at=time(8), reason="no_card", code="N5", language=language)
    assert not set("｜《》{}\u2068\u2069") & set("".join([*texts(one), *texts(counter), one.number_label]))


def test_appointments_stand_in_time_order() -> None:
    one = slip(*(VisitAppointment(at, "科", "", "") for at in (time(13), time(9, 30), time(10), time(9))))
    assert [text for text in texts(one) if text.endswith("科")] == ["09:00 科", "09:30 科", "10:00 科", "13:00 科"]


@pytest.mark.parametrize(
    ("doctor", "line"), [("山田", "山田 先生"), ("山田先生", "山田 先生"), ("山田 先生", "山田 先生")]
)
def test_a_doctor_is_addressed_once(doctor: str, line: str) -> None:
    assert line in texts(slip(VisitAppointment(time(9), "内科", doctor, "")))


def test_what_is_not_known_is_left_out() -> None:
    printed = texts(slip(VisitAppointment(time(9), "内科", " ", "")))
    assert printed[printed.index("09:00 内科") + 1 :] == ["次にすること", "1. 09:00 ごろ呼ばれるのを待つ"]


def test_a_note_is_an_act_for_the_patient_and_a_code_for_the_staff() -> None:
    notes = ("insurance_check", "subsidy_failed", "insurance_monthly", "new_note")
    assert texts(slip(VisitAppointment(time(9), "内科", "", ""), notes=notes))[-6:] == [
        "次にすること",
        "1. 受付窓口で保険の確認をする",
        "2. 受付窓口で受給者証を見せる",
        "3. 09:00 ごろ呼ばれるのを待つ",
        "今月の保険の確認がまだの方は、受付窓口にもお寄りください。",
        "職員用：insurance_check subsidy_failed insurance_monthly new_note",
    ]
    assert not any(text.startswith("職員用") for text in texts(slip()))


def test_who_came_late_has_it_in_a_frame_and_tells_the_window() -> None:
    one = slip(VisitAppointment(time(8, 30), "内科", "", ""), notes=("arrived_late",))
    assert ("遅れて到着", "note") in [(line.text, line.style) for line in one.lines]
    assert {"1. 遅れて来たことを伝える", "2. 呼ばれるのを待つ", "職員用：arrived_late"} <= set(texts(one))


def test_who_came_without_an_appointment_has_no_time_of_one() -> None:
    walk_in = VisitAppointment(time(8, 52), "眼科", "", "B棟", walk_in=True)
    printed = texts(slip(walk_in, notes=("walk_in",)))
    assert "予約なし 眼科" in printed and "職員用：walk_in" in printed
    assert not any("ごろ" in text or text.startswith("08:52") for text in printed)


def test_a_message_of_the_hospital_is_an_act_and_not_translated() -> None:
    message = VisitAppointment(time(9), "内科", "", "", message="採尿してから診察へ")
    assert "1. 採尿してから診察へ" in texts(slip(message))
    english = texts(slip(message, language="en"))
    assert [text for text in english if "採尿" in text] == ["1. Message from the hospital: 採尿してから診察へ"]


def test_a_reprint_says_so_and_when() -> None:
    assert {"受付票（再発行）", "2026年1月15日（木） 08:52 受付", "10:05 に再発行"} <= set(texts(slip(again=True)))
    assert not any("再発行" in text for text in texts(slip()))


def test_more_appointments_than_fit_are_counted() -> None:
    one = slip(*(VisitAppointment(time(9 + i), "内科", "", "") for i in range(APPOINTMENTS_MAX + 3)))
    assert "ほか 3 件のご予約があります" in texts(one)
    assert sum(text.endswith("内科") for text in texts(one)) == APPOINTMENTS_MAX


def test_a_long_field_ends_with_an_ellipsis_and_a_full_one_does_not() -> None:
    printed = texts(slip(VisitAppointment(time(9), "内" * FIELD_CHARS_MAX, "", "外" * (FIELD_CHARS_MAX + 1))))
    assert "内" * FIELD_CHARS_MAX in printed
    assert "外" * (FIELD_CHARS_MAX - 1) + "…" in printed
    assert "外" * (FIELD_CHARS_MAX - 1) + "…" in texts(slip(hospital="外" * 2_000_000))


def test_the_counter_slip_says_what_to_do_and_holds_nothing_of_the_patient() -> None:
    one = counter_slip(WORDS, hospital="架空総合病院", day=DAY, at=time(8, 52), reason="no_appointment", code="N1")
    assert texts(one) == [
        "架空総合病院",
        "受付窓口へお越しください",
        "まだ受付は終わっていません",
        "この紙を窓口にお出しください",
        "2026年1月15日（木） 08:52",
        "職員用コード N1",
        "職員用：no_appointment",
    ]
    assert one.barcode is None


def test_the_counter_slip_names_the_sites_window_in_both_languages() -> None:
    wording = Wording(counter_window="3")
    one = counter_slip(wording, hospital="", day=DAY, at=time(8, 52), reason="no_card", code="N5", language="pt")
    assert texts(one)[1:3] == ["3番窓口へお越しください", "Vá para: Guichê 3"]
    assert texts(one)[-1] == "画面の言語：Português"


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
