"""The machine's clock is set back or ahead: what is told of ages, and who is believed to be there."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.share import Digest, Share, Unreachable, open_share
from kiosk.appliance.machine import screen_owner
from kiosk.appliance.machine.places import Places
from kiosk.appointments.fetch import trouble_of
from kiosk.courier import ledger as ledgers
from kiosk.courier import summary
from kiosk.courier.ledger import DOUBTED_FILES, Ledger
from kiosk.process import json_values
from kiosk.process.courier_line import Message, ask_once
from kiosk.process.data_folder import DataFolder
from kiosk.reception import run_status
from kiosk.reception.run_status import RunStatus
from tests.courier.bench import Clock, RunningCourier, document, hooked, place, result_name
from tests.hospital import wait_until

HOUR = timedelta(hours=1)


def digest_of(folder: Path) -> Digest:
    return open_share(f"file://{folder}", None).digest(result_name(0))


def clock_at(moment: Callable[[], datetime]) -> Callable[[], str]:
    return lambda: moment().isoformat(timespec="milliseconds")


def courier(tmp_path: Path) -> RunningCourier:
    """One whose destination does not answer."""
    for name in ("face", "to_face"):
        (tmp_path / name).mkdir(exist_ok=True)

    def down(*_: Any) -> None:
        raise Unreachable("down")

    def wrap(role: str, share: Share) -> Share:
        if role == "source":
            return hooked(share, instead_reaches=lambda other: False)
        return hooked(share, before_put=down) if role == "staging" else share

    return RunningCourier(
        tmp_path / "data", (f"file://{tmp_path / 'face'}", f"file://{tmp_path / 'to_face'}"), wrap=wrap
    )


def oldest_s(running: RunningCourier) -> float:
    answer: Message = ask_once(running.data_dir, "status", 30) or {}
    return float(answer["overview"]["oldest_s"])


@pytest.mark.parametrize("change", [HOUR, -HOUR], ids=["set back", "set ahead"])
def test_a_file_waits_as_long_as_it_does_whatever_becomes_of_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: timedelta
) -> None:
    """By the clock it came in an hour, or an hour ago."""
    monkeypatch.setattr(ledgers, "_now", clock_at(lambda: datetime.now(UTC) + change))
    with courier(tmp_path) as running:
        place(tmp_path / "face", result_name(0), document())
        wait_until(lambda: running.states().get("seen") == 1, "it waits")
        looks = running.courier.monitor
        assert 0 <= oldest_s(running) < 60
        before = looks._check_at
        wait_until(lambda: looks._check_at > before + 1, "it was looked at once more")
        assert "delivery_waits" not in running.events()
        running.courier.ledger.waits.clock = lambda: time.monotonic() + 600
        wait_until(lambda: "delivery_waits" in running.events(), "ten minutes later it is said")
        assert 600 <= oldest_s(running) < 1200


def test_what_waited_before_the_start_and_came_in_the_future_waits_from_the_start_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, clock = tmp_path / "courier.db", Clock()
    monkeypatch.setattr(ledgers, "_now", clock_at(lambda: datetime.now(UTC) + HOUR))
    place(tmp_path, result_name(0), document())
    digest = digest_of(tmp_path)
    first = Ledger(path, clock)
    item = first.add("results", result_name(0), digest, request="", subsidy="none")
    clock.now += 500
    assert first.waits.oldest_s([item.id]) == 500
    assert summary.read(path).oldest_s == 0, "who reads without the courier has only the clock"
    first.close()
    again = Ledger(path, clock)
    clock.now += 70
    assert summary.read(path, again.waits.oldest_s).oldest_s == 70
    assert again.waits.oldest_s([]) is None


def test_what_waited_before_the_start_keeps_its_age(tmp_path: Path) -> None:
    path, clock = tmp_path / "courier.db", Clock()
    place(tmp_path, result_name(0), document())
    first = Ledger(path, clock)
    first.add("results", result_name(0), digest_of(tmp_path), request="", subsidy="none")
    first.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE files SET seen_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-90 seconds')")
    seen = summary.read(path, Ledger(path, clock).waits.oldest_s)
    assert seen.oldest_s is not None
    assert 89 < seen.oldest_s < 600


@pytest.mark.parametrize("seen_at", ["", "yesterday", "2026-01-15T09:00:00"])
def test_a_moment_that_is_none_is_no_age_and_no_fault(seen_at: str) -> None:
    assert summary.age_s(seen_at) == 0


def test_renames_of_the_newest_files_are_doubted_though_the_clock_was_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "_now", lambda: "1970-01-01T00:00:00.000+00:00")
    place(tmp_path, result_name(0), document())
    ledger, digest = Ledger(tmp_path / "courier.db"), digest_of(tmp_path)
    item = ledger.add("results", result_name(0), digest, request="", subsidy="none")
    ledger.set_state(item, "done")
    sent = ledger.sent_as("results", item.temp, 24)
    assert sent is not None and sent.id == item.id
    with ledger.writing() as db:
        db.execute("UPDATE files SET id = id - ?", (DOUBTED_FILES,))
    ledger.add("results", result_name(1), digest, request="", subsidy="none")
    assert ledger.sent_as("results", item.temp, 24) is None


@pytest.mark.parametrize("change_s", [-3600.0, 3600.0])
def test_who_wrote_a_moment_ago_is_there_and_who_did_not_is_not_whatever_becomes_of_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change_s: float
) -> None:
    """The reception's status for the stick and the page; the state of the process that fetches exports."""
    reception = DataFolder(Places(tmp_path).data).run_status
    reception.parent.mkdir(parents=True, exist_ok=True)
    run_status.write(reception.parent, RunStatus(screen="tap_reader"))
    (tmp_path / ".kiosk-fetch.json").write_text(json.dumps({**json_values.timestamp(), "trouble": None}))
    real, monotonic = time.time, time.monotonic
    monkeypatch.setattr(time, "time", lambda: real() + change_s)
    assert screen_owner._visit_under_way(Places(tmp_path))
    assert trouble_of(tmp_path) is None
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + 301)
    assert not screen_owner._visit_under_way(Places(tmp_path))
    assert trouble_of(tmp_path) is not None
    monkeypatch.setattr(time, "monotonic", lambda: 1.0)  # a machine that was just started
    assert not screen_owner._visit_under_way(Places(tmp_path))
    assert trouble_of(tmp_path) is not None


@pytest.mark.parametrize("left", [{}, {"at": "now"}, {"at": None}, {"at": 1e18}, {"since_start_s": 1e18}])
def test_a_moment_of_nowhere_is_long_ago(left: dict[str, Any]) -> None:
    assert json_values.age_s(left) > 1e9


def test_what_a_program_of_the_version_before_left_is_fresh_for_a_while_only() -> None:
    assert json_values.age_s({"at": time.time() - 5}) < 60
    assert json_values.age_s({"at": time.time() + 3600}) > 3000
