"""What an import answers is Japanese on the appliance's screen, and holds no patient's data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.reservations import ReservationsDown
from drivers.reservations.csv_file import BadCsv, read
from drivers.reservations.sqlite.file import DATABASE_NAME, DatabaseTrouble
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.appointments import answers
from kiosk.words.problems import from_json, to_json, word
from tests.drivers.reservations.test_csv import BAD, GOOD, HEADER

JAPANESE = re.compile(r"[ぁ-んァ-ン]")
# No answer may repeat any of these.
PATIENT = ("ZZ", "内科", "髙橋", "別館", "甲", "\x1b", "00123")
LINE = "ZZ-9911,2026-01-15,9:00,内科,髙橋,別館"
WHOLE = [
    b"",
    f"{LINE}\n{LINE}".encode(),
    f"\npatient_number,date\n{LINE}".encode(),
    f"date,time,department,doctor,place\n{LINE}".encode(),
    f"{HEADER},Time\n{LINE},x".encode(),
    f"{HEADER}\n{LINE}\0".encode(),
    f"{HEADER}\n{LINE}".encode("cp932") + b"\x81",
    f"{HEADER}\n".encode() + b"x\n" * 1_000_001,
    "\n".join([HEADER, *[f"{LINE},x"] * 9]).encode(),
    *(f"{HEADER}\n{GOOD}\n\n{line}\n{GOOD}".encode() for line, _ in BAD),
]


def on_the_screen(error: BadCsv | ReservationsDown) -> str:
    """As the appliance shows it, which is given the answer by another process."""
    answer = answers.refused(error)
    assert word(answer, answers.CATALOGUE, "en") == str(error)
    passed = from_json(to_json(answer), answers.CATALOGUE, "ja")
    assert passed is not None, answer
    japanese = word(passed, answers.CATALOGUE, "ja")
    assert JAPANESE.search(japanese), japanese
    assert not [value for value in PATIENT if value in japanese + str(error) + to_json(answer)]
    return japanese


@pytest.mark.parametrize("raw", WHOLE, ids=range(len(WHOLE)))
def test_an_export_that_is_no_use_is_worded_without_its_content(raw: bytes) -> None:
    with pytest.raises(BadCsv) as caught:
        read(raw)
    on_the_screen(caught.value)


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(st.binary(max_size=300))
def test_whatever_is_wrong_with_any_bytes_is_worded(raw: bytes) -> None:
    for content in (raw, HEADER.encode() + b"\n" + raw):
        try:
            read(content)
        except BadCsv as error:
            assert JAPANESE.search(word(answers.refused(error), answers.CATALOGUE, "ja"))  # noqa: PT017 - many raise nothing


@pytest.mark.parametrize(
    ("raw", "japanese"),
    [
        (
            "\n".join([HEADER, GOOD, *["x,x,x,x,x"] * 8]),
            (
                "3 行目: 列が足りません（5 列）。見出しと同じ 6 列にしてください"
                "（ほかにも誤りのある行が 7 行あります: 4, 5, 6, 7, 8, … 行目）"
            ),
        ),
        (
            "patient_number,date,time,department\n",
            (
                "1 行目: 見出しの行に doctor, place がありません。patient_number,date,time,department,doctor,place を"
                " 1 行目に書いてください（note と message は、あってもなくてもかまいません）"
            ),
        ),
    ],
)
def test_an_answer_keeps_its_numbers_and_columns(raw: str, japanese: str) -> None:
    with pytest.raises(BadCsv) as caught:
        read(raw.encode())
    assert on_the_screen(caught.value) == japanese


def test_what_came_in_is_worded_in_both_languages() -> None:
    answer = {language: word(answers.imported(12, 3), answers.CATALOGUE, language) for language in ("en", "ja")}
    assert answer == {"en": "12 appointments of 3 days imported", "ja": "3 日分の予約 12 件を取り込みました"}
    assert "前のままです" in word(answers.imported(0, 0), answers.CATALOGUE, "ja")
    assert word(answers.imported(0, 0), answers.CATALOGUE, "en") == "0 appointments of 0 days imported"


@pytest.mark.parametrize("trouble", DatabaseTrouble)
def test_every_trouble_of_the_database_is_worded(trouble: DatabaseTrouble) -> None:
    assert "SQLITE" not in on_the_screen(trouble.down("SQLITE_X"))


def test_a_database_that_cannot_be_used_is_worded(tmp_path: Path) -> None:
    rows = read(f"{HEADER}\n{GOOD}".encode())
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / DATABASE_NAME).write_bytes(b"no database" * 100)
    (tmp_path / "file").touch()
    for folder, says in (("broken", "壊れています"), ("file", "フォルダーを使えません")):
        with pytest.raises(ReservationsDown) as caught:
            SqliteReservations(tmp_path / folder).import_rows(rows)
        assert says in on_the_screen(caught.value)
