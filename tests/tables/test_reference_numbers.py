"""The mapping from reference numbers to patient numbers: what is taken, what is refused, and when it is read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kiosk.tables.reference_numbers import ReferenceNumbers
from kiosk.tables.table_file import BadTable

HEADER = "reference_number,patient_number\n"


class Clock:
    """Monotonic seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def written(file: Path, content: str | bytes) -> Path:
    """The file replaced as a careful program does it: a new inode, so that a change is seen at any clock resolution."""
    new = file.with_suffix(".new")
    new.write_bytes(content.encode() if isinstance(content, str) else content)
    return new.rename(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "map.csv", HEADER + "R1,00011\nR2,2-000\n")


def test_without_a_table_the_reference_number_is_the_patient_number() -> None:
    numbers = ReferenceNumbers.load(None)
    assert numbers.patient_number_for("00011") == "00011"
    assert numbers.references_of("00011") == ("00011",)
    assert numbers.refresh() is None


def test_a_number_that_is_not_in_the_table_has_no_patient_number(file: Path) -> None:
    numbers = ReferenceNumbers.load(file)
    assert numbers.patient_number_for("R1") == "00011"
    assert numbers.patient_number_for("R2") == "2-000"
    assert numbers.patient_number_for("00011") is None
    assert numbers.patient_number_for("r1") is None


def test_every_reference_number_of_a_patient_is_found(tmp_path: Path) -> None:
    file = written(tmp_path / "map.csv", HEADER + "R1,00011\nR2,2-000\nR3,00011\n")
    numbers = ReferenceNumbers.load(file)
    assert numbers.references_of("00011") == ("R1", "R3")
    assert numbers.references_of("2-000") == ("R2",)
    assert numbers.references_of("R1") == ()
    written(file, HEADER + "R4,00011\n")
    assert numbers.references_of("00011") == ("R4",)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + HEADER.encode() + "Ｒ１,患者1\n".encode(),
        HEADER.encode() + "Ｒ１,患者1\n".encode("cp932"),
        HEADER.replace("\n", "\r\n").encode() + "　Ｒ１　 , 患者1\r\n\r\n,\r\n".encode(),
        ' Patient_Number , note , REFERENCE_NUMBER \n"患者1","a,b\nc",Ｒ１\n'.encode(),
        (HEADER + "Ｒ１,患者1").encode(),  # the last line has no end
        (HEADER + "Ｒ１,患者1\nR2,患者1\nＲ１,患者1\n").encode(),  # said twice, and the same
    ],
)
def test_tables_are_read_as_spreadsheets_write_them(tmp_path: Path, content: bytes) -> None:
    numbers = ReferenceNumbers.load(written(tmp_path / "map.csv", content))
    assert numbers.patient_number_for("Ｒ１") == "患者1"


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (HEADER + "R1,ZZ1\nR2,ZZ2\nR1,ZZ3\n", 4, "stands above with another patient number"),
        (HEADER + '"R\n1",ZZ1\n', 3, "printable"),
        (HEADER + "R1,ZZ1,ZZ2\n", 2, "expected 2 columns, got 3"),
        (HEADER + "ZZ1\n", 2, "expected 2 columns, got 1"),
        (HEADER + "ZZ1, 　\n", 2, "patient_number is empty"),
        (HEADER + ",ZZ1\n", 2, "reference_number is empty"),
        (HEADER + "R1," + "ZZ" * 26 + "\n", 2, "1–50 printable"),
        (HEADER + "R1,ZZ\u202e1\n", 2, "1–50 printable"),
        (HEADER + 'R1,"ZZ1\n', None, "is not CSV"),
        (HEADER + 'R1,"ZZ1"x\n', 2, "is not CSV"),
        ("R1,ZZ1\n", 1, "expected a header"),
        ("reference_number,patient_number,patient_number\n", 1, "expected a header"),
        ("", 1, "expected a header"),
        (HEADER.encode() + b"R1,ZZ\0\n", None, "NUL"),
        (HEADER.encode() + b"R1,ZZ\x81\n", None, "neither UTF-8 nor CP932"),
    ],
)
def test_a_bad_table_is_refused_with_file_and_line_and_without_numbers(
    tmp_path: Path, content: str | bytes, line: int | None, reason: str
) -> None:
    file = written(tmp_path / "map.csv", content)
    with pytest.raises(BadTable) as caught:
        ReferenceNumbers.load(file)
    assert str(file) in str(caught.value)
    assert reason in str(caught.value)
    assert "ZZ" not in str(caught.value)
    if line is not None:
        assert caught.value.problem.parameters["line"] == line
        assert f"line {line}:" in str(caught.value)


def test_a_missing_table_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="cannot be read"):
        ReferenceNumbers.load(tmp_path / "none.csv")
    with pytest.raises(BadTable, match="is not a file"):
        ReferenceNumbers.load(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(BadTable, match="is not a file"):
        ReferenceNumbers.load(tmp_path / "pipe.csv")


def test_a_changed_table_is_in_force_at_the_next_look_up(file: Path) -> None:
    numbers = ReferenceNumbers.load(file)
    written(file, HEADER + "R1,00012\n")
    assert numbers.patient_number_for("R1") == "00012"
    assert numbers.patient_number_for("R2") is None
    assert numbers.refresh() is None


def test_a_bad_new_table_leaves_the_last_good_one_in_force_until_it_is_mended(file: Path) -> None:
    numbers = ReferenceNumbers.load(file)
    written(file, HEADER + "R1,ZZ1\nR1,ZZ2\n")
    for _ in range(2):
        assert numbers.patient_number_for("R1") == "00011"
        bad = numbers.refresh()
        assert bad is not None and bad.problem.parameters["line"] == 3
        assert numbers.refresh() is bad
    written(file, HEADER + "R1,00013\n")
    assert numbers.refresh() is None
    assert numbers.patient_number_for("R1") == "00013"


def test_a_table_that_went_away_leaves_the_last_good_one_in_force(file: Path) -> None:
    numbers = ReferenceNumbers.load(file)
    away = file.rename(file.with_name("away.csv"))
    assert numbers.patient_number_for("R1") == "00011"
    assert numbers.refresh() is not None
    away.rename(file)
    assert numbers.patient_number_for("R1") == "00011"
    assert numbers.refresh() is None


def test_half_a_line_of_a_table_being_written_is_never_believed(file: Path) -> None:
    """`R1,00012345` cut after `R1,0001` would be another patient."""
    clock = Clock()
    numbers = ReferenceNumbers.load(file, clock)
    written(file, HEADER + "R1,0001")
    assert numbers.patient_number_for("R1") == "00011"
    clock.now += 59
    written(file, HEADER + "R1,00012345")
    assert numbers.patient_number_for("R1") == "00011"
    clock.now += 59
    assert numbers.patient_number_for("R1") == "00011"
    clock.now += 2
    assert numbers.patient_number_for("R1") == "00012345"


def test_the_numbers_are_not_displayed(file: Path) -> None:
    numbers = ReferenceNumbers.load(file)
    assert numbers._table and numbers._table.content
    assert "00011" not in repr(vars(numbers._table))
