"""What an import of appointments from a stick tells is Japanese on the screen, and no patient's data gets there.

The English is read from the sources, so that a sentence which somebody adds without its Japanese is found here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.reservations import ReservationsDown
from drivers.reservations.csv import file as csv_file
from drivers.reservations.csv import rows as csv_rows
from drivers.reservations.csv.file import BadCsv, read
from drivers.reservations.sqlite import file as sqlite_file
from drivers.reservations.sqlite.reservations import SqliteReservations
from kiosk.__main__ import _private, main
from kiosk.appliance.machine.programs import run_program
from kiosk.config import ConfigError
from kiosk.words import texts
from kiosk.words.sentences import import_in_japanese
from tests import ROOT
from tests.drivers.reservations.test_csv import BAD, GOOD, HEADER
from tests.site_toml import REQUIRED, Site
from tests.words.test_site_sentences import PLACE, SENTENCE, Said, assert_one_sentence, fits, said
from tests.words.test_site_words import JAPANESE, english_in

WORDS = texts.load("import")
# Columns and encodings have the same names in Japanese.
NAMES = " ".join((*csv_rows.REQUIRED, *csv_rows.OPTIONAL, "UTF CP932 Shift_JIS NUL MB"))
# What nobody can do anything with in front of the screen.
UNSAID = ("{unsaid}", "{setting}", "{database}", "{mode}", "{lock}", "{time}", "{version}")
READERS = ("drivers/reservations/csv/file.py", "drivers/reservations/csv/rows.py")
DATABASE = ("drivers/reservations/sqlite/reservations.py", "drivers/reservations/sqlite/file.py")
RESTORE = ("drivers/reservations/sqlite/rescue.py", "kiosk/appointments/restore.py")
FUNCTIONS = {
    "kiosk/__main__.py": ("_import", "_progress", "_data_folder", "_private"),
    "kiosk/appliance/machine/programs.py": ("run_program",),
}
RAISED = {
    **dict.fromkeys(("_Refused", "BadRecord", "BadCsv"), ("reason",)),
    **dict.fromkeys(("ReservationsDown", "ConfigError"), ("said",)),
}
SQL = re.compile(r"\s*(?:BEGIN|CREATE|DELETE|INSERT|PRAGMA|SELECT) ")
# What looks like a sentence and is never the importer's last line, and why.
NOT_TOLD = {
    "the file": "how the piped file is named; [said] has it",
    "{}: line {} was left out: {}": "with --skip-bad only",
    "{} of {} lines": "how far it is",
    "{} was open to other users; it is closed to them now ({})": "a remark, before the answer",
    "from the backup of {}": "what staff are told of a loss, in the event log",
    "{}, with {} arrivals of today; {}": "the same",
    ", which is still to come: nobody knows from when it is": "the same",
    "the old one is {}": "the same",
    "the old one was gone": "the same",
    "without a backup": "the same",
    "no such table": "words of SQLite's, looked for",
    "at must be an aware time": "an error of a programmer",
}
# Put together by BadCsv; the exports below go through them.
FRAMES = ("the file, line {line}: {reason}{others}", "the file: {reason}")
# Said of a special case of what the source says.
SPECIAL = {"0 appointments of 0 days imported": "{} appointments of {} days imported"}


def sources() -> Iterator[tuple[Path, ast.AST]]:
    for name in (*READERS, *DATABASE, *RESTORE):
        yield ROOT / name, ast.parse((ROOT / name).read_text(encoding="utf-8"))
    for name, functions in FUNCTIONS.items():
        for node in ast.parse((ROOT / name).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name in functions:
                yield ROOT / name, node


def tables_of(file: Path) -> tuple[str, ...]:
    if str(file.relative_to(ROOT)) in READERS:
        return ("reason", "expected", "others")
    return ("meaning",) if str(file.relative_to(ROOT)) == DATABASE[1] else ("said",)


SAID = list(said(sources(), RAISED, tables_of, lambda text: text not in NOT_TOLD and not SQL.match(text)))
SENTENCES = [(table, english) for table, sentences in WORDS.items() for english in sentences]


def test_the_search_sees_the_sources() -> None:
    """Every test below would pass on an empty list."""
    assert {each.where.partition(":")[0] for each in SAID} == {*READERS, DATABASE[1], *RESTORE, *FUNCTIONS}
    assert len(SAID) > 35


@pytest.mark.parametrize("each", SAID, ids=[each.where for each in SAID])
def test_every_sentence_of_the_importer_has_its_japanese(each: Said) -> None:
    found = [sentence for table in each.tables for sentence in WORDS[table] if fits(sentence, each.english)]
    assert found, f"assets/texts/ja/import.toml, one of {each.tables}: {each.english}"


def test_the_catalogue_has_no_sentence_that_nobody_says() -> None:
    worded = [text for _, text in SENTENCES if SENTENCE.search(PLACE.sub("", text)) and text not in FRAMES]
    assert [text for text in worded if not any(fits(SPECIAL.get(text, text), each.english) for each in SAID)] == []


@pytest.mark.parametrize(("table", "english"), SENTENCES, ids=[f"{table}-{text[:40]}" for table, text in SENTENCES])
def test_a_japanese_sentence_is_one_and_fills_in_what_the_english_does(table: str, english: str) -> None:
    assert_one_sentence(english, WORDS[table][english], NAMES, UNSAID)


def told(line: str) -> str:
    """What the screen says; a sentence, and Japanese."""
    japanese = import_in_japanese(line)
    assert japanese is not None, line
    assert JAPANESE.search(japanese), japanese
    assert english_in(japanese, NAMES) == [], japanese
    return japanese


# --- exports ----------------------------------------------------------------------------------------------------------

# No reason may repeat any of these.
PATIENT = ("ZZ-9911", "内科", "髙橋", "別館")
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
]


def refused(raw: bytes) -> str:
    with pytest.raises(BadCsv) as caught:
        read(raw)
    return str(caught.value)


@pytest.mark.parametrize("raw", WHOLE, ids=range(len(WHOLE)))
def test_an_export_that_is_no_use_is_told_in_japanese_without_its_content(raw: bytes) -> None:
    english = refused(raw)
    assert not [value for value in PATIENT if value in english + told(english)]


def test_an_export_that_is_too_large_is_told_in_japanese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "MAX_BYTES", 2**20)
    assert told(refused(b"x" * (2**20 + 1))) == "ファイルが大きすぎます（1 MB まで）"


@pytest.mark.parametrize("line", [line for line, _ in BAD], ids=range(len(BAD)))
def test_a_bad_line_is_told_in_japanese_without_its_content(line: str) -> None:
    english = refused("\n".join([HEADER, GOOD, "", line, GOOD]).encode())
    japanese = told(english)
    assert japanese.startswith("4 行目: ")
    assert not [value for value in ("ZZ", "甲", "\x1b", "00123", "髙橋") if value in english + japanese]


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(st.binary(max_size=300))
def test_no_bytes_have_a_reason_that_stays_english(raw: bytes) -> None:
    for content in (raw, HEADER.encode() + b"\n" + raw, f"{HEADER}\n{LINE}".encode() + raw):
        try:
            read(content)
        except BadCsv as error:
            told(str(error))


@pytest.mark.parametrize(
    ("line", "japanese"),
    [
        ("12 appointments of 3 days imported", "3 日分の予約 12 件を取り込みました"),
        ("0 appointments of 0 days imported", "予約が 1 件も書かれていません。予約は前のままです"),
        (
            "the file, line 4: too few columns: 5 instead of 6 (and 7 further bad lines: 5, 6, 7, 8, 9, …)",
            "4 行目: 列が足りません（5 列）。見出しと同じ 6 列にしてください"
            "（ほかにも誤りのある行が 7 行あります: 5, 6, 7, 8, 9, … 行目）",
        ),
        (
            "the file, line 1: the header lacks doctor, place; expected patient_number,date (note may follow)",
            "1 行目: 見出しの行に doctor, place がありません。patient_number,date を 1 行目に書いてください"
            "（note は、あってもなくてもかまいません）",
        ),
    ],
)
def test_a_line_keeps_its_numbers_and_columns(line: str, japanese: str) -> None:
    assert told(line) == japanese


# --- the database, the program ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("meaning", [*sqlite_file._MEANINGS.values(), "failed"])
def test_every_trouble_of_the_database_is_told_in_japanese(meaning: str) -> None:
    assert "SQLITE" not in told(f"{sqlite_file.DATABASE_NAME}: {meaning} (SQLITE_X)")


def test_a_database_that_cannot_be_used_is_told_in_japanese(tmp_path: Path) -> None:
    rows = read(f"{HEADER}\n{GOOD}".encode())
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / sqlite_file.DATABASE_NAME).write_bytes(b"no database" * 100)
    (tmp_path / "file").touch()
    for folder, says in (("broken", "壊れています"), ("file", "フォルダーを使えません")):
        with pytest.raises(ReservationsDown) as caught:
            SqliteReservations(tmp_path / folder).import_rows(rows)
        assert says in told(str(caught.value))


def test_what_the_command_line_says_is_what_the_catalogue_translates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site, export = Site(tmp_path), tmp_path / "export.csv"
    site.load(REQUIRED.replace("/nowhere/kiosk", str(tmp_path / "data")))
    export.write_text(f"{HEADER}\n{GOOD}\n", encoding="utf-8")
    assert main(["reservations", "import", str(export), "--config", str(site.file)]) == 0
    assert told(capsys.readouterr().out.rstrip("\n")) == "1 日分の予約 1 件を取り込みました"


def test_a_data_folder_that_cannot_be_made_and_a_program_that_never_ends_are_told_in_japanese(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError) as caught:
        _private(tmp_path / "file" / "data", "/x/site.toml: [site] data_dir", 0o700)
    assert str(tmp_path / "file" / "data") in (import_in_japanese(str(caught.value)) or "")
    done = run_program(["/bin/sleep", "60"], limit_s=0.1)
    assert told(done.err)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "5000 of 10000 lines",
        f"ValueError: {LINE}",
        f"the file, line 4: {LINE}",
        f"the file: {LINE}",
        f"reservations.db: {LINE} (SQLITE_FULL)",
        f"the file, line 4: date is not in the calendar{LINE}",
        f"{'x' * 3000}: a database of another program",
    ],
)
def test_a_line_that_is_no_sentence_of_ours_is_not_told(line: str) -> None:
    assert import_in_japanese(line) is None


def test_every_table_of_the_catalogue_is_used() -> None:
    assert {f"{{{table}}}" for table in WORDS} - {"{said}"} <= {
        place for _, english in SENTENCES for place in PLACE.findall(english)
    }
