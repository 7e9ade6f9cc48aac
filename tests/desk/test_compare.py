"""Subsidies beside those accepted: pairs, states, what is marked; by table, and for every shape of file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.desk.compare import REST, SubsidyChange, fetched, period, slot_of, unfetched
from kiosk.desk.register import Accepted, ShortRegister
from kiosk.results.records import Confirmation, Record
from kiosk.results.subsidies import Subsidies, read
from tests.desk.pmh import (
    BODIES,
    CHILD,
    DATES,
    DISABLED,
    GUESSED,
    LETTERS,
    NAMES,
    PAIRS,
    PAPERS,
    RARE_DISEASE,
    Hand,
    Paper,
    changes,
    written,
)

DAY = date(2026, 1, 15)
PLAIN = Hand(GUESSED)
NUMBER = "70000001"
PERSON = Confirmation((Record(name="例示　翔"),), ())


def answer(*papers: Paper, hand: Hand = PLAIN) -> Subsidies:
    found = read(written(papers, hand))
    assert isinstance(found, Subsidies)
    return found


class Patient:
    """Somebody whose certificates staff accept."""

    def __init__(self, *papers: Paper, hand: Hand = PLAIN, keep_values: bool = True) -> None:
        self.register = ShortRegister(keep_values=keep_values)
        self.hashed = self.register.hashed(NUMBER)
        self.accept(self.brings(answer(*papers, hand=hand)))

    @property
    def accepted(self) -> tuple[Accepted, ...]:
        return self.register.certificates(NUMBER)

    def accept(self, change: SubsidyChange) -> None:
        for each in change.certificates:
            if each.now is not None:
                self.register.accept(NUMBER, each.accepted(self.hashed))

    def brings(self, subsidies: Subsidies, person: Confirmation = PERSON) -> SubsidyChange:
        return fetched(subsidies, self.accepted, self.hashed, person, DAY)


def verdict(change: SubsidyChange) -> tuple[str, tuple[str, ...], bool]:
    return change.against, change.changed, change.alarm


@pytest.mark.parametrize(
    ("accepted", "today", "against", "standings"),
    [
        ((), (), "none", []),
        ((), PAPERS, "first", ["new"] * 3),
        (PAPERS, PAPERS, "same", ["same"] * 3),
        (PAPERS, PAPERS[::-1], "same", ["same"] * 3),
        (PAPERS, PAPERS[1:], "fewer", ["same", "same", "gone"]),
        (PAPERS, (), "missing", ["gone"] * 3),
        (PAPERS[:1], PAPERS[:2], "changed", ["same", "new"]),
        (PAPERS[:1], PAPERS[1:2], "changed", ["new", "gone"]),
        (PAPERS, (replace(CHILD, last="20270331"), DISABLED), "changed", ["changed", "same", "gone"]),
        ((CHILD, CHILD), (CHILD,), "fewer", ["same", "gone"]),
    ],
)
def test_todays_certificates_beside_those_accepted(
    accepted: tuple[Paper, ...], today: tuple[Paper, ...], against: str, standings: list[str]
) -> None:
    change = Patient(*accepted).brings(answer(*today))
    assert change.against == against
    assert [each.standing for each in change.certificates] == standings
    assert change.alarm == (against not in {"none", "same"})


@pytest.mark.parametrize(
    ("state", "accepted", "against", "alarm"),
    [
        ("none", False, "none", False),
        ("none", True, "missing", True),
        ("waiting", False, "waiting", False),
        ("waiting", True, "waiting", False),
        ("late", True, "waiting", True),
        ("failed", False, "failed", True),
        ("failed", True, "failed", True),
        ("unreadable", True, "failed", True),
    ],
)
def test_without_an_answer_none_failed_and_late_are_told_apart(
    state: str, accepted: bool, against: str, alarm: bool
) -> None:
    patient = Patient(*PAPERS[: 3 * accepted])
    change = unfetched(state, patient.accepted, patient.hashed, DAY)  # type: ignore[arg-type]  # of the table
    assert verdict(change) == (against, (), alarm)
    # What has only not come is not displayed as gone.
    assert len(change.certificates) == (3 if against == "missing" else 0)


MARKED = [
    (replace(CHILD, last="20260930"), ["ValidTo"]),
    (replace(CHILD, limits=(("外来", "回", "600"), CHILD.limits[1])), ["MaxCopaymentAmount"]),
    (replace(CHILD, limits=CHILD.limits[:1]), ["MaxCopaymentAmount"]),
    (replace(CHILD, face=(*CHILD.face[:3], ("保護者氏名", "例示　二郎"), CHILD.face[4])), ["券面:保護者氏名"]),
    (replace(CHILD, face=CHILD.face[:4]), ["券面:一部負担金"]),
    (replace(CHILD, income="甲"), ["IncomeSegment"]),
    (replace(CHILD, payer="81990285"), ["MedicalSubsidyInsurerNumber"]),
]


@pytest.mark.parametrize(("paper", "names"), MARKED)
@pytest.mark.parametrize("keep_values", [True, False])
def test_what_differs_is_marked_and_nothing_else(paper: Paper, names: list[str], keep_values: bool) -> None:
    change = Patient(CHILD, keep_values=keep_values).brings(answer(paper))
    assert verdict(change) == ("changed", tuple(names), True)
    (certificate,) = change.certificates
    assert [row.name for row in certificate.rows if row.changed] == names
    assert all((row.then is None) or keep_values for row in certificate.rows)


def era_number(day: str) -> str:
    """20260331 as 5080331."""
    return f"5{int(day[:4]) - 2018:02d}{day[4:]}"


@pytest.mark.parametrize("keep_values", [True, False])
def test_a_day_with_the_number_of_its_era_is_the_same_day(keep_values: bool) -> None:
    issued = replace(CHILD, face=(*CHILD.face, ("交付年月日", "20250401")))
    spelt = replace(issued, face=(*CHILD.face, ("交付年月日", era_number("20250401"))))
    hand = Hand(GUESSED, date=era_number)
    patient = Patient(issued, keep_values=keep_values)
    assert verdict(patient.brings(answer(spelt, hand=hand))) == ("same", (), False)
    assert verdict(patient.brings(answer(replace(spelt, last="20260930"), hand=hand))) == (
        "changed",
        ("ValidTo",),
        True,
    )
    assert answer(spelt, hand=hand).certificates[0].by_role("valid_to") == "5080331"
    assert patient.brings(answer(spelt, hand=hand)).certificates[0].period == "current"


@pytest.mark.parametrize(
    ("paper", "changed", "names"),
    [
        (replace(CHILD, income="5080331"), replace(CHILD, income="20260331"), ["IncomeSegment"]),
        (
            replace(CHILD, recipient="5080331"),
            replace(CHILD, recipient="20260331"),
            ["MedicalSubsidyRecipientNumber"],
        ),
        (
            replace(CHILD, face=(("受給者番号", "5080331"), *CHILD.face[2:])),
            replace(CHILD, face=(("受給者番号", "20260331"), *CHILD.face[2:])),
            ["券面:受給者番号"],
        ),
    ],
)
def test_seven_digits_that_are_called_no_day_are_a_number(paper: Paper, changed: Paper, names: list[str]) -> None:
    assert verdict(Patient(paper).brings(answer(changed))) == ("changed", tuple(names), True)


@pytest.mark.parametrize(
    ("then", "now", "against"),
    [
        ("架空県見本市例示町一丁目2番3号", "架空県見本市例示町壱丁目2番3号", "same"),
        ("架空県見本市大字例示12番地", "架空県見本市例示12番地", "same"),
        ("架空県見本市例示町壱丁目2番3号", "架空県見本市例示町弐丁目2番3号", "changed"),
    ],
)
def test_an_address_is_the_same_however_its_numbers_are_written(then: str, now: str, against: str) -> None:
    papers = [replace(CHILD, face=(*CHILD.face, ("住所", text))) for text in (then, now)]
    assert Patient(papers[0]).brings(answer(papers[1])).against == against


def test_both_sides_are_displayed_where_values_are_kept() -> None:
    (certificate,) = Patient(CHILD).brings(answer(replace(CHILD, last="20260930"))).certificates
    (row,) = [row for row in certificate.rows if row.changed]
    assert row.now is not None
    assert row.then is not None
    assert [row.then.lines[0][0].value, row.now.lines[0][0].value] == ["20260331", "20260930"]


def test_a_new_certificate_has_no_marked_rows() -> None:
    (certificate,) = Patient().brings(answer(CHILD)).certificates
    assert not any(row.changed for row in certificate.rows)


def test_the_accepted_one_is_replaced_and_the_others_stay() -> None:
    patient = Patient(*PAPERS)
    before = [each.id for each in patient.accepted]
    patient.accept(patient.brings(answer(replace(CHILD, last="20260930"))))
    assert [each.id for each in patient.accepted] == before
    assert patient.brings(answer(replace(CHILD, last="20260930"), *PAPERS[1:])).against == "same"


def test_two_of_one_slot_are_paired_by_what_they_say() -> None:
    twice = (replace(CHILD, income="甲"), replace(CHILD, income="乙", last="20261231"))
    patient = Patient(*twice)
    assert len({each.slot for each in patient.accepted}) == 1
    change = patient.brings(answer(twice[1], replace(twice[0], last="20270101")))
    assert [each.standing for each in change.certificates] == ["same", "changed"]


def test_a_certificate_of_other_numbers_is_another_one() -> None:
    moved = replace(CHILD, payer="80990880", recipient="0032672")
    change = Patient(CHILD).brings(answer(moved))
    assert [each.standing for each in change.certificates] == ["new", "gone"]


def test_more_certificates_than_are_read_alarm_always() -> None:
    many = answer(*(replace(CHILD, recipient=f"{number:07d}") for number in range(30)))
    patient = Patient()
    patient.accept(patient.brings(many))
    change = patient.brings(many)
    assert (change.against, change.more, change.alarm) == ("same", 10, True)


def test_a_change_beyond_the_kept_leaves_alarms() -> None:
    long = replace(CHILD, face=tuple((f"項目{'あ' * number}", f"{number}") for number in range(29)) * 10)
    other = replace(long, face=(*long.face[:-1], (long.face[-1][0], "x")))
    change = Patient(long).brings(answer(other))
    assert change.alarm
    assert set(change.changed) <= {REST, f"券面:{long.face[-1][0]}"}


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("20250401", "20260331", "current"),
        ("20240401", "20251231", "ended"),
        ("20260401", "20270331", "not_yet"),
        ("20260115", "20260115", "current"),
        ("20250401", "99999999", "current"),
        ("", "", ""),
    ],
)
@pytest.mark.parametrize("written_as", DATES[:2])
def test_the_period_on_the_day(first: str, last: str, expected: str, written_as: object) -> None:
    hand = Hand(GUESSED, date=str if not (first and last.startswith("2")) else written_as)  # type: ignore[arg-type]
    certificate = answer(replace(CHILD, first=first, last=last), hand=hand).certificates[0]
    assert period(certificate, DAY) == expected
    assert Patient(replace(CHILD, first=first, last=last)).brings(Subsidies(())).certificates[0].period == expected


@pytest.mark.parametrize(
    ("records", "differs"),
    [
        ((Record(name="例示 翔"),), False),
        ((Record(name="例示　●"),), False),
        ((Record(name="例示　花子"),), True),
        ((Record(name="例示　花子", other_name="例示　翔"),), False),
        ((Record(name="例示　花子"), Record(name="例示　翔")), False),
        ((Record(),), False),
        ((), False),
    ],
)
def test_another_name_on_the_face_is_pointed_out(records: tuple[Record, ...], differs: bool) -> None:
    (certificate,) = Patient().brings(answer(CHILD), Confirmation(records, ())).certificates
    assert certificate.holder == ("例示　翔" if differs else "")


def test_slots_are_made_of_numbers_however_they_are_spelt() -> None:
    hashed = ShortRegister().hashed(NUMBER)
    one, spelt, other = (
        slot_of(answer(each).certificates[0], hashed)
        for each in (DISABLED, replace(DISABLED, recipient="１２－3456-789"), replace(DISABLED, sub_key="A"))
    )
    assert one == spelt != other


def test_a_comparison_is_named_by_its_content() -> None:
    patient = Patient(CHILD)
    keys = [patient.brings(answer(paper)).certificates[0].key for paper in (CHILD, CHILD, replace(CHILD, always="1"))]
    assert keys[0] == keys[1] != keys[2]
    assert all(len(key) == 16 for key in keys)


# In every shape --------------------------------------------------------------------------------------------------

HANDS = st.builds(
    Hand,
    st.sampled_from(NAMES),
    st.sampled_from(BODIES),
    st.sampled_from(PAIRS),
    st.sampled_from(DATES[:2]),
    st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(HANDS, st.integers(0, 10**6), st.sampled_from(DATES), st.booleans())
def test_order_and_spelling_never_alarm(hand: Hand, seed: int, written_as: object, keep_values: bool) -> None:
    patient = Patient(*PAPERS, hand=hand, keep_values=keep_values)
    # One that is written by the shape of its numbers is found as long as they have it.
    other = hand if hand.names is LETTERS else replace(hand, date=written_as)  # type: ignore[arg-type]
    spelt = [
        replace(
            paper,
            name=paper.name.replace("（", "(").replace("）", ")"),
            face=tuple((word, value.replace("　", " ").replace("500", "５００")) for word, value in paper.face),
        )
        for paper in PAPERS
    ]
    change = patient.brings(answer(*spelt, hand=replace(other, shuffled=Random(seed))))
    assert verdict(change) == ("same", (), False)


EVERY_CHANGE = [(paper, changed) for paper in PAPERS for changed in changes(paper)]


@settings(max_examples=60, deadline=None)
@given(HANDS, st.integers(0, 10**6), st.sampled_from(EVERY_CHANGE), st.booleans())
def test_one_changed_leaf_always_alarms(hand: Hand, seed: int, change: tuple[Paper, Paper], keep_values: bool) -> None:
    paper, changed = change
    patient = Patient(*PAPERS, hand=hand, keep_values=keep_values)
    today = [changed if each is paper else each for each in PAPERS]
    found = patient.brings(answer(*today, hand=replace(hand, shuffled=Random(seed))))
    assert (found.against, found.alarm) == ("changed", True)
    assert found.changed
    assert [each.standing for each in found.certificates].count("same") == 2


def test_the_changes_reach_every_leaf() -> None:
    whole = {paper: written((paper,), PLAIN) for paper in PAPERS}
    assert all(written((changed,), PLAIN) != whole[paper] for paper, changed in EVERY_CHANGE)
    assert len(EVERY_CHANGE) == sum(8 + 3 * len(paper.limits) + len(paper.face) for paper in PAPERS)


@pytest.mark.parametrize(("names", "body"), list(product(NAMES[:3], BODIES)))
def test_a_changed_item_is_named_as_it_stands_in_the_file(names: dict[str, str], body: str) -> None:
    hand = Hand(names, body)
    change = Patient(RARE_DISEASE, hand=hand).brings(answer(replace(RARE_DISEASE, last="20270331"), hand=hand))
    # In a group of unknown names it is the group that is named.
    assert change.changed in {(names["to"],), ("Joken",)}
