"""What waits at the desk for a person: how long within the hours, the figures that are left for others, the alarms."""

from __future__ import annotations

import json
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk import config
from kiosk.config import Config
from kiosk.desk import desk_status
from kiosk.desk.desk_status import DeskStatus
from kiosk.desk.desk_watch import DeskWatch, Seen, overdue_s, waited_min
from kiosk.process.data_folder import DeskFolder
from kiosk.process.event_log import EVENTS, EventLog
from tests.hospital import wait_until

SITE = """
[site]
name = "架空医院"
institution_code = "9912345678"
pattern = 2
data_dir = "{folder}/data"
closed_days = ["2026-01-06"]
[terminal]
results = "file:///srv/face"
[desk]
feed = "watch"
attention_min = 30
[alarm]
command = ["{folder}/alarm"]
[[hours]]
days = ["mon", "tue", "wed"]
open = "09:00"
close = "12:00"
[[hours]]
days = ["mon", "tue", "wed"]
open = "13:00"
close = "17:00"
"""
ALARM = """#!/bin/sh
printf '%s\\n' "$1" >>"$0.told"
"""


def load(folder: Path, text: str = SITE) -> Config:
    file = folder / "site.toml"
    file.write_text(text.replace("{folder}", str(folder)), encoding="utf-8")
    return config.load(file, {})


@pytest.fixture
def site(tmp_path: Path) -> Config:
    return load(tmp_path)


def at(clock: str, day: int = 5) -> datetime:
    """In January 2026; the 5th is a Monday."""
    hour, minute = clock.split(":")
    return datetime.fromisoformat(f"2026-01-{day:02d}T{hour}:{minute}:00+09:00")


@pytest.mark.parametrize(
    ("since", "now", "minutes"),
    [
        (at("09:00"), at("09:00"), 0),
        (at("09:00"), at("09:31"), 31),
        (at("08:00"), at("09:10"), 10),
        (at("11:50"), at("13:05"), 15),
        (at("16:50"), at("20:00"), 10),
        (at("16:50", 4), at("09:05"), 5),  # Sunday
        (at("16:00"), at("10:00", 6), 60),  # the 6th is closed
        (at("16:00", 1), at("09:20"), 20),  # no day is longer than a day
    ],
)
def test_only_time_within_the_hours_counts(site: Config, since: datetime, now: datetime, minutes: int) -> None:
    assert waited_min(site, since, now) == minutes


def test_without_hours_every_minute_counts_but_on_closed_days(tmp_path: Path) -> None:
    site = load(tmp_path, SITE.partition("[[hours]]")[0])
    assert waited_min(site, at("23:50"), at("00:10", 6)) == 10
    assert waited_min(site, at("03:00"), at("03:45")) == 45


@pytest.mark.parametrize(
    ("since", "now", "seconds"),
    [
        (None, at("10:00"), None),
        (at("09:00"), at("09:30"), None),
        (at("09:00"), at("09:31"), 31 * 60.0),
        (at("11:00"), at("12:30"), None),  # at noon nobody is there to be called
        (at("11:00"), at("13:00"), 60 * 60.0),
    ],
)
def test_it_is_overdue_only_while_somebody_is_there(
    site: Config, since: datetime | None, now: datetime, seconds: float | None
) -> None:
    assert overdue_s(site, since, now) == seconds


# The figures --------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> DeskFolder:
    folder = DeskFolder(tmp_path / "desk", tmp_path / "run")
    for each in (folder.path, folder.run):
        each.mkdir(mode=0o700)
    return folder


def test_what_was_written_is_read_while_it_is_fresh_and_by_everybody(
    desk: DeskFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk_status.read(desk.run) is None
    assert desk_status.write(desk, DeskStatus(visits=3, open=1, feed="ok"))
    assert stat.S_IMODE(desk.status.stat().st_mode) == 0o644
    found = desk_status.read(desk.run)
    assert found is not None and (found.visits, found.open, found.feed) == (3, 1, "ok")
    monkeypatch.setattr("kiosk.process.json_values.time.monotonic", lambda: (found.since_start_s or 0) + 31)
    assert desk_status.read(desk.run) is None
    desk_status.forget(desk)
    assert not desk.status.exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"at": "x"}', b"\xff"])
def test_a_file_that_is_no_status_is_none(desk: DeskFolder, content: bytes) -> None:
    desk.status.write_bytes(content)
    assert desk_status.read(desk.run) is None


def test_where_it_cannot_be_written_nothing_breaks(desk: DeskFolder) -> None:
    desk.run.rmdir()
    assert not desk_status.write(desk, DeskStatus())


# The thread -----------------------------------------------------------------------------------------------------------


def alarms(folder: Path) -> list[str]:
    file = folder / "alarm.told"
    return file.read_text().splitlines() if file.exists() else []


def test_what_waits_too_long_is_an_alarm_and_an_event_and_its_end_too(tmp_path: Path, desk: DeskFolder) -> None:
    text = SITE.partition("[[hours]]")[0].replace("attention_min = 30", "attention_min = 1")
    site = load(tmp_path, text)
    program = tmp_path / "alarm"
    program.write_text(ALARM)
    program.chmod(0o700)
    seen = [Seen(visits=2, open=1, open_since=datetime.now(site.site.zone) - timedelta(minutes=10), missed=4)]
    log = EventLog(desk.path, "desk", echo=False)
    watch = DeskWatch(site, desk, log, lambda: seen[0], every_s=0.05)
    try:
        wait_until(lambda: alarms(tmp_path), "somebody is called", every_s=0.05)
        assert alarms(tmp_path) == ["desk_waits"]
        # Staff are called first; the status is written with the same look.
        wait_until(lambda: desk_status.read(desk.run) is not None, "the status", every_s=0.05)
        status = desk_status.read(desk.run)
        assert status is not None and status.overdue_s is not None and status.overdue_s >= 9 * 60
        assert (status.visits, status.open, status.missed, status.feed) == (2, 1, 4, "ok")
        seen[0] = Seen(visits=2, feed_down="the courier does not answer")
        wait_until(lambda: "desk_feed_down" in alarms(tmp_path), "the feed is reported", every_s=0.05)
        seen[0] = Seen(visits=2)

        def written() -> list[str]:
            return [json.loads(line)["event"] for line in desk.event_log.read_text().splitlines()]

        wait_until(lambda: "desk_feed_up" in written(), "it is over", every_s=0.05)
        assert [each for each in written() if each.startswith("desk")] == [
            "desk_waits",
            "desk_feed_down",
            "desk_feed_up",
        ]
        assert set(written()) <= set(EVENTS)
    finally:
        watch.close()
    assert not desk.status.exists()
