"""Bytes that are no document, attack the reader, or lie about their encoding."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.results.documents import Unreadable
from kiosk.results.eligibility import (
    Eligibility,
    Outcome,
    Reading,
    read,
    read_subsidy,
)
from tests import ROOT

RESULT = "PMHsimsm01res_1_face.xml"
REQUEST = "pmhsimsm01req_1_face.xml"
NAMES = "髙﨑　①㈱Ⅲ德～－∥●"


def document(name: str = NAMES, number: str = "00011") -> str:
    return (
        "<XmlMsg><MessageHeader><SegmentOfResult>1</SegmentOfResult></MessageHeader><MessageBody>"
        "<ProcessingResultStatus>1</ProcessingResultStatus><QualificationValidity>1</QualificationValidity><ResultList>"
        f"<ResultOfQualificationConfirmation><Name>{name}</Name><ReferenceNumber>{number}</ReferenceNumber>"
        "</ResultOfQualificationConfirmation></ResultList></MessageBody></XmlMsg>"
    )


def declared(encoding: str, text: str | None = None) -> str:
    return f'<?xml version="1.0" encoding="{encoding}" standalone="no"?>\r\n' + (text or document())


def patient(raw: bytes) -> str | None:
    found = read(raw)
    return found.reference_number if isinstance(found, Eligibility) else None


BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    "raw",
    [
        document().encode(),
        document().replace("><", ">\r\n\t<").encode(),
        BOM + document().encode(),
        declared("UTF-8").encode(),
        declared("utf-8").replace('"', "'").encode(),
        BOM + declared("UTF-8").encode(),
        BOM + declared("Shift_JIS").encode(),
        *(
            declared(name).encode("cp932")
            for name in ("Shift_JIS", "SHIFT_JIS", "shift-jis", "sjis", "x-sjis", "Windows-31J", "MS932", "cp932")
        ),
        # Declarations that lie, both ways, and none at all.
        declared("Shift_JIS").encode("utf-8"),
        declared("UTF-8").encode("cp932"),
        document().encode("cp932"),
        b"<?xml version='1.0'?>" + document().encode(),
        b"<?xml version='1.0' ?>\n" + document(name="\U00020bb7").encode(),
        declared("Shift_JIS", document(name="plain")).encode(),
        document().encode() + b"\r\n \t",
    ],
)
def test_a_document_is_read_in_its_true_encoding(raw: bytes) -> None:
    assert patient(raw) == "00011"


@pytest.mark.parametrize(("encoding", "label"), [("cp932", "UTF-8"), ("cp932", "Shift_JIS"), ("utf-8", "Shift_JIS")])
def test_full_width_blanks_and_kanji_survive_every_encoding(encoding: str, label: str) -> None:
    raw = declared(label, document(number="　髙-７　")).encode(encoding)
    assert patient(raw) == "髙-７"


def test_bytes_that_decode_both_ways_are_read_as_the_likelier_encoding() -> None:
    """Only kana and kanji of UTF-8 overrule a Shift_JIS declaration; half-width kana can look like its letters."""
    kana = declared("Shift_JIS", document("x", "ああ")).encode("utf-8")
    assert kana.decode("cp932")
    assert patient(kana) == "ああ"
    half_width = declared("Shift_JIS", document("x", "ﾃｱ")).encode("cp932")
    assert half_width.decode("utf-8")
    assert patient(half_width) == "ﾃｱ"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "empty"),
        (b" " * 1_048_577, "too_large"),
        (b"PK\x03\x04rest", "archive"),
        (b"7z\xbc\xaf\x27\x1crest", "archive"),
        (b"\x1f\x8brest", "archive"),
        (b"\0" * 512, "encoding"),
        (document().encode("utf-16"), "encoding"),
        (document().encode("utf-16-le"), "encoding"),
        (declared("UTF-16").encode("utf-16"), "encoding"),
        (declared("UTF-16").encode(), "encoding"),
        (declared("UTF-7").encode("utf-7"), "encoding"),
        (b"+ADw-XmlMsg/+AD4-", "not_xml"),
        (declared("UTF-7", document(name="x")).encode(), "encoding"),
        (declared("EUC-JP").encode("euc-jp", "replace"), "encoding"),
        (declared("ISO-8859-1", document(name="x")).encode(), "encoding"),
        (BOM + declared("UTF-8").encode("cp932"), "encoding"),
        (BOM + BOM + document().encode(), "encoding"),
        (document().encode() + b"\x80", "encoding"),
        (declared("Shift_JIS").encode("cp932") + b"\xa0", "encoding"),
        (b"<?xml encoding='a b'?>" + document().encode(), "not_xml"),
        (b"<?xml version='2.0'?>" + document().encode(), "not_xml"),
        (b" " + declared("UTF-8").encode(), "not_xml"),
        (document().encode() + b"\0", "encoding"),
        (document().encode() + document().encode(), "not_xml"),
        (document().encode() + b"x", "not_xml"),
        (b"hello", "not_xml"),
        (b"<html/>", "not_xmlmsg"),
        (b"<xmlmsg/>", "not_xmlmsg"),
        (document(number="1&#0;").encode(), "not_xml"),
        (document(number="1&#xD800;").encode(), "not_xml"),
        (document(number="1&#x1b;").encode(), "not_xml"),
        (document(number="1\x1b").encode(), "not_xml"),
        (document(number="&x;").encode(), "not_xml"),
        (b"<XmlMsg>" + b"<a>" * 300 + b"</a>" * 300 + b"</XmlMsg>", "deep"),
        (b"<XmlMsg>" + b"<a b=''/>" * 160_000, "too_large"),
    ],
)
def test_bytes_that_cannot_be_trusted_are_unreadable(raw: bytes, why: str) -> None:
    assert read(raw) == Unreadable(why)
    assert read_subsidy(RESULT, raw) == Reading(whole=False, why=why, request=REQUEST)


@pytest.mark.parametrize("raw", [b'<XmlMsg xmlns="urn:x"/>', b'<x:XmlMsg xmlns:x="urn:x"/>'])
def test_names_of_a_namespace_are_other_names_but_in_a_subsidy_result(raw: bytes) -> None:
    assert read(raw) == Unreadable("not_xmlmsg")
    assert read_subsidy(RESULT, raw) == Reading(whole=True, request=REQUEST)


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE XmlMsg [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE XmlMsg [<!ENTITY % p SYSTEM "http://192.0.2.1/x.dtd"> %p;]>',
        '<!DOCTYPE XmlMsg SYSTEM "http://192.0.2.1/x.dtd">',
        '<!DOCTYPE XmlMsg PUBLIC "-//X//X" "x.dtd">',
        '<!DOCTYPE XmlMsg [<!ENTITY a "0123456789"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        "<!DOCTYPE XmlMsg>",
        "<!DOCTYPE XmlMsg [<!ATTLIST XmlMsg a CDATA 'x'>]>",
    ],
)
def test_a_document_type_declaration_is_always_refused(prolog: str) -> None:
    for raw in (
        (prolog + document(number="&e;")).encode(),
        (declared("Shift_JIS", prolog + document())).encode("cp932"),
        BOM + (declared("UTF-8", prolog + document())).encode(),
    ):
        assert read(raw) == Unreadable("doctype")


def test_an_include_is_only_an_unknown_element() -> None:
    include = '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>'
    assert patient(document(name=include).encode()) == "00011"
    assert patient(document(number=include).encode()) is None


def test_a_larger_limit_still_bounds_the_number_of_nodes() -> None:
    raw = b"<XmlMsg>" + b"<a/>" * 400_000 + b"</XmlMsg>"
    assert read(raw, max_bytes=64 * 1024 * 1024) == Unreadable("too_many_nodes")
    assert isinstance(read(document().encode(), max_bytes=64 * 1024 * 1024), Eligibility)


HEAVY = """
import resource, sys, time
from kiosk.results.eligibility import read
empty = b"<XmlMsg>" + b"<a/>" * ((1_048_576 - 17) // 4) + b"</XmlMsg>"
attributes = b"<XmlMsg " + b" ".join(b'a%x=""' % n for n in range(110_000)) + b"/>"
text = b"<XmlMsg>" + b"&#65;" * 200_000 + b"</XmlMsg>"
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
slowest = 0.0
for raw in (empty, attributes, text):
    assert 900_000 < len(raw) <= 1_048_576
    started = time.process_time()
    read(raw)
    slowest = max(slowest, time.process_time() - started)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, slowest)
