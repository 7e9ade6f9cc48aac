"""45 synthetic taps and what must be concluded of each: `kiosk desk replay`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kiosk.desk import replay
from kiosk.results import names
from tests import ROOT

VECTORS = ROOT / "tests" / "data" / "desk"
EXPECTED = [json.loads(line) for line in (VECTORS / "expected.jsonl").read_text("utf-8").splitlines()]
COMPARED = ("subsidy_state", "certificates", "key", "against", "alarm", "changed")
RESULT = "OQSsiquc01res_face_1_20260115090000.xml"


def contents(folder: Path = VECTORS) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if names.kind(path.name)}


LINES = {line["file"]: line for line in replay.replay(contents())}


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda each: each["label"])
def test_every_tap_is_concluded_as_it_must_be(expected: dict[str, Any]) -> None:
    line = LINES[expected["file"]]
    assert {name: line[name] for name in COMPARED if name in expected} == {
        name: expected[name] for name in COMPARED if name in expected
    }


def test_there_are_45_and_a_line_for_each_in_the_order_of_time() -> None:
    assert list(LINES) == [line["file"] for line in sorted(EXPECTED, key=lambda each: each["file"][-18:])]
    assert len(LINES) == 45
    assert {tuple(line) for line in LINES.values()} == {("file", *COMPARED)}


def test_the_command_prints_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.run(VECTORS) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == list(LINES.values())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.run(tmp_path / "none") == 1
    assert str(tmp_path / "none") in capsys.readouterr().err


def test_other_files_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "README.md").write_text("x")
    (tmp_path / "OQSsiimm01res_1.xml").write_text("x")
    assert replay.run(tmp_path) == 0
    assert capsys.readouterr().out == ""


def test_what_cannot_be_read_alarms() -> None:
    (line,) = replay.replay({RESULT: b"PK\x03\x04"})
    assert (line["subsidy_state"], line["certificates"], line["against"]) == ("none", None, "none")
    assert (line["key"], line["alarm"], line["changed"]) == ("unknown", True, [])


def test_a_name_without_a_time_comes_first() -> None:
    odd = "OQSsiquc01res_face_1_20261399999999.xml"
    lines = replay.replay({RESULT: b"", odd: b"", "OQSsiquc01res_face_x.xml": b""})
    assert [line["file"] for line in lines] == [odd, "OQSsiquc01res_face_x.xml", RESULT]


REQUEST = "PMHsimsm01req_1_face.xml"
ASKING = f"<PmhInfo><RequestPmhFileName>{REQUEST}</RequestPmhFileName></PmhInfo>"
CERTIFICATE = (
    b"<XmlMsg><MessageBody><MedicalSubsidies><ValidTo>20260331</ValidTo></MedicalSubsidies></MessageBody></XmlMsg>"
)


def result(number: str, body: str = ASKING, institution: str = "9912345678", validity: str = "1") -> bytes:
    record = f"<Name>例示　翔</Name><Birthdate>20180506</Birthdate><ReferenceNumber>{number}</ReferenceNumber>"
    return (
        f"<XmlMsg><MessageHeader><SegmentOfResult>1</SegmentOfResult><MedicalInstitutionCode>{institution}"
        f"</MedicalInstitutionCode></MessageHeader><MessageBody><ProcessingResultStatus>1</ProcessingResultStatus>"
        f"<QualificationValidity>{validity}</QualificationValidity><ResultList><ResultOfQualificationConfirmation>"
        f"{record}</ResultOfQualificationConfirmation></ResultList>{body}</MessageBody></XmlMsg>"
    ).encode()


def test_an_answer_is_given_to_the_first_who_asks() -> None:
    second = RESULT.replace("090000", "090001")
    files = {RESULT: result("1"), second: result("2"), "PMHsimsm01res_1_face.xml": CERTIFICATE}
    first, other = replay.replay(files)
    assert (first["subsidy_state"], first["certificates"], first["against"]) == ("fetched", 1, "first")
    assert (other["subsidy_state"], other["certificates"], other["against"]) == ("failed", None, "failed")


def test_certificates_count_more_than_an_error_file() -> None:
    files = {RESULT: result("1"), "PMHsimsm01res_1_face.xml": CERTIFICATE, "PMHsimsm01req_1_face.xml.err": b"E"}
    for order in (files, dict(reversed(files.items()))):
        (line,) = replay.replay(order)
        assert line["subsidy_state"] == "fetched"


@pytest.mark.parametrize(
    "files",
    [
        {RESULT: result("1"), "PMHsimsm01res_1_face.xml": b"<XmlMsg>"},
        {RESULT: result("1", ASKING.replace(REQUEST, "../../x.xml"))},
    ],
)
def test_an_answer_that_cannot_be_read_or_looked_for_has_failed(files: dict[str, bytes]) -> None:
    (line,) = replay.replay(files)
    assert (line["subsidy_state"], line["against"], line["alarm"]) == ("failed", "failed", True)


def test_a_qualification_that_is_not_valid_alarms() -> None:
    (line,) = replay.replay({RESULT: result("1", "", validity="2")})
    assert (line["key"], line["alarm"]) == ("first", True)


def test_a_subsidy_of_somebody_without_a_number_alarms() -> None:
    (line,) = replay.replay({RESULT: result(""), "PMHsimsm01res_1_face.xml": CERTIFICATE})
    assert (line["key"], line["against"], line["alarm"]) == ("unknown", "first", True)
