"""The hospital's patients: what is read, what is found, and what is refused without a patient's value in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.desk.patients import PatientRow, Patients, birth_of, folded

HEADER = "number,name,kana,birth\n"
ROWS = (
    "00011,例示　翔,レイジ ショウ,2018-05-06\n"
    "00012,見本 花子,ﾐﾎﾝ ﾊﾅｺ,S20.1.2\n"
    "2-000,髙﨑\ue000 徳①,タカサキ トク,\n"
    "120180506,架空 一,カクウ ハジメ,昭和64年1月7日\n"
)


def patients(tmp_path: Path, content: str | bytes) -> Patients:
    file = tmp_path / "patients.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return Patients(file)


@pytest.fixture
def known(tmp_path: Path) -> Patients:
    found = patients(tmp_path, HEADER + ROWS)
    assert found.refresh() is None
    return found


def numbers(found: tuple[PatientRow, ...]) -> list[str]:
    return [patient.number for patient in found]


def test_a_patient_is_found_by_exactly_the_number(known: Patients) -> None:
    assert known.usable
    assert known.of_number(" 00011 ") == PatientRow("00011", "例示 翔", "レイジ ショウ", "20180506")
    assert known.of_number("2-000") == PatientRow("2-000", "髙﨑〓 徳①", "タカサキ トク", "")
    for other in ("0001", "11", "", "00011\t例示", "20180506", "例示"):
        assert known.of_number(other) is None


def test_patients_are_searched_by_the_beginning_of_a_number_and_by_parts_of_names(known: Patients) -> None:
    assert numbers(known.search("0001")) == ["00011", "00012"]
    assert numbers(known.search("０００１")) == ["00011", "00012"]
    assert numbers(known.search("0001", most=1)) == ["00011"]
    assert numbers(known.search("0506")) == []
    assert numbers(known.search("2018")) == []
    assert numbers(known.search("れいじ しよう")) == ["00011"]
    assert numbers(known.search("ﾊﾅｺ")) == ["00012"]
    assert numbers(known.search("見本花子")) == ["00012"]
    assert numbers(known.search("カ")) == ["2-000", "120180506"]
    assert numbers(known.search("\t")) == numbers(known.search(" ")) == numbers(known.search("〒")) == []


def test_without_a_good_table_nobody_is_found(tmp_path: Path) -> None:
    bad = patients(tmp_path, HEADER + "00011,ZZ,ZZ,1945-13-01\n")
    assert bad.of_number("00011") is None
    assert bad.refresh() is not None
    assert not bad.usable
    assert bad.of_number("00011") is None
    assert bad.search("ZZ") == ()


def test_a_changed_file_counts_once_it_was_refreshed_and_a_bad_one_never(tmp_path: Path, known: Patients) -> None:
    new = tmp_path / "new.csv"
    new.write_text(HEADER + "00011,ZZ,ZZ,x\n")
    new.rename(tmp_path / "patients.csv")
    assert known.refresh() is not None
    assert known.of_number("00012")
    new.write_text(HEADER + "00099,例示 遥,レイジ ハルカ,1990/1/2\n")
    new.rename(tmp_path / "patients.csv")
    assert known.of_number("00012")
    assert known.refresh() is None
    assert known.of_number("00012") is None
    assert known.of_number("00099")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("number,name,kana\n1,ZZ,ZZ\n", "line 1: expected a header with number,name,kana,birth"),
        (HEADER + "1,ZZ,ZZ,1945-02-30\n", "line 2: birth is no date"),
        (HEADER + "1,ZZ,ZZ,\n1,ZY,ZZ,\n", "line 3: the number stands above"),
        (HEADER + ",ZZ,ZZ,\n", "line 2: number is empty"),
        (HEADER + "Z\u202eZ,ZZ,ZZ,\n", "line 2: number must be"),
        (HEADER + "1," + "Z" * 101 + ",ZZ,\n", "line 2: name is longer than 100"),
        (HEADER + "1,ZZ\n", "line 2: expected 4 columns, got 2"),
    ],
)
def test_a_bad_table_is_refused_by_line_and_without_values(tmp_path: Path, content: str, reason: str) -> None:
    bad = patients(tmp_path, content).refresh()
    assert bad is not None
    assert reason in str(bad)
    assert bad.__traceback__ is None and bad.__context__ is None  # they would keep what was read
    assert "ZZ" not in str(bad)


def test_rows_that_say_the_same_twice_are_one(tmp_path: Path) -> None:
    found = patients(tmp_path, (HEADER + "1,例示,レイジ,\n1,例示,レイジ,\n").encode("cp932"))
    assert found.refresh() is None
    assert numbers(found.search("例示")) == ["1"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("19450102", "19450102"),
        ("1945-01-02", "19450102"),
        ("1945/1/2", "19450102"),
        ("１９４５年１月２日", "19450102"),
        ("S20.1.2", "19450102"),
        ("S20/01/02", "19450102"),
        ("昭和20年1月2日", "19450102"),
        ("令和元年5月1日", "20190501"),
        ("M45.7.29", "19120729"),
        ("㍼20年1月2日", "19450102"),
        ("19450000", "19450000"),
        ("19450100", "19450100"),
        ("19451301", None),
        ("1945-02-30", None),
        ("45-01-02", None),
        ("1945", None),
        ("", None),
        ("X20.1.2", None),
    ],
)
def test_dates_are_read_as_hospitals_write_them(text: str, day: str | None) -> None:
    assert birth_of(text) == day


def test_names_are_compared_without_blanks_width_and_size_of_kana() -> None:
    assert folded("ﾚｲｼﾞ　ｼﾖｳ") == folded("れいじ ショウ") == "レイジシヨウ"


def test_nothing_of_a_patient_is_in_a_repr(known: Patients) -> None:
    assert "例示" not in repr(known.search("例示")) + repr(vars(known._table))