"""


def test_a_mebibyte_of_nothing_costs_less_than_a_second_and_150_megabytes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HEAVY], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    grown_kib, seconds = (float(part) for part in done.stdout.split())
    assert grown_kib < 150 * 1024
    assert seconds < 1


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_fail(raw: bytes) -> None:
    assert isinstance(read(raw), Unreadable | Eligibility)


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(st.data(), st.sampled_from(["utf-8", "cp932"]))
def test_no_damage_to_a_document_makes_the_reader_fail(data: st.DataObject, encoding: str) -> None:
    raw = bytearray(declared("UTF-8").encode(encoding))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    assert isinstance(read(bytes(raw)), Unreadable | Eligibility)


@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
@pytest.mark.parametrize("label", ["UTF-8", "Shift_JIS"])
def test_no_beginning_of_a_document_passes_for_the_document(encoding: str, label: str) -> None:
    whole = declared(label).encode(encoding)
    assert patient(whole + b"\r\n") == "00011"
    assert all(isinstance(read(whole[:end]), Unreadable) for end in range(len(whole)))


def test_an_error_file_means_failure_whatever_it_holds() -> None:
    for raw in (b"", b"\x8e\xe6\x93\xbe", b"<XmlMsg/>", b"x" * 2_000_000):
        found = read_subsidy("PMHsimsm01req_1_face.xml.err", raw)
        assert found == Reading(whole=True, provable=False, request=REQUEST, failed=True)


def test_a_subsidy_result_is_one_however_many_certificates_it_holds() -> None:
    one = "<MedicalSubsidies><CertificationDetail/></MedicalSubsidies>"
    for count in (0, 1, 3):
        raw = f"<XmlMsg><MessageHeader/><MessageBody>{one * count}</MessageBody></XmlMsg>".encode()
        assert read_subsidy(RESULT, raw) == Reading(whole=True, request=REQUEST)


def test_the_size_limit_is_the_callers() -> None:
    raw = document().encode()
    assert read(raw, max_bytes=len(raw) - 1) == Unreadable("too_large")
    found = read(raw, max_bytes=len(raw))
    assert isinstance(found, Eligibility)
    assert found.outcome is Outcome.usable
