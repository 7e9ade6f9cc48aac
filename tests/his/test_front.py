"""Book, system, book: one registration at the system whatever fails, and never an outcome that is not known as one."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from drivers.reservations import (
    Found,
    NothingToRegister,
    Numbering,
    Order,
    Registered,
    Taken,
    Trouble,
    UnknownPatient,
    WalkIn,
    Withdrawn,
)
from drivers.reservations.adapter import Settings as AdapterSettings
from drivers.reservations.sqlite.adapter import open_sqlite
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.his import front as module
from kiosk.his.front import Front, Settings
from tests.his.system_double import BUSY, DOWN, LOST, REFUSED, SystemDouble, appointment, until

DAY = date(2026, 12, 1)
NOW = datetime(2026, 12, 1, 8, 50, tzinfo=UTC)


class Site:
    """A kiosk's front over an SQLite book and a system in memory; `now` is its clock."""

    def __init__(self, folder: Path, numbering: Numbering) -> None:
        self.now = NOW
        self.events: list[tuple[str, str]] = []
        self.system = SystemDouble(lambda: self.now)
        self.system.appointments["00012"] = (
            appointment(DAY, "09:00", "内科", "01"),
            appointment(DAY, "11:00", "眼科", "26"),
        )
        self.folder, self.numbering = folder, numbering
        self.book = self.another_book()
        self.front = self.another()

    def another_book(self) -> SqliteReservations:
        return open_sqlite("sqlite", AdapterSettings(self.folder, self.numbering, lambda: self.now))

    def another(self) -> Front:
        """As a process that was started again has it."""
        book = self.another_book()
        return Front(book, self.system, book, None, Settings(2.0, 4.0), lambda: self.now, self._report)

    def _report(self, event: str, **fields: object) -> None:
        self.events.append((event, str(fields.get("code") or fields.get("what") or "")))

    def order(self, patient: str = "00012", walk_in: WalkIn | None = None) -> Order:
        return Order(str(uuid.uuid4()), patient, DAY, self.now, self.now + timedelta(seconds=12), walk_in=walk_in)

    def register(self, order: Order | None = None) -> object:
        return self.front.register(order or self.order(), until())


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(module, "AGAIN_S", 0.02)
    monkeypatch.setattr(module, "ASK_S", 0.5)
    return Site(tmp_path, Numbering())


def test_a_visit_is_registered_at_the_system_and_numbered_by_the_book(site: Site) -> None:
    answer = site.register()
    assert isinstance(answer, Registered)
    assert answer.ours
    assert [each.number for each in answer.receptions] == ["1"]
    assert [each.department for each in answer.appointments] == ["内科", "眼科"]
    assert [each.key for each in site.system.receptions["00012"]] == ["00001", "00002"]
    found = site.front.find("00012", DAY, until())
    assert isinstance(found, Found)
    assert [each.number for each in found.receptions] == ["1"]


def test_the_second_visit_is_already_registered_and_nothing_is_written(site: Site) -> None:
    first = site.register()
    second = site.register()
    assert isinstance(first, Registered)
    assert isinstance(second, Registered)
    assert not second.ours
    assert second.receptions == first.receptions
    assert site.system.calls.count("register") == 1


def test_the_same_attempt_is_ours_again(site: Site) -> None:
    order = site.order()
    first, second = site.register(order), site.register(order)
    assert isinstance(second, Registered)
    assert second.ours
    assert second == first


def test_whom_the_window_registered_is_already_with_the_systems_time(site: Site) -> None:
    site.system.at_window("00012")
    site.now += timedelta(minutes=20)
    answer = site.register()
    assert isinstance(answer, Registered)
    assert not answer.ours
    assert answer.receptions[0].at == NOW
    assert len(site.system.receptions["00012"]) == 2


@pytest.mark.parametrize(("patient", "kind"), [("00099", UnknownPatient), ("00013", NothingToRegister)])
def test_who_cannot_be_registered_leaves_nothing(site: Site, patient: str, kind: type) -> None:
    site.system.appointments["00013"] = ()
    assert isinstance(site.register(site.order(patient)), kind)
    assert site.system.receptions == {}
    # The row is free: who asks again does not wait for a lease.
    assert site.book.take(site.order(patient), 30.0, until()) == Taken(ask_first=False)


def test_the_systems_number_is_given_where_the_site_wants_it(tmp_path: Path) -> None:
    own = Site(tmp_path, Numbering(by_system=True))
    answer = own.register()
    assert isinstance(answer, Registered)
    assert [each.number for each in answer.receptions] == ["00001", "00002"]


def test_a_busy_system_is_asked_three_times(site: Site) -> None:
    site.system.faults = [BUSY, BUSY]
    answer = site.register()
    assert isinstance(answer, Registered)
    assert answer.ours
    site.system.faults = [BUSY, BUSY, BUSY]
    site.system.appointments["00014"] = (appointment(DAY, "10:00", "内科", "01"),)
    assert site.register(site.order("00014")) == BUSY
    assert "00014" not in site.system.receptions


def test_a_lost_reply_is_asked_for_and_is_ours(site: Site) -> None:
    site.system.lose = 1
    answer = site.register()
    assert isinstance(answer, Registered)
    assert answer.ours
    assert len(site.system.receptions["00012"]) == 2


def test_after_a_lost_reply_the_rest_of_the_visit_is_registered(site: Site) -> None:
    """A system may have registered the first department when its reply got lost."""
    site.system.lose = 1
    site.system.after = lambda: site.system.receptions.update({"00012": site.system.receptions["00012"][:1]})
    answer = site.register()
    assert isinstance(answer, Registered)
    assert answer.ours
    assert site.system.calls == ["register", "find", "register"]


