"""Whom a result is about: fields, keys, several records."""

from __future__ import annotations

from kiosk.results.documents import Unreadable
from kiosk.results.records import Confirmation, Record, read

RECORD = """<ResultOfQualificationConfirmation>
<InsuredCardClassification>01</InsuredCardClassification><InsurerNumber>  990012</InsurerNumber>
<InsuredCardSymbol>９９００</InsuredCardSymbol><InsuredIdentificationNumber>001234</InsuredIdentificationNumber>
<InsuredBranchNumber>01</InsuredBranchNumber><PersonalFamilyClassification>2</PersonalFamilyClassification>
<InsuredName>世帯　主</InsuredName><Name>見本　太郎</Name><NameKana>ﾐﾎﾝ ﾀﾛｳ</NameKana><Sex2>1</Sex2>
<Birthdate>19541212</Birthdate><Address>架空県見本市</Address><ReferenceNumber>01234</ReferenceNumber>
<LimitApplicationCertificateRelatedInfo><LimitApplicationCertificateClassification>01</LimitApplicationCertificateClassification>
<LimitApplicationCertificateClassificationFlag>A03</LimitApplicationCertificateClassificationFlag>
</LimitApplicationCertificateRelatedInfo>
<ElderlyRecipientCertificateInfo><ElderlyRecipientContributionRatio>020</ElderlyRecipientContributionRatio>
</ElderlyRecipientCertificateInfo>{more}</ResultOfQualificationConfirmation>"""


def document(records: str, body: str = "") -> bytes:
    header = "<MessageHeader><ProcessExecutionTime>20260115090000</ProcessExecutionTime></MessageHeader>"
    return f"<XmlMsg>{header}<MessageBody><ResultList>{records}</ResultList>{body}</MessageBody></XmlMsg>".encode()


def confirmation(records: str, body: str = "") -> Confirmation:
    found = read(document(records, body))
    assert isinstance(found, Confirmation)
    return found


def key(text: str) -> str:
    return f"<QualificationConfirmationKey>{text}</QualificationConfirmationKey>"


def test_a_record_has_the_person_and_the_insurance() -> None:
    validity = "<QualificationValidity>1</QualificationValidity><ProcessingResultMessage>期限</ProcessingResultMessage>"
    found = confirmation(RECORD.format(more=""), validity)
    (record,) = found.records
    assert (record.name, record.kana, record.sex, record.birthdate) == ("見本　太郎", "ﾐﾎﾝ ﾀﾛｳ", "1", "19541212")
    assert (record.classification, record.insurer_number, record.symbol) == ("01", "990012", "９９００")
    assert (record.number, record.branch, record.family, record.reference_number) == ("001234", "01", "2", "01234")
    assert record.limit == (
        ("LimitApplicationCertificateClassification", "01"),
        ("LimitApplicationCertificateClassificationFlag", "A03"),
    )
    assert record.elderly == (("ElderlyRecipientContributionRatio", "020"),)
    assert (found.validity, found.message, found.processed_at) == ("1", "期限", "20260115090000")


def test_keys_are_taken_wherever_they_stand_and_have_no_order() -> None:
    two = RECORD.format(more=key("bbb")) + RECORD.format(more=key(" aaa "))
    assert confirmation(two).keys == ("aaa", "bbb")
    assert confirmation(RECORD.format(more=""), key("ccc")).keys == ("ccc",)
    assert confirmation(RECORD.format(more=key("")), key(" ")).keys == ()


def test_what_stands_twice_with_two_meanings_is_left_out() -> None:
    (record,) = confirmation(RECORD.format(more="<Name>別　人</Name>")).records
    assert record.name == ""
    assert record.kana


def test_a_result_may_have_no_record() -> None:
    assert read(b"<XmlMsg><MessageHeader/></XmlMsg>") == Confirmation((), ())
    assert read(b"PK\x03\x04") == Unreadable("archive")


def test_no_value_of_a_patient_is_in_a_repr() -> None:
    text = repr(confirmation(RECORD.format(more=key("k" * 64))))
    assert not [each for each in ("見本", "19541212", "001234", "kkkk") if each in text]
    assert "見本" not in repr(Record(name="見本"))
