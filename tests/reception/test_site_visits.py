"""`kiosk run --headless` as the site wants it: by phone and without an appointment; keys that are seen first."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from drivers.simulated.card_reader import SimulatedCardReader
from drivers.simulated.results import Insured, tap
from tests.hospital import Hospital

pytestmark = [pytest.mark.peers, pytest.mark.long]

MORE = """
[walk_in]
departments = ["01"]
[[department]]
code = "01"
name = "外科"
names = {en = "Our Surgery"}
[desk]
feed = "watch"
patients = "patients.csv"
"""


def test_who_comes_by_phone_types_the_birth_day_and_walks_in_in_english(tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text("number,name,kana,birth\n0012345,架空 花子,,1950-01-02\n")
    with SimulatedCardReader() as phones:
        settings = {
            "card_reader": {"also": f'"{phones.url}"', "birthday": '"qr"'},
            "screen": {"default_language": '"en"'},
            "counter": {"window": '"1"', "call": "true"},
        }
        with Hospital(tmp_path, card_reader=True, settings=settings, more=MORE) as hospital:
            assert hospital.cards is not None
            reception = hospital.open()
            start = reception.until("choose_card")
            assert (start["language"], start["buttons"]) == ("en", ["mynumber", "patient_card", "no_card"])
            reception.until_error("where=card_reader.also")  # it is open
            phones.insert("0012345")
            assert reception.until("birthday")["next"] == ["answer"]
            reception.press("key_0", "key_1", "key_0", "key_2", "ok")
            assert "Our Surgery" in " ".join(reception.until("choose_department")["lines"])
            reception.press("department_0")
            reception.until("confirm_department")
            reception.press("yes")
            done = reception.until("done")
            assert (done["notes"], done["language"]) == (["walk_in"], "en")
            reception.press("close")
            reception.until("choose_card")
            hospital.cards.insert("0012345")
            assert reception.until("already", "birthday")["screen"] == "already", "a card asks for no birth day"
            assert reception.quit() == 0


def test_a_key_that_is_seen_first_sends_the_patient_to_staff_once(tmp_path: Path) -> None:
    person = Insured("架空　花子", "ｶｸｳ ﾊﾅｺ", "19800101", number="0098765")
    settings = {"insurance": {"key_check": "true"}, "visit": {"settle_s": "2"}}
    with Hospital(tmp_path, settings=settings) as hospital:
        hospital.book("0098765,{today},13:00,内科,佐藤,")
        reception = hospital.open()
        notes = []
        for second in (1, 2):
            reception.choose_my_number()
            result = tap(person, datetime(2026, 1, 15, 9, 0, second), "9912345678").result
            hospital.terminal_writer.write(result.name, result.content)
            done = reception.until("done", "already", "counter")
            notes.append((done["screen"], done["notes"]))
            reception.press("close")
        assert notes == [("done", ["insurance_check"]), ("already", [])]
        assert reception.quit() == 0
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("known.db*"))
    assert kept and b"0098765" not in kept
