"""The desk behind its pages: every act with its effect, its refusal and its line in the audit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.reservations import Appointment, InCustody, Order, Reception, Registered, Trouble, UnknownPatient
from kiosk.desk import acts
from kiosk.desk.acts import CancelReason, Done, EndReason, Outdated, Refused
from kiosk.desk.export import Exports
from kiosk.desk.pages import Against, Certificate, Key, Printed, Row, Subsidies, VisitPage
from kiosk.desk.registration import Confirmation
from kiosk.desk.today import Today
from kiosk.desk.visits import Attention, State
from kiosk.words.problems import Problem
from tests.book import arrive
from tests.desk.office import Office, office
from tests.desk.pmh import CHILD, DISABLED, GUESSED, Hand, Paper, written
from tests.desk.test_visits import REQUEST, result
from tests.hospital import wait_until

MINUTE = timedelta(minutes=1)
LIMIT = Paper(**{**vars(CHILD), "limits": (("外来", "回", "300"), ("入院", "月", "5000"))})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path) as made:
        yield made


def row(desk: Office, seq: int = 1) -> Row:
    return desk.service.visit(seq).row


def mark_of(desk: Office, seq: int) -> str:
    change = desk.today.entry(seq)[0].visit.eligibility
    assert change
    return change.mark


def act(desk: Office, what: acts.Act, user: str = "jun") -> acts.Outcome:
    return desk.service.act(what, user, "192.0.2.7")


def taps_with(desk: Office, number: int, *papers: Paper, of: str = "70000001") -> None:
    """A tap whose subsidies are already there."""
    desk.tap(result(of, request=REQUEST.format(number)))
    desk.answer(REQUEST.format(number), written(papers, Hand(GUESSED)))


def accept_all(desk: Office, seq: int) -> None:
    for each in desk.service.visit(seq).subsidies:
        if each.may_accept:
            page = desk.service.visit(seq)
            assert act(desk, acts.AcceptCertificate(seq, each.slot, page.revision)) == Done()


# --- the list --------------------------------------------------------------------------------------------------------


def test_a_tap_is_a_row_with_its_appointment(desk: Office) -> None:
    desk.books("10:30,70000001,内科", "09:15,70000001,眼科")
    desk.tap(result())
    wait_until(lambda: row(desk).appointments, "the reservations are asked")
    [found] = desk.service.day().rows
    assert (found.number, found.name, found.key) == ("70000001", "例示　翔", Key.first)
    assert found.appointments == ("09:15 眼科", "10:30 内科")
    assert (found.may_register, found.may_walk_in) == (True, False)
    assert desk.service.header().open == 0


def test_the_same_file_twice_is_one_tap(desk: Office) -> None:
    desk.tap(result())
    desk.files = 0
    desk.tap(result())
    assert row(desk).taps == 1


def test_revisions_grow_and_subscribers_hear_of_each_change(desk: Office) -> None:
    heard: list[int] = []
    end = desk.service.subscribe(heard.append)
    before = desk.service.header().revision
    desk.tap(result())
    desk.tap(result("70000002", name="例示　花", birth="19500102"))
    assert heard == sorted(heard)
    assert heard[0] > before
    day = desk.service.day()
    assert {each.revision > before for each in day.rows} == {True}
    assert day.began <= before
    end()
    known = len(heard)
    desk.tap(result("70000003"))
    assert len(heard) == known


# --- reception -------------------------------------------------------------------------------------------------------


def test_registering_with_an_appointment(desk: Office) -> None:
    desk.books("10:30,70000001,内科")
    desk.tap(result())
    assert act(desk, acts.Register(1)) == Done(arrival=1)
    found = row(desk)
    assert (found.state, found.called, found.arrived_at_kiosk) == (State.registered, "1", False)
    assert act(desk, acts.Register(1)) == Done(arrival=1, already=True)
    wait_until(lambda: desk.service.day().arrivals, "the register is read")
    [arrival] = desk.service.day().arrivals or ()
    assert (arrival.line, arrival.number, arrival.name, arrival.department, arrival.seq) == (
        1, "1", "例示　翔", "内科", 1,
    )  # fmt: skip
    assert not arrival.at_kiosk
    assert desk.audited()[-2:] == [("jun", "register", "done", 1)] * 2


def test_without_an_appointment_only_as_a_walk_in(desk: Office) -> None:
    desk.tap(result())
    assert act(desk, acts.Register(1)) == Refused(Problem("not_done.no_appointment"))
    assert act(desk, acts.WalkIn(1, "02")) == Refused(Problem("not_done.no_department")), "eyes take no walk-ins"
    assert [each.code for each in desk.service.visit(1).walk_in] in ([], ["01"])
    assert act(desk, acts.WalkIn(1, "01")) == Done(arrival=1)
    assert row(desk).state is State.registered
    assert desk.audited()[-1] == ("jun", "walk_in", "done", 1)


def test_the_desk_sends_patients_where_the_kiosk_does(desk: Office) -> None:
    places = desk.config.places_by_department()
    assert places["内科"] == "1番窓口", "[[place]] goes before [[department]]"
    assert {name: desk.parts.departments.place(name) for name in ("内科", "01", "眼科")} == {
        "内科": "1番窓口", "01": "1番窓口", "眼科": "",
    }  # fmt: skip


def test_an_arrival_at_the_kiosk_shows_so(desk: Office) -> None:
    desk.books("10:30,70000001,内科")
    desk.tap(result())
    arrive(desk.reservations, "70000001", desk.today.day, desk.now[0])
    wait_until(lambda: row(desk).arrival == 1, "the register is read")
    assert row(desk).arrived_at_kiosk
    assert act(desk, acts.Register(1)) == Done(arrival=1, already=True)
    assert row(desk).arrived_at_kiosk


def test_a_cancelled_arrival_may_be_registered_again_under_another_number(desk: Office) -> None:
    desk.books("10:30,70000001,内科")
    desk.tap(result())
    act(desk, acts.Register(1))
    wait_until(lambda: desk.service.day().arrivals, "the register is read")
    assert act(desk, acts.Cancel(1, CancelReason.wrong_person)) == Done(arrival=1)
    assert row(desk).state is State.cancelled
    wait_until(
        lambda: [each.cancelled for each in desk.service.day().arrivals or ()] == ["wrong_person"], "the register"
    )
    assert act(desk, acts.Register(1)) == Done(arrival=2)
    assert row(desk).state is State.registered
    with pytest.raises(KeyError):
        act(desk, acts.Cancel(9, CancelReason.other))


def test_a_visit_with_a_number_for_each_department_is_registered_and_cancelled_as_one(tmp_path: Path) -> None:
    with office(tmp_path, desk='[numbering]\nseries = "department"') as desk:
        desk.books("10:30,70000002,内科", "10:30,70000001,内科", "11:00,70000001,眼科")
        arrive(desk.reservations, "70000002", desk.today.day, desk.now[0])
        desk.tap(result())
        outcome = act(desk, acts.Register(1))
        assert isinstance(outcome, Done) and outcome.arrival is not None
        assert row(desk).called == "2・1", "the second of one department, the first of the other"
        wait_until(lambda: len(desk.service.day().arrivals or ()) == 2, "the register is read")
        page = desk.service.arrival(outcome.arrival)
        assert page.arrival.number == "2・1"
        assert page.appointments == ("10:30 内科（2）", "11:00 眼科（1）")
        assert desk.service.sheet_picture(1) and desk.service.slip_picture(outcome.arrival)
        assert act(desk, acts.Cancel(outcome.arrival, CancelReason.double)) == Done(arrival=outcome.arrival)
        assert (row(desk).state, row(desk).called) == (State.cancelled, "")
        assert act(desk, acts.Cancel(outcome.arrival, CancelReason.double)) == Done(outcome.arrival, already=True)
        act(desk, acts.Register(1))
        assert row(desk).called == "3・2", "no number is given twice"


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Trouble("unreachable", "away"), "reservations"),
        (Trouble("busy", "90"), "system_busy"),
        (Trouble("refused", "no"), "system_refused"),
        (Trouble("busy", "90", maybe_done=True), "reservations"),
    ],
)
def test_what_was_not_registered_says_what_to_do(
    desk: Office, monkeypatch: pytest.MonkeyPatch, trouble: Trouble, code: str
) -> None:
    desk.books("10:30,70000001,内科")
    desk.tap(result())
    attempts: list[str] = []

    def answered(order: Order, until: float) -> Trouble:
        attempts.append(order.attempt)
        return trouble

    monkeypatch.setattr(desk.reservations, "register", answered)
    for _ in range(2):
        assert act(desk, acts.Register(1)) == Refused(Problem(f"not_done.{code}"))
    assert (attempts[0] == attempts[1]) is trouble.maybe_done, "pressed again it is the same attempt"


def test_other_answers_of_a_hospitals_system_are_said_too(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.books("10:30,70000001,内科")
    desk.tap(result())
    looked = (Appointment(desk.today.day, time(10, 30), "内科", "", "", ""),)
    answers: dict[object, object] = {
        UnknownPatient("70000001"): Refused(Problem("not_done.unknown_patient")),
        InCustody("70000001", "K3-001", desk.now[0], looked): Refused(
            Problem("not_done.custody", {"number": "K3-001"})
        ),
        Registered("70000001", (Reception("7", desk.now[0], key="3"),), looked, left_out=looked): Done(3, partly=True),
    }
    for answer, outcome in answers.items():
        monkeypatch.setattr(desk.reservations, "register", lambda *_, given=answer: given)
        assert act(desk, acts.Register(1)) == outcome


def test_by_itself_with_an_appointment_and_never_after_a_cancelling(tmp_path: Path) -> None:
    with office(tmp_path, desk='register = "with_appointment"') as desk:
        desk.books("10:30,70000001,内科")
        desk.tap(result("70000002", name="例示　花", birth="19500102"))
        desk.tap(result())
        wait_until(lambda: row(desk, 2).arrival == 1, "the desk registers by itself")
        assert row(desk, 1).state is State.waiting
        wait_until(lambda: desk.service.day().arrivals, "the register is read")
        act(desk, acts.Cancel(1, CancelReason.left))
        wait_until(lambda: row(desk, 2).state is State.cancelled, "it is cancelled")
        desk.parts.receptions.tapped(2)
        desk.parts.receptions.tapped(1)
        wait_until(lambda: desk.parts.receptions.looked(1).may_walk_in, "both were looked up again")
        assert row(desk, 2).state is State.cancelled


# --- eligibility -----------------------------------------------------------------------------------------------------


def test_a_change_waits_until_it_is_confirmed_as_it_was_displayed(desk: Office) -> None:
    desk.tap(result(key="a"))
    desk.now[0] += 60 * MINUTE
    desk.tap(result(key="b"))
    page = desk.service.visit(2)
    assert (page.row.key, page.row.open) == (Key.changed, (Attention.eligibility_changed,))
    assert page.may_confirm_eligibility
    assert page.key_only
    assert act(desk, acts.ConfirmEligibility(2, page.revision - 1)) == Outdated()
    assert desk.feed.settled == []
    assert act(desk, acts.ConfirmEligibility(2, page.revision)) == Done()
    assert desk.feed.settled == [mark_of(desk, 2)] != [""]
    assert row(desk, 2).open == ()
    assert desk.service.visit(2).events[-1].act == "confirm_eligibility"
    desk.now[0] += 60 * MINUTE
    desk.tap(result(key="b"))
    assert row(desk, 3).key is Key.same


# --- subsidies -------------------------------------------------------------------------------------------------------


def test_certificates_are_accepted_one_by_one_and_compared_at_the_next_visit(desk: Office) -> None:
    taps_with(desk, 1, CHILD, DISABLED)
    page = desk.service.visit(1)
    assert [each.state for each in page.subsidies] == [Certificate.first] * 2
    assert page.row.against is Against.first
    accept_all(desk, 1)
    assert row(desk).open == ()
    assert [each.settled for each in desk.service.visit(1).subsidies] == ["accepted"] * 2
    desk.now[0] += 60 * MINUTE
    taps_with(desk, 2, DISABLED, LIMIT)
    page = desk.service.visit(2)
    assert page.row.against is Against.changed
    changed = next(each for each in page.subsidies if each.state is Certificate.changed)
    limit = next(item for item in changed.items if item.changed)
    assert limit.was is not None
    assert limit.now is not None
    assert "500" in limit.was
    assert "300" in limit.now
    assert [item.label for item in changed.items if item.changed] == ["自己負担上限額"]
    assert act(desk, acts.KeepCertificate(2, changed.slot, page.revision)) == Done()
    assert act(desk, acts.AcceptCertificate(2, changed.slot, page.revision)) == Outdated(), "it is settled"
    assert row(desk, 2).open == ()
    desk.now[0] += 60 * MINUTE
    taps_with(desk, 3, CHILD, DISABLED)
    assert row(desk, 3).against is Against.same, "what was kept is what was registered"


def test_what_is_gone_stays_registered_until_a_person_ends_it(desk: Office) -> None:
    taps_with(desk, 1, CHILD)
    accept_all(desk, 1)
    desk.now[0] += 60 * MINUTE
    desk.tap(result())
    page = desk.service.visit(2)
    assert (page.row.subsidies, page.row.against) == (Subsidies.none, Against.missing)
    [gone] = page.subsidies
    assert (gone.state, gone.may_accept, gone.may_end) == (Certificate.absent, False, True)
    assert act(desk, acts.ConfirmSubsidies(2, page.revision)) == Done()
    assert row(desk, 2).open == ()
    tomorrow = desk.today.day + timedelta(days=1)
    end = acts.EndCertificate(2, gone.slot, page.revision, tomorrow, EndReason.expired)
    assert act(desk, end) == Refused(Problem("not_done.last_day"))
    end = acts.EndCertificate(2, gone.slot, page.revision, desk.today.day, EndReason.expired)
    assert act(desk, end) == Done()
    desk.now[0] += 60 * MINUTE
    desk.tap(result())
    assert row(desk, 3).against is Against.none


@pytest.mark.parametrize("late", [False, True])
def test_failed_and_late_are_two_words(desk: Office, late: bool) -> None:
    desk.tap(result(request=REQUEST.format(1)))
    assert row(desk).subsidies is Subsidies.waiting
    if late:
        desk.now[0] += MINUTE
        desk.today.tick()
    else:
        desk.answer(REQUEST.format(1), None)
    expected = (Subsidies.late, Attention.subsidy_late) if late else (Subsidies.failed, Attention.subsidy_failed)
    assert (row(desk).subsidies, row(desk).open) == (expected[0], (expected[1],))


def test_what_stands_beside_certificates_is_displayed_with_its_raw_name(desk: Office) -> None:
    desk.tap(result(request=REQUEST.format(1)))
    raw = written((CHILD,), Hand(GUESSED)).replace(
        b"</MessageBody>", "<SystemNotice><Text>更新手続きが必要です</Text></SystemNotice></MessageBody>".encode()
    )
    desk.answer(REQUEST.format(1), raw)
    assert desk.service.visit(1).subsidy_notices == ("SystemNotice Text 更新手続きが必要です",)


def test_an_act_on_what_changed_meanwhile_does_nothing(desk: Office) -> None:
    taps_with(desk, 1, CHILD)
    page = desk.service.visit(1)
    [shown] = page.subsidies
    desk.now[0] += MINUTE
    taps_with(desk, 2, LIMIT)
    assert act(desk, acts.AcceptCertificate(1, shown.slot, page.revision)) == Outdated()
    assert act(desk, acts.KeepCertificate(1, shown.slot, page.revision)) == Outdated()
    assert desk.parts.register.certificates("70000001") == ()
    assert {line[2] for line in desk.audited()} == {"outdated"} or desk.audited()[-1][2] == "refused"


def test_without_values_differences_are_named_and_no_old_value_is_displayed(tmp_path: Path) -> None:
    with office(tmp_path, desk="keep_values = false") as desk:
        taps_with(desk, 1, CHILD)
        accept_all(desk, 1)
        desk.now[0] += 60 * MINUTE
        taps_with(desk, 2, LIMIT)
        [changed] = desk.service.visit(2).subsidies
        [limit] = [item for item in changed.items if item.changed]
        assert (limit.label, limit.was, limit.was_kept) == ("自己負担上限額", None, False)
    kept = b"".join(each.read_bytes() for each in (tmp_path / "data" / "desk").iterdir() if each.is_file())
    for value in ("81990277", "0010108", "例示", "70000001"):
        assert value.encode() not in kept


def test_an_accepted_certificate_is_exported_once(desk: Office, tmp_path: Path) -> None:
    taps_with(desk, 1, CHILD)
    accept_all(desk, 1)
    [file] = exported(desk, tmp_path)
    assert "81990277" in file.read_text("utf-8-sig")


def exported(desk: Office, folder: Path) -> list[Path]:
    exports = desk.parts.exports
    assert exports is not None
    while exports.advance():
        pass
    return list((folder / "export").glob("*.csv"))


def test_nothing_is_accepted_whose_file_cannot_be_noted(
    desk: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taps_with(desk, 1, CHILD)
    real = Exports.store

    def fail(*arguments: Any) -> None:
        real(*arguments)
        raise sqlite3.OperationalError("full")

    with monkeypatch.context() as patch:
        patch.setattr(Exports, "store", fail)
        page = desk.service.visit(1)
        wanted = acts.AcceptCertificate(1, page.subsidies[0].slot, page.revision)
        assert act(desk, wanted) == Refused(Problem("not_done.store"))
    assert exported(desk, tmp_path) == []
    assert act(desk, wanted) == Done(), "it is as it was"
    assert len(exported(desk, tmp_path)) == 1


def test_a_desk_that_ends_right_after_it_accepted_neither_loses_nor_doubles_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with office(tmp_path) as desk:
        taps_with(desk, 1, CHILD)
        page = desk.service.visit(1)
        wanted = acts.AcceptCertificate(1, page.subsidies[0].slot, page.revision)
        monkeypatch.setattr(Today, "settle", killed)
        with pytest.raises(Killed):
            act(desk, wanted)
        monkeypatch.undo()
    with office(tmp_path) as again:
        page = again.service.visit(1)
        wanted = acts.AcceptCertificate(1, page.subsidies[0].slot, page.revision)
        assert act(again, wanted) == Outdated(), "it is accepted"
        assert len(exported(again, tmp_path)) == 1


# --- paper -----------------------------------------------------------------------------------------------------------


def test_a_sheet_is_printed_once_and_again_only_when_asked(desk: Office, tmp_path: Path) -> None:
    desk.tap(result())
    assert act(desk, acts.PrintSheet(1)) == Done()
    wait_until(lambda: row(desk).printed is Printed.yes, "the sheet is printed")
    assert act(desk, acts.PrintSheet(1)) == Done(already=True)
    assert act(desk, acts.PrintSheet(1, again=True)) == Done()
    wait_until(lambda: len(list((tmp_path / "paper").iterdir())) == 2, "it is printed again")
    assert desk.service.sheet_picture(1).startswith(b"\x89PNG")


def test_a_sheet_that_does_not_come_out_waits_for_a_person(desk: Office, tmp_path: Path) -> None:
    (tmp_path / "paper").rmdir()
    desk.tap(result())
    assert act(desk, acts.PrintSheet(1)) == Done()
    wait_until(lambda: row(desk).printed is Printed.failed, "the printing has failed")
    page = desk.service.visit(1)
    assert page.row.open == (Attention.not_printed,)
    assert page.print_problem is not None
    (tmp_path / "paper").mkdir()
    assert act(desk, acts.PrintSheet(1)) == Done()
    wait_until(lambda: row(desk).open == (), "it is printed")


@pytest.mark.parametrize("when", ["on_tap", "on_register"])
def test_sheets_by_themselves(tmp_path: Path, when: str) -> None:
    with office(tmp_path, desk=f'print = "{when}"') as desk:
        desk.books("10:30,70000001,内科")
        desk.tap(result())
        if when == "on_register":
            assert row(desk).printed is Printed.no
            act(desk, acts.Register(1))
        wait_until(lambda: row(desk).printed is Printed.yes, "the sheet is printed")
        assert len(list((tmp_path / "paper").iterdir())) == 1


def test_the_slip_of_an_arrival(desk: Office, tmp_path: Path) -> None:
    desk.books("10:30,70000001,内科")
    desk.tap(result())
    act(desk, acts.Register(1))
    wait_until(lambda: desk.service.day().arrivals, "the register is read")
    assert act(desk, acts.PrintSlip(1)) == Done()
    wait_until(lambda: desk.service.arrival(1).printed is Printed.yes, "the slip is printed")
    assert desk.service.slip_picture(1).startswith(b"\x89PNG")


# --- numbers ---------------------------------------------------------------------------------------------------------

INSURED = (
    "<InsurerNumber>06139992</InsurerNumber><InsuredCardSymbol>記</InsuredCardSymbol>"
    "<InsuredIdentificationNumber>123</InsuredIdentificationNumber><InsuredBranchNumber>01</InsuredBranchNumber>"
)


def test_a_missing_number_is_registered_after_a_second_look(desk: Office, tmp_path: Path) -> None:
    raw = result().replace(b"<ReferenceNumber>70000001</ReferenceNumber>", INSURED.encode())
    desk.tap(raw)
    assert row(desk).open == (Attention.not_registered,)
    [missing] = desk.service.numbers().rows
    page = desk.service.number(1, "例示")
    assert [each.number for each in page.found or ()] == ["70000001", "70000002"]
    page = desk.service.number(1, "70000001")
    assert page.candidate is not None
    assert not page.candidate.name_differs
    confirmed = Confirmation("70000001", confirmed=True)
    assert act(desk, acts.SendRegistration(missing.seq, page.revision, Confirmation("70000001"))) == Refused(
        Problem("number_refused.not_confirmed")
    )
    assert act(desk, acts.SendRegistration(missing.seq, page.revision, confirmed)) == Done()
    while desk.parts.numbers.advance():
        pass
    assert len(list((tmp_path / "requests").glob("OQSsiimm01req_*"))) == 1
    assert act(desk, acts.SendRegistration(1, page.revision, confirmed)) == Refused(
        Problem("number_refused.already_sent")
    )
    assert [each.state for each in desk.service.numbers().sent] == ["waiting"]


# --- what lasts ------------------------------------------------------------------------------------------------------


def test_the_day_outlives_the_program(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        taps_with(desk, 1, CHILD)
        accept_all(desk, 1)
        desk.tap(result("70000002", name="例示　花", birth="19500102", request=REQUEST.format(2)))
        pages: list[VisitPage] = [desk.service.visit(seq) for seq in (1, 2)]
        revision = desk.service.header().revision
    with office(tmp_path, now=desk.now[0] + MINUTE) as again:
        assert again.service.header().revision > revision
        for old in pages:
            new = again.service.visit(old.row.seq)
            assert (new.row.number, new.row.name, new.row.open, new.subsidies, new.events) == (
                old.row.number, old.row.name, old.row.open, old.subsidies, old.events,
            )  # fmt: skip
        again.answer(REQUEST.format(2), written((DISABLED,), Hand(GUESSED)))
        assert row(again, 2).against is Against.first, "an answer finds who asked before"
        again.tap(result("70000003"))
        assert row(again, 3).seq == 3


def test_last_nights_taps_are_not_todays(desk: Office) -> None:
    night, morning = desk.now[0] - timedelta(hours=12), desk.now[0]
    desk.now[0] = night
    desk.tap(result())
    desk.now[0] = morning
    assert desk.service.day().rows == ()
    desk.tap(result())
    assert row(desk).taps == 1


def test_the_next_day_begins_at_four(desk: Office) -> None:
    desk.now[0] = desk.now[0].replace(hour=23)
    desk.tap(result())
    desk.now[0] += timedelta(hours=4)
    desk.today.tick()
    assert len(desk.service.day().rows) == 1, "whoever is at work at three goes on with the same list"
    began = desk.service.day().began
    desk.now[0] += timedelta(hours=1)
    desk.today.tick()
    assert desk.service.day().rows == ()
    assert desk.service.day().began > began
    with pytest.raises(KeyError):
        desk.service.visit(1)


def test_lost_taps_stand_above_every_page_until_a_person_looked(desk: Office) -> None:
    desk.tap(result())
    desk.feed.lost = (1, 8, 9)
    desk.parts.standing.look_for_lost()
    assert [(each.problem, each.confirm) for each in desk.service.header().banners if each.confirm] == [
        (Problem("banner.lost", {"count": 2}), True)
    ]
    assert desk.parts.standing.look().missed == 2
    assert act(desk, acts.ConfirmLost()) == Done()
    assert not any(each.confirm for each in desk.service.header().banners)
    desk.feed.lost = (1, 8, 9, 10)
    desk.parts.standing.look_for_lost()
    assert desk.parts.standing.lost == 1


def test_nothing_of_a_patient_is_written_where_it_could_be_read(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.books("10:30,70000001,内科")
        taps_with(desk, 1, CHILD)
        accept_all(desk, 1)
        act(desk, acts.Register(1))
        assert "例示" not in repr(desk.service.visit(1))
        assert "70000001" not in repr(desk.service.day())
    kept = [*(tmp_path / "data" / "desk").iterdir(), *(tmp_path / "run").iterdir()]
    content = b"".join(each.read_bytes() for each in kept if each.is_file())
    for value in ("例示", "70000001", "81990277", "0010108"):
        assert value.encode() not in content, value
