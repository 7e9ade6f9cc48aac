"""Who may be registered, what must be confirmed, and that a request goes out once, whatever happens around it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from drivers.share import Missing, Unreachable
from kiosk.desk.numbers import Numbers
from kiosk.desk.page_values import found_of
from kiosk.desk.register import ShortRegister
from kiosk.desk.registration import Candidate, Confirmation, Found, Refused, Registration, why_not
from kiosk.desk.registration_work import Registrations
from kiosk.desk.registrations_file import open_registrations
from kiosk.desk.visits import Day, tap_of
from kiosk.process.database import DatabaseUnusable
from kiosk.results.eligibility import Outcome
from kiosk.results.registrations import Insurance, Request, read_answer, to_bytes
from kiosk.tables.reference_numbers import ReferenceNumbers
from tests import VECTORS
from tests.desk.registering import CONFIRMED, FOUND, INSURANCE, NOON, Site, other_person


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.file.close()


def sent(desk: Registrations, found: Found = FOUND, confirmation: Confirmation = CONFIRMED) -> int:
    registration = desk.send(found, confirmation, "sato")
    assert isinstance(registration, int), registration
    return registration


def only(desk: Registrations) -> Registration:
    (found,) = desk.of_day(NOON.date())
    return found


def identifier_of(raw: bytes) -> str:
    return raw.split(b"<ArbitraryFileIdentifier>")[1].split(b"<")[0].decode()


# Who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (FOUND, None),
        (replace(FOUND, outcome=Outcome.usable), "has_number"),
        (replace(FOUND, outcome=Outcome.ambiguous), "has_number"),
        (replace(FOUND, outcome=Outcome.no_qualification), "not_valid"),
        (replace(FOUND, outcome=Outcome.failed), "failed"),
        (replace(FOUND, outcome=Outcome.unreadable), "failed"),
        (replace(FOUND, validity="3"), "not_valid"),
        (replace(FOUND, validity=""), "not_valid"),
        (replace(FOUND, records=2, insurance=None), "several_records"),
        (replace(FOUND, records=0, insurance=None), "several_records"),
        (replace(FOUND, insurance=replace(INSURANCE, insurer="")), "incomplete"),
        (replace(FOUND, insurance=replace(INSURANCE, identification="")), "incomplete"),
        (replace(FOUND, birth=""), "incomplete"),
        (replace(FOUND, institution=None), "no_institution"),
        (replace(FOUND, institution="?"), "no_institution"),
        (replace(FOUND, insurance=Insurance("39990018", None, "12345678", None)), None),
    ],
)
def test_only_one_valid_insurance_without_a_number_is_offered(site: Site, found: Found, reason: str | None) -> None:
    desk = site.start()
    assert why_not(found) == reason
    if reason:
        assert desk.send(found, CONFIRMED, "sato") == Refused("not_offered")
        assert desk.of_day(NOON.date()) == ()
    else:
        sent(desk, found)


def test_without_a_folder_nothing_is_offered(site: Site) -> None:
    site.start().forget(NOON.date())
    desk = site.start()
    desk._folders = None
    assert desk.why_not(FOUND) == "off"
    assert desk.send(FOUND, CONFIRMED, "sato") == Refused("off")
    assert not desk.advance()


@pytest.mark.parametrize(
    ("confirmation", "reason"),
    [
        (replace(CONFIRMED, confirmed=False), "not_confirmed"),
        (replace(CONFIRMED, birth=""), "second_missing"),
        (replace(CONFIRMED, birth="5月6日"), "second_missing"),
        (replace(CONFIRMED, birth="平成30年5月7日"), "second_differs"),
        (replace(CONFIRMED, number=" "), "bad_number"),
        (replace(CONFIRMED, number="1" * 51), "bad_number"),
        (replace(CONFIRMED, number="\u202e1"), "bad_number"),
    ],
)
def test_without_a_table_of_patients_the_birth_date_is_typed_and_must_be_the_files(
    site: Site, confirmation: Confirmation, reason: str
) -> None:
    desk = site.start()
    assert desk.send(FOUND, confirmation, "sato") == Refused(reason)  # type: ignore[arg-type]  # of the table above
    assert desk.of_day(NOON.date()) == ()
    sent(desk)


def test_with_a_table_of_patients_the_number_must_be_in_it_and_its_birth_date_the_files(tmp_path: Path) -> None:
    site = Site(tmp_path, patients=True)
    desk = site.start()
    assert desk.candidate(FOUND, "99999") == Refused("number_unknown")
    elder = replace(FOUND, birth="19450102")
    assert desk.send(elder, replace(CONFIRMED, birth="19450102"), "sato") == Refused("second_differs")
    assert desk.send(FOUND, replace(CONFIRMED, birth="2018/5/7"), "sato") == Refused("second_differs")
    found = desk.candidate(FOUND, "０１２３４")
    assert isinstance(found, Candidate)
    assert found == Candidate("01234", "01234", "例示 翔", "レイジ ショウ", "20180506", name_differs=False)
    twin = desk.candidate(FOUND, "01235")
    assert isinstance(twin, Candidate) and twin.name_differs
    other = replace(CONFIRMED, number="01235")
    assert desk.send(FOUND, other, "sato") == Refused("name_differs")
    assert desk.send(FOUND, replace(other, same_person=True, confirmed=False), "sato") == Refused("not_confirmed")
    assert sent(desk, other_person(1), replace(other, same_person=True))
    assert sent(desk, FOUND, replace(CONFIRMED, birth=""))
    site.file.close()


def test_a_table_that_was_never_good_registers_nobody(tmp_path: Path) -> None:
    site = Site(tmp_path, patients=True)
    desk = site.start()
    (tmp_path / "patients.csv").write_text("bad")
    assert desk._patients is not None
    desk._patients._table._table = None
    assert desk.candidate(FOUND, "01234") == Refused("table_unusable")
    desk.advance()
    assert desk.troubles["patients"].code == "table.in_line"
    site.file.close()


def test_where_the_card_has_another_number_the_reference_number_is_looked_up_and_never_guessed(tmp_path: Path) -> None:
    site = Site(tmp_path, table="reference_number,patient_number\nR1,01234\nR2,2\nR3,2\nR4\u2014,4\n")
    desk = site.start()
    assert desk.candidate(FOUND, "1234") == Refused("no_reference_number")
    assert desk.candidate(FOUND, "2") == Refused("number_ambiguous")
    found = desk.candidate(FOUND, "01234")
    assert isinstance(found, Candidate) and found.reference == "R1"
    sent(desk)
    desk.advance()
    site.terminal.poll()
    assert b"<ReferenceNumber>R1</ReferenceNumber>" in site.terminal.taken[0][1]
    (tmp_path / "map.csv").write_text("bad")
    assert desk.candidate(FOUND, "01234") == Refused("table_unusable")
    site.file.close()


# The way of a request ------------------------------------------------------------------------------------------


def test_a_request_goes_out_whole_and_its_answer_ends_it(site: Site) -> None:
    desk = site.start()
    registration = sent(desk)
    assert (only(desk).state, site.requests()) == ("intended", [])
    assert desk.advance()
    assert (only(desk).state, site.requests()) == ("waiting", ["OQSsiimm01req_202601150001.xml"])
    assert site.terminal.poll() == 1
    name, raw = site.terminal.taken[0]
    request = Request(name, "9912345678", identifier_of(raw), "01234", INSURANCE)
    assert raw == to_bytes(request)
    site.wait(1)
    assert desk.advance()
    found = only(desk)
    assert (found.id, found.state, found.number, found.name) == (registration, "registered", "01234", "例示　翔")
    assert (found.user, found.visit, found.sent, found.ended) == ("sato", 7, NOON, NOON + timedelta(seconds=1))
    assert not desk.advance() and desk.undecided() == ()
    assert site.events == [("registration_sent", {"visit": 7}), ("registration_registered", {"visit": 7})]
    assert [file.name for file in (site.root / "res").iterdir()] == ["OQSsiimm01res_202601150001.xml"]
    answer = (site.root / "res" / "OQSsiimm01res_202601150001.xml").read_bytes()
    assert read_answer(answer, request).verdict == "registered"


def test_a_refusal_of_the_terminal_ends_it_with_its_code_and_a_person_may_try_again(site: Site) -> None:
    desk = site.start()
    sent(desk)
    site.terminal.manner = "failed"
    desk.advance()
    site.terminal.poll()
    site.wait(1)
    desk.advance()
    assert (only(desk).state, only(desk).code, only(desk).message) == ("failed", "E-SYNTH", "模擬登録エラー")
    assert site.events[-1] == ("registration_failed", {"visit": 7, "code": "E-SYNTH"})
    sent(desk)
    desk.advance()
    assert site.requests() == ["OQSsiimm01req_202601150002.xml"]


def test_an_answer_that_is_neither_yes_nor_no_waits_for_a_person(site: Site) -> None:
    desk = site.start()
    registration = sent(desk)
    site.terminal.manner = "other_number"
    desk.advance()
    assert desk.settle(registration, there=True) == Refused("not_open")
    site.terminal.poll()
    site.wait(1)
    desk.advance()
    assert (only(desk).state, only(desk).why) == ("unsure", "number")
    assert [each.id for each in desk.undecided()] == [registration]
    assert desk.send(FOUND, CONFIRMED, "sato") == Refused("already_sent")
    assert desk.settle(registration, there=False) is None
    assert (only(desk).state, only(desk).code) == ("settled", "not_there")
    assert desk.settle(registration, there=True) == Refused("not_open")
    sent(desk)


def test_an_answer_that_stays_half_is_unsure_and_one_that_becomes_whole_is_read(site: Site) -> None:
    desk = site.start()
    sent(desk)
    site.terminal.manner = "half"
    desk.advance()
    site.terminal.poll()
    for _ in range(10):
        site.wait(1)
        desk.advance()
        assert only(desk).state == "waiting"
    site.wait(1)
    desk.advance()
    assert (only(desk).state, only(desk).why) == ("unsure", "not_xml")


def test_an_answer_to_somebody_else_under_the_same_name_is_not_taken(site: Site) -> None:
    desk = site.start()
    sent(desk)
    desk.advance()
    other = site.root / "res" / "OQSsiimm01res_202601150001.xml"
    site.terminal.poll()
    ours = other.read_bytes()
    other.write_bytes(ours.replace(identifier_of(ours).encode(), b"20260115090000001-other"))
    site.wait(2)
    assert not desk.advance()
    assert only(desk).state == "waiting"
    other.write_bytes(ours)
    site.wait(2)
    assert desk.advance()
    assert only(desk).state == "registered"


def test_without_an_answer_it_is_unanswered_and_read_whenever_the_answer_comes(site: Site) -> None:
    desk = site.start()
    sent(desk)
    desk.advance()
    request = (site.root / "req" / site.requests()[0]).read_bytes()
    site.terminal.manner = "silent"
    site.terminal.poll()
    site.wait(31)
    desk.advance()
    assert only(desk).state == "unanswered"
    assert len(desk.undecided()) == 1
    assert desk.send(FOUND, CONFIRMED, "sato") == Refused("already_sent")
    site.wait(3600)
    (site.root / "req" / "OQSsiimm01req_202601150001.xml").write_bytes(request)
    site.terminal.manner = "registered"
    site.terminal.poll()
    site.wait(300)
    assert desk.advance()
    assert only(desk).state == "registered"


def test_one_insurance_has_one_request_and_one_number_one_insurance_a_day(site: Site) -> None:
    desk = site.start()
    sent(desk)
    assert desk.send(FOUND, CONFIRMED, "sato") == Refused("already_sent")
    assert desk.send(FOUND, replace(CONFIRMED, number="01235"), "sato") == Refused("already_sent")
    wider = replace(FOUND, insurance=replace(INSURANCE, symbol="９９００"))
    assert desk.send(wider, CONFIRMED, "sato") == Refused("already_sent")
    assert desk.send(other_person(1), CONFIRMED, "sato") == Refused("already_sent")
    desk.advance()
    site.terminal.poll()
    site.wait(1)
    desk.advance()
    assert only(desk).state == "registered"
    assert desk.send(FOUND, CONFIRMED, "sato") == Refused("already_sent")
    assert desk.send(other_person(1), CONFIRMED, "sato") == Refused("number_used_today")
    sent(desk, other_person(1), replace(CONFIRMED, number="01235"))
    site.wait(24 * 3600)
    sent(desk)  # on another day the terminal says that it has none: the insurance changed, or it was deleted there


def test_what_could_not_be_sent_today_is_never_sent_tomorrow(site: Site) -> None:
    desk = site.start()
    sent(desk)
    (site.root / "req").rmdir()
    desk.advance()
    assert (only(desk).state, desk.troubles["requests"].code) == ("intended", "registrations.requests")
    site.wait(24 * 3600)
    (site.root / "req").mkdir()
    assert desk.advance()
    assert (only(desk).state, only(desk).code, site.requests()) == ("failed", "day_ended", [])
    assert site.events == [("registration_not_sent", {})]
    assert desk.troubles == {}


def test_what_was_not_sent_yet_can_be_taken_back(site: Site) -> None:
    desk = site.start()
    registration = sent(desk)
    assert desk.withdraw(registration) is None
    assert desk.advance()
    assert (only(desk).state, only(desk).code, site.requests()) == ("failed", "withdrawn", [])
    assert desk.withdraw(registration) == Refused("not_open")
    registration = sent(desk)
    desk.advance()
    assert desk.withdraw(registration) == Refused("not_open")


def test_a_name_that_somebody_else_uses_is_left_to_him(site: Site) -> None:
    (site.root / "req" / "OQSsiimm01req_202601150001.xml").write_text("another program's")
    (site.root / "res" / "OQSsiimm01res_202601150002.xml").write_text("an answer to another program")
    desk = site.start()
    sent(desk)
    desk.advance()
    assert site.requests() == ["OQSsiimm01req_202601150001.xml", "OQSsiimm01req_202601150003.xml"]
    assert only(desk).file == "OQSsiimm01req_202601150003.xml"


def test_an_answer_of_the_server_that_got_lost_sends_nothing_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = site.start()
    sent(desk)
    share = desk._folders.requests  # type: ignore[union-attr]  # it has folders
    rename = share.rename_new

    def lost(name: str, new_name: str) -> None:
        rename(name, new_name)
        raise Unreachable("lost")

    monkeypatch.setattr(share, "rename_new", lost)
    desk.advance()
    assert only(desk).state == "prepared"
    site.terminal.poll()
    monkeypatch.undo()
    desk.advance()
    assert (only(desk).state, only(desk).file) == ("registered", "OQSsiimm01req_202601150001.xml")
    assert (len(site.terminal.taken), site.requests()) == (1, [])


def test_a_folder_that_is_gone_is_no_proof_that_a_request_was_sent(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = site.start()
    sent(desk)
    share = desk._folders.requests  # type: ignore[union-attr]  # it has folders

    def gone(*_: object) -> None:
        raise Missing("folder")

    with monkeypatch.context() as patched:
        patched.setattr(share, "rename_new", gone)
        patched.setattr(share, "entries", gone)
        desk.advance()
    assert only(desk).state == "prepared"
    desk.advance()
    assert only(desk).state == "waiting"


# What is kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep_values", [True, False])
def test_values_are_sealed_and_without_keep_values_forgotten_at_the_end(tmp_path: Path, keep_values: bool) -> None:
    site = Site(tmp_path, keep_values=keep_values)
    desk = site.start()
    sent(desk)
    desk.advance()
    assert only(desk).number == "01234"
    site.terminal.poll()
    site.wait(1)
    desk.advance()
    assert (only(desk).number, only(desk).kana) == (("01234", "ﾚｲｼﾞ ｼﾖｳ") if keep_values else ("", ""))
    raw = b"".join(file.read_bytes() for file in tmp_path.glob("registrations.db*"))
    for value in ("01234", "001234", "990012", "例示", "ﾚｲｼﾞ"):
        assert value.encode() not in raw
    assert site.file.rows("SELECT content FROM outgoing") == [(b"",)]
    assert site.path().stat().st_mode & 0o777 == 0o600
    site.file.close()


def test_with_another_key_nothing_is_sent_and_an_answer_is_looked_at_by_a_person(tmp_path: Path) -> None:
    site = Site(tmp_path)
    desk = site.start()
    first = sent(desk)
    desk.advance()
    site.terminal.poll()
    sent(desk, other_person(1), replace(CONFIRMED, number="01235"))
    site.file.close()
    site.secret = b"t" * 32
    desk = site.start()
    site.wait(1)
    desk.advance()
    assert [(each.state, each.code, each.why) for each in desk.of_day(NOON.date())] == [
        ("unsure", "", "key"),
        ("failed", "key", ""),
    ]
    assert len(site.terminal.taken) == 1 and site.requests() == []
    site.file.close()
    site.secret = b"s" * 32
    (found, _) = site.start().of_day(NOON.date())
    assert (found.id, found.number) == (first, "01234")
    site.file.close()


def test_what_is_old_is_forgotten(site: Site) -> None:
    desk = site.start()
    sent(desk)
    desk.advance()
    site.wait(24 * 3600)
    sent(desk, other_person(1), replace(CONFIRMED, number="01235"))
    desk.forget(NOON.date())
    assert len(desk.of_day(NOON.date())) == 1
    desk.forget(site.now.date())
    assert len(desk.of_day(NOON.date())) == 0 and len(desk.of_day(site.now.date())) == 1
    assert site.file.rows("SELECT count(*) FROM outgoing") == [(1,)]


def test_a_damaged_or_newer_file_is_not_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "registrations.db"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(DatabaseUnusable, match=r"registrations\.db"):
        open_registrations(path)
    path.unlink()
    open_registrations(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(DatabaseUnusable, match="newer version"):
        open_registrations(path)


def test_a_store_that_fails_refuses_and_says_so(site: Site) -> None:
    desk = site.start()
    site.file._db.execute("PRAGMA query_only = 1")
    assert desk.send(FOUND, CONFIRMED, "sato") == Refused("store")
    assert desk.troubles["store"].code == "registrations.store"
    site.file._db.execute("PRAGMA query_only = 0")
    sent(desk)
    desk.advance()
    assert desk.troubles == {}


def test_nothing_of_a_patient_is_in_a_repr(site: Site) -> None:
    desk = site.start()
    sent(desk)
    text = repr((FOUND, CONFIRMED, only(desk), desk.candidate(other_person(1), "01234")))
    assert not any(value in text for value in ("01234", "例示", "ｼﾖｳ", "20180506", "2018-5"))


def test_of_the_terminals_results_exactly_those_without_a_number_are_offered() -> None:
    """Every result of the vectors, as the desk reads it."""
    offered = {}
    for row in (json.loads(line) for line in (VECTORS / "expected.jsonl").read_text("utf-8").splitlines()):
        tap = tap_of(row["file"], (VECTORS / row["file"]).read_bytes(), NOON)
        offered[row["label"]] = why_not(found_of(Day(ShortRegister()).tapped(tap, None)))
    assert {label for label, reason in offered.items() if reason is None} == {
        "reference-absent",
        "reference-empty",
        "reference-blank",
    }
    assert offered["validity-4"] == "not_valid" and offered["segment-9"] == offered["status-2"] == "failed"


def test_a_number_may_get_another_insurance_on_another_day(site: Site) -> None:
    desk = site.start()
    sent(desk)
    desk.advance()
    site.terminal.poll()
    site.wait(1)
    desk.advance()
    assert only(desk).state == "registered"
    site.wait(24 * 3600)
    assert isinstance(desk.send(other_person(1), CONFIRMED, "sato"), int)


def test_what_is_undecided_from_yesterday_is_listed_and_is_no_registration_of_todays_visit(site: Site) -> None:
    desk = site.start()
    first = sent(desk)
    desk.advance()
    site.wait(24 * 3600)
    numbers = Numbers(desk, ReferenceNumbers.load(None), None, off=False)
    today = site.now.date()
    assert [each.id for each in numbers.of_day(today)] == [first]
    assert desk.last_of(FOUND, today) is None
    found = desk.last_of(FOUND, NOON.date())
    assert found and found.id == first
    assert desk.last_of(replace(other_person(1), visit=FOUND.visit), NOON.date()) is None, "the day was begun anew"


def test_a_clock_that_is_years_ahead_does_not_forget_what_was_sent(site: Site) -> None:
    desk = site.start()
    sent(desk)
    desk.advance()
    desk.forget(NOON.date() + timedelta(days=2000))
    assert desk.send(FOUND, CONFIRMED, "jun") == Refused("already_sent")
