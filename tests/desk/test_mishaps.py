"""What goes wrong around the desk: two of the staff at once, a kill in between, a long stop, clocks, a full disk."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.page_printer import Page, PagePrinter
from drivers.page_printer import Printed as CameOut
from drivers.page_printer.folder import FolderPrinter
from kiosk.desk import acts
from kiosk.desk.acts import AcceptCertificate, CancelReason, Done, Outcome, Outdated
from kiosk.desk.day_store import DayStore
from kiosk.desk.feed import Result
from kiosk.desk.pages import Against, Certificate, Printed
from kiosk.desk.register import Accepted
from kiosk.desk.registration import Confirmation
from kiosk.desk.sealed_register import SealedRegister
from kiosk.desk.visits import Attention, State
from kiosk.process.data_folder import DeskFolder
from kiosk.process.sealing import Seals
from kiosk.tables.known_people import KEEP_MONTHS, KnownPeople
from kiosk.words.problems import Problem
from tests.book import arrive, entries
from tests.desk.office import Office, office
from tests.desk.pmh import CHILD, Paper
from tests.desk.test_service import LIMIT, MINUTE, act, mark_of, row, taps_with
from tests.desk.test_visits import REQUEST, result
from tests.hospital import wait_until

NUMBER = "<ReferenceNumber>70000001</ReferenceNumber>"
INSURED = (
    "<InsurerNumber>990012</InsurerNumber><InsuredCardSymbol>9900</InsuredCardSymbol>"
    "<InsuredIdentificationNumber>{}</InsuredIdentificationNumber><InsuredBranchNumber>01</InsuredBranchNumber>"
)
FULL = sqlite3.OperationalError("database or disk is full")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path) as made:
        yield made


def without_number(insured: str, **person: str) -> bytes:
    return result(**person).replace(NUMBER.encode(), INSURED.format(insured).encode())


def accepting(desk: Office, seq: int) -> AcceptCertificate:
    """The form of the page as it is now."""
    page = desk.service.visit(seq)
    return AcceptCertificate(seq, page.subsidies[0].slot, page.revision)


def accepted(desk: Office) -> int:
    return len(desk.parts.register.certificates("70000001"))


# --- certificates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [CHILD, LIMIT], ids=["the same", "changed"])
def test_what_was_accepted_at_one_visit_is_not_accepted_again_at_another(desk: Office, again: Paper) -> None:
    taps_with(desk, 1, CHILD)
    desk.now[0] += 40 * MINUTE
    taps_with(desk, 2, again)
    second = accepting(desk, 2)
    assert act(desk, accepting(desk, 1)) == Done()
    assert act(desk, second) == Outdated(), "beside nothing was what it displayed"
    assert accepted(desk) == 1
    assert row(desk, 2).against is (Against.same if again is CHILD else Against.changed)
    assert row(desk, 2).open == (() if again is CHILD else (Attention.subsidy_changed,))


def test_two_of_the_staff_accept_at_once(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    taps_with(desk, 1, CHILD)
    form, outcomes, both = accepting(desk, 1), list[Outcome](), threading.Barrier(2)
    accept = SealedRegister.accept

    def slow(register: SealedRegister, *what: Any) -> str:
        with pytest.raises(threading.BrokenBarrierError):
            both.wait(0.2)  # the other one is not here meanwhile
        return accept(register, *what)

    monkeypatch.setattr(SealedRegister, "accept", slow)
    staff = [threading.Thread(target=lambda: outcomes.append(act(desk, form))) for _ in range(2)]
    for each in staff:
        each.start()
    for each in staff:
        each.join()
    assert sorted(map(str, outcomes)) == [str(Done()), str(Outdated())]
    assert accepted(desk) == 1


def test_a_kill_after_a_certificate_was_accepted(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        taps_with(desk, 1, CHILD)
        [new] = desk.today.entry(1)[0].visit.subsidies.certificates
        desk.parts.register.accept("70000001", new.accepted(desk.parts.register.hashed("70000001")), "jun")
    with office(tmp_path, now=desk.now[0] + MINUTE) as again:
        assert act(again, accepting(again, 1)) == Outdated()
        assert again.service.visit(1).subsidies[0].state is Certificate.same
        assert accepted(again) == 1


# --- who is who ------------------------------------------------------------------------------------------------------


def test_twins_with_one_number_are_two(desk: Office) -> None:
    desk.tap(result())
    desk.tap(result(name="例示　陸"))
    desk.tap(result(name="例示　●"))
    assert [(each.name, each.taps) for each in desk.service.day().rows] == [("例示　●", 2), ("例示　翔", 1)]


def test_a_registration_is_not_displayed_at_another_ones_visit(tmp_path: Path) -> None:
    """The machine was off: in memory the day begins anew, with number 1."""
    with office(tmp_path) as desk:
        desk.tap(without_number("001234"))
        revision = desk.service.number(1).revision
        confirmed = Confirmation("70000001", confirmed=True)
        assert act(desk, acts.SendRegistration(1, revision, confirmed)) == Done()
        assert desk.service.number(1).sent
    for file in (tmp_path / "run").glob("day.db*"):
        file.unlink()
    with office(tmp_path, now=desk.now[0] + MINUTE) as again:
        again.tap(without_number("009999", name="例示　花", birth="19500102"))
        assert again.service.number(1).sent is None
        assert len(again.service.numbers().sent) == 1


def test_what_is_registered_at_one_in_the_morning_is_on_the_list(desk: Office) -> None:
    desk.now[0] += timedelta(hours=16)
    desk.tap(without_number("001234"))
    revision = desk.service.number(1).revision
    assert act(desk, acts.SendRegistration(1, revision, Confirmation("70000001", confirmed=True))) == Done()
    assert len(desk.service.numbers().sent) == 1
    assert desk.service.number(1).sent
    desk.now[0] += timedelta(hours=4)
    desk.today.tick()
    assert desk.service.numbers().sent == (), "not sent: nothing for a person"


def test_a_result_that_could_not_be_compared_takes_back_no_change(desk: Office) -> None:
    desk.tap(result(key="a"))
    desk.now[0] += 60 * MINUTE
    desk.tap(result(key="b"))
    mark = mark_of(desk, 2)
    desk.service.result(Result(99, "f", desk.now[0] + MINUTE, result(key="b"), None))
    assert row(desk, 2).open == (Attention.eligibility_changed,)
    act(desk, acts.ConfirmEligibility(2, desk.service.visit(2).revision))
    assert desk.feed.settled == [mark] != [""]


def test_a_change_that_comes_while_another_is_confirmed_is_not_confirmed_with_it(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.tap(result(key="a"))
    desk.now[0] += 60 * MINUTE
    desk.tap(result(key="b"))
    form, settle = acts.ConfirmEligibility(2, desk.service.visit(2).revision), desk.feed.settle
    monkeypatch.setattr(desk.feed, "settle", lambda file: (desk.tap(result(key="d")), settle(file))[1])
    assert act(desk, form) == Outdated()
    assert row(desk, 2).open == (Attention.eligibility_changed,)


# --- reception -------------------------------------------------------------------------------------------------------


def test_who_has_arrived_before_is_displayed_so_at_once(desk: Office) -> None:
    desk.books("10:30,70000001,内科")
    arrive(desk.reservations, "70000001", desk.today.day, desk.now[0])
    wait_until(lambda: desk.service.day().arrivals, "the register is read")
    desk.tap(result())
    wait_until(lambda: row(desk).arrival == 1, "nothing else changes there")


def test_nobody_is_registered_by_itself_at_a_later_tap_after_a_cancelling(tmp_path: Path) -> None:
    with office(tmp_path, desk='register = "with_appointment"') as desk:
        desk.books("10:30,70000001,内科")
        desk.tap(result())
        wait_until(lambda: row(desk).arrival == 1, "the desk registers by itself")
        wait_until(lambda: ("", "register", "done", 1) in desk.audited(), "and that is in the audit")
        wait_until(lambda: desk.service.day().arrivals, "the register is read")
        act(desk, acts.Cancel(1, CancelReason.wrong_person))
        wait_until(lambda: (desk.service.day().arrivals or [None])[0].cancelled, "and read again")  # type: ignore[union-attr]
        desk.now[0] += 40 * MINUTE
        desk.tap(result())
        wait_until(lambda: row(desk, 2).state is State.cancelled, "as the first one")
        assert len(entries(desk.reservations, desk.today.day)) == 1


# --- a desk that was down --------------------------------------------------------------------------------------------


def test_yesterdays_patients_are_not_on_todays_list(desk: Office) -> None:
    desk.service.result(Result(7, "f", desk.now[0] - timedelta(hours=16), result(), None))
    desk.tap(result("70000002", name="例示　花", birth="19500102"))
    assert [each.number for each in desk.service.day().rows] == ["70000002"]


@pytest.mark.parametrize("when", ["on_tap", "on_register"])
def test_nothing_is_printed_late_by_itself(tmp_path: Path, when: str) -> None:
    with office(tmp_path, desk=f'print = "{when}"') as desk:
        desk.books("10:30,70000001,内科")
        came = desk.now[0] - timedelta(minutes=30)
        arrive(desk.reservations, "70000001", desk.today.day, came)
        desk.service.result(Result(7, "f", came, result(), None))
        wait_until(lambda: row(desk).printed is Printed.failed, "staff see that it is not printed")
        assert Attention.not_printed in row(desk).open
        late = Problem("print.not_printed", {"reason": Problem("print_reason.late")})
        assert desk.service.visit(1).print_problem == late
        assert not list((tmp_path / "paper").iterdir())


def test_a_kill_between_a_tap_and_its_sheet(tmp_path: Path) -> None:
    with office(tmp_path) as desk:
        desk.tap(result())
    with office(tmp_path, desk='print = "on_tap"', now=desk.now[0]) as again:
        again.tap(result())  # offered again
        wait_until(lambda: row(again).printed is Printed.yes, "it is printed")
        again.files = 0
        again.tap(result())
        assert len(list((tmp_path / "paper").iterdir())) == 1


def test_a_printer_that_is_stuck_leaves_no_sheet_unmentioned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    freed = threading.Event()

    def stuck(printer: PagePrinter, page: Page, **_: object) -> CameOut:
        freed.wait()
        return CameOut()

    monkeypatch.setattr(FolderPrinter, "print", stuck)
    with office(tmp_path, desk='print = "on_tap"') as desk, ExitStack() as stack:
        stack.callback(freed.set)
        for number in range(10):
            desk.tap(result(f"7000000{number}", name=f"例示　{number}"))
        wait_until(lambda: row(desk, 10).printed is Printed.failed, "the ninth and tenth are refused")
        assert Attention.not_printed in row(desk, 9).open
        freed.set()
        wait_until(lambda: row(desk, 8).printed is Printed.yes, "the others come out")


@pytest.mark.parametrize("store", ["accepted.db", "known.db"])
def test_that_all_was_begun_anew_is_said_for_a_day_whoever_starts_the_desk_again(tmp_path: Path, store: str) -> None:
    with office(tmp_path):
        pass
    (tmp_path / "data/desk" / store).write_bytes(b"no database" * 500)
    for _ in range(2):
        with office(tmp_path) as desk:
            assert Problem("banner.begun_anew") in [each.problem for each in desk.service.header().banners]


# --- clocks and disks ------------------------------------------------------------------------------------------------


def test_a_clock_that_was_ahead(desk: Office) -> None:
    right = desk.now[0]
    desk.now[0] = right.replace(year=2036)
    desk.today.tick()
    desk.tap(result())
    desk.now[0] = right
    desk.today.tick()
    assert desk.today.day == date(2026, 1, 15)
    desk.tap(result("70000002", name="例示　花", birth="19500102"))
    assert [each.seq for each in desk.service.day().rows] == [2], "an open page names no other patient"
    desk.now[0] = right.replace(hour=4)
    desk.today.tick()
    desk.now[0] -= MINUTE
    desk.today.tick()
    assert desk.today.day == date(2026, 1, 15), "a clock that is put right by a minute"


def test_a_clock_that_is_ahead_ends_no_certificate_and_forgets_nobody(desk: Office) -> None:
    taps_with(desk, 1, CHILD)
    assert act(desk, accepting(desk, 1)) == Done()
    desk.now[0] += timedelta(days=10 * 365)
    desk.today.tick()
    desk.tap(result("70000002", name="例示　花", birth="19500102"))  # somebody comes meanwhile, and all is as ever
    taps_with(desk, 2, LIMIT)
    desk.parts.register.forget()
    assert accepted(desk) == 1
    assert desk.feed.known.prints("70000001") is not None


def test_certificates_that_were_valid_long_ago_go(tmp_path: Path) -> None:
    today, seals = [date(2026, 1, 15)], Seals(bytes(32))
    known = KnownPeople(tmp_path / "known.db", seals)
    register = SealedRegister(tmp_path / "accepted.db", seals, known, keep_values=True, today=lambda: today[0])
    register.accept("0", Accepted("", "slot", {}))
    for month in range(1, KEEP_MONTHS + 1):
        register.forget()
        assert register.certificates("0")
        today[0] += timedelta(days=30)
        register.accept(str(month), Accepted("", "slot", {}))
    register.forget()
    assert [len(register.certificates(str(number))) for number in (0, 1, KEEP_MONTHS)] == [0, 1, 1]
    register.close()
    known.close()


def test_a_full_disk_costs_what_it_costs_and_nothing_else(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be kept did not happen, also not to the next one's visit of the same number."""
    desk.books("10:30,70000001,内科")
    desk.tap(result())

    def full(*_: object) -> None:
        raise FULL

    with monkeypatch.context() as patch:
        patch.setattr(DayStore, "put", full)
        with pytest.raises(sqlite3.Error):
            desk.tap(result("70000002", name="例示　花", birth="19500102", request=REQUEST.format(1)))
        assert act(desk, acts.Register(1)) == Done(arrival=1), "it is registered, and staff learn the number"
        assert row(desk).arrival is None
    desk.tap(result("70000003", name="例示　空", birth="19700102"))
    desk.tap(result("70000002", name="例示　花", birth="19500102", request=REQUEST.format(1)))
    desk.answer(REQUEST.format(1), None)
    assert [row(desk, seq).subsidies.value for seq in (2, 3)] == ["none", "failed"]
    wait_until(lambda: row(desk).arrival == 1, "it is kept now")


def test_a_site_that_keeps_no_days_any_more_leaves_none_on_the_disk(tmp_path: Path) -> None:
    with office(tmp_path, desk="keep_days = 1") as desk:
        desk.tap(result(number="70000001"))
        kept = DeskFolder(desk.config.desk_dir, desk.config.desk_run_dir)
    with office(tmp_path, desk="keep_days = 1") as desk:
        assert [each.seq for each in desk.service.day().rows] == [1]
    assert kept.kept_day.exists()
    with office(tmp_path) as desk:
        assert desk.service.day().rows == ()
    assert not list(kept.path.glob("day.db*"))
