"""A patient at an ORCA: looked up, registered, cancelled, listed, and every trap of its documents and source."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from drivers.reservations import (
    Answer,
    Cancelled,
    Coded,
    DayList,
    Departments,
    Found,
    NothingToRegister,
    NotRegistered,
    Reception,
    Registered,
    Registration,
    Trouble,
    UnknownPatient,
    WalkIn,
    Withdrawn,
)
from drivers.reservations.orca import registering
from drivers.reservations.orca.system import OrcaSystem
from tests.drivers.reservations.orca import fake as f
from tests.drivers.reservations.orca.fake import DAY, JST, NOW, Booked, Fake, opened, order, serving

TOMORROW = DAY + timedelta(days=1)
EYES = WalkIn("眼科", "𠮷田　花子", "2階", "02")


@pytest.fixture
def orca() -> Fake:
    return Fake()


@pytest.fixture
def system(orca: Fake) -> Iterator[OrcaSystem]:
    with serving(orca) as server:
        made = opened(server.port)
        yield made
        made.close()


def soon(seconds: float = 20.0) -> float:
    return clock.monotonic() + seconds


def find(system: OrcaSystem, number: str = "12") -> Found:
    found = system.find(number, DAY, soon())
    assert isinstance(found, Found), found
    return found


def register(system: OrcaSystem, **more: object) -> Registered:
    found = system.register(order("12", **more), soon())
    assert isinstance(found, Registered), found
    return found


def trouble(answer: Answer | Registration | object) -> Trouble:
    assert isinstance(answer, Trouble), answer
    assert "12" not in answer.what
    assert "試験" not in answer.what
    return answer


def book(orca: Fake, *appointments: Booked, number: str = "00012") -> None:
    orca.booked += [(number, each) for each in appointments]


MORNING = Booked(DAY, "09:00:00", "01")
NOON = Booked(DAY, "11:00:00", "02", "10002")


SOMEBODY_ELSE = Fake({"00120": "試験　次郎"})._person("00120")
GOOD = f.xml("appointlst2res", "00", Fake()._person("00012"))[1].partition("?>")[2]

# --- look-up ----------------------------------------------------------------------------------------------------------


def test_todays_appointments_come_in_time_order_with_codes_and_names(orca: Fake, system: OrcaSystem) -> None:
    book(orca, Booked(TOMORROW, "08:30:00", "03"), NOON, replace(MORNING, note="耳が遠い"))
    found = find(system)
    assert [(each.time, each.department, each.doctor) for each in found.appointments] == [
        (time(9), "内科", "髙橋　一郎"),
        (time(11), "眼科", "𠮷田　花子"),
    ]
    assert found.appointments[0].department_code == "01" and found.appointments[0].doctor_code == "10001"
    assert found.appointments[0].kind.code == "01"
    assert found.appointments[0].note == "耳が遠い" and found.appointments[0].message == ""
    assert len({each.key for each in found.appointments}) == 2
    assert (found.next_day, found.next_departments) == (TOMORROW, ("外科",))
    assert found.receptions == () and found.notices == ()
    assert found.birth_date == date(1950, 1, 2) and found.name == "試験　太郎" and not found.see_staff


def test_the_number_is_the_one_that_was_asked_although_orca_adds_zeros(system: OrcaSystem) -> None:
    assert find(system, "12").patient_number == "12"
    assert find(system, "0012").patient_number == "0012"


def test_an_unknown_patient_is_not_a_patient_without_appointment(orca: Fake, system: OrcaSystem) -> None:
    assert system.find("99", DAY, soon()) == UnknownPatient("99")
    assert find(system).appointments == ()
    assert orca.writes() == []


def test_what_comes_with_no_appointment_is_none(orca: Fake, system: OrcaSystem) -> None:
    stub = f.array("Appointlst_Information", [f.tag("Medical_Information", "01") + f.coded("01", "10001")])
    orca.answers["appointlst2v2"] = lambda _: f.xml("appointlst2res", "21", orca._person("00012") + stub)
    assert find(system).appointments == ()
    orca.answers["appointlst2v2"] = lambda _: f.xml("appointlst2res", "0021", stub)
    assert find(system).appointments == ()


def test_empty_rows_are_padding(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    orca.padding = True
    assert len(find(system).appointments) == 1


@pytest.mark.parametrize("code", ["0000", "000", "00", "0"])
def test_zeros_are_success(code: str, orca: Fake, system: OrcaSystem) -> None:
    row = orca._booked(MORNING, with_day=True)
    inside = orca._person("00012") + f.array("Appointlst_Information", [row])
    orca.answers["appointlst2v2"] = lambda _: f.xml("appointlst2res", code, inside)
    assert len(find(system).appointments) == 1


def test_of_more_than_fifty_appointments_the_nearest_are_found_in_the_days_list(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING, *(Booked(TOMORROW + timedelta(days=each), "10:00:00", "02") for each in range(60)))
    found = find(system)
    assert [each.department for each in found.appointments] == ["内科"]
    assert found.next_day is None
    assert register(system).receptions[0].number == "00001"


def test_a_patient_who_is_on_no_whole_list_is_not_without_appointment(orca: Fake, system: OrcaSystem) -> None:
    book(orca, *(Booked(TOMORROW + timedelta(days=each), "10:00:00", "02") for each in range(60)))
    orca.booked_max = 1
    orca.patients["00013"] = "試験　次郎"
    book(orca, Booked(DAY, "09:00:00", "03", ""), Booked(DAY, "09:15:00", "03", ""), number="00013")
    assert trouble(system.find("12", DAY, soon())).code == "orca_too_many"


def test_a_reception_is_told_with_orcas_number_and_time(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    orca.received.append(f.Registered("00017", "00012", "01", "10001", "01", "08:41:00"))
    found = find(system)
    at = datetime.combine(DAY, time(8, 41), JST)
    assert found.receptions == (Reception("00017", at, "内科", "00017"),)
    assert [each.walk_in for each in found.appointments] == [False]


def test_a_reception_without_appointment_is_a_walk_in(orca: Fake, system: OrcaSystem) -> None:
    orca.received.append(f.Registered("00002", "00012", "02", "10002", "01", "08:30:00"))
    (only,) = find(system).appointments
    assert (only.walk_in, only.time, only.department, only.department_code) == (True, time(8, 30), "眼科", "02")


def test_receptions_of_others_do_not_matter_even_if_they_cannot_be_read(orca: Fake, system: OrcaSystem) -> None:
    orca.patients["00013"] = "試験　次郎"
    orca.received.append(f.Registered("", "00013", "01", "10001", "01", "08:30:00"))
    assert find(system).receptions == ()


def test_where_there_are_more_receptions_than_are_listed_departments_and_doctors_are_asked(
    orca: Fake, system: OrcaSystem
) -> None:
    orca.patients["00013"] = "試験　次郎"
    orca.received_max = 2
    orca.received += [f.Registered(f"{each:05d}", "00013", "01", "10001", "01", "08:30:00") for each in range(1, 3)]
    orca.received.append(f.Registered("00008", "00012", "01", "10002", "01", "08:20:00"))
    orca.received.append(f.Registered("00009", "00012", "02", "10002", "01", "08:30:00"))
    assert [each.number for each in find(system).receptions] == ["00008", "00009"]
    book(orca, MORNING)
    assert not register(system).ours
    del orca.received[2:]
    orca.received.append(f.Registered("00003", "00013", "01", "10001", "01", "08:30:00"))
    assert trouble(system.find("12", DAY, soon())).code == "orca_too_many"


@pytest.mark.parametrize("flag", ["Death_Flag", "Outpatient_Class"])
def test_what_only_people_can_judge_is_for_staff(flag: str, orca: Fake, system: OrcaSystem) -> None:
    orca.details = f.tag(flag, "1")
    assert find(system).see_staff


def test_the_last_visit_counts_months_of_walk_ins(orca: Fake, system: OrcaSystem) -> None:
    orca.details = f.tag("LastVisit_Date", "2026-10-02")
    assert (find(system).last_day, find(system).last_arrival) == (date(2026, 10, 2), date(2026, 10, 2))


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: (500, ""),
        lambda _: (404, ""),
        lambda _: (200, "<xmlio2>"),
        lambda _: f.xml("patientinfores", "89"),
        lambda _: f.xml("patientinfores", "10"),
        lambda _: f.xml("patientinfores", "00", Fake({"00013": "試験　次郎"})._person("00013")),
    ],
    ids=["500", "404", "half", "89", "10", "somebody else"],
)
def test_a_fault_of_patientgetv2_is_a_notice(answer: object, orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    orca.answers["patientgetv2"] = answer  # type: ignore[assignment]
    found = find(system)
    assert len(found.appointments) == 1 and len(found.notices) == 1
    assert found.birth_date == date(1950, 1, 2) and found.name == "試験　太郎"


def test_a_department_without_name_has_that_of_the_master(
    orca: Fake, system: OrcaSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(f.NAMES, "01", "")
    book(orca, MORNING)
    master = f.array("Department_Information", [f.tag("Code", "01") + f.tag("WholeName", "内科")])
    orca.answers["system01lstv2"] = lambda _: f.xml("departmentres", "00", master)
    assert find(system).appointments[0].department == "内科"
    orca.answers["system01lstv2"] = lambda _: (500, "")
    found = find(system)
    assert found.appointments[0].department == "01" and len(found.notices) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (lambda _: f.xml("appointlst2res", "00", SOMEBODY_ELSE), "misunderstood", "orca_other_patient"),
        (lambda _: f.xml("appointlst2res", "00"), "misunderstood", "orca_other_patient"),
        (lambda _: f.xml("appointlst2res", "77"), "misunderstood", "orca_unknown_code"),
        (lambda _: f.xml("appointlst2res", "E90"), "misunderstood", "orca_unknown_code"),
        (lambda _: f.xml("appointlst2res", ""), "misunderstood", "orca_garbled"),
        (lambda _: f.xml("appointlst2res", "90"), "busy", "orca_busy"),
        (lambda _: f.xml("appointlst2res", "0090"), "busy", "orca_busy"),
        (lambda _: f.xml("appointlst2res", "99"), "login", "orca_login"),
        (lambda _: f.xml("appointlst2res", "89"), "refused", "orca_refused"),
        (lambda _: f.xml("appointlst2res", "11"), "refused", "orca_refused"),
        (lambda _: (401, ""), "login", "orca_login"),
        (lambda _: (404, ""), "login", "orca_user"),
        (lambda _: (404, "{}"), "refused", "orca_path"),
        (lambda _: (405, ""), "refused", "orca_path"),
        (lambda _: (500, ""), "misunderstood", "orca_http"),
        (lambda _: (503, ""), "unreachable", "orca_http"),
        (lambda _: (302, ""), "misunderstood", "orca_http"),
        (lambda _: (200, ""), "misunderstood", "orca_garbled"),
        (lambda _: (200, '{"appointlst2res":{}}'), "misunderstood", "orca_garbled"),
        (lambda _: (200, f"<!DOCTYPE x>{GOOD}"), "misunderstood", "orca_garbled"),
        (lambda _: (200, "<html><body>00</body></html>"), "misunderstood", "orca_garbled"),
        (lambda _: (200, "<xmlio2>" + "<a>" * 50 + "</a>" * 50 + "</xmlio2>"), "misunderstood", "orca_garbled"),
        (lambda _: (200, "<xmlio2><a>" + "<b/>" * 300_000 + "</a></xmlio2>"), "misunderstood", "orca_garbled"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_trouble_of_its_kind(
    answer: object, kind: str, code: str, orca: Fake, system: OrcaSystem
) -> None:
    orca.answers["appointlst2v2"] = answer  # type: ignore[assignment]
    found = trouble(system.find("12", DAY, soon()))
    assert (found.kind, found.code, found.maybe_done) == (kind, code, False)


@pytest.mark.parametrize(
    "row",
    [
        f.tag("Appointment_Date", "2026-02-30") + f.tag("Appointment_Time", "09:00:00"),
        f.tag("Appointment_Date", "2026-11-30") + f.tag("Appointment_Time", "25:00:00"),
        f.tag("Appointment_Date", "2026-11-30"),
    ],
)
def test_an_appointment_that_cannot_be_read_is_not_left_out(row: str, orca: Fake, system: OrcaSystem) -> None:
    inside = orca._person("00012") + f.array("Appointlst_Information", [row])
    orca.answers["appointlst2v2"] = lambda _: f.xml("appointlst2res", "00", inside)
    assert trouble(system.find("12", DAY, soon())).kind == "misunderstood"


# --- registering ------------------------------------------------------------------------------------------------------


def test_each_department_is_registered_once_with_what_the_appointment_says(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING, replace(MORNING, at="15:00:00", doctor="10002", number="02"), replace(NOON, kind="02"))
    done = register(system)
    assert [(each.number, each.department) for each in done.receptions] == [("00001", "内科"), ("00002", "眼科")]
    assert done.receptions[0].at == NOW and done.receptions[0].key == "00001"
    assert [each.time for each in done.appointments] == [time(9), time(11), time(15)]
    assert done.ours and done.left_out == () and done.patient_number == "12"
    assert [
        (each["Department_Code"], each["Physician_Code"], each["Medical_Information"]) for each in orca.writes()
    ] == [
        ("01", "10001", "01"),
        ("02", "10002", "02"),
    ]
    assert {each["Acceptance_Date"] for each in orca.writes()} == {"2026-11-30"}
    assert {each["Acceptance_Time"] for each in orca.writes()} == {"08:52:00"}


def test_what_was_found_is_registered_without_looking_again(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING, NOON)
    found = find(system)
    orca.calls.clear()
    done = register(system, appointments=found.appointments[1:])
    assert [each.department for each in done.receptions] == ["眼科"]
    assert "appointlst2v2" not in orca.names()


def test_the_second_time_is_not_ours_and_nothing_is_written(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    first = register(system)
    second = register(system)
    assert (first.ours, second.ours) == (True, False)
    assert second.receptions == first.receptions and second.appointments == first.appointments
    assert len(orca.writes()) == 1


def test_nothing_to_register_writes_nothing(orca: Fake, system: OrcaSystem) -> None:
    book(orca, Booked(TOMORROW, "09:00:00", "01"))
    assert system.register(order(), soon()) == NothingToRegister("12")
    assert system.register(order("99"), soon()) == UnknownPatient("99")
    assert orca.writes() == []


def test_who_has_no_appointment_and_was_registered_by_staff_is_registered(orca: Fake, system: OrcaSystem) -> None:
    orca.received.append(f.Registered("00004", "00012", "02", "10002", "01", "08:30:00"))
    done = register(system)
    assert not done.ours and [each.number for each in done.receptions] == ["00004"]


def test_too_late_writes_nothing(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    assert system.register(order(not_after=NOW - timedelta(seconds=1)), soon()) == Withdrawn("12")
    assert orca.writes() == []


def test_a_walk_in_is_registered_besides_for_the_sites_doctor_and_usual_kind(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    done = register(system, walk_in=EYES)
    assert [each.department for each in done.receptions] == ["内科", "眼科"]
    walk_in = next(each for each in done.appointments if each.walk_in)
    assert (walk_in.department, walk_in.doctor, walk_in.place) == ("眼科", "𠮷田　花子", "2階")
    assert (orca.writes()[1]["Physician_Code"], orca.writes()[1]["Medical_Information"]) == ("10001", "")
    again = register(system, walk_in=EYES)
    assert not again.ours and len(orca.writes()) == 2


def test_a_department_has_its_own_default_doctor(orca: Fake) -> None:
    book(orca, replace(MORNING, doctor=""), replace(NOON, doctor=""))
    with serving(orca) as server:
        register(opened(server.port, doctors={"01": "10007", "眼科": "10008"}, doctor="10009"))
    assert [each["Physician_Code"] for each in orca.writes()] == ["10007", "10008"]


def test_without_any_doctor_staff_must_register_it(orca: Fake) -> None:
    book(orca, replace(MORNING, doctor=""), NOON)
    with serving(orca) as server:
        system = opened(server.port, doctor="")
        done = register(system)
        assert [each.department for each in done.receptions] == ["眼科"]
        assert [each.department for each in done.left_out] == ["内科"]
        assert trouble(system.register(order(appointments=done.left_out), soon())).code == "orca_no_doctor"


@pytest.mark.parametrize("code", ["K1", "K2", "K3", "0000"])
def test_a_warning_is_success(code: str, orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    orca.answers["acceptmodv2"] = lambda fields: f.xml("acceptres", code, orca.store("00012", fields))
    assert register(system).ours


def test_registered_by_staff_in_between_is_not_ours(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)

    def beaten(fields: f.Fields) -> f.Answer:
        orca.store("00012", {**fields, "Acceptance_Time": "08:51:59"})
        return f.xml("acceptres", "16")

    orca.answers["acceptmodv2"] = beaten
    done = register(system)
    assert not done.ours and done.receptions[0].at == NOW - timedelta(seconds=1)


def test_busy_is_answered_at_once_and_nothing_is_registered(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING, NOON)
    orca.answers["acceptmodv2"] = lambda _: f.xml("acceptres", "90")
    found = trouble(system.register(order(), soon()))
    assert (found.kind, found.maybe_done) == ("busy", False)
    assert len(orca.writes()) == 1


@pytest.mark.parametrize(("times", "registered"), [(2, 2), (3, 1)])
def test_who_is_registered_in_part_waits_a_little_for_the_other_terminal(
    times: int, registered: int, orca: Fake, system: OrcaSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registering, "_BUSY_WAIT_S", 0.01)
    book(orca, MORNING, NOON)
    busy = iter([False] + [True] * times)

    def answer(fields: f.Fields) -> f.Answer:
        if next(busy, False):
            return f.xml("acceptres", "90")
        return f.xml("acceptres", "00", orca.store("00012", fields))

    orca.answers["acceptmodv2"] = answer
    done = register(system)
    assert len(done.receptions) == registered and len(done.left_out) == 2 - registered


def test_one_department_refused_leaves_it_out_and_the_others_are_registered(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING, NOON, Booked(DAY, "13:00:00", "03"))

    def answer(fields: f.Fields) -> f.Answer:
        if fields["Department_Code"] == "02":
            return f.xml("acceptres", "14")
        return f.xml("acceptres", "00", orca.store("00012", fields))

    orca.answers["acceptmodv2"] = answer
    done = register(system)
    assert [each.department for each in done.receptions] == ["内科", "外科"]
    assert [each.department for each in done.left_out] == ["眼科"]
    assert [each.department for each in done.appointments] == ["内科", "外科"]


@pytest.mark.parametrize("code", ["13", "21", "50"])
def test_refused_says_so(code: str, orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    orca.answers["acceptmodv2"] = lambda _: f.xml("acceptres", code)
    found = trouble(system.register(order(), soon()))
    assert (found.kind, found.maybe_done, found.parameters) == ("refused", False, {"number": int(code)})


@pytest.mark.parametrize("code", ["51", "52"])
def test_a_collision_is_asked_about_and_tried_once_more(code: str, orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    collisions = iter([True])

    def answer(fields: f.Fields) -> f.Answer:
        if next(collisions, False):
            return f.xml("acceptres", code)
        return f.xml("acceptres", "00", orca.store("00012", fields))

    orca.answers["acceptmodv2"] = answer
    assert register(system).ours
    assert orca.names()[-3:] == ["acceptmodv2", "acceptlstv2", "acceptmodv2"]
    orca.received.clear()
    orca.answers["acceptmodv2"] = lambda _: f.xml("acceptres", code)
    found = trouble(system.register(order(), soon()))
    assert (found.kind, found.maybe_done) == ("refused", False)
    assert len(orca.writes()) == 4


def test_stored_although_the_appointment_could_not_be_marked_is_ours(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)

    def answer(fields: f.Fields) -> f.Answer:
        orca.store("00012", fields)
        return f.xml("acceptres", "53")

    orca.answers["acceptmodv2"] = answer
    assert register(system).ours
    assert len(orca.writes()) == 1


def test_a_collision_of_which_nobody_can_be_asked_may_be_stored(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)

    def answer(_: f.Fields) -> f.Answer:
        orca.answers["acceptlstv2"] = lambda _: (503, "")
        return f.xml("acceptres", "52")

    orca.answers["acceptmodv2"] = answer
    assert trouble(system.register(order(), soon())).maybe_done


def stored(orca: Fake, reply: f.Answer) -> None:
    """ORCA registers, and what it says of it is `reply`."""

    def answer(fields: f.Fields) -> f.Answer:
        orca.store("00012", fields)
        return reply

    orca.answers["acceptmodv2"] = answer


def with_reception(**other: str) -> f.Answer:
    made = {"Acceptance_Date": "2026-11-30", "Acceptance_Id": "00001", "Acceptance_Time": "08:52:00"} | other
    inside = "".join(f.tag(name, text) for name, text in made.items()) + f.coded(
        other.get("Department_Code", "01"), "1"
    )
    return f.xml("acceptres", "00", inside + Fake()._person("00012"))


@pytest.mark.parametrize(
    "reply",
    [
        f.http(200, "<xmlio2><acceptres>"),
        f.http(500, ""),
        f.xml("acceptres", ""),
        f.xml("acceptres", "77"),
        f.xml("acceptres", "00", Fake({"00013": "x"})._person("00013")),
        f.xml("acceptres", "00"),
        with_reception(Acceptance_Id="00000"),
        with_reception(Acceptance_Id=""),
        with_reception(Acceptance_Date="2026-12-01"),
        with_reception(Acceptance_Time="late"),
        with_reception(Department_Code="02"),
    ],
    ids=[
        "half XML", "500", "no code", "unknown code", "somebody else", "of nobody", "number 0", "no number",
        "another day", "no time", "another department",
    ],
)  # fmt: skip
def test_an_answer_to_a_write_that_is_none_leaves_it_open(reply: f.Answer, orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    stored(orca, reply)
    assert trouble(system.register(order(), soon())).maybe_done
    assert len(orca.writes()) == 1
    again = register(system)
    assert not again.ours and [each.number for each in again.receptions] == ["00001"]


LOST = (504, "")


def test_a_lost_answer_is_asked_about_and_the_rest_of_the_visit_registered(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING, NOON)
    lost = iter([True])

    def answer(fields: f.Fields) -> f.Answer:
        inside = orca.store("00012", fields)
        return LOST if next(lost, False) else f.xml("acceptres", "00", inside)

    orca.answers["acceptmodv2"] = answer
    done = register(system)
    assert done.ours and [each.number for each in done.receptions] == ["00001", "00002"] and done.left_out == ()
    assert len(orca.writes()) == 2


def test_a_request_that_is_lost_is_not_sent_again(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    orca.answers["acceptmodv2"] = lambda _: LOST
    assert trouble(system.register(order(), soon())).maybe_done
    assert len(orca.writes()) == 1

    def nobody_can_be_asked(_: f.Fields) -> f.Answer:
        orca.answers["acceptlstv2"] = lambda _: LOST
        return LOST

    orca.answers["acceptmodv2"] = nobody_can_be_asked
    assert trouble(system.register(order(), soon())).maybe_done


def test_an_unknown_outcome_of_the_second_department_is_not_left_out(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING, NOON)

    def answer(fields: f.Fields) -> f.Answer:
        inside = orca.store("00012", fields)
        return f.xml("acceptres", "00", inside) if fields["Department_Code"] == "01" else (500, "")

    orca.answers["acceptmodv2"] = answer
    assert trouble(system.register(order(), soon())).maybe_done
    assert len(find(system).receptions) == 2


# --- cancelling -------------------------------------------------------------------------------------------------------


def cancel(system: OrcaSystem, number: str = "00001") -> object:
    return system.cancel("12", Reception(number, NOW, "内科", number), DAY, NOW, "まちがい", soon())


def test_a_cancelled_patient_may_register_anew(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    reception = register(system).receptions[0]
    assert cancel(system) == Cancelled("12", (replace(reception),), NOW, "まちがい")
    assert orca.writes()[-1]["Acceptance_Id"] == "00001" and orca.received == []
    assert find(system).receptions == ()
    assert register(system).ours


def test_without_a_key_nothing_is_deleted(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    register(system)
    orca.calls.clear()
    assert cancel(system, "") == NotRegistered("12")
    assert cancel(system, "00009") == NotRegistered("12")
    assert orca.writes() == [] and len(orca.received) == 1


@pytest.mark.parametrize("code", ["17", "20"])
def test_gone_already_is_not_registered(code: str, orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    register(system)
    orca.answers["acceptmodv2"] = lambda _: f.xml("acceptres", code)
    assert cancel(system) == NotRegistered("12")


@pytest.mark.parametrize("code", ["K2", "0000"])
def test_cancelled_with_a_warning_is_cancelled(code: str, orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    register(system)
    orca.answers["acceptmodv2"] = lambda _: f.xml("acceptres", code)
    assert isinstance(cancel(system), Cancelled)


def test_a_lost_answer_to_a_cancelling_is_asked_about(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    register(system)

    def lost(_: f.Fields) -> f.Answer:
        orca.received.clear()
        return 500, ""

    orca.answers["acceptmodv2"] = lambda _: (500, "")
    assert trouble(cancel(system)).maybe_done is False
    orca.answers["acceptmodv2"] = lambda _: f.xml("acceptres", "90")
    assert trouble(cancel(system)).kind == "busy"
    orca.answers["acceptmodv2"] = lost
    assert isinstance(cancel(system), Cancelled)


# --- lists ------------------------------------------------------------------------------------------------------------


def day_list(system: OrcaSystem) -> DayList:
    found = system.day_list(DAY, soon())
    assert isinstance(found, DayList), found
    return found


def test_the_days_list_is_what_finding_each_says(orca: Fake, system: OrcaSystem) -> None:
    orca.patients |= {"00013": "試験　次郎", "00014": "試験　三郎"}
    book(orca, MORNING, NOON)
    book(orca, Booked(DAY, "10:00:00", "03"), number="00013")
    register(system)
    orca.received.append(f.Registered("00009", "00014", "02", "10002", "01", "08:30:00"))
    found = day_list(system)
    assert (found.day, found.as_of, found.complete) == (DAY, NOW, True)
    for each in found.patients:
        alone = find(system, each.patient_number)
        assert [(one.key, one.department) for one in each.appointments] == [
            (one.key, one.department) for one in alone.appointments
        ]
        assert (each.receptions, each.birth_date, each.name) == (alone.receptions, alone.birth_date, alone.name)
    assert [each.patient_number for each in found.patients] == ["00012", "00013", "00014"]


def test_a_day_without_anybody_is_empty_and_whole(system: OrcaSystem) -> None:
    assert day_list(system).patients == () and day_list(system).complete


def test_a_list_that_is_cut_is_asked_doctor_by_doctor(orca: Fake, system: OrcaSystem) -> None:
    orca.booked_max = 3
    for number in range(20, 24):
        orca.patients[f"000{number}"] = "試験"
        book(orca, replace(MORNING, doctor="10001" if number % 2 else "10002"), number=f"000{number}")
    assert (len(day_list(system).patients), day_list(system).complete) == (4, True)
    orca.booked_max = 1
    assert not day_list(system).complete
    orca.booked_max = 3
    orca.booked.insert(0, ("00012", replace(MORNING, doctor="")))
    assert not day_list(system).complete


def test_receptions_of_a_day_with_too_many_are_asked_department_by_department(orca: Fake, system: OrcaSystem) -> None:
    orca.received_max = 2
    for number in range(1, 4):
        orca.patients[f"0002{number}"] = "試験"
        department = "01" if number == 1 else "02"
        orca.received.append(f.Registered(f"{number:05d}", f"0002{number}", department, "10001", "01", "08:30:00"))
    found = day_list(system)
    assert [len(each.receptions) for each in found.patients] == [1, 1, 1]
    assert found.complete
    orca.received.append(f.Registered("", "00021", "01", "10001", "01", "08:30:00"))
    assert not day_list(system).complete


def test_a_row_of_the_list_that_cannot_be_read_makes_it_incomplete(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING, replace(MORNING, at="??", number="02"))
    assert (len(day_list(system).patients), day_list(system).complete) == (1, False)


def test_new_patients_without_number_are_on_no_list(orca: Fake, system: OrcaSystem) -> None:
    rows = [f.tag("Appointment_Time", "09:00:00") + f.coded("01", "10001")]
    orca.answers["appointlstv2"] = lambda _: f.xml("appointlstres", "00", f.array("Appointlst_Information", rows))
    assert day_list(system).patients == ()


def test_departments_are_in_orcas_order(orca: Fake, system: OrcaSystem) -> None:
    assert system.departments(DAY, soon()) == Departments(
        (Coded("01", "内科"), Coded("02", "眼科"), Coded("03", "外科"))
    )
    orca.answers["system01lstv2"] = lambda _: f.xml("departmentres", "11")
    assert system.departments(DAY, soon()) == Departments(())
    orca.answers["system01lstv2"] = lambda _: (500, "")
    assert trouble(system.departments(DAY, soon())).kind == "misunderstood"


def test_nobody_is_in_any_repr(orca: Fake, system: OrcaSystem) -> None:
    book(orca, MORNING)
    for value in (find(system), register(system), day_list(system), system.find("99", DAY, soon())):
        for secret in ("試験", "00012", "'12'", "内科", "1950", f.PASSWORD):
            assert secret not in repr(value), secret
