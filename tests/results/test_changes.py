"""Is anything new about a patient: by keys, and by fields where there are none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.desk.register import ShortRegister
from kiosk.results.changes import COMPARED, EligibilityChange, Prints, compare, prints_of
from kiosk.results.records import Confirmation, Record

HASHED = ShortRegister().hashed("01234")
RECORD = Record(
    name="見本　太郎",
    kana="ﾐﾎﾝ ｼﾖｳﾀﾛｳ",
    sex="1",
    birthdate="19541212",
    address="架空県見本市例示町一丁目２番３号",
    classification="01",
    insurer_number="990012",
    symbol="９９００",
    number="001234",
    branch="01",
    family="2",
    valid_from="20240401",
)
LIMIT = (("LimitApplicationCertificateClassificationFlag", "A03"),)


def prints(*records: Record, keys: tuple[str, ...] = ()) -> Prints:
    return prints_of(Confirmation(records or (RECORD,), keys), HASHED)


def against(now: Prints, known: Prints | None) -> EligibilityChange:
    change = compare(now, known)
    assert change.alarm == (change.learn is None)  # what nobody need look at is known from now on
    return change


def verdict(change: EligibilityChange) -> tuple[str, tuple[str, ...], bool]:
    return change.key, change.changed, change.alarm


def test_the_first_time_nobody_is_asked() -> None:
    assert verdict(against(prints(), None)) == ("first", (), False)
    assert against(prints(keys=("k",)), None).learn == prints(keys=("k",))


def test_an_equal_key_says_the_same_whatever_the_fields_say() -> None:
    other = replace(RECORD, name="見本　●郎", kana="ﾐﾎﾝ ｼｮｳﾀﾛｳ", address="架空県見本市例示町9-9")
    assert verdict(against(prints(other, keys=("b", "a")), prints(keys=("a", "b")))) == ("same", (), False)


def test_another_key_names_what_differs() -> None:
    other = replace(RECORD, insurer_number="06990010", symbol="77", number="7")
    names = ("InsurerNumber", "InsuredCardSymbol", "InsuredIdentificationNumber")
    assert verdict(against(prints(other, keys=("b",)), prints(keys=("a",)))) == ("changed", names, True)
    assert verdict(against(prints(keys=("b",)), prints(keys=("a",)))) == ("changed", (), True)


def test_one_key_less_or_more_is_a_change() -> None:
    assert against(prints(keys=("a",)), prints(keys=("a", "b"))).key == "changed"
    assert against(prints(keys=("a", "b")), prints(keys=("a",))).key == "changed"


def test_a_key_that_is_gone_is_asked_about_and_not_forgotten() -> None:
    change = against(prints(), prints(keys=("a",)))
    assert verdict(change) == ("unknown", (), True)
    # Confirmed or not, the old key is what the next result is compared with.
    assert change.now.keys == prints(keys=("a",)).keys


def test_the_first_key_of_a_known_patient_alarms_nobody() -> None:
    change = against(prints(keys=("a",)), prints())
    assert verdict(change) == ("same", (), False)
    assert change.learn is not None
    assert change.learn.keys == prints(keys=("a",)).keys
    assert against(prints(replace(RECORD, sex="2"), keys=("a",)), prints()).key == "changed"


@pytest.mark.parametrize(
    "other",
    [
        replace(RECORD, kana="ﾐﾎﾝ ｼｮｳﾀﾛｳ"),
        replace(RECORD, kana="みほん　しょうたろう"),
        replace(RECORD, address="架空県見本市例示町1-2-3"),
        replace(RECORD, name="見本 太郎", symbol="9900"),
        replace(RECORD, name="見本　●郎", address="架空県●本市"),
        replace(RECORD, valid_from=""),
        replace(RECORD, valid_to="20270331"),
        replace(RECORD, limit=LIMIT),
        replace(RECORD, insurer_name="架空保険組合", post_number="000-0000"),
    ],
)
def test_without_keys_spelling_alarms_nobody(other: Record) -> None:
    assert verdict(against(prints(other), prints())) == ("same", (), False)
    assert verdict(against(prints(), prints(other))) == ("same", (), False)


CHANGES = {
    "Name": replace(RECORD, name="見本　次郎"),
    "NameKana": replace(RECORD, kana="ﾐﾎﾝ ｼﾞﾛｳ"),
    "Sex1": replace(RECORD, sex="2"),
    "Birthdate": replace(RECORD, birthdate="19541213"),
    "Address": replace(RECORD, address="架空県見本市例示町一丁目２番４号"),
    "InsuredCardClassification": replace(RECORD, classification="05"),
    "InsurerNumber": replace(RECORD, insurer_number="990013"),
    "InsuredCardSymbol": replace(RECORD, symbol="9901"),
    "InsuredIdentificationNumber": replace(RECORD, number="001235"),
    "InsuredBranchNumber": replace(RECORD, branch=""),
    "PersonalFamilyClassification": replace(RECORD, family="1"),
    "InsuredPartialContributionRatio": replace(RECORD, ratio="020"),
    "InsuredCardValidDate": replace(RECORD, valid_from="20250401"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_without_keys_one_changed_field_alarms(name: str) -> None:
    assert verdict(against(prints(CHANGES[name]), prints())) == ("changed", (name,), True)


@pytest.mark.parametrize(
    ("name", "field", "one", "other"),
    [
        ("InsuredCardExpirationDate", "valid_to", "20260331", "20270331"),
        ("LimitApplicationCertificateRelatedInfo", "limit", LIMIT, ((LIMIT[0][0], "A04"),)),
        ("ElderlyRecipientCertificateInfo", "elderly", (("Ratio", "010"),), (("Ratio", "020"),)),
    ],
)
def test_what_may_be_absent_is_compared_when_both_have_it(name: str, field: str, one: object, other: object) -> None:
    def of(value: object) -> Prints:
        parts: dict[str, object] = {field: value}
        return prints(replace(RECORD, **parts))  # type: ignore[arg-type]  # the field's own kind

    assert verdict(against(of(other), of(one))) == ("changed", (name,), True)


def test_every_field_that_is_compared_has_a_test() -> None:
    absent = {"InsuredCardExpirationDate", "LimitApplicationCertificateRelatedInfo", "ElderlyRecipientCertificateInfo"}
    assert {*CHANGES, *absent} == set(COMPARED)


def test_what_could_not_be_compared_stays_known() -> None:
    change = against(prints(replace(RECORD, address="●")), prints())
    assert change.learn is not None
    assert against(prints(CHANGES["Address"]), change.learn).changed == ("Address",)


def test_records_have_no_order() -> None:
    other = replace(RECORD, classification="A1", insurer_number="12990011")
    assert against(prints(other, RECORD), prints(RECORD, other)).key == "same"
    assert against(prints(other, replace(RECORD, sex="2")), prints(RECORD, other)).changed == ("Sex1",)


def test_equal_values_of_two_patients_have_nothing_in_common() -> None:
    register = ShortRegister()
    one, other = (prints_of(Confirmation((RECORD,), ("a",)), register.hashed(number)) for number in ("1", "2"))
    assert not one.keys & other.keys
    assert not set(one.fields.values()) & set(other.fields.values())
    assert "見本" not in repr(one)
