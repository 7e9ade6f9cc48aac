"""What a result document says: every vector, every rule, every order of elements."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.results import names as result_files
from kiosk.results.documents import Unreadable
from kiosk.results.eligibility import (
    Eligibility,
    Outcome,
    Subsidy,
    read,
    read_subsidy,
)
from tests import VECTORS

EXPECTED = [json.loads(line) for line in (VECTORS / "expected.jsonl").read_text("utf-8").splitlines()]
REQUEST = "PMHsimsm01req_99123456789564CC2026011509020600_face.xml"

# A document as nested (name, content) pairs; content is text or a list of pairs.
Node = tuple[str, Any]


def xml(node: Node) -> str:
    name, content = node
    inner = content if isinstance(content, str) else "".join(xml(child) for child in content)
    return f"<{name}>{inner}</{name}>"


def record(*fields: Node) -> Node:
    return ("ResultOfQualificationConfirmation", [("Name", "例示　花子"), *fields])


def document(*records: Node, header: tuple[Node, ...] = (), body: tuple[Node, ...] = (), validity: str = "1") -> bytes:
    """A successful result; `header` and `body` are added to it."""
    return xml(
        (
            "XmlMsg",
            [
                ("MessageHeader", [("MedicalInstitutionCode", "9912345678"), ("SegmentOfResult", "1"), *header]),
                (
                    "MessageBody",
                    [
                        ("ProcessingResultStatus", "1"),
                        ("QualificationValidity", validity),
                        ("ResultList", list(records)),
                        *body,
                    ],
                ),
            ],
        )
    ).encode()


def number(text: str) -> Node:
    return ("ReferenceNumber", text)


def seen(raw: bytes) -> Eligibility:
    found = read(raw)
    assert isinstance(found, Eligibility), found
    return found


@pytest.mark.parametrize("expected", EXPECTED, ids=[line["label"] for line in EXPECTED])
def test_vector_says_what_is_expected(expected: dict[str, Any]) -> None:
    raw = (VECTORS / expected["file"]).read_bytes()
    if expected["file"].startswith("PMH"):
        found = read_subsidy(expected["file"], raw)
        assert (expected["outcome"], found.whole) == ("subsidies_failed" if found.failed else "subsidies", True)
        assert found.request == result_files.request_key(expected["file"])
        return
    assert result_files.kind(expected["file"]) == "eligibility"
    result = read(raw)
    if isinstance(result, Unreadable):
        assert (expected["outcome"], expected["patient"]) == ("unreadable", None)
        return
    assert (result.outcome, result.reference_number) == (expected["outcome"], expected["patient"])
    assert list(result.notes) == expected.get("notes", [])
    assert result.institution_code == "9912345678"
    assert result.subsidy == {
        None: Subsidy(refused=False, request=None),
        "refused": Subsidy(refused=True, request=None),
    }.get(expected.get("pmh"), Subsidy(refused=False, request=expected.get("pmh_request")))


def test_the_vectors_hold_every_kind_of_outcome() -> None:
    assert len(EXPECTED) == len({line["file"] for line in EXPECTED}) == len(list(VECTORS.iterdir())) - 1
    assert {line["outcome"] for line in EXPECTED} == {*Outcome, "subsidies", "subsidies_failed"}


@pytest.mark.parametrize(
    ("written", "patient"),
    [
        ("00011", "00011"),
        ("1-234567-00", "1-234567-00"),
        (" \t\r\n　00011　 ", "00011"),
        ("12 34", "12 34"),
        ("x" * 50, "x" * 50),
        ("<![CDATA[00011]]>", "00011"),
        ("&#48;0011", "00011"),
        ("患者-１", "患者-１"),
        # The parser drops comments and instructions: the value around them is one value.
        ("000<!-- 99 -->11", "00011"),
        ("000<?x 99?>11", "00011"),
    ],
)
def test_a_reference_number_is_text_without_the_blanks_around_it(written: str, patient: str) -> None:
    found = seen(document(record(number(written))))
    assert (found.outcome, found.reference_number) == (Outcome.usable, patient)


@pytest.mark.parametrize(
    "written",
    [
        "x" * 51,
        "12\u202e34",  # bidi override
        "12\u200b34",
        "12\n34",
        "12　34",
        "12\ue00034",  # private use: a hospital's own character
        "12\u008534",
        "\ufeff123",
        "12<b/>34",
        "<b>1234</b>",
        "12<b>9</b>",
    ],
)
def test_a_number_that_is_no_plain_identifier_is_unreadable(written: str) -> None:
    found = seen(document(record(number(written))))
    assert (found.outcome, found.reference_number) == (Outcome.unreadable, None)


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        (document(), "not_registered"),
        (document(record()), "not_registered"),
        (document(record(number("")), record(number(" 　"))), "not_registered"),
        (document(record(number("1")), record()), "usable"),
        (document(record(number("1")), record(number(" 1 "))), "usable"),
        (document(record(number("1")), record(number("01"))), "ambiguous"),
        (document(record(number("1"), number("2"))), "ambiguous"),
        (document(record(number("1")), record(number("<b>1</b>"))), "ambiguous"),
        # Beside the record: a fall-back that must agree.
        (document(record(), body=(number("1"),)), "usable"),
        (document(record(), number("1")), "usable"),
        (document(record(number("1")), body=(number("1"),)), "usable"),
        (document(record(number("1")), body=(number("2"),)), "ambiguous"),
        # Elsewhere it is not the patient's.
        (document(record(("QualificationConfirmSearchInfo", [number("1")]))), "not_registered"),
        (document(header=(number("1"),)), "not_registered"),
        # Errors are said before anything else.
        (document(record(number("1")), header=(("SegmentOfResult", "9"),)), "failed"),
        (document(record(number("1")), header=(("SegmentOfResult", "1"),)), "usable"),
        (document(record(number("1")), header=(("SegmentOfResult", ""),)), "failed"),
        (document(record(number("1")), body=(("ProcessingResultStatus", "2"),)), "failed"),
        (document(record(number("1")), body=(("QualificationValidity", "4"),)), "failed"),
        (document(record(number("1")), header=(("MedicalInstitutionCode", "9900000000"),)), "failed"),
        (document(record(number("1")), validity="4"), "no_qualification"),
        (document(record(number("1")), record(number("2")), validity="4"), "no_qualification"),
        (b"<XmlMsg/>", "failed"),
        (b"<XmlMsg><MessageHeader><SegmentOfResult>1</SegmentOfResult></MessageHeader></XmlMsg>", "failed"),
        (document(record(number("1"))).replace(b"<SegmentOfResult>1<", b"<SegmentOfResult>2<"), "failed"),
        (document(record(number("1"))).replace(b"SegmentOfResult", b"Segment"), "failed"),
        (document(record(number("1"))).replace(b"<MessageBody>", b'<MessageBody xmlns="urn:x">'), "failed"),
        # Side information comes with a code although all went well.
        (document(record(number("1")), body=(("ProcessingResultCode", "X"),)), "usable"),
    ],
)
def test_outcome_of(raw: bytes, outcome: str) -> None:
    found = seen(raw)
    assert found.outcome == outcome
    assert (found.reference_number is not None) == (outcome == "usable")


@pytest.mark.parametrize("validity", ["2", "3", "5", "7", "", " 1 "])
def test_a_qualification_that_is_not_simply_valid_goes_on_with_a_note(validity: str) -> None:
    found = seen(document(record(number("1")), validity=validity))
    assert found.outcome is Outcome.usable
    assert found.notes == (() if validity.strip() == "1" else ("insurance_check",))


@pytest.mark.parametrize(
    ("dates", "birthdate"),
    [
        (["19670422"], "19670422"),
        ([" 19670422 ", "", "19670422"], "19670422"),
        (["19670400"], "19670400"),
        (["19670422", "19670423"], None),
        (["19670422", "1967-04-22"], None),
        (["１９６７０４２２"], None),
        (["1967042"], None),
        (["19670<b/>422"], None),
        ([], None),
    ],
)
def test_the_birth_date_is_given_only_when_all_records_agree(dates: list[str], birthdate: str | None) -> None:
    records = [record(number("1"), ("Birthdate", date)) for date in dates] or [record(number("1"))]
    assert seen(document(*records)).birthdate == birthdate


@pytest.mark.parametrize(
    ("written", "code"),
    [("9912345678", "9912345678"), ("0000000000", "0000000000"), ("", None), ("x" * 21, "?"), ("<b/>", "?")],
)
def test_the_institution_code_is_given_as_written(written: str, code: str | None) -> None:
    raw = document(record(number("1"))).replace(b"9912345678", written.encode())
    assert seen(raw).institution_code == code


@pytest.mark.parametrize(
    ("pmh", "subsidy"),
    [
        ([], Subsidy(refused=False, request=None)),
        ([("PmhInfo", "")], Subsidy(refused=False, request=None)),
        ([("PmhInfo", [("RequestPmhFileName", " 　")])], Subsidy(refused=False, request=None)),
        ([("PmhInfo", [("RequestPmhFileName", f"\n{REQUEST} ")])], Subsidy(refused=False, request=REQUEST)),
        ([("PmhInfo", [("RequestPmhFileName", REQUEST)])] * 2, Subsidy(refused=False, request=REQUEST)),
        ([("PmhInfo", [("RequestPmhFileName", REQUEST + "<b/>")])], Subsidy(refused=True, request=None)),
        ([("PmhInfo", [("RequestPmhFileName", "../x.xml")])], Subsidy(refused=True, request=None)),
        (
            [("PmhInfo", [("RequestPmhFileName", REQUEST), ("RequestPmhFileName", REQUEST.replace("99", "88"))])],
            Subsidy(refused=True, request=None),
        ),
        ([("RequestPmhFileName", REQUEST)], Subsidy(refused=False, request=None)),
    ],
)
def test_the_subsidy_link_is_a_plain_name_or_nothing(pmh: list[Node], subsidy: Subsidy) -> None:
    found = seen(document(record(number("1")), body=tuple(pmh)))
    assert found.outcome is Outcome.usable
    assert found.subsidy == subsidy


def test_the_subsidy_link_of_a_failed_result_is_still_read() -> None:
    body = (("PmhInfo", [("RequestPmhFileName", REQUEST)]), ("ProcessingResultStatus", "2"))
    found = seen(document(body=body))
    assert (found.outcome, found.subsidy.request) == (Outcome.failed, REQUEST)


def shuffled(node: Node, random: Random) -> Node:
    name, content = node
    if isinstance(content, str):
        return node
    children = [shuffled(child, random) for child in content]
    # Elements that no version is known to have may stand anywhere.
    children += [(f"Unknown{random.randrange(9)}", "x")] * random.randrange(3)
    random.shuffle(children)
    return (name, children)


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(st.randoms(use_true_random=False), st.sampled_from(["1", "2", "4"]), st.booleans())
def test_the_order_of_elements_never_changes_the_answer(random: Random, validity: str, two: bool) -> None:
    records = [record(number("007"), ("Birthdate", "19670422"))] + [record(("Birthdate", "19670422"))] * two
    tree: Node = (
        "XmlMsg",
        [
            ("MessageHeader", [("MedicalInstitutionCode", "9912345678"), ("SegmentOfResult", "1")]),
            (
                "MessageBody",
                [
                    ("ProcessingResultStatus", "1"),
                    ("QualificationValidity", validity),
                    ("ResultList", records),
                    ("PmhInfo", [("RequestPmhFileName", REQUEST)]),
                ],
            ),
        ],
    )
    assert seen(xml(shuffled(tree, random)).encode()) == seen(xml(tree).encode())


def test_a_result_does_not_show_its_patient() -> None:
    found = seen(document(record(number("ZZCANARY1"), ("Birthdate", "19670422"))))
    assert found.reference_number == "ZZCANARY1"
    assert "ZZCANARY1" not in repr(found)
    assert "19670422" not in repr(found)
