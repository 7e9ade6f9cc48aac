"""Taps become visits: who is merged, which answer goes to which tap, what waits for a person and since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kiosk.desk.register import ShortRegister
from kiosk.desk.visits import (
    ELIGIBILITY,
    SUBSIDIES,
    UNASKED_MAX,
    Answer,
    Attention,
    Day,
    Failed,
    Settlement,
    State,
    Tap,
    Visit,
    answer_of,
    tap_of,
)
from kiosk.results.changes import EligibilityChange, compare, prints_of
from kiosk.results.documents import Unreadable
from tests.desk.pmh import CHILD, GUESSED, RARE_DISEASE, Hand, Paper, written

NINE = datetime(2026, 1, 15, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WAIT = timedelta(seconds=30)
REQUEST = "PMHsimsm01req_{}_face.xml"


def result(
    number: str = "70000001",
    *,
    request: str = "",
    name: str = "例示　翔",
    birth: str = "20180506",
    key: str = "k",
    validity: str = "1",
    institution: str = "9912345678",
    second: str = "",
) -> bytes:
    record = (
        f"<ResultOfQualificationConfirmation><Name>{name}</Name><Birthdate>{birth}</Birthdate>"
        f"<QualificationConfirmationKey>{key}</QualificationConfirmationKey>"
        f"<ReferenceNumber>{number}</ReferenceNumber></ResultOfQualificationConfirmation>"
    )
    link = f"<PmhInfo><RequestPmhFileName>{request}</RequestPmhFileName></PmhInfo>" if request else ""
    return (
        f"<XmlMsg><MessageHeader><SegmentOfResult>1</SegmentOfResult><MedicalInstitutionCode>{institution}"
        f"</MedicalInstitutionCode></MessageHeader><MessageBody><ProcessingResultStatus>1</ProcessingResultStatus>"
        f"<QualificationValidity>{validity}</QualificationValidity><ResultList>{record}{second}</ResultList>{link}"
        f"</MessageBody></XmlMsg>"
    ).encode()


class Desk:
    """A day, and a register that learns what may be learnt."""

    def __init__(self) -> None:
        self.register = ShortRegister()
        self.changed: list[Visit] = []
        self.day = Day(self.register, self.changed.append)

    def taps(self, raw: bytes, at: datetime = NINE, institution: str | None = None) -> Visit:
        tap = tap_of("f", raw, at, institution=institution)
        return self.day.tapped(tap, self.compared(tap))

    def compared(self, tap: Tap) -> EligibilityChange | None:
        if not tap.number or tap.confirmation is None:
            return None
        change = compare(prints_of(tap.confirmation, self.register.hashed(tap.number)), self.register.known(tap.number))
        if change.learn is not None:
            self.register.know(tap.number, change.learn)
        return change

    def answers(self, number: int, answer: Answer, at: datetime = NINE) -> Visit | None:
        return self.day.answered(REQUEST.format(number).lower(), answer, at)

    def accepts(self, number: str, *papers: Paper) -> None:
        """Certificates of an earlier day."""
        other = Day(self.register)
        other.tapped(tap_of("g", result(number, request=REQUEST.format(999)), NINE), None)
        visit = other.answered(REQUEST.format(999).lower(), paper(*papers), NINE)
        assert visit is not None
        for each in visit.subsidies.certificates:
            self.register.accept(number, each.accepted(self.register.hashed(number)))


def paper(*papers: Paper) -> Answer:
    return answer_of(written(papers, Hand(GUESSED)))


def asking(number: int, of: str = "70000001") -> bytes:
    return result(of, request=REQUEST.format(number))


SETTLED = Settlement("confirmed", "tanaka", NINE)


def test_a_tap_is_a_visit() -> None:
    desk = Desk()
    visit = desk.taps(result())
    assert (visit.seq, visit.number, visit.state, visit.attention) == (1, "70000001", State.waiting, ())
    assert visit.tap.person.name == "例示　翔"
    assert visit.eligibility is not None
    assert visit.eligibility.key == "first"
    assert (visit.subsidies.state, visit.subsidies.against) == ("none", "none")
    assert desk.changed == [visit] == list(desk.day.visits)


def test_two_taps_of_one_patient_within_minutes_are_one_visit() -> None:
    desk = Desk()
    desk.taps(result())
    visit = desk.taps(result(), NINE + 5 * MINUTE)
    assert (visit.seq, len(visit.taps), len(desk.day.visits)) == (1, 2, 1)
    # It is still the first visit.
    assert visit.eligibility is not None
    assert visit.eligibility.key == "first"
    assert desk.taps(result(), NINE + 60 * MINUTE).seq == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (result("1"), result("2")),
        (result("1"), result("1", birth="20180507")),
        (result("1", birth=""), result("1", birth="")),
        (result(""), result("")),
        (b"", b""),
    ],
)
def test_two_people_are_never_merged(one: bytes, other: bytes) -> None:
    desk = Desk()
    assert [desk.taps(one).seq, desk.taps(other, NINE + MINUTE).seq] == [1, 2]


def test_two_records_of_two_people_have_no_name() -> None:
    second = "<ResultOfQualificationConfirmation><Name>見本　花子</Name></ResultOfQualificationConfirmation>"
    assert tap_of("f", result(second=second), NINE).person.name == ""


@pytest.mark.parametrize(
    ("raw", "institution", "why"),
    [
        (b"PK\x03\x04", None, "archive"),
        (result(institution="1112345678"), "9912345678", "other_institution"),
        (result(institution="9912345678"), "9912345678", ""),
        (result(institution="1112345678"), None, ""),
        (result(institution=""), "9912345678", ""),
    ],
)
def test_of_whom_nothing_is_known_a_row_stays(raw: bytes, institution: str | None, why: str) -> None:
    visit = Desk().taps(raw, institution=institution)
    assert visit.tap.why == why
    assert visit.state is (State.unreadable if why else State.waiting)
    assert visit.attention == ((Attention.unreadable,) if why else ())
    assert bool(visit.number) == (not why)


# What waits for a person -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "reasons"),
    [
        (result(""), (Attention.not_registered,)),
        (result(validity="2"), (Attention.not_valid,)),
        (result(validity="4"), (Attention.not_valid,)),
        (result(key="other"), (Attention.eligibility_changed,)),
        (result(key=""), (Attention.key_gone,)),
        (result(key="other", validity="3"), (Attention.not_valid, Attention.eligibility_changed)),
    ],
)
def test_an_eligibility_that_waits(raw: bytes, reasons: tuple[Attention, ...]) -> None:
    desk = Desk()
    desk.taps(result(), NINE - timedelta(days=7))
    visit = desk.taps(raw)
    assert visit.attention == reasons
    assert visit.open_since == NINE
    visit = desk.day.settle(visit.seq, {ELIGIBILITY: SETTLED}, NINE + MINUTE)
    assert (visit.attention, visit.open_since) == ((), None)


def test_an_eligibility_that_changes_again_waits_again() -> None:
    desk = Desk()
    desk.taps(result(), NINE - timedelta(days=7))
    visit = desk.taps(result(key="b"))
    desk.day.settle(visit.seq, {ELIGIBILITY: SETTLED}, NINE)
    assert desk.taps(result(key="b"), NINE + MINUTE).attention == ()
    assert desk.taps(result(key="c"), NINE + 2 * MINUTE).attention == (Attention.eligibility_changed,)


@pytest.mark.parametrize("first", ["answer", "tap"])
def test_the_answer_joins_the_tap_that_asked_whichever_comes_first(first: str) -> None:
    desk = Desk()
    if first == "answer":
        assert desk.answers(1, paper(CHILD)) is None
        visit = desk.taps(asking(1))
    else:
        waiting = desk.taps(asking(1))
        assert (waiting.subsidies.state, waiting.subsidies.against, waiting.attention) == ("waiting", "waiting", ())
        found = desk.answers(1, paper(CHILD), NINE + MINUTE)
        assert found is not None
        visit = found
    assert (visit.subsidies.state, visit.subsidies.against) == ("fetched", "first")
    assert visit.attention == (Attention.subsidy_first,)


def test_an_answer_that_nobody_asked_for_is_given_to_nobody() -> None:
    desk = Desk()
    desk.answers(1, paper(CHILD))
    visit = desk.taps(asking(2))
    assert (visit.subsidies.state, visit.subsidies.certificates) == ("waiting", ())


def test_of_answers_that_nobody_asked_for_the_oldest_go_first() -> None:
    desk = Desk()
    for number in range(UNASKED_MAX + 1):
        desk.answers(number, Failed())
    assert desk.taps(asking(0, "1")).subsidies.state == "waiting"
    assert desk.taps(asking(1, "2")).subsidies.state == "failed"


def test_a_second_asker_is_given_nothing() -> None:
    desk = Desk()
    desk.taps(asking(1, "1"))
    other = desk.taps(asking(1, "2"))
    desk.answers(1, paper(CHILD))
    assert desk.day.visit(1).subsidies.state == "fetched"
    assert (other.subsidies.state, other.subsidies.why) == ("unreadable", "second_asker")
    assert desk.day.visit(2).subsidies.certificates == ()


@pytest.mark.parametrize(
    ("answer", "state", "why"),
    [(Failed(), "failed", ""), (answer_of(None), "failed", ""), (Unreadable("not_xml"), "unreadable", "not_xml")],
)
def test_what_could_not_be_fetched_waits_until_somebody_confirms(answer: Answer, state: str, why: str) -> None:
    desk = Desk()
    desk.taps(asking(1))
    visit = desk.answers(1, answer, NINE + MINUTE)
    assert visit is not None
    assert (visit.subsidies.state, visit.subsidies.why, visit.subsidies.against) == (state, why, "failed")
    assert (visit.attention, visit.open_since) == ((Attention.subsidy_failed,), NINE + MINUTE)
    assert desk.day.settle(1, {SUBSIDIES: SETTLED}, NINE).attention == ()


def test_a_link_that_is_no_file_name_is_not_followed() -> None:
    visit = Desk().taps(result(request="../PMHsimsm01req_1_face.xml"))
    assert (visit.subsidies.state, visit.subsidies.why) == ("unreadable", "refused")


def test_certificates_that_come_after_an_error_file_count() -> None:
    desk = Desk()
    desk.taps(asking(1))
    desk.answers(1, Failed())
    desk.day.settle(1, {SUBSIDIES: SETTLED}, NINE)
    visit = desk.answers(1, paper(CHILD))
    assert visit is not None
    assert visit.attention == (Attention.subsidy_first,)
    assert desk.answers(1, Failed()) is None
    assert desk.day.visit(1).subsidies.state == "fetched"


def test_what_does_not_come_is_late_and_neither_none_nor_failed() -> None:
    desk = Desk()
    desk.accepts("70000001", CHILD)
    desk.taps(asking(1))
    desk.taps(result("2"))
    assert desk.day.waited(NINE + WAIT / 2, WAIT) == []
    (visit,) = desk.day.waited(NINE + WAIT, WAIT)
    assert (visit.subsidies.state, visit.subsidies.against) == ("late", "waiting")
    assert (visit.attention, visit.open_since) == ((Attention.subsidy_late,), NINE + WAIT)
    assert desk.day.waited(NINE + 2 * WAIT, WAIT) == []
    arrived = desk.answers(1, paper(CHILD), NINE + MINUTE)
    assert arrived is not None
    assert (arrived.subsidies.against, arrived.attention, arrived.open_since) == ("same", (), None)


def test_none_now_although_accepted_before_waits_and_ends_nothing() -> None:
    desk = Desk()
    desk.accepts("70000001", CHILD, RARE_DISEASE)
    visit = desk.taps(result())
    assert (visit.subsidies.against, visit.attention) == ("missing", (Attention.subsidy_missing,))
    keys = {each.key: Settlement("kept", "tanaka", NINE) for each in visit.subsidies.certificates}
    assert len(keys) == 2
    assert desk.day.settle(1, keys, NINE).attention == ()
    assert len(desk.register.certificates("70000001")) == 2


def test_each_certificate_is_settled_by_itself() -> None:
    desk = Desk()
    desk.accepts("70000001", CHILD)
    desk.taps(asking(1))
    visit = desk.answers(1, paper(RARE_DISEASE, replace(CHILD, last="20270331")))
    assert visit is not None
    assert visit.attention == (Attention.subsidy_changed,)
    first, second = (each.key for each in visit.subsidies.certificates)
    assert desk.day.settle(1, {first: SETTLED}, NINE).attention == (Attention.subsidy_changed,)
    assert desk.day.settle(1, {second: SETTLED}, NINE).attention == ()


def test_fewer_waits_for_those_that_are_gone() -> None:
    desk = Desk()
    desk.accepts("70000001", CHILD, RARE_DISEASE)
    desk.taps(asking(1))
    visit = desk.answers(1, paper(CHILD))
    assert visit is not None
    assert (visit.subsidies.against, visit.attention) == ("fewer", (Attention.subsidy_fewer,))


def test_another_name_waits_as_long_as_its_certificate() -> None:
    desk = Desk()
    desk.taps(result(name="見本　花子", request=REQUEST.format(1)))
    visit = desk.answers(1, paper(CHILD))
    assert visit is not None
    assert visit.attention == (Attention.subsidy_first, Attention.name_differs)
    assert desk.day.settle(1, {visit.subsidies.certificates[0].key: SETTLED}, NINE).attention == ()


def test_without_a_number_it_is_the_number_that_waits() -> None:
    desk = Desk()
    desk.taps(asking(1, ""))
    visit = desk.answers(1, paper(CHILD))
    assert visit is not None
    assert (visit.subsidies.against, visit.attention) == ("first", (Attention.not_registered,))


def test_a_second_tap_without_consent_hides_nothing_of_the_first() -> None:
    desk = Desk()
    desk.taps(asking(1))
    desk.answers(1, paper(CHILD))
    assert desk.taps(result(), NINE + MINUTE).subsidies.state == "fetched"
    assert desk.taps(asking(2), NINE + 2 * MINUTE).subsidies.state == "fetched"
    visit = desk.answers(2, paper(CHILD, RARE_DISEASE))
    assert visit is not None
    assert len(visit.subsidies.certificates) == 2


def test_it_waits_since_its_first_reason() -> None:
    desk = Desk()
    desk.taps(result(), NINE - timedelta(days=7))
    desk.taps(result(key="b", request=REQUEST.format(1)))
    visit = desk.answers(1, Failed(), NINE + MINUTE)
    assert visit is not None
    assert visit.attention == (Attention.eligibility_changed, Attention.subsidy_failed)
    assert visit.open_since == NINE


def test_the_reception_and_the_print_are_put_to_a_visit() -> None:
    desk = Desk()
    visit = desk.taps(result())
    visit = desk.day.put(replace(visit, arrival=12), NINE)
    assert visit.state is State.registered
    visit = desk.day.put(replace(visit, arrival=None, cancelled=True), NINE)
    assert visit.state is State.cancelled
    visit = desk.day.put(replace(visit, unprinted=True), NINE + MINUTE)
    assert (visit.attention, visit.open_since) == ((Attention.not_printed,), NINE + MINUTE)
    assert desk.day.visit(1) == visit
    with pytest.raises(KeyError):
        desk.day.put(replace(visit, seq=9), NINE)
    with pytest.raises(KeyError):
        desk.day.settle(9, {}, NINE)


def test_nothing_of_a_patient_is_in_a_repr() -> None:
    desk = Desk()
    desk.accepts("70000001", CHILD)
    desk.taps(asking(1))
    desk.answers(1, paper(replace(CHILD, last="20270331"), RARE_DISEASE))
    text = repr(desk.day.visits) + repr(desk.register.certificates("70000001"))
    assert not [each for each in ("例示", "70000001", "81990277", "20180506", "架空病") if each in text]
