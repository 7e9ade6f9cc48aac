"""Accepted certificates as CSV: every value as it was, each file whole and once, and no patient in a name."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from drivers.share import open_share
from kiosk.desk.export import COLUMNS, Exports, to_csv
from kiosk.desk.outgoing import NUMBERS_A_DAY
from kiosk.desk.registrations_file import open_registrations
from kiosk.desk.sealed_register import MIGRATIONS
from kiosk.process.database import Database
from kiosk.process.sealing import Seals
from kiosk.results import subsidies
from kiosk.results.subsidies import Certificate
from kiosk.words.problems import Problem
from tests.desk.registering import NOON

RESULT = """<XmlMsg><MessageBody><MedicalSubsidies>
    <CertificationName>子ども医療</CertificationName>
    <MaxCopaymentAmount><CopaymentUnit>日</CopaymentUnit><CopaymentAmount>0500</CopaymentAmount></MaxCopaymentAmount>
    <MaxCopaymentAmount><CopaymentUnit>月</CopaymentUnit><CopaymentAmount>1000</CopaymentAmount></MaxCopaymentAmount>
    <CertificationDetail><ItemName>疾病名</ItemName><ItemValue>=1+1,"\n改行"</ItemValue></CertificationDetail>
    <SystemNotice>髙﨑𠮷</SystemNotice>
</MedicalSubsidies></MessageBody></XmlMsg>"""


def certificate() -> Certificate:
    found = subsidies.read(RESULT.encode())
    assert isinstance(found, subsidies.Subsidies)
    return found.certificates[0]


CERTIFICATE = certificate()


class Bench:
    """An export in a folder, with a clock that a test moves."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "export"
        self.folder.mkdir()
        self.now: datetime = NOON
        self.accepted = Database(root / "accepted.db", MIGRATIONS)
        self.file = open_registrations(root / "registrations.db")
        share = open_share(self.folder.as_uri(), None)
        self.exports = Exports(self.accepted, self.file, Seals(b"s" * 32), share, lambda: self.now)

    def add(self, number: str) -> None:
        """As the desk does, in one transaction with what it accepts."""
        with self.accepted.writing() as db:
            self.exports.store(number, CERTIFICATE, db)

    def names(self) -> list[str]:
        return sorted(file.name for file in self.folder.iterdir())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.accepted.close()
    made.file.close()


def read(raw: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def test_every_value_stands_there_as_it_was() -> None:
    raw = to_csv("01234", CERTIFICATE, NOON)
    assert raw.startswith(b'\xef\xbb\xbf"patient_number"')
    header, *rows = read(raw)
    assert header == list(COLUMNS)
    assert {tuple(row[:3]) for row in rows} == {("01234", "2026-01-15T12:00:00", "子ども医療")}
    assert sorted(row[3:4] + row[5:7] + row[8:] for row in rows) == [
        ["その他", "SystemNotice", "1", "髙﨑𠮷"],
        ["券面項目", "券面:疾病名", "1", '=1+1,"\n改行"'],
        ["転記項目", "CertificationName", "1", "子ども医療"],
        ["転記項目", "MaxCopaymentAmount", "1", "0500"],
        ["転記項目", "MaxCopaymentAmount", "1", "日"],
        ["転記項目", "MaxCopaymentAmount", "2", "1000"],
        ["転記項目", "MaxCopaymentAmount", "2", "月"],
    ]
    assert all(row[4] for row in rows)
    last = read(to_csv("01234", replace(CERTIFICATE, more=3), NOON))[-1]
    assert last[3:] == ["その他", "他 3 件", "", "1", "", ""]


def test_each_accepted_certificate_becomes_a_file_once(bench: Bench) -> None:
    bench.add("01234")
    bench.add("01235")
    assert (bench.exports.waiting, bench.names()) == (2, [])
    assert bench.exports.advance()
    assert bench.names() == ["subsidies_202601150001.csv", "subsidies_202601150002.csv"]
    assert read((bench.folder / "subsidies_202601150002.csv").read_bytes())[1][0] == "01235"
    for file in bench.folder.iterdir():
        file.unlink()  # the receiver took them
    assert not bench.exports.advance()
    assert (bench.exports.waiting, bench.names()) == (0, [])


def test_a_folder_that_is_away_is_reported_and_nothing_is_lost(bench: Bench) -> None:
    bench.folder.rmdir()
    bench.add("01234")
    assert not bench.exports.advance()
    trouble = bench.exports.trouble
    assert trouble and trouble.code == "registrations.exports" and "01234" not in str(trouble)
    bench.now += timedelta(days=3)
    bench.exports.forget(bench.now.date())
    bench.folder.mkdir()
    assert bench.exports.advance()
    assert bench.exports.trouble is None
    assert bench.names() == ["subsidies_202601150001.csv"]


def test_another_files_name_is_left_alone(bench: Bench) -> None:
    (bench.folder / "subsidies_202601150001.csv").write_text("another's")
    bench.add("01234")
    assert bench.exports.advance()
    assert bench.names() == ["subsidies_202601150001.csv", "subsidies_202601150002.csv"]
    assert (bench.folder / "subsidies_202601150001.csv").read_text() == "another's"


def test_values_are_sealed_while_they_wait_and_gone_afterwards(bench: Bench) -> None:
    bench.add("01234")
    bench.folder.rmdir()
    for _ in ("accepted", "with a name"):
        for file in bench.folder.parent.glob("*.db*"):
            assert "子ども医療".encode() not in file.read_bytes()
        assert not bench.exports.advance()
    bench.folder.mkdir()
    assert bench.exports.advance()
    assert bench.accepted.rows("SELECT * FROM export") == []
    assert bench.file.rows("SELECT content FROM outgoing") == [(b"",)]
    bench.exports.forget((bench.now + timedelta(days=1)).date())
    assert bench.file.rows("SELECT count(*) FROM outgoing") == [(0,)]


def test_a_row_whose_taking_over_was_broken_off_becomes_one_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the transactions of the two databases; whether the file was put meanwhile or was not."""

    def breaks_off(*_: object) -> int:
        raise sqlite3.OperationalError

    bench.add("01234")
    with monkeypatch.context() as patch:
        patch.setattr(bench.accepted, "write", breaks_off)
        assert not bench.exports.advance()
        assert bench.exports.trouble == Problem("registrations.store", {"what": "OperationalError"})
        assert bench.exports._sender.advance()
    assert bench.accepted.rows("SELECT count(*) FROM export") == [(1,)]
    assert not bench.exports.advance()
    assert bench.exports.waiting == 0
    assert bench.names() == ["subsidies_202601150001.csv"]


def test_a_day_without_a_number_left_keeps_the_row_for_the_next(bench: Bench) -> None:
    bench.add("01234")
    bench.exports.advance()
    bench.file.write("UPDATE outgoing SET number = ?", NUMBERS_A_DAY)
    bench.add("01235")
    assert not bench.exports.advance()
    assert bench.exports.trouble == Problem("registrations.store", {"what": "ValueError"})
    bench.now += timedelta(days=1)
    assert bench.exports.advance()
    assert bench.names() == ["subsidies_202601150001.csv", "subsidies_202601160001.csv"]
