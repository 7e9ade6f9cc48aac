"""Exports of appointments are fetched from a real share: whole, again when they change; the share stays as it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from drivers.reservations.csv_file import MAX_BYTES
from drivers.reservations.sqlite.reservations import SqliteReservations
from drivers.share import LogonGate, Refused, Share, open_share
from drivers.simulated.terminal import TerminalWriter
from kiosk.appointments import fetch
from kiosk.appointments.fetch import Fetcher, forget_copies, trouble_of
from kiosk.appointments.import_folder import ImportFolder
from kiosk.appointments.importer import Importer
from kiosk.operations.check.shares import Role, exports
from kiosk.process.event_log import EventLog
from kiosk.words.problems import Problem, in_english
from tests import ROOT
from tests.book import due
from tests.hospital import DEADLINE_S, today, wait_until
from tests.peers.samba import Smbd
from tests.process.test_safe_files import answered
from tests.site_toml import Site, with_

HEADER = "patient_number,date,time,department,doctor,place\n"


class Desk:
    """A share with exports, the folder they are copied into, and the fetcher between them."""

    def __init__(self, smbd: Smbd, tmp_path: Path) -> None:
        self.smbd = smbd
        self.exports = tmp_path / "exports"
        self.folder = tmp_path / "import"
        self.folder.mkdir()
        self.fetcher = self.restarted()

    def restarted(self) -> Fetcher:
        share = open_share(self.smbd.url("exports"), self.smbd.password)
        self.fetcher = Fetcher(share, self.folder, EventLog(self.folder, "fetch", echo=False))
        return self.fetcher

    def export(self, name: str, patient: str) -> None:
        (self.exports / name).write_text(f"{HEADER}{patient},{today()},9:00,内科,甲,A\n", encoding="utf-8")

    def fetched(self) -> int:
        """What two rounds fetch: a file must be the same in both."""
        return self.fetcher.round() + self.fetcher.round()

    def events(self) -> list[dict[str, Any]]:
        log = (self.folder / "events-fetch.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in log.splitlines()]

    def copies(self) -> list[bytes]:
        return sorted(path.read_bytes() for path in self.folder.glob("*.csv"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "exports").mkdir()
    with Smbd({"exports": tmp_path / "exports"}) as smbd:
        yield Desk(smbd, tmp_path)


@pytest.mark.peers
def test_an_export_is_copied_once_and_again_when_it_changes_also_after_a_restart(desk: Desk) -> None:
    desk.export("予約 today.csv", "1")
    assert desk.fetched() == 1
    assert desk.copies() == [(desk.exports / "予約 today.csv").read_bytes()]
    assert desk.fetched() == 0
    desk.restarted()
    assert desk.fetched() == 0
    desk.export("予約 today.csv", "234567")
    assert desk.fetched() == 1
    assert b"234567" in desk.copies()[0]
    assert [path.name for path in desk.exports.iterdir()] == ["予約 today.csv"]


@pytest.mark.peers
def test_an_export_that_is_being_written_is_left_until_it_is_whole(desk: Desk) -> None:
    writer = TerminalWriter(desk.smbd.url("exports"), desk.smbd.password)
    whole = (HEADER + "1,2026-01-15,9:00,内科,甲,A\n").encode()

    def write() -> None:
        writer.write("a.csv", whole, how="slow", pause_s=0.3)

    at_work = threading.Thread(target=write)
    at_work.start()
    wait_until(lambda: (desk.exports / "a.csv").exists(), "the half-written export")
    while at_work.is_alive():
        desk.fetcher.round()
        assert desk.copies() in ([], [whole])
    at_work.join()
    wait_until(lambda: desk.fetcher.round() or desk.copies(), "the whole export")
    assert desk.copies() == [whole]


@pytest.mark.peers
def test_an_export_whose_writer_closes_it_between_two_pieces_is_left_until_it_is_the_same_twice(desk: Desk) -> None:
    for patient in ("1", "12", "123"):
        desk.export("a.csv", patient)
        assert desk.fetcher.round() == 0
    assert desk.fetcher.round() == 1
    assert b"\n123," in desk.copies()[0]


def crowd(desk: Desk, count: int) -> list[bytes]:
    """Exports, each written a minute before the one whose name comes before; their contents, oldest first."""
    for number in range(count):
        desk.export(f"{number:03}.csv", f"{number:03}")
        at = time.time() - 60 * number
        os.utime(desk.exports / f"{number:03}.csv", (at, at))
    return [(desk.exports / f"{number:03}.csv").read_bytes() for number in reversed(range(count))]


@pytest.mark.peers
def test_of_more_exports_than_are_looked_at_the_newest_are_fetched_and_keep_their_order(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "FILES_MAX", 20)
    oldest_first = crowd(desk, 25)
    assert desk.fetched() == 20
    copies = sorted(desk.folder.glob("*.csv"), key=lambda path: path.stat().st_mtime_ns)
    assert [path.read_bytes() for path in copies] == oldest_first[5:]
    assert trouble_of(desk.folder) is None, "the newest are there"
    desk.export("new.csv", "new")
    assert desk.fetched() == 1
    written = max(desk.folder.glob("*.csv"), key=lambda path: path.stat().st_mtime_ns)
    assert b"new" in written.read_bytes()
    assert [(event["event"], event["count"]) for event in desk.events() if "cut" in event["event"]] == [
        ("appointments_listing_cut", 25)
    ]


@pytest.mark.peers
def test_a_listing_that_may_lack_the_newest_exports_is_reported(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "ENTRIES_MAX", 5)
    crowd(desk, 7)
    assert desk.fetched() == 5
    assert trouble_of(desk.folder) == fetch.CUT
    for number in range(3):
        (desk.exports / f"{number:03}.csv").unlink()
    desk.fetched()
    assert trouble_of(desk.folder) is None


@pytest.mark.peers
def test_a_huge_export_is_reported_and_the_ones_behind_it_are_fetched_without_being_held_in_memory(desk: Desk) -> None:
    with (desk.exports / "a.csv").open("wb") as huge:
        huge.truncate(513 * 2**20)
    large = HEADER.encode() + b"x" * (MAX_BYTES - 100)
    (desk.exports / "b.csv").write_bytes(large)
    desk.export("c.csv", "1")
    tracemalloc.start()
    try:
        assert desk.fetched() == 2
        assert tracemalloc.get_traced_memory()[1] < MAX_BYTES / 2
    finally:
        tracemalloc.stop()
    assert large in desk.copies()
    assert trouble_of(desk.folder) == fetch.LARGE
    (desk.exports / "a.csv").unlink()
    desk.fetched()
    assert trouble_of(desk.folder) is None
    assert [event["event"] for event in desk.events()].count("appointments_too_large") == 1


class Refusing:
    """A share that lets nobody read one of its files."""

    def __init__(self, inner: Share, name: str) -> None:
        self._inner, self._name = inner, name

    def __getattr__(self, what: str) -> Any:
        return getattr(self._inner, what)

    def chunks(self, name: str) -> Iterator[bytes]:
        if name == self._name:
            raise Refused("smb://server/exports: no")
        return self._inner.chunks(name)


@pytest.mark.peers
def test_a_file_that_may_not_be_read_does_not_keep_the_others_from_being_fetched(desk: Desk) -> None:
    share = open_share(desk.smbd.url("exports"), desk.smbd.password)
    desk.fetcher = Fetcher(
        cast(Share, Refusing(share, "a.csv")), desk.folder, EventLog(desk.folder, "fetch", echo=False)
    )
    for name in ("a.csv", "b.csv"):
        desk.export(name, name)
    assert desk.fetched() == 1
    assert b"b.csv" in desk.copies()[0]
    assert trouble_of(desk.folder) == Problem("fetch.share", {"what": "smb://server/exports: no"})
    assert not (desk.folder / ".kiosk-fetch.part").exists()


@pytest.mark.peers
@pytest.mark.parametrize("name", [".kiosk-fetch.part", ".kiosk-fetch.json", "events-fetch.jsonl"])
@pytest.mark.parametrize("planted", ["link", "hard link", "pipe", "nonsense"])
def test_what_is_planted_in_place_of_a_file_of_the_fetchers_is_neither_followed_nor_waited_for(
    desk: Desk, tmp_path: Path, name: str, planted: str
) -> None:
    precious = tmp_path / "reservations.db"
    precious.write_bytes(b"precious")
    place = desk.folder / name
    place.unlink(missing_ok=True)
    match planted:
        case "link":
            place.symlink_to(precious)
        case "hard link":
            place.hardlink_to(precious)
        case "pipe":
            os.mkfifo(place)
        case _:
            place.write_text('{"copied": []}' if name.endswith("json") else "[" * 100_000)
    desk.export("a.csv", "1")
    done = threading.Event()

    def work() -> None:
        trouble_of(desk.folder)
        desk.restarted()
        desk.fetched()
        done.set()

    threading.Thread(target=work, daemon=True).start()
    assert done.wait(DEADLINE_S)
    assert precious.read_bytes() == b"precious"
    assert desk.copies() == [(desk.exports / "a.csv").read_bytes()]
    assert trouble_of(desk.folder) is None
    assert "appointments_fetched" in (desk.folder / "events-fetch.jsonl").read_text(encoding="utf-8")


@pytest.mark.peers
def test_a_share_that_is_away_is_reported_and_mended_by_itself(desk: Desk) -> None:
    assert trouble_of(desk.folder) is not None  # nothing has run yet
    desk.fetcher.round()
    assert trouble_of(desk.folder) is None
    desk.smbd.stop()
    desk.fetcher.round()
    trouble = trouble_of(desk.folder)
    assert trouble is not None
    assert desk.smbd.password not in in_english(trouble)
    desk.smbd.start()
    wait_until(lambda: desk.fetcher.round() == 0 and trouble_of(desk.folder) is None, "the share again")
    events = [json.loads(line)["event"] for line in (desk.folder / "events-fetch.jsonl").read_text().splitlines()]
    assert events[0] == "appointments_share_failed"
    assert events[-1] == "appointments_share_up"


@pytest.mark.peers
@pytest.mark.parametrize("planted", [None, "[" * 60_000, '{"copied": 1}', "[]"])
def test_what_others_put_in_the_place_of_the_state_stops_neither_the_fetching_nor_the_reception(
    desk: Desk, planted: str | None
) -> None:
    state = desk.folder / ".kiosk-fetch.json"
    if planted is None:
        os.mkfifo(state)
    else:
        state.write_text(planted)
    assert answered(lambda: trouble_of(desk.folder)) == Problem("fetch.not_running")
    desk.export("a.csv", "1")
    fetcher = desk.restarted()
    assert [answered(fetcher.round), answered(fetcher.round)] == [0, 1]
    assert trouble_of(desk.folder) is None


@pytest.mark.peers
@pytest.mark.parametrize(("share", "result"), [("exports", "OK"), ("another", "NG")])
def test_the_check_says_whether_exports_can_be_fetched(desk: Desk, share: str, result: str) -> None:
    desk.export("a.csv", "1")
    url, gate = desk.smbd.url(share), LogonGate()
    role = Role("appointments_share", "[reservations] share", url, desk.smbd.password, gate)
    opened = open_share(role.url, role.password, gate=gate)
    finding = exports(role, opened)
    assert finding.result == result
    assert ("1 件" if result == "OK" else "その名前の共有がありません") in finding.message
    assert desk.smbd.password not in finding.message


def test_copies_are_forgotten_two_weeks_after_they_were_taken_and_nothing_else_is(tmp_path: Path) -> None:
    copy = "fetched-0123456789abcdef.csv"
    for folder in ("done", "failed"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"20260101T000000Z-{copy}").touch()
        (tmp_path / folder / f"20260112T000000Z-{copy}").touch()
    (tmp_path / "failed" / f"20260101T000000Z-{copy}.txt").touch()
    (tmp_path / "done" / "another.csv").touch()
    (tmp_path / "done" / "20260101T000000Z-by-staff.csv").touch()
    assert forget_copies(tmp_path, datetime(2026, 1, 20, tzinfo=UTC)) == 3
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")) == [
        "done/20260101T000000Z-by-staff.csv",
        f"done/20260112T000000Z-{copy}",
        "done/another.csv",
        f"failed/20260112T000000Z-{copy}",
    ]


@pytest.mark.peers
def test_the_service_fetches_what_the_reception_then_imports_and_ends_when_asked(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    site = Site(tmp_path / "site")
    site.secret("appointments.secret", desk.smbd.password)
    lines = f'share = "{desk.smbd.url("exports")}"', f'import_dir = "{desk.folder}"'
    site.file.write_text(with_("reservations", *lines), encoding="utf-8")
    desk.export("a.csv", "04184963")
    command = [sys.executable, "-m", "kiosk", "reservations", "fetch", "--config", str(site.file)]
    service = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    try:
        wait_until(desk.copies, "a copy")
        reservations = SqliteReservations(tmp_path / "data")
        imports = ImportFolder(desk.folder, Importer(tmp_path / "data", today), quiet_s=1.0)
        wait_until(lambda: imports.poll(time.monotonic()), "the import")
        assert due(reservations, "04184963", today())
    finally:
        service.send_signal(signal.SIGTERM)
        _, errors = service.communicate(timeout=DEADLINE_S)
    assert service.returncode == 0
    assert b"04184963" not in errors
