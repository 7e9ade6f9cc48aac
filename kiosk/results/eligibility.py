"""Result XML bytes → `Eligibility` or `Unreadable(why)`; and `Reading`, what delivery needs to know of any file.

Owns the reading of the confirmation terminal's documents: decoding, hostile XML, and what the elements mean.
Must never do I/O, never raise on any bytes, never guess a number, and never find an element by its position.
The only module that imports lxml.

Source of the format: public descriptions; the official interface specification was not available. So: tolerant in
what is accepted (order, unknown elements, unknown codes), strict in what is believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lxml import etree

from kiosk.results import names as result_files

DEFAULT_MAX_BYTES: Final = 1_048_576
MAX_NUMBER_CHARS: Final = 50
# Memory follows the number of nodes, not of bytes: some 300 bytes a node. 1 MiB of `<a/>` passes, 64 MiB does not.
_MAX_NODES: Final = 300_000

_XML_DECLARATION = re.compile(
    rb"""<\?xml(?:\s+version\s*=\s*(?:"1\.[0-9]{1,2}"|'1\.[0-9]{1,2}'))?"""
    rb"""(?:\s+encoding\s*=\s*(?:"(?P<double>[A-Za-z0-9._-]{1,40})"|'(?P<single>[A-Za-z0-9._-]{1,40})'))?"""
    rb"""(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>"""
)
_DOCTYPE = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_UTF8_NAMES: Final = frozenset({"utf-8", "utf8"})
_SHIFT_JIS_NAMES: Final = frozenset({"shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "ms932", "cp932"})
# zip (with its empty and spanned forms), gzip, 7z: what an encryption module leaves.
_ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c")
# Python's cp932 gives these for bytes that CP932 does not define; "decodes strictly" must not include them.
_NOT_CP932 = re.compile("[\x80\uf8f0-\uf8f3]")
_THREE_BYTES = re.compile("[\u0800-\uffff]")


class Outcome(StrEnum):
    """What a whole document says. All but `usable` are reasons at the counter."""

    usable = "usable"
    not_registered = "not_registered"
    ambiguous = "ambiguous"
    failed = "failed"
    no_qualification = "no_qualification"
    unreadable = "unreadable"


@dataclass(frozen=True)
class Subsidy:
    """The link `PmhInfo/RequestPmhFileName`. Absent, empty and blank are the same: neither `refused` nor a `request`.

    `request` is a name that passed `result_files.request_name`; `refused` means a name was given and is not accepted,
    then no file is looked for.
    """

    refused: bool
    request: str | None = field(repr=False)


@dataclass(frozen=True)
class Eligibility:
    """An eligibility result that is a whole document.

    `reference_number`: 1–50 printable characters, only when `outcome` is usable. `birthdate`: eight digits as written
    (parts may be 00), only when every record that has one says the same. `notes`: codes for slip and screen.
    `institution_code`: as written, "?" when it cannot be read, None when absent.
    """

    outcome: Outcome
    reference_number: str | None = field(repr=False)
    birthdate: str | None = field(repr=False)
    notes: tuple[str, ...]
    institution_code: str | None
    subsidy: Subsidy


@dataclass(frozen=True)
class Unreadable:
    """The bytes are not a whole document that may be trusted.

    `why`: empty · too_large · archive (encryption may be on at the terminal) · encoding · doctype · too_many_nodes ·
    deep · not_xml · not_xmlmsg.
    """

    why: str


@dataclass(frozen=True)
class Reading:
    """`whole`: a complete document. `provable`: bytes of this kind can show that they are whole (XML can, .err cannot).

    `request`: the lower-case subsidy request name the file belongs to or asks for, or "". `failed`: the terminal could
    not fetch the subsidies.
    """

    whole: bool
    provable: bool = True
    why: str = ""
    request: str = ""
    failed: bool = False
    refused: bool = False
    result: Eligibility | None = field(repr=False, default=None)


# The file's name, its bytes, and how many it may have.
Reader = Callable[[str, bytes, int], Reading]


def read(raw: bytes, max_bytes: int = DEFAULT_MAX_BYTES) -> Eligibility | Unreadable:
    """Read an eligibility result. Never raises for what is in `raw`."""
    root = _document(raw, max_bytes)
    if isinstance(root, Unreadable):
        return root
    header = _children([root], "MessageHeader")
    body = _children([root], "MessageBody")
    lists = _children(body, "ResultList")
    records = _children(lists, "ResultOfQualificationConfirmation")
    # Known place: the record. Beside the list or in it is the fall-back; wherever it stands, all must agree.
    numbers = _values(records + lists + body, "ReferenceNumber") - {""}
    validity = _values(body, "QualificationValidity")
    codes = _values(header, "MedicalInstitutionCode") - {""}
    succeeded = (
        _values(header, "SegmentOfResult") == {"1"}
        and _values(body, "ProcessingResultStatus") == {"1"}
        # Singletons that contradict themselves: the document says nothing we may rely on.
        and len(validity) <= 1
        and len(codes) <= 1
    )
    outcome = _outcome(succeeded, validity, numbers)
    usable = outcome is Outcome.usable
    return Eligibility(
        outcome=outcome,
        reference_number=next(iter(numbers)) if usable else None,
        birthdate=_birthdate(_values(records, "Birthdate") - {""}),
        notes=("insurance_check",) if usable and validity != {"1"} else (),
        institution_code=_institution_code(codes),
        subsidy=_subsidy(_values(_children(body, "PmhInfo"), "RequestPmhFileName") - {""}),
    )


def read_result(_name: str, raw: bytes, max_bytes: int) -> Reading:
    """An eligibility result."""
    found = read(raw, max_bytes)
    if isinstance(found, Unreadable):
        return Reading(whole=False, why=found.why)
    subsidy = found.subsidy
    return Reading(whole=True, request=(subsidy.request or "").lower(), refused=subsidy.refused, result=found)


def read_subsidy(name: str, raw: bytes, max_bytes: int = DEFAULT_MAX_BYTES) -> Reading:
    """A subsidy file. An error file is opaque bytes: its being there is all it says."""
    request = result_files.request_key(name) or ""
    if result_files.kind(name) == "subsidy_error":
        return Reading(whole=True, provable=False, request=request, failed=True)
    root = _document(raw, max_bytes)
    if isinstance(root, Unreadable):
        return Reading(whole=False, why=root.why, request=request)
    return Reading(whole=True, request=request)


# What the elements mean ------------------------------------------------------------------------------------------


def _outcome(succeeded: bool, validity: set[str | None], numbers: set[str | None]) -> Outcome:
    if not succeeded:
        return Outcome.failed
    if validity == {"4"}:
        return Outcome.no_qualification
    if len(numbers) > 1:
        return Outcome.ambiguous
    if not numbers:
        return Outcome.not_registered
    return Outcome.usable if _is_number(next(iter(numbers))) else Outcome.unreadable


def _is_number(text: str | None) -> bool:
    """`ReferenceNumber` is an identifier of 1–50 printable characters. Printable leaves out control, format (bidi
    overrides), private-use and unassigned characters and every blank but the plain one.
    """
    return text is not None and 0 < len(text) <= MAX_NUMBER_CHARS and text.isprintable()


def _birthdate(dates: set[str | None]) -> str | None:
    date = next(iter(dates)) if len(dates) == 1 else None
    return date if date is not None and re.fullmatch("[0-9]{8}", date) else None


def _institution_code(codes: set[str | None]) -> str | None:
    if not codes:
        return None
    code = next(iter(codes)) if len(codes) == 1 else None
    return code if code is not None and re.fullmatch("[0-9A-Za-z]{1,20}", code) else "?"


def _subsidy(names: set[str | None]) -> Subsidy:
    name = next(iter(names)) if len(names) == 1 else None
    request = result_files.request_name(name) if name is not None else None
    return Subsidy(refused=bool(names) and request is None, request=request)


# Elements by name ------------------------------------------------------------------------------------------------


def _children(parents: list[etree._Element], name: str) -> list[etree._Element]:
    # No namespaces are known in these files: `{ns}Name` is another name.
    return [child for parent in parents for child in parent.iterchildren(name)]


def _values(parents: list[etree._Element], name: str) -> set[str | None]:
    """The different values of the children `name`; None stands for one that holds elements instead of a value."""
    return {_value(element) for element in _children(parents, name)}


def _value(element: etree._Element) -> str | None:
    # `.text` would silently end before a child element: half a number is another patient's number.
    return None if len(element) else (element.text or "").strip()


# Bytes to a tree -------------------------------------------------------------------------------------------------


def _document(raw: bytes, max_bytes: int) -> etree._Element | Unreadable:
    if not raw:
        return Unreadable("empty")
    if len(raw) > max_bytes:
        return Unreadable("too_large")
    if raw.startswith(_ARCHIVES):
        return Unreadable("archive")
    text = _text(raw)
    if isinstance(text, Unreadable):
        return text
    if _DOCTYPE.search(text):
        return Unreadable("doctype")
    if text.count("<") + text.count("=") > _MAX_NODES:
        return Unreadable("too_many_nodes")
    return _tree(text)


def _tree(text: str) -> etree._Element | Unreadable:
    # Settings that passed a whole attack corpus with lxml 6.1; comments go, so that they cannot split a value.
    parser = etree.XMLParser(  # type: ignore[call-arg]  # the stubs are older than `decompress`
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        decompress=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        return Unreadable("deep" if "depth" in (error.msg or "") else "not_xml")
    # The second lock on the same door: a document type declaration that the search above did not see.
    if root.getroottree().docinfo.internalDTD is not None or next(root.iter(etree.Entity), None) is not None:
        return Unreadable("doctype")
    return root if root.tag == "XmlMsg" else Unreadable("not_xmlmsg")


def _text(raw: bytes) -> str | Unreadable:
    """The document as text without byte-order mark and XML declaration (libxml2 must not decode by itself: it refuses
    CP932's own characters under the name Shift_JIS, and reads UTF-7 and UTF-16).
    """
    body = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in body or body.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return Unreadable("encoding")
    declaration = _XML_DECLARATION.match(body)
    if declaration is None and re.match(rb"<\?xml[\s?]", body):
        return Unreadable("not_xml")
    rest = body[declaration.end() :] if declaration else body
    named = (declaration["double"] or declaration["single"]) if declaration else None
    name = named.decode("ascii").lower() if named else "utf-8"
    if name not in _UTF8_NAMES | _SHIFT_JIS_NAMES:
        return Unreadable("encoding")
    text = _decoded(rest, marked=len(body) < len(raw), japanese=name in _SHIFT_JIS_NAMES)
    return Unreadable("encoding") if text is None else text


def _decoded(rest: bytes, *, marked: bool, japanese: bool) -> str | None:
    """`rest` by its byte-order mark, else as declared, else as the other one; None when no way decodes strictly."""
    utf8 = _strict(rest, "utf-8")
    if marked:
        return utf8
    # Valid UTF-8 with kana or kanji in it is practically never CP932: there, the declaration lies.
    if utf8 is not None and (not japanese or _THREE_BYTES.search(utf8)):
        return utf8
    cp932 = _strict(rest, "cp932")
    if cp932 is not None and not _NOT_CP932.search(cp932):
        return cp932
    return utf8


def _strict(rest: bytes, codec: str) -> str | None:
    try:
        return rest.decode(codec)
    except UnicodeDecodeError:
        return None
