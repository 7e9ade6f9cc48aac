"""A registration request's bytes, and what an answer is taken for: every vector, and answers with one thing wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.results.registrations import (
    ANSWER_MAX_BYTES,
    Answer,
    Insurance,
    Request,
    answer_file,
    is_institution,
    is_insurance,
    is_number,
    read_answer,
    request_file,
    to_bytes,
)
from tests import ROOT

FOLDER = ROOT / "tests" / "data" / "registrations"
EXPECTED = [json.loads(line) for line in (FOLDER / "expected.jsonl").read_text("utf-8").splitlines()]
INSURANCE = Insurance("990012", "9900", "001234", "01")
REQUEST = Request(request_file("20260115", 1), "9912345678", "20260115090000001-desk", "01234", INSURANCE)
GOOD = (FOLDER / "OQSsiimm01res_202601150001.xml").read_bytes()


def request_of(row: dict[str, Any]) -> Request:
    given = row["given"]
    insurance = Insurance(given["insurer"].strip(), given["symbol"], given["identification"], given["branch"])
    number = Path(row["request"]).stem[-4:]
    return Request(row["request"], "9912345678", f"2026011509000{number}-desk", given["number"], insurance)


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row["label"])
def test_requests_and_answers_are_those_of_the_vectors(row: dict[str, Any]) -> None:
    request = request_of(row)
    assert request.identifier.encode() in (FOLDER / row["request"]).read_bytes()
    assert is_number(request.number) and is_insurance(request.insurance) and is_institution(request.institution)
    assert to_bytes(request) == (FOLDER / row["request"]).read_bytes()
    if row["answer"] is None:
        assert row["verdict"] == "waiting" and not (FOLDER / answer_file(row["request"])).exists()
        return
    assert answer_file(row["request"]) == row["answer"]
    answer = read_answer((FOLDER / row["answer"]).read_bytes(), request)
    assert answer.verdict == row["verdict"]


def test_the_vectors_are_all_there() -> None:
    assert len(EXPECTED) == 13
    assert {row["verdict"] for row in EXPECTED} == {"registered", "failed", "not_ours", "unsure", "waiting"}


def test_codes_and_words_of_the_terminal_are_kept() -> None:
    def answer(number: int) -> Answer:
        row = EXPECTED[number - 1]
        return read_answer((FOLDER / row["answer"]).read_bytes(), request_of(row))

    assert (answer(4).code, answer(4).message) == ("E-SYNTH", "模擬登録エラー")
    assert (answer(5).code, answer(5).message) == ("E0999", "模擬エラー")
    assert (answer(13).code, answer(13).message) == ("N100", "付帯情報")
    assert "模擬" not in repr(answer(5))


@pytest.mark.parametrize(
    ("old", "new", "verdict", "why"),
    [
        ("<ArbitraryFileIdentifier>20260115090000001-desk</ArbitraryFileIdentifier>", "", "unsure", "identifier"),
        ("20260115090000001-desk", "20260115090000002-desk", "not_ours", "identifier"),
        ("<MedicalInstitutionCode>9912345678</MedicalInstitutionCode>", "", "unsure", "institution"),
        ("<SegmentOfResult>1</SegmentOfResult>", "", "unsure", "segment"),
        ("<SegmentOfResult>1", "<SegmentOfResult>1</SegmentOfResult><SegmentOfResult>1", "unsure", "segment"),
        ("<SegmentOfResult>1", "<SegmentOfResult>", "unsure", "segment"),
        ("<SegmentOfResult>1", "<SegmentOfResult>3", "failed", ""),
        ("</SegmentOfResult>", "</SegmentOfResult><ErrorCode> </ErrorCode>", "registered", ""),
        ("<ProcessingResultStatus>1</ProcessingResultStatus>", "", "unsure", "status"),
        ("<ProcessingResultStatus>1", "<ProcessingResultStatus><a>1</a>", "unsure", "status"),
        ("<ReferenceNumber>01234</ReferenceNumber>", "", "unsure", "number"),
        ("<ReferenceNumber>01234", "<ReferenceNumber>1234", "unsure", "number"),
        ("<ReferenceNumber>01234", "<ReferenceNumber>0<b/>1234", "unsure", "number"),
        ("<InsurerNumber>  990012", "<InsurerNumber>  990013", "unsure", "insurance"),
        ("<InsuredBranchNumber>01", "<InsuredBranchNumber>02", "unsure", "insurance"),
        ("<InsuredCardSymbol>9900", "<InsuredCardSymbol>９９００", "registered", ""),
        ("<InsuredCardSymbol>9900</InsuredCardSymbol>", "", "registered", ""),
        ("<InsurerNumber>  990012", "<InsurerNumber>00990012", "unsure", "insurance"),
        ("<ReferenceNumberRegistrationInfo>", "<Info>", "incomplete", "not_xml"),
        ("<MessageBody>", "<MessageBody><ReferenceNumberRegistrationInfo/>", "unsure", "repeated"),
        ("<XmlMsg>", "<!DOCTYPE x><XmlMsg>", "incomplete", "doctype"),
    ],
)
def test_an_answer_with_one_thing_changed(old: str, new: str, verdict: str, why: str) -> None:
    text = GOOD.decode()
    assert old in text
    answer = read_answer(text.replace(old, new, 1).encode(), REQUEST)
    assert (answer.verdict, answer.why) == (verdict, why)


def test_a_part_of_an_answer_is_never_taken_for_one() -> None:
    whole = GOOD.rstrip()
    assert {read_answer(whole[:end], REQUEST).verdict for end in range(len(whole))} == {"incomplete"}
    assert read_answer(whole, REQUEST).verdict == "registered"
    assert read_answer(whole + b" " * ANSWER_MAX_BYTES, REQUEST) == Answer("incomplete", "too_large")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(GOOD.rstrip()) - 1), st.integers(0, 255))
def test_no_changed_byte_registers_another_number(at: int, byte: int) -> None:
    raw = GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
    other = Request(REQUEST.file, REQUEST.institution, REQUEST.identifier, "01235", INSURANCE)
    if b"<ReferenceNumber>01235<" not in raw:
        assert read_answer(raw, other).verdict != "registered"


def test_hostile_codes_and_messages_are_cut() -> None:
    text = GOOD.decode().replace("<ProcessingResultStatus>1", "<ProcessingResultStatus>2", 1)
    wild = f"<ProcessingResultCode>E 1\u202e</ProcessingResultCode><ProcessingResultMessage>\u202e{'長' * 999}"
    raw = text.replace("</MessageBody>", f"{wild}</ProcessingResultMessage></MessageBody>").encode()
    assert read_answer(raw, REQUEST) == Answer("failed", "", "", "長" * 200)


@pytest.mark.parametrize(
    "number", ["", " 1", "1" * 51, "1\n", "\u202e1", "한1", "1\u30001\u200b"], ids=lambda number: ascii(number)[:20]
)
def test_numbers_that_a_request_cannot_carry(number: str) -> None:
    assert not is_number(number)


@pytest.mark.parametrize(
    "insurance",
    [
        Insurance("", None, "1", None),
        Insurance("123456789", None, "1", None),
        Insurance("99001a", None, "1", None),
        Insurance("990012", "", "1", None),
        Insurance("990012", "한", "1", None),
        Insurance("990012", None, "", None),
        Insurance("990012", None, "1" * 21, None),
        Insurance("990012", None, "1", "1"),
        Insurance("990012", None, "1", "001"),
    ],
)
def test_insurances_that_a_request_cannot_carry(insurance: Insurance) -> None:
    assert not is_insurance(insurance)


def test_only_names_of_requests_have_answers() -> None:
    assert answer_file("OQSsiimm01req_202601150001.xml") == "OQSsiimm01res_202601150001.xml"
    for other in ("OQSsiimm01req_2026.xml", "../OQSsiimm01req_202601150001.xml", "OQSsiimm01res_202601150001.xml"):
        with pytest.raises(ValueError, match="not the name"):
            answer_file(other)


def test_nothing_of_a_patient_is_in_a_repr() -> None:
    assert "01234" not in repr(REQUEST) and "990012" not in repr(REQUEST)
