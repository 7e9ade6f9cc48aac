"""Result files as the confirmation terminal writes them, about people who do not exist. For the demo and for tests.

    >>> person = Insured("架空　太郎", "ｶｸｳ ﾀﾛｳ", "19800101", number="00012", subsidy="failed")
    >>> left = tap(person, datetime(2026, 1, 15, 8, 52), institution_code="1311234567")
    >>> left.result.name[:29], left.result.name[-19:]
    ('OQSsiquc01res_face_1311234567', '_20260115085200.xml')
    >>> "<ReferenceNumber>00012</ReferenceNumber>" in left.result.content.decode()
    True
    >>> left.subsidy.name[-8:], left.subsidy.content.decode("cp932")
    ('.xml.err', '医療費助成情報の取得に失敗しました（模擬）')

Owns names and content of these files. Must never hold anything of a real person, write a file, or be imported by
anything that runs in a hospital.

Source of the format: public descriptions; the official interface specification was not available.
"""

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from xml.sax.saxutils import escape

from drivers.simulated.certificates import CHILD, Paper, written

# late: the result names a request, and nothing comes.
Subsidy = Literal["none", "fetched", "failed", "late"]
_SMALL_KANA = str.maketrans("ァィゥェォッャュョ", "アイウエオツヤユヨ")


@dataclass(frozen=True)
class Insured:
    """A synthetic person as the terminal knows one.

    `name` has U+3000 between family and given name, `kana` is half-width; `birthdate` is yyyymmdd. `number` None: no
    reference number is registered. `validity`: QualificationValidity, 1 = valid, 2 = not valid any more. `papers`: the
    certificates of a fetched subsidy. `insurer`: six or eight digits. `has_key`: the result has a 資格確認キー.
    """

    name: str = field(repr=False)
    kana: str = field(repr=False)
    birthdate: str = field(repr=False)
    number: str | None = field(repr=False)
    sex: Literal["1", "2"] = "1"
    validity: Literal["1", "2", "3", "4", "5"] = "1"
    subsidy: Subsidy = "none"
    papers: tuple[Paper, ...] = field(default=(CHILD,), repr=False)
    address: str = field(default="架空県見本市例示町一丁目２番３号", repr=False)
    insurer: str = "990001"
    has_key: bool = True


@dataclass(frozen=True)
class ResultFile:
    """One file of a tap."""

    name: str = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Tap:
    """What one tap leaves: the eligibility result, and the subsidy's result or error file if there is one."""

    result: ResultFile
    subsidy: ResultFile | None


def tap(person: Insured, at: datetime, institution_code: str) -> Tap:
    """The files of one tap at `at` (the terminal's local time). Names never repeat: they carry fresh random digits.

    `institution_code`: ten digits.
    """
    moment = f"{at:%Y%m%d%H%M%S}"
    request, subsidy = None, None
    if person.subsidy != "none":
        # As in the Digital Agency's samples: institution, six characters, moment and two digits.
        ident = f"{institution_code}{secrets.token_hex(3).upper()}{moment}{secrets.randbelow(100):02}"
        request = f"PMHsimsm01req_{ident}_face.xml"
        subsidy = None if person.subsidy == "late" else _subsidy_file(person, request, moment)
    name = f"OQSsiquc01res_face_{institution_code}{secrets.token_hex(10)}_{moment}.xml"
    return Tap(ResultFile(name, _eligibility(person, moment, institution_code, request)), subsidy)


def _eligibility(person: Insured, moment: str, institution_code: str, request: str | None) -> bytes:
    header = _elements(
        ProcessExecutionTime=moment,
        QualificationConfirmationDate=moment[:8],
        MedicalInstitutionCode=institution_code,
        ArbitraryFileIdentifier=secrets.token_hex(8),
        ReferenceClassification="1",
        SegmentOfResult="1",
        CharacterCodeIdentifier="0",
    )
    record = _elements(
        InsuredCardClassification="01",
        # Eight wide, padded with blanks on the left, as in the files of the field.
        InsurerNumber=f"{person.insurer:>8}",
        InsuredCardSymbol="9900",
        InsuredIdentificationNumber=f"{int(hashlib.sha256(person.kana.encode()).hexdigest(), 16) % 10**6:06}",
        InsuredBranchNumber="01",
        PersonalFamilyClassification="1",
        InsuredName=person.name,
        Name=person.name,
        NameKana=person.kana,
        Sex1=person.sex,
        Birthdate=person.birthdate,
        Address=person.address,
        PostNumber="000-0000",
        InsuredCardValidDate="20240401",
        InsurerName="架空保険組合",
        QualificationConfirmationKey=_key(person) if person.has_key else None,
        ReferenceNumber=person.number,
    )
    body = (
        _elements(ProcessingResultStatus="1", QualificationValidity=person.validity)
        + f"<ResultList><ResultOfQualificationConfirmation>{record}</ResultOfQualificationConfirmation></ResultList>"
        + (f"<PmhInfo>{_elements(RequestPmhFileName=request)}</PmhInfo>" if request else "")
    )
    return _document(header, body)


def _key(person: Insured) -> str:
    """As the real one: another spelling of the same kana is no change."""
    kana = unicodedata.normalize("NFKC", person.kana).translate(_SMALL_KANA)
    what = (person.name, kana, person.birthdate, person.sex, person.address, person.insurer, person.validity)
    return hashlib.sha256(repr(what).encode()).hexdigest()


def _subsidy_file(person: Insured, request: str, moment: str) -> ResultFile:
    if person.subsidy == "failed":
        return ResultFile(f"{request}.err", "医療費助成情報の取得に失敗しました（模擬）".encode("cp932"))
    content = _document(_elements(ProcessExecutionTime=moment), written(person.papers))
    return ResultFile(request.replace("req_", "res_", 1), content)


def _document(header: str, body: str) -> bytes:
    text = (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
        f"<XmlMsg><MessageHeader>{header}</MessageHeader><MessageBody>{body}</MessageBody></XmlMsg>\n"
    )
    return text.encode()


def _elements(**values: str | None) -> str:
    """Elements in this order; what is None is left out, as the terminal does."""
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items() if value is not None)
