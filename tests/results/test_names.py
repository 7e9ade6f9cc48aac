"""Which names in the terminal's folders are taken, and which subsidy file answers which request."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.results import names as result_files

ID = "9912345678a9dca8cf56849d9e3dbe"
REQUEST = "PMHsimsm01req_99123456789564CC2026011509020600_face.xml"
RESULT = "PMHsimsm01res_99123456789564CC2026011509020600_face.xml"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"OQSsiquc01res_face_{ID}_20260115090007.xml", "eligibility"),
        ("OQSsiquc01res_face_20260115090007.xml", "eligibility"),
        (f"oqsSIQUC01RES_FACE_{ID}_20260115090007.XML", "eligibility"),
        (RESULT, "subsidy_result"),
        (RESULT.upper(), "subsidy_result"),
        (REQUEST + ".err", "subsidy_error"),
        (RESULT + ".err", "subsidy_error"),
        (REQUEST.removesuffix(".xml") + ".err", "subsidy_error"),
        (RESULT.removesuffix(".xml") + ".ERR", "subsidy_error"),
    ],
)
def test_files_of_the_terminal_are_known_by_their_names(name: str, kind: str) -> None:
    assert result_files.kind(name) == kind


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Thumbs.db",
        "del20260115.txt",
        REQUEST,  # a request is the terminal's own
        "OQSsiquc01res_202601150900.xml",  # the answer to a request, not to a tap
        "OQSsiquc01req_face_20260115090007.xml",
        "OQSsiimm01res_202601150001.xml",
        "OQSsiquc01res_face_20260115090007.xml.tmp",
        "OQSsiquc01res_face_20260115090007.xml\n",
        "OQSsiquc01res_face_20260115090007.xml:stream",
        "OQSsiquc01res_face_..\\..\\x.xml",
        "OQSsiquc01res_face_../x.xml",
        "OQSsiquc01res_face_２０２６.xml",
        "OQSsiquc01reſ_face_20260115090007.xml",  # U+017F is an s only to a case-blind Unicode comparison
        ".k1-OQSsiquc01res_face_20260115090007.xml",
        "xOQSsiquc01res_face_20260115090007.xml",
        "OQSsiquc01res_face_" + "1" * 106 + ".xml",  # 129 characters
        "OQSsiquc01res_face_.xml",
        "PMHsimsm01res_a:b_face.xml",
        "PMHsimsm01res__face.zip",
        "PMHsimsm01res_1_face.xml.err.err",
    ],
)
def test_every_other_name_is_left_alone(name: str) -> None:
    assert result_files.kind(name) is None
    assert result_files.request_key(name) is None


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(st.text(max_size=140))
def test_no_text_makes_the_naming_rules_fail(name: str) -> None:
    taken = result_files.kind(name)
    assert taken is None or (name.isascii() and name.isprintable() and len(name) <= 128)
    assert result_files.request_name(name) is None or not set(name) & set('/\\:*?"<>| .') - {"."}


@pytest.mark.parametrize(
    "text",
    [
        "..\\..\\Windows\\x.xml",
        "/etc/passwd",
        "PMHsimsm01req_a:b_face.xml",
        RESULT,
        REQUEST + "\n",
        " " + REQUEST,
        REQUEST.replace("_face", "_fACE"),
        "PMHsimsm01req__face.xml",
        "PMHsimsm01req_" + "a" * 65 + "_face.xml",
        "PMHsimsm01req_１_face.xml",
        "PMHsimsm01req_a_b_face.xml",
        "",
    ],
)
def test_a_request_name_that_is_not_plain_is_refused(text: str) -> None:
    assert result_files.request_name(text) is None


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(st.text("0123456789abcdefxyzABCXYZ", min_size=1, max_size=64))
def test_every_answer_leads_back_to_its_request_and_is_listed_by_the_server(tail: str) -> None:
    request = result_files.request_name(f"PMHsimsm01req_{tail}_face.xml")
    assert request is not None
    errors = [f"PMHsimsm01{way}_{tail}_face{ending}" for way in ("req", "res") for ending in (".err", ".xml.err")]
    for name in (f"PMHsimsm01res_{tail}_face.xml", *errors):
        assert result_files.request_key(name) == result_files.request_key(name.upper()) == request.lower()
        assert result_files.kind(name) is not None
        assert fnmatch.fnmatchcase(name, result_files.SUBSIDY_PATTERN)


def test_req_in_the_id_stays_as_it_is() -> None:
    assert result_files.request_key("PMHsimsm01res_req01req_face.xml") == "pmhsimsm01req_req01req_face.xml"
