"""Log-in, lock-out, sessions, the idle lock and the accounts, as the pages meet them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk.desk.people import limits
from kiosk.desk.people.accounts import By
from kiosk.desk.people.gate import Ended, Gate, Locked, LoggedIn, Session, TooMany, Wrong
from kiosk.desk.people.roles import Act, Role
from kiosk.words import texts
from kiosk.words.problems import Problem, word
from tests.desk.people.office import CHIEF, HOME, SATO, TOKYO, Office

NEW = "whale-umbrella-21"
PIN = "804263"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(tmp_path, monkeypatch)


def test_it_is_the_gate_of_the_pages(office: Office) -> None:
    gate: Gate = office.people
    assert gate.session("nothing") is None


# -- log-in ---------------------------------------------------------------------------------------------------------


def test_who_knows_the_password_gets_a_session_of_the_role(office: Office) -> None:
    session = office.session(office.enter())
    assert (session.user.name, session.user.role, session.idle) == ("佐藤", Role.DESK, False)
    assert office.acts()[-1] == ("佐藤", "log_in", "done")


@pytest.mark.parametrize("name", ["", "\ud800", "\0", "x" * 5000])
def test_a_name_that_cannot_be_is_a_wrong_one(office: Office, name: str) -> None:
    assert office.people.log_in(name, "\ud800" * 5000, HOME) == Wrong(4)


@pytest.mark.parametrize("spelling", ["ＣＨＩＥＦ", "Chief", " chief "])
def test_a_name_may_be_spelled_as_the_keyboard_gives_it(office: Office, spelling: str) -> None:
    assert isinstance(office.people.log_in(spelling, CHIEF, HOME), LoggedIn)


def test_an_answer_does_not_tell_a_wrong_password_from_a_wrong_name(office: Office) -> None:
    known = [office.people.log_in("佐藤", "x", HOME) for _ in range(6)]
    unknown = [office.people.log_in("鈴木", "x", "192.0.2.8") for _ in range(6)]
    assert known == unknown == [*(Wrong(left) for left in (4, 3, 2, 1)), Locked(900.0), Locked(900.0)]


def test_a_locked_name_stays_locked_for_the_right_password_and_after_a_start(office: Office) -> None:
    for _ in range(5):
        office.people.log_in("佐藤", "x", HOME)
    office.start()
    office.wait(890)
    assert office.people.log_in("佐藤", SATO, HOME) == Locked(10.0)
    office.wait(10)
    office.enter()
    assert [event["event"] for event in office.events()] == ["desk_locked_out"]
    assert office.acts()[-6:] == [
        *[("佐藤", "log_in", "wrong")] * 4,
        ("佐藤", "log_in", "locked"),
        ("佐藤", "log_in", "done"),
    ]


def test_the_lock_of_one_name_is_not_the_lock_of_another(office: Office) -> None:
    for _ in range(5):
        office.people.log_in("佐藤", "x", HOME)
    office.chief()
    assert [user.locked_s for user in office.people.users()] == [0, 900]


def test_what_was_typed_for_a_name_that_nobody_has_is_kept_nowhere(office: Office) -> None:
    office.people.log_in(SATO, "x", HOME)  # the password in the field of the name
    assert office.acts()[-1] == ("", "log_in", "wrong")
    assert everything(office).count(SATO.encode()) == 0


def test_one_address_may_try_so_often_and_then_waits(office: Office) -> None:
    answers = [office.people.log_in(f"n{number}", "x", HOME) for number in range(limits.ADDRESS_AT_ONCE + 1)]
    assert answers[-1] == TooMany(limits.ADDRESS_EVERY_S)
    assert TooMany(limits.ADDRESS_EVERY_S) not in answers[:-1]
    office.enter(address="192.0.2.9")  # another one does not
    office.wait(limits.ADDRESS_EVERY_S)
    office.enter()
    assert isinstance(office.people.log_in("佐藤", SATO, HOME), TooMany)


def test_all_addresses_together_may_try_so_often(office: Office) -> None:
    for number in range(limits.ALL_AT_ONCE):
        assert not isinstance(office.people.log_in(f"n{number}", "x", f"192.0.2.{number}"), TooMany)
    assert office.people.log_in("佐藤", SATO, "198.51.100.1") == TooMany(limits.ALL_EVERY_S)


# -- sessions -------------------------------------------------------------------------------------------------------


def test_a_session_ends_at_four_in_the_morning(office: Office) -> None:
    for began, ends in (("2026-01-15T09:00", "2026-01-16T04:00"), ("2026-01-16T03:59", "2026-01-16T04:00")):
        office.now = datetime.fromisoformat(began).replace(tzinfo=TOKYO)
        cookie = office.enter()
        office.now = datetime.fromisoformat(ends).replace(tzinfo=TOKYO) - timedelta(seconds=1)
        assert office.people.session(cookie)
        office.now += timedelta(seconds=1)
        assert office.people.session(cookie) is None


def test_a_clock_that_is_set_back_does_not_make_a_session_last(office: Office) -> None:
    cookie = office.enter()
    office.now -= timedelta(days=300)
    office.since_start += 24 * 3600
    assert office.people.session(cookie) is None


def test_a_log_out_and_a_start_end_a_session(office: Office) -> None:
    cookie, other = office.enter(), office.enter()
    office.people.log_out(cookie)
    office.people.log_out("nothing")
    assert office.people.session(cookie) is None
    assert office.people.session(other)
    assert office.acts()[-1] == ("佐藤", "log_out", "done")
    office.start()
    assert office.people.session(other) is None


def test_a_user_has_at_most_ten_sessions(office: Office) -> None:
    cookies = []
    for _ in range(12):
        office.wait(60)
        cookies.append(office.enter())
    assert [office.people.session(cookie) is not None for cookie in cookies] == [False] * 2 + [True] * 10


def test_the_csrf_token_is_of_one_session(office: Office) -> None:
    one, other = office.session(office.enter()), office.session(office.enter())
    assert office.people.csrf_matches(one, one.csrf)
    assert not office.people.csrf_matches(one, other.csrf)
    assert not office.people.csrf_matches(one, "")
    assert not office.people.csrf_matches(one, "\ud800")


def test_no_secret_of_a_session_is_in_a_repr(office: Office) -> None:
    entered = office.people.log_in("佐藤", SATO, HOME)
    assert isinstance(entered, LoggedIn)
    for secret in (entered.cookie, entered.session.csrf, entered.session.key):
        assert secret
        assert secret not in repr(entered)


# -- the idle lock --------------------------------------------------------------------------------------------------


def test_after_ten_minutes_without_a_person_the_page_is_locked_and_the_password_opens_it(office: Office) -> None:
    cookie = office.enter()
    for _ in range(5):
        office.wait(100)
        assert office.people.session(cookie, by_person=False)  # the live list asks by itself
    assert not office.session(cookie).idle
    office.wait(600)
    session = office.session(cookie)
    assert session.idle
    assert not office.people.permit(session, Act.SEE_DAY)
    assert office.session(cookie).idle  # looking at it opens nothing
    opened = office.people.unlock(cookie, SATO)
    assert isinstance(opened, Session)
    assert not opened.idle
    assert office.people.permit(office.session(cookie), Act.SEE_DAY)


def test_the_owners_pin_opens_the_page(office: Office) -> None:
    cookie = office.enter()
    assert office.people.set_pin(office.session(cookie), SATO, PIN) is None
    assert office.session(cookie).user.has_pin
    office.wait(601)
    assert office.people.unlock(cookie, SATO) == Wrong(4)  # where there is a PIN, that is asked for
    assert isinstance(office.people.unlock(cookie, PIN), Session)
    office.wait(601)
    assert office.people.unlock(cookie, "111112") == Wrong(4)  # the count began again
    assert office.people.set_pin(office.session(cookie), SATO, "") == Problem("desk_user.not_permitted")


def test_five_wrong_pins_end_the_session_and_lock_nobody_out(office: Office) -> None:
    cookie = office.enter()
    office.people.set_pin(office.session(cookie), SATO, PIN)
    office.wait(601)
    answers = [office.people.unlock(cookie, "111112") for _ in range(5)]
    assert answers == [Wrong(4), Wrong(3), Wrong(2), Wrong(1), Ended()]
    assert office.people.unlock(cookie, PIN) == Ended()
    assert office.acts()[-1] == ("佐藤", "session_ended", "tries")
    office.enter()


def test_wrong_passwords_at_an_idle_page_count_as_those_of_a_log_in(office: Office) -> None:
    cookie = office.enter()
    office.wait(601)
    for _ in range(4):
        office.people.unlock(cookie, "x")
    assert office.people.unlock(cookie, "x") == Ended()
    assert office.people.log_in("佐藤", SATO, HOME) == Locked(900.0)


def test_a_user_who_leaves_the_pc_locks_the_page(office: Office) -> None:
    cookie = office.enter()
    for _ in range(2):
        office.people.lock(cookie)
    office.people.lock("nothing")
    assert office.session(cookie).idle
    assert office.acts()[-2:] == [("佐藤", "log_in", "done"), ("佐藤", "lock", "done")]
    assert isinstance(office.people.unlock(cookie, SATO), Session)


@pytest.mark.parametrize(("pin", "code"), [("12345", "digits"), ("1234567890123", "digits"), ("123456", "weak")])
def test_a_pin_that_is_short_or_easy_is_refused(office: Office, pin: str, code: str) -> None:
    fault = office.people.set_pin(office.session(office.enter()), SATO, pin)
    assert isinstance(fault, Problem)
    assert fault.code == f"idle_pin.{code}"
    assert pin not in word(fault, "people", "ja") + word(fault, "people", "en")


def test_a_pin_is_set_by_who_knows_the_password(office: Office) -> None:
    session = office.session(office.enter())
    assert office.people.set_pin(session, "x", PIN) == Wrong(4)
    assert not office.people.users()[1].has_pin
    office.people.set_pin(session, SATO, PIN)
    office.people.set_pin(session, SATO, "")
    assert not office.people.users()[1].has_pin


# -- permissions ----------------------------------------------------------------------------------------------------


def test_a_permission_is_in_the_audit_before_the_act_and_a_refusal_too(office: Office) -> None:
    session = office.session(office.enter())
    assert office.people.permit(session, Act.REGISTER, visit=7, person="ab12")
    assert not office.people.permit(session, Act.END_CERTIFICATE, visit=7)
    first, second = reversed(office.people.audit(count=2))
    assert (first.user, first.act, first.outcome, first.visit, first.person, first.address) == (
        "佐藤", "register", "permitted", 7, "ab12", HOME,
    )  # fmt: skip
    assert (second.act, second.outcome) == ("end_certificate", "not_permitted")
    assert first.time == office.now


def test_looking_at_the_list_is_not_written_down(office: Office) -> None:
    session = office.session(office.enter())
    before = office.acts()
    assert office.people.permit(session, Act.SEE_DAY)
    assert office.acts() == before


def test_nothing_is_permitted_in_a_session_that_ended_meanwhile(office: Office) -> None:
    cookie = office.enter()
    session = office.session(cookie)
    office.people.log_out(cookie)
    assert not office.people.permit(session, Act.REGISTER)


def test_who_cannot_be_written_down_may_do_nothing(office: Office) -> None:
    session = office.session(office.enter())
    office.folder.people.write_bytes(b"no database")
    with pytest.raises(OSError, match="cannot be used"):
        office.people.permit(session, Act.REGISTER)


# -- accounts -------------------------------------------------------------------------------------------------------


def test_a_new_user_must_choose_a_password_first(office: Office) -> None:
    first = office.people.add_user(office.chief(), "田中", Role.VIEW)
    assert isinstance(first, str)
    assert re.fullmatch(r"[2-9a-z]{4}(-[2-9a-z]{4}){3}", first)
    cookie = office.enter("田中", first)
    session = office.session(cookie)
    assert session.user.must_change
    assert not office.people.permit(session, Act.SEE_DAY)
    assert office.people.change_password(session, first, NEW) is None
    assert office.people.permit(office.session(cookie), Act.SEE_DAY)
    assert office.people.log_in("田中", first, HOME) == Wrong(4)
    assert ("chief", "add_user", "role_view") in office.acts()
    assert ("田中", "change_password", "done") in office.acts()


def test_a_first_password_is_good_for_seven_days(office: Office) -> None:
    first = office.people.add_user(office.chief(), "田中", Role.VIEW)
    assert isinstance(first, str)
    office.wait(7 * 86400 - 10)
    office.enter("田中", first)
    office.wait(20)
    assert office.people.log_in("田中", first, HOME) == Wrong(4)


@pytest.mark.parametrize(
    ("new", "code"),
    [("short-one-12", "length"), ("x" * 129, "length"), ("ababababababab", "weak"), (SATO, "same")],
)
def test_a_password_that_is_short_easy_or_old_is_refused(office: Office, new: str, code: str) -> None:
    fault = office.people.change_password(office.session(office.enter()), SATO, new)
    assert isinstance(fault, Problem)
    assert fault.code == f"new_password.{code}"


def test_a_password_with_the_accounts_name_in_it_is_refused(office: Office) -> None:
    fault = office.people.change_password(office.chief(), CHIEF, "my-CHIEF-password")
    assert fault == Problem("new_password.weak")


def test_full_width_letters_are_the_same_password(office: Office) -> None:
    assert office.people.change_password(office.session(office.enter()), SATO, "ｗｈａｌｅ-umbrella-21") is None
    office.enter(password=NEW)


def test_a_new_password_ends_the_other_sessions_of_its_owner(office: Office) -> None:
    one, other = office.enter(), office.enter()
    office.people.change_password(office.session(one), SATO, NEW)
    assert office.people.session(one)
    assert office.people.session(other) is None


def test_a_reset_ends_the_sessions_opens_the_lock_and_takes_the_pin(office: Office) -> None:
    cookie = office.enter()
    office.people.set_pin(office.session(cookie), SATO, PIN)
    for _ in range(5):
        office.people.log_in("佐藤", "x", HOME)
    first = office.people.reset_password(office.chief(), "佐藤")
    assert isinstance(first, str)
    assert office.people.session(cookie) is None
    user = office.session(office.enter("佐藤", first, "192.0.2.9")).user
    assert (user.must_change, user.has_pin) == (True, False)


def test_a_removed_user_is_out_at_once_and_stays_in_the_audit(office: Office) -> None:
    cookie = office.enter()
    session = office.session(cookie)
    assert office.people.remove_user(office.chief(), "佐藤") is None
    assert office.people.session(cookie) is None
    assert not office.people.permit(session, Act.REGISTER)
    assert isinstance(office.people.log_in("佐藤", SATO, HOME), Wrong)
    assert ("佐藤", "log_in", "done") in office.acts()


def test_a_session_of_a_removed_user_is_none_of_the_next_one_of_that_name(office: Office) -> None:
    cookie = office.enter()
    office.people.accounts.remove("佐藤", By())  # on the command line, beside the running desk
    office.people.accounts.add("佐藤", Role.CHIEF, By(), NEW)
    assert office.people.session(cookie) is None


def test_another_role_holds_from_the_next_request_on(office: Office) -> None:
    cookie = office.enter()
    assert office.people.set_role(office.chief(), "佐藤", Role.VIEW) is None
    assert office.session(cookie).user.role is Role.VIEW


def test_the_last_chief_stays(office: Office) -> None:
    chief = office.chief()
    assert office.people.set_role(chief, "chief", Role.DESK) == Problem("desk_user.last_chief")
    assert office.people.remove_user(chief, "chief") == Problem("desk_user.last_chief")
    office.people.set_role(chief, "佐藤", Role.CHIEF)
    assert office.people.set_role(chief, "chief", Role.DESK) is None


def test_only_a_chief_manages_users(office: Office) -> None:
    session = office.session(office.enter())
    refused = Problem("desk_user.not_permitted")
    assert office.people.add_user(session, "田中", Role.CHIEF) == refused
    assert office.people.reset_password(session, "chief") == refused
    assert office.people.set_role(session, "佐藤", Role.CHIEF) == refused
    assert office.people.remove_user(session, "chief") == refused
    assert [user.role for user in office.people.users()] == [Role.CHIEF, Role.DESK]


@pytest.mark.parametrize("name", ["", "a b", "a" * 33, "a\nb", "../x", "<b>", "\u202eabc"])
def test_a_name_that_is_no_name_is_refused(office: Office, name: str) -> None:
    before = office.acts()
    fault = office.people.add_user(office.chief(), name, Role.DESK)
    assert isinstance(fault, Problem)
    assert fault.code == "desk_user.unfit_name"
    assert len(office.people.users()) == 2
    assert office.acts()[len(before) :] == [("chief", "log_in", "done")]


def test_a_name_is_given_once(office: Office) -> None:
    assert office.people.add_user(office.chief(), "ＣＨＩＥＦ", Role.VIEW) == Problem("desk_user.exists")
    assert office.people.reset_password(office.chief(), "鈴木") == Problem("desk_user.unknown")


def test_no_password_pin_or_cookie_is_in_any_file(office: Office) -> None:
    cookie = office.enter()
    office.people.set_pin(office.session(cookie), SATO, PIN)
    first = office.people.add_user(office.chief(), "田中", Role.VIEW)
    assert isinstance(first, str)
    kept = everything(office)
    assert [secret for secret in (SATO, CHIEF, PIN, first, cookie) if secret.encode() in kept] == []


# -- the first chief ------------------------------------------------------------------------------------------------


def test_the_password_that_a_stick_brings_is_taken_once(office: Office) -> None:
    office.people.set_role(office.chief(), "佐藤", Role.CHIEF)
    office.people.remove_user(office.chief(), "chief")
    brought = "brought-by-stick-1"
    assert office.people.take_chiefs_password(brought) is None
    cookie = office.enter("chief", brought)
    assert office.session(cookie).user.must_change
    office.people.change_password(office.session(cookie), brought, NEW)
    office.start()
    office.people.take_chiefs_password(brought)  # it is still plugged in
    office.enter("chief", NEW)
    assert office.people.take_chiefs_password("another-by-stick-2") is None  # a reset
    assert office.session(office.enter("chief", "another-by-stick-2")).user.must_change
    assert [event["event"] for event in office.events()] == ["desk_chief_set"] * 2


def test_a_weak_one_is_refused_and_nothing_changes(office: Office) -> None:
    assert office.people.take_chiefs_password("short") == Problem("new_password.length", {"least": 13, "most": 128})
    office.enter("chief", CHIEF)


def test_the_page_has_words_for_what_the_audit_says_of_people(office: Office) -> None:
    words = texts.load("desk_pages")
    chief, cookie = office.chief(), office.enter()
    office.people.lock(cookie)
    for _ in range(5):
        office.people.unlock(cookie, "x")
    office.people.add_user(chief, "田中", Role.DESK)
    office.people.set_role(chief, "田中", Role.VIEW)
    office.people.set_role(chief, "田中", Role.CHIEF)
    office.people.reset_password(chief, "田中")
    office.people.remove_user(chief, "田中")
    office.people.change_password(chief, CHIEF, NEW)
    office.people.set_pin(chief, NEW, PIN)
    office.people.permit(chief, Act.REGISTER)
    office.people.permit(replace(chief, user=replace(chief.user, role=Role.VIEW)), Act.REGISTER)
    for _ in range(5):
        office.people.log_in("chief", "x", HOME)
    office.people.accounts.add("田中", Role.DESK, By())
    found = office.acts()
    assert {act for _, act, _ in found} - {act.value for act in Act} == {
        "log_in", "lock", "unlock", "session_ended", "add_user", "set_role", "reset_password", "remove_user",
        "change_password", "set_pin",
    }  # fmt: skip
    assert {act for _, act, _ in found} | {act.value for act in Act} <= set(words["act"])
    assert {outcome for _, _, outcome in found} == {
        "done", "wrong", "locked", "tries", "role_desk", "role_view", "role_chief", "permitted", "not_permitted",
    }  # fmt: skip
    assert {outcome for _, _, outcome in found} <= set(words["outcome_audit"])


def everything(office: Office) -> bytes:
    """The content of every file in the folder."""
    return b"".join(file.read_bytes() for file in office.path.rglob("*") if file.is_file())
