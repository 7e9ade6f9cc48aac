"""The list of those whom the kiosk could not register, and calls for staff: what is written, who may read it."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kiosk import __main__ as command_line
from kiosk.process import staff_call
from kiosk.process.event_log import EventLog
from kiosk.reception import notices, staff_calls, unserved
from kiosk.reception.staff_calls import StaffCalls
from kiosk.reception.unserved import Unserved
from kiosk.visit import commands as c
from tests.hospital import wait_until
from tests.site_toml import REQUIRED

DAY = date(2026, 1, 15)
NOON = datetime(2026, 1, 15, 12, 5, tzinfo=ZoneInfo("Asia/Tokyo"))
ONE = c.KeepUnserved(7, "patient_card", "0012345", "reservations_down", "S1-07")
OTHER = c.KeepUnserved(8, "mynumber", "04184963", "reservations_down", "S1-08")


def keep(folder: Path, *commands: c.KeepUnserved, now: datetime = NOON) -> list[str]:
    """What is reported meanwhile."""
    reported: list[str] = []
    kept = Unserved(folder, lambda: now, lambda event, **_: reported.append(event))
    for command in commands:
        kept.keep(command)
    kept.close()
    return reported


def test_the_list_of_a_day_is_the_owners_alone_and_gone_the_next_night(tmp_path: Path) -> None:
    assert keep(tmp_path, ONE, OTHER) == []
    assert [(each.at, each.number, each.code) for each in unserved.read(tmp_path, DAY)] == [
        ("12:05", "0012345", "S1-07"),
        ("12:05", "04184963", "S1-08"),
    ]
    [file] = (tmp_path / "unserved").iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("2026-01-15.jsonl", 0o600)
    assert (tmp_path / "unserved").stat().st_mode & 0o777 == 0o700
    keep(tmp_path, now=NOON.replace(hour=3) + timedelta(days=1))
    assert unserved.read(tmp_path, DAY), "who works late still reads it"
    keep(tmp_path, now=NOON.replace(hour=4) + timedelta(days=1))
    assert unserved.read(tmp_path, DAY) == ()


def test_a_line_that_is_none_is_passed_over(tmp_path: Path) -> None:
    keep(tmp_path, ONE)
    file = tmp_path / "unserved" / "2026-01-15.jsonl"
    file.write_text('{\n[]\n{"at": "1"}\n' + file.read_text())
    assert [each.number for each in unserved.read(tmp_path, DAY)] == ["0012345"]


def test_what_cannot_be_written_is_reported_by_an_event_that_there_is(tmp_path: Path) -> None:
    (tmp_path / "unserved").write_text("a file in the way")
    log = EventLog(tmp_path, "run", echo=False)
    kept = Unserved(tmp_path, lambda: NOON, log.write)
    kept.keep(ONE)
    kept.close()
    log.close()
    [line] = (tmp_path / "events-run.jsonl").read_text().splitlines()
    assert (json.loads(line)["event"], json.loads(line)["visit"]) == ("unserved_lost", 7)
    assert "0012345" not in line


def test_the_command_prints_the_list_of_a_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = tmp_path / "site.toml"
    site.write_text(REQUIRED.replace("/nowhere/kiosk", str(tmp_path)), encoding="utf-8")
    keep(tmp_path, ONE, OTHER)
    words = ["unserved", "--config", str(site), "--day", "2026-01-15"]
    assert command_line.main(words) == 0
    assert capsys.readouterr().out.splitlines() == [
        "12:05 S1-07 patient_card 0012345",
        "12:05 S1-08 mynumber 04184963",
    ]
    assert command_line.main([*words, "--json"]) == 0
    assert [json.loads(line)["number"] for line in capsys.readouterr().out.splitlines()] == ["0012345", "04184963"]
    assert unserved.serve(tmp_path, NOON, 2, "S1-08") == "done"
    assert command_line.main(words) == 0
    assert capsys.readouterr().out.splitlines()[1] == "12:05 S1-08 mynumber 04184963 served 12:05"
    assert command_line.main([*words, "--json"]) == 0
    assert [json.loads(line)["served"] for line in capsys.readouterr().out.splitlines()] == ["", "12:05"]
    assert command_line.main(words[:-2]) == 0
    assert capsys.readouterr().out == "", "nobody today"


def test_a_call_runs_the_alarm_command_and_is_known_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "alarm"
    log = EventLog(tmp_path, "run", echo=False)
    calls = StaffCalls(tmp_path, ("/bin/sh", "-c", f'echo "$0" >> {told}'), log)
    assert staff_calls.lately(tmp_path) is None
    before = notices.revision(tmp_path)
    calls.call("call")
    wait_until(lambda: told.exists() and told.read_text() == "staff_called\n", "the alarm command")
    calls.close()
    log.close()
    call = staff_calls.lately(tmp_path)
    assert call is not None and call.code == "call" and call.kiosk
    assert notices.revision(tmp_path) != before
    monkeypatch.setattr(staff_call, "LASTS_S", 0.0)
    assert staff_calls.lately(tmp_path) is None


def test_the_desk_is_answered_with_both(tmp_path: Path) -> None:
    assert notices.of_day(tmp_path, DAY) == {"unserved": [], "call": None}
    keep(tmp_path, ONE, OTHER)
    [entry, _] = notices.of_day(tmp_path, DAY)["unserved"]
    assert entry == {
        "at": "12:05",
        "way": "patient_card",
        "number": "0012345",
        "reason": "reservations_down",
        "code": "S1-07",
        "line": 1,
        "served": "",
    }


def test_staff_take_care_of_one_and_the_other_stays(tmp_path: Path) -> None:
    keep(tmp_path, ONE, OTHER)
    before, [file] = notices.revision(tmp_path), (tmp_path / "unserved").iterdir()
    for message in (
        {},
        {"line": 1},
        {"line": "1", "code": "S1-07"},
        {"line": 1, "code": "S1-08"},
        {"line": 3, "code": ""},
    ):
        assert notices.served(tmp_path, NOON, message) == "unknown"
    assert notices.served(tmp_path, NOON + timedelta(days=1), {"line": 1, "code": "S1-07"}) == "unknown"
    assert notices.served(tmp_path, NOON, {"line": 1, "code": "S1-07"}) == "done"
    assert notices.served(tmp_path, NOON, {"line": 1, "code": "S1-07"}) == "already"
    assert [each["code"] for each in notices.of_day(tmp_path, DAY)["unserved"]] == ["S1-08"]
    assert notices.revision(tmp_path) != before
    keep(tmp_path, ONE)
    assert [(each.line, each.served) for each in unserved.read(tmp_path, DAY)] == [(1, "12:05"), (2, ""), (4, "")]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_list_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    (tmp_path / "unserved").write_text("a file in the way")
    assert notices.of_day(tmp_path, DAY)["unserved"] is None
    with pytest.raises(OSError, match="Not a directory"):
        notices.served(tmp_path, NOON, {"line": 1, "code": "S1-07"})
