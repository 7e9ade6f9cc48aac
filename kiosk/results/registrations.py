"""The registration of one reference number (照会番号): the bytes of the request, and what the terminal's answer says.

`OQSsiimm01req_<yyyyMMdd><NNNN>.xml` → `OQSsiimm01res_` with the same tail (interface OQS-IF-003). Must never do I/O,
never raise on the bytes of an answer, and never take for registered what is in doubt.

Source of the format: YUKI-ENT/MynaReception (specification and tests of its registration, an answer of a real terminal
of 2026-09-30); the official interface specification was not available. Codes of errors are not public: they are shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from xml.sax.saxutils import escape

from lxml import etree

from kiosk.results.documents import Unreadable, children, document, value
from kiosk.results.eligibility import MAX_NUMBER_CHARS

ANSWER_MAX_BYTES: Final = 65_536
_INSURER_CHARS: Final = 8
_MAX_TEXT_CHARS: Final = 20
_MAX_MESSAGE_CHARS: Final = 200
_REQUEST_NAME = re.compile(r"OQSsiimm01req_[0-9]{12}\.xml", re.ASCII)

# registered: by the terminal's word, all of it ours. failed: refused with `code`. not_ours: an answer to somebody
# else's request. unsure: neither yes nor no; a person must look. incomplete: not a whole document (yet).
Verdict = Literal["registered", "failed", "not_ours", "unsure", "incomplete"]
# What of an answer did not fit, or the reason of `Unreadable`.
Why = str


@dataclass(frozen=True)
class Insurance:
    """The insurance of a result, as its record writes it. `insurer`: up to 8 digits, without the padding.

    `symbol` and `branch`: None where the record has none; a branch is never invented.
    """

    insurer: str = field(repr=False)
    symbol: str | None = field(repr=False)
    identification: str = field(repr=False)
    branch: str | None = field(repr=False)


@dataclass(frozen=True)
class Request:
    """One request. `file`: its name. `institution`: 10 digits. `identifier`: ours, comes back in the answer.

    `number`: the reference number to register.
    """

    file: str
    institution: str
    identifier: str
    number: str = field(repr=False)
    insurance: Insurance = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """`code`: the terminal's, of plain characters, "" when it gave none; `message`: its words, at most 200 characters.

    Both are foreign text; a registered number may have them too. `why`: of not_ours and unsure what did not fit
    (identifier, institution, segment, status, number, insurance, repeated), of incomplete that of `Unreadable`.
    """

    verdict: Verdict
    why: Why = ""
    code: str = ""
    message: str = field(repr=False, default="")


# Requests --------------------------------------------------------------------------------------------------------


def request_file(day: str, number: int) -> str:
    """The name of a request. `day`: yyyyMMdd; `number`: 1–9999 of that day."""
    return f"OQSsiimm01req_{day}{number:04d}.xml"


def answer_file(request: str) -> str:
    """The name of the answer to the request file `request`. ValueError: no name of a request."""
    if not _REQUEST_NAME.fullmatch(request):
        raise ValueError("not the name of a registration request")
    return request.replace("req_", "res_", 1)


def is_number(text: str) -> bool:
    """Whether `text` may be registered: 1–50 printable characters that the request's encoding has, no blanks around."""
    return 0 < len(text) <= MAX_NUMBER_CHARS and text == text.strip() and _written(text)


def is_insurance(insurance: Insurance) -> bool:
    """Whether each field has the form that a request takes."""
    texts = [insurance.identification, *([insurance.symbol] if insurance.symbol is not None else [])]
    return (
        re.fullmatch("[0-9]{1,8}", insurance.insurer) is not None
        and all(0 < len(text) <= _MAX_TEXT_CHARS and text == text.strip() and _written(text) for text in texts)
        and (insurance.branch is None or re.fullmatch("[0-9]{2}", insurance.branch) is not None)
    )


def is_institution(text: str | None) -> bool:
    """Whether `text` is a 医療機関コード: ten digits."""
    return text is not None and re.fullmatch("[0-9]{10}", text) is not None


