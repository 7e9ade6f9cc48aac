"""Who an eligibility result is about, and by which insurance: what staff see and what is compared from visit to visit.

Must never pick one record of several, and never believe a value that stands twice with two meanings: it is left out.
Source of the element names: public descriptions and open readers of such files; see `eligibility`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from kiosk.results.documents import DEFAULT_MAX_BYTES, Unreadable, children, document, value, values

KEY: Final = "QualificationConfirmationKey"
# The fields of a record and their elements.
TAGS: Final = {
    "name": "Name",
    "kana": "NameKana",
    "other_name": "NameOfOther",
    "other_kana": "NameOfOtherKana",
    "birthdate": "Birthdate",
    "address": "Address",
    "post_number": "PostNumber",
    "classification": "InsuredCardClassification",
    "insurer_number": "InsurerNumber",
    "symbol": "InsuredCardSymbol",
    "number": "InsuredIdentificationNumber",
    "branch": "InsuredBranchNumber",
    "family": "PersonalFamilyClassification",
    "insurer_name": "InsurerName",
    "ratio": "InsuredPartialContributionRatio",
    "valid_from": "InsuredCardValidDate",
    "valid_to": "InsuredCardExpirationDate",
    "reference_number": "ReferenceNumber",
}
GROUPS: Final = {"limit": "LimitApplicationCertificateRelatedInfo", "elderly": "ElderlyRecipientCertificateInfo"}


@dataclass(frozen=True, repr=False, slots=True)
class Record:
    """One `ResultOfQualificationConfirmation`. Texts as written, without blanks around them; "" where there is none.

    `birthdate`, `valid_from`, `valid_to`: eight digits mostly (parts may be 00). `sex`: 1 man, 2 woman, 3 not set.
    `insurer_number`: six or eight digits without the padding. `branch`: two digits, none for the late elderly.
    `limit` and `elderly`: what 限度額適用認定証 and 高齢受給者証 say, as (element, value), only there with consent.
    """

    name: str = ""
    kana: str = ""
    other_name: str = ""  # 通称 and the like
    other_kana: str = ""
    sex: str = ""
    birthdate: str = ""
    address: str = ""
    post_number: str = ""
    classification: str = ""
    insurer_number: str = ""
    symbol: str = ""
    number: str = ""
    branch: str = ""
    family: str = ""  # 1 本人, 2 家族
    insurer_name: str = ""
    ratio: str = ""  # of the late elderly: `010` is a tenth
    valid_from: str = ""
    valid_to: str = ""
    reference_number: str = ""
    limit: tuple[tuple[str, str], ...] = ()
    elderly: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What one eligibility result holds for staff, beside what `eligibility.Eligibility` concludes from it.

    `records`: in the file's order. `keys`: the 資格確認キー, opaque, sorted, each once. `validity`: the code of
    `QualificationValidity`. `message`: side information of the terminal, also of a result that is well.
    """

    records: tuple[Record, ...] = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)
    validity: str = ""
    code: str = ""
    message: str = field(repr=False, default="")
    processed_at: str = ""  # ProcessExecutionTime, 14 digits


def read(raw: bytes, max_bytes: int = DEFAULT_MAX_BYTES) -> Confirmation | Unreadable:
    """Read an eligibility result. Never raises for what is in `raw`."""
    root = document(raw, max_bytes)
    if isinstance(root, Unreadable):
        return root
    body = children([root], "MessageBody")
    elements = children(children(body, "ResultList"), "ResultOfQualificationConfirmation")
    return Confirmation(
        records=tuple(_record(each) for each in elements),
        # Where a key stands is not public: seen in a record, read wherever it is.
        keys=tuple(sorted({found for each in root.iter(KEY) if (found := value(each))})),
        validity=_only(body, "QualificationValidity"),
        code=_only(body, "ProcessingResultCode"),
        message=_only(body, "ProcessingResultMessage"),
        processed_at=_only(children([root], "MessageHeader"), "ProcessExecutionTime"),
    )


def _record(element: etree._Element) -> Record:
    parts: dict[str, Any] = {name: _only([element], tag) for name, tag in TAGS.items()}
    parts |= {name: _leaves(children([element], tag)) for name, tag in GROUPS.items()}
    return Record(**parts, sex=_only([element], "Sex1") or _only([element], "Sex2"))


def _only(parents: list[etree._Element], name: str) -> str:
    found = values(parents, name) - {"", None}
    return str(next(iter(found))) if len(found) == 1 else ""


def _leaves(elements: list[etree._Element]) -> tuple[tuple[str, str], ...]:
    """What stands in them, whatever it is called, in an order of our own."""
    found = ((str(leaf.tag), value(leaf)) for each in elements for leaf in each.iter() if leaf is not each)
    return tuple(sorted((tag, text) for tag, text in found if text))