def test_after_a_lost_reply_a_department_that_is_refused_is_left_out(site: Site) -> None:
    site.system.lose = 1

    def first_only() -> None:
        site.system.receptions["00012"] = site.system.receptions["00012"][:1]
        site.system.faults = [REFUSED]

    site.system.after = first_only
    answer = site.register()
    assert isinstance(answer, Registered)
    assert answer.ours
    assert [each.department for each in answer.left_out] == ["眼科"]


def test_a_reception_of_this_morning_is_not_the_walk_in_whose_reply_was_lost(site: Site) -> None:
    site.system.at_window("00012")
    site.system.faults = [LOST]
    answer = site.register(site.order(walk_in=WalkIn("皮膚科", department_code="19")))
    assert isinstance(answer, Registered)
    assert site.system.calls[:2] == ["register", "find"]
    assert site.system.calls.count("register") == 2


def test_a_lost_request_is_sent_once_more_after_asking_twice(site: Site) -> None:
    site.system.faults = [LOST]
    answer = site.register()
    assert isinstance(answer, Registered)
    assert answer.ours
    assert site.system.calls == ["register", "find", "find", "register"]


def test_an_outcome_that_stays_unknown_is_on_the_list_and_asked_first_by_the_next(site: Site) -> None:
    """The system has it, and nobody answers from then on."""
    site.system.lose = 1
    site.system.after = lambda: setattr(site.system, "down", True)
    answer = site.register()
    assert isinstance(answer, Trouble)
    assert answer.maybe_done
    listed = site.front.unsettled(DAY, until())
    assert not isinstance(listed, Trouble)
    assert [each.kind for each in listed.unsettled] == ["unknown"]
    assert ("his_outcome_unknown", "unreachable") in site.events
    site.system.down, site.system.after = False, lambda: None
    site.system.calls.clear()
    second = site.register()
    assert isinstance(second, Registered)
    assert second.ours  # nobody had been answered
    assert site.system.calls == ["find"]
    assert len(site.system.receptions["00012"]) == 2


def test_a_system_that_is_down_leaves_the_row_free(site: Site) -> None:
    with site.system.away():
        assert site.register() == DOWN
    answer = site.register()
    assert isinstance(answer, Registered)
    assert answer.ours


def test_what_the_system_refuses_is_nobodys_arrival(site: Site) -> None:
    site.system.faults = [REFUSED]
    assert site.register() == REFUSED
    register = site.front.entries(DAY, until())
    assert not isinstance(register, Trouble)
    assert register.entries == ()


def test_too_late_writes_nothing(site: Site) -> None:
    order = replace(site.order(), not_after=site.now)
    assert isinstance(site.register(order), Withdrawn)
    assert site.system.receptions == {}


@pytest.mark.parametrize("step", ["before", "after"])
def test_a_kiosk_that_dies_at_the_system_is_settled_by_the_next(site: Site, step: str) -> None:
    """Before: the request was not sent; after: the reply was not read. The row waits for its lease."""

    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    setattr(site.system, step, kill)
    with pytest.raises(Killed):
        site.register()
    setattr(site.system, step, lambda: None)
    restarted = site.another()
    busy = restarted.register(site.order(), until())
    assert isinstance(busy, Trouble)
    assert busy.kind == "busy"
    site.now += timedelta(seconds=module.LEASE_S + 1)
    answer = restarted.register(site.order(), until())
    assert isinstance(answer, Registered)
    assert answer.ours
    assert len(site.system.receptions["00012"]) == 2
    assert [each.number for each in answer.receptions] == ["1"]


def test_sixteen_kiosks_and_one_patient(site: Site) -> None:
    """The system lets two callers pass; the book does not."""
    gate = threading.Barrier(16)
    answers: list[object] = []

    def kiosk() -> None:
        front = site.another()
        gate.wait()
        answers.append(front.register(site.order(), until()))

    threads = [threading.Thread(target=kiosk) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    ours = [each for each in answers if isinstance(each, Registered) and each.ours]
    assert len(ours) == 1
    assert len(site.system.receptions["00012"]) == 2
    numbers = {each.receptions[0].number for each in answers if isinstance(each, Registered)}
    assert numbers == {"1"}


def test_cancel_undoes_every_reception_and_the_patient_may_register_again(site: Site) -> None:
    first = site.register()
    assert isinstance(first, Registered)
    site.front.cancel("00012", first.receptions[0], DAY, site.now, "mistake", until())
    assert site.system.receptions["00012"] == ()
    again = site.register()
    assert isinstance(again, Registered)
    assert again.ours
    assert [each.number for each in again.receptions] == ["2"]


def test_a_walk_in_goes_to_the_system_too(site: Site) -> None:
    answer = site.register(site.order(walk_in=WalkIn("外科", department_code="10")))
    assert isinstance(answer, Registered)
    assert "register" in site.system.calls


def test_a_birth_date_and_notices_of_the_system_pass(site: Site) -> None:
    original = site.system.find

    def find(patient: str, day: date, by: float) -> object:
        found = original(patient, day, by)
        assert isinstance(found, Found)
        return replace(found, birth_date=date(1940, 1, 2), notices=(Trouble("refused", "names not read"),))

    site.system.find = find  # type: ignore[method-assign, assignment]
    found = site.front.find("00012", DAY, until())
    assert isinstance(found, Found)
    assert found.birth_date == date(1940, 1, 2)
    assert site.events == [("his_notice", "names not read")]