def to_bytes(request: Request) -> bytes:
    """The request in Shift_JIS (Windows). UnicodeEncodeError for what `is_number` and `is_insurance` refuse."""
    insurance = request.insurance
    details = [
        ("ReferenceNumber", request.number),
        ("InsurerNumber", insurance.insurer.rjust(_INSURER_CHARS)),
        ("InsuredCardSymbol", insurance.symbol),
        ("InsuredIdentificationNumber", insurance.identification),
        ("InsuredBranchNumber", insurance.branch),
    ]
    header = [("MedicalInstitutionCode", request.institution), ("ArbitraryFileIdentifier", request.identifier)]
    text = (
        '<?xml version="1.0" encoding="Shift_JIS" standalone="no"?>\n'
        f"<XmlMsg><MessageHeader>{_elements(header)}</MessageHeader><MessageBody><ReferenceNumberRegistrationInfo>"
        f"{_elements(details)}</ReferenceNumberRegistrationInfo></MessageBody></XmlMsg>\n"
    )
    return text.encode("cp932")


def _elements(values: Sequence[tuple[str, str | None]]) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in values if text)


def _written(text: str) -> bool:
    try:
        text.encode("cp932")
    except UnicodeEncodeError:
        return False
    return text.isprintable()


# Answers ---------------------------------------------------------------------------------------------------------


def read_answer(raw: bytes, request: Request) -> Answer:
    """What the file named `answer_file(request.file)` says about `request`. Never raises for what is in `raw`."""
    root = document(raw, ANSWER_MAX_BYTES)
    if isinstance(root, Unreadable):
        return Answer("incomplete", root.why)
    header, body = children([root], "MessageHeader"), children([root], "MessageBody")
    for why, name, ours in (
        ("institution", "MedicalInstitutionCode", request.institution),
        ("identifier", "ArbitraryFileIdentifier", request.identifier),
    ):
        named = _all(header, name)
        if named != [ours]:
            return Answer("not_ours" if len(named) == 1 and named[0] else "unsure", why, _code(header, "ErrorCode"))
    segment = _all(header, "SegmentOfResult")
    if len(segment) != 1 or not re.fullmatch("[0-9]", segment[0] or ""):
        return Answer("unsure", "segment", _code(header, "ErrorCode"))
    if segment != ["1"] or any(_all(header, "ErrorCode")):
        return Answer("failed", "", _code(header, "ErrorCode"), _message(header, "ErrorMessage"))
    return _of_body(body, request)


def _of_body(body: list[etree._Element], request: Request) -> Answer:
    """The answer of a document that is ours and whose header says success."""
    code, message = _code(body, "ProcessingResultCode"), _message(body, "ProcessingResultMessage")
    infos = children(body, "ReferenceNumberRegistrationInfo")
    status = _all(body, "ProcessingResultStatus")
    if len(status) > 1 or len(infos) > 1:
        return Answer("unsure", "repeated", code, message)
    if status == ["2"]:
        return Answer("failed", "", code, message)
    if status != ["1"]:
        return Answer("unsure", "status", code, message)
    if _all(infos, "ReferenceNumber") != [request.number]:
        return Answer("unsure", "number", code, message)
    insurance = request.insurance
    for name, ours in (
        ("InsurerNumber", insurance.insurer),
        ("InsuredCardSymbol", insurance.symbol),
        ("InsuredIdentificationNumber", insurance.identification),
        ("InsuredBranchNumber", insurance.branch),
    ):
        # What the answer leaves out says nothing; what it says must be ours, however wide it writes it.
        if any(theirs is None or _plain(theirs) != _plain(ours) for theirs in _all(infos, name) if theirs != ""):
            return Answer("unsure", "insurance", code, message)
    return Answer("registered", "", code, message)


def _all(parents: list[etree._Element], name: str) -> list[str | None]:
    """The value of each child `name`, in order; None stands for one that holds elements instead of a value."""
    return [value(element) for element in children(parents, name)]


def _plain(text: str | None) -> str:
    return unicodedata.normalize("NFKC", text or "").strip()


def _code(parents: list[etree._Element], name: str) -> str:
    codes = [code for code in _all(parents, name) if code]
    return codes[0] if len(codes) == 1 and re.fullmatch("[0-9A-Za-z_.-]{1,20}", codes[0]) else ""


def _message(parents: list[etree._Element], name: str) -> str:
    text = " ".join(words for words in _all(parents, name) if words)
    return "".join(sign for sign in text if sign.isprintable())[:_MAX_MESSAGE_CHARS]
