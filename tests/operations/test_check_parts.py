"""The parts of `kiosk check` that need no server: this PC, files, printer, card reader, and the schedule."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from drivers.printer import open_printer
from drivers.reservations.sqlite.file import DATABASE_NAME
from drivers.reservations.sqlite.reservations import SqliteReservations
from drivers.share import LogonGate, Refused, Share, open_share
from drivers.simulated.card_reader import SimulatedCardReader
from drivers.simulated.printer import SimulatedPrinter
from kiosk.config import CardReader, Config, Display
from kiosk.config.checks import ClosedDay
from kiosk.courier.ledger import TEMP_PATTERN
from kiosk.machine.state import Size
from kiosk.operations import check
from kiosk.operations.check import devices, files, machine, probe
from kiosk.operations.check.finding import Finding, Findings, ng, ok, skip
from kiosk.operations.check.schedule import Job, Schedule
from kiosk.reception import run_status
from kiosk.results.names import kind
from tests.hospital import today
from tests.site_toml import REQUIRED, Site, with_

# --- schedule ------------------------------------------------------------------------------------------------------


def job(*codes: str, work: Callable[[], Findings] | None = None, **how: Any) -> Job:
    return Job(codes, work or (lambda: (ok(code, "message.write") for code in codes)), **how)


def test_findings_come_in_the_order_of_the_jobs_however_long_each_takes() -> None:
    later = threading.Event()

    def slow() -> Findings:
        later.wait(30)
        yield ok("first", "message.write")

    def quick() -> Findings:
        later.set()
        yield ok("second", "message.write")

    schedule = Schedule([job("first", work=slow), job("second", work=quick)], threading.Event())
    assert [finding.code for finding in schedule] == ["first", "second"]


def test_a_job_that_fails_or_says_too_little_is_wrong_for_each_code_it_owes() -> None:
    def fails() -> Findings:
        yield ok("a", "message.write")
        raise ValueError("with a patient's number 04184963")

    def says_nothing() -> Findings:
        yield from ()

    found = list(Schedule([job("a", "b", "c", work=fails), job("d", work=says_nothing)], threading.Event()))
    assert [(finding.code, finding.result) for finding in found] == [("a", "OK"), ("b", "NG"), ("c", "NG"), ("d", "NG")]
    assert "ValueError" in found[1].message and "04184963" not in found[1].message


def test_a_job_that_hangs_is_given_up() -> None:
    never = threading.Event()

    def hangs() -> Findings:
        never.wait(60)
        yield ok("hangs", "message.write")

    schedule = Schedule([job("hangs", work=hangs, limit_s=0.1), job("next")], threading.Event())
    assert [(finding.code, finding.result) for finding in schedule] == [("hangs", "NG"), ("next", "OK")]
    never.set()


def test_a_job_that_asks_a_person_starts_when_the_lines_above_are_out() -> None:
    out: list[str] = []

    def asks() -> Findings:
        yield ok(f"asks after {' '.join(out)}", "message.write")

    schedule = Schedule([job("asked", work=None), job("asks after asked", work=asks, alone=True)], threading.Event())
    for finding in schedule:
        out.append(finding.code)  # noqa: PERF401 - the next job reads it meanwhile
    assert out == ["asked", "asks after asked"]


def test_after_a_stop_nothing_further_is_begun_and_tidying_is_waited_for() -> None:
    stop, at_work, tidied = threading.Event(), threading.Event(), []

    def works() -> Findings:
        try:
            at_work.set()
            stop.wait(30)
            yield ok("a", "message.write")
            tidied.append("too much")
            yield ok("b", "message.write")
        finally:
            tidied.append("tidied")

    schedule = Schedule([job("a", "b", work=works, tidies=True)], stop)
    findings = iter(schedule)

    def stop_it() -> None:
        at_work.wait(30)
        stop.set()

    threading.Thread(target=stop_it, daemon=True).start()
    next(findings)
    assert schedule.tidy(30)
    assert tidied == ["tidied"]


# --- the command ---------------------------------------------------------------------------------------------------


def test_a_site_toml_with_mistakes_is_reported_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.toml"
    file.write_text(REQUIRED.replace("pattern = 1", "pattern = 3").replace('url = "tcp', 'adress = "tcp'))
    assert check.run(file, print_slip=False, as_json=False) == 2
    lines = [line for line in capsys.readouterr().out.splitlines() if " site_toml " in line]
    assert len(lines) >= 3  # pattern, unknown key, missing url; and the password files
    assert all(line.startswith("NG   site_toml") and " → " in line for line in lines)
    assert any("pattern" in line for line in lines) and any("adress" in line for line in lines)


def test_a_missing_site_toml_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run(tmp_path / "none.toml", print_slip=False, as_json=True) == 2
    assert '"ok": false' in capsys.readouterr().out


def test_a_finding_is_one_line() -> None:
    assert ng("a", "message.no_folder", "do.take_read_right", path="a\nb", file="c\nd").line().count("\n") == 0
    assert skip("screen", "message.not_set").line() == "SKIP screen                         設定がありません"


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "data").mkdir(mode=0o700)
    return Site(tmp_path)


def config(site: Site, table: str = "site", *lines: str) -> Config:
    text = with_("site", f'data_dir = "{site.folder / "data"}"')
    return site.load(with_(table, *lines, text=text) if lines else text)


def test_a_site_toml_that_anybody_may_write_is_wrong(site: Site) -> None:
    file = config(site).file
    assert files.site_toml(file).result == "OK"
    file.chmod(0o666)
    assert files.site_toml(file).result == "NG"


def test_secrets_that_others_may_read_are_wrong(site: Site) -> None:
    loaded = config(site)
    assert files.secrets(loaded).result == "OK"
    (site.folder / "terminal.secret").chmod(0o640)
    found = files.secrets(loaded)
    assert found.result == "NG" and "chmod 600" in found.do()


def test_the_data_folder_is_there_and_ours_alone_or_can_be_made(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert files.data_dir(folder).result == "OK"
    assert not folder.exists()
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    assert files.data_dir(folder).result == "NG"
    folder.chmod(0o700)
    assert files.data_dir(folder).result == "OK"
    folder.rmdir()
    folder.write_text("")
    assert files.data_dir(folder).result == "NG"


def by_code(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {finding.code: finding for finding in findings}


def test_appointments_are_counted_without_making_a_database(site: Site) -> None:
    loaded = config(site)
    assert {each.result for each in files.appointments(loaded)} == {"SKIP"}
    assert not list(loaded.site.data_dir.iterdir())
    SqliteReservations(loaded.site.data_dir)  # an empty database
    found = by_code(files.appointments(loaded))
    assert (found["reservations"].result, found["appointments_today"].result) == ("OK", "OK")
    assert "0 件" in found["appointments_today"].message and "取り込み" in found["appointments_today"].do()
    day = today()
    closed = config(site, "site", f'closed_days = ["{day:%m-%d}"]', f'data_dir = "{site.folder / "data"}"')
    assert closed.site.closed_days == (ClosedDay(day.month, day.day),)
    assert "休診日" in by_code(files.appointments(closed))["appointments_today"].do()


def test_a_broken_or_deleted_database_is_reported(site: Site) -> None:
    loaded = config(site)
    SqliteReservations(loaded.site.data_dir).begin_keeping(today(), datetime.now(UTC))
    database = loaded.site.data_dir / DATABASE_NAME
    for breaks in (lambda: database.write_bytes(b"not a database" * 1000), database.unlink):
        breaks()
        found = by_code(files.appointments(loaded))
        assert (found["reservations"].result, found["appointments_today"].result) == ("NG", "SKIP")
        assert "kiosk reservations restore" in found["reservations"].do()
    assert not database.exists()


def test_an_import_folder_must_be_there(site: Site) -> None:
    folder = site.folder / "imports"
    loaded = config(site, "reservations", f'import_dir = "{folder}"')
    assert by_code(files.appointments(loaded))["import_dir"].result == "NG"
    folder.mkdir()
    assert by_code(files.appointments(loaded))["import_dir"].result == "OK"


def test_a_table_of_numbers_that_cannot_be_used_is_reported_without_its_numbers(tmp_path: Path) -> None:
    table = tmp_path / "map.csv"
    assert files.reference_numbers(None).result == "SKIP"
    assert files.reference_numbers(table).result == "NG"
    table.write_text("reference_number,patient_number\n12345,67890\n")
    assert files.reference_numbers(table).result == "OK"
    table.write_text("reference_number,patient_number\n12345,67890,55555\n")
    found = files.reference_numbers(table)
    assert found.result == "NG" and "12345" not in found.line()


def test_the_alarm_program_must_be_there_and_is_not_run(tmp_path: Path) -> None:
    program, ran = tmp_path / "alarm", tmp_path / "ran"
    assert files.alarm(()).result == "SKIP"
    assert files.alarm((str(program),)).result == "NG"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o644)
    assert files.alarm((str(program),)).result == "NG"
    program.chmod(0o755)
    assert files.alarm((str(program), "--key", "hidden-key")).result == "OK"
    assert "hidden-key" not in files.alarm((str(program), "--key", "hidden-key")).line()
    assert not ran.exists()


# --- this PC -------------------------------------------------------------------------------------------------------


def test_a_disk_with_too_little_room_is_reported_with_its_figure(tmp_path: Path) -> None:
    assert machine.disk(tmp_path / "not" / "yet", free_min_mb=0).result == "OK"
    found = machine.disk(tmp_path, free_min_mb=10**12)
    assert found.result == "NG" and re.search("[0-9]+ MB", found.message)


def test_fonts_that_are_missing_or_lack_letters_are_reported() -> None:
    assert machine.fonts().result == "OK"
    assert machine.fonts(names=("NotThere.ttf",)).result == "NG"
    assert machine.fonts(sample="漢\U000f0000").result == "NG"


@pytest.mark.parametrize(
    ("width", "height", "rotation", "wired", "result", "do"),
    [
        (1080, 1920, 0, (1080, 1920), "OK", ""),
        (1080, 1920, 90, (1920, 1080), "OK", ""),
        (1080, 1920, 270, (1920, 1080), "OK", ""),
        (1280, 1024, 180, (1280, 1024), "OK", ""),
        (1080, 1920, 0, (1920, 1080), "NG", "90"),
        (1080, 1920, 90, (1080, 1920), "NG", "0"),
        (1080, 1920, 0, (1280, 1024), "NG", "width_px = 1280、height_px = 1024"),
        (1080, 1920, 90, (1280, 1024), "NG", "width_px = 1024、height_px = 1280"),
    ],
)
def test_the_screen_is_compared_as_it_is_mounted(
    width: int, height: int, rotation: Any, wired: Size, result: str, do: str
) -> None:
    found = machine.screen(Display(width_px=width, height_px=height, rotation=rotation), [wired])
    assert found.result == result
    assert do in found.do()


def test_a_window_or_no_display_is_not_checked() -> None:
    assert machine.screen(Display(fullscreen=False), [(1, 1)]).result == "SKIP"
    assert machine.screen(Display(), []).result == "SKIP"


@pytest.mark.parametrize(
    ("width", "height", "inches", "low"),
    [
        (1280, 800, 10.1, 4.4),
        (1024, 768, 15, 6.1),
        (1080, 1920, 21.5, 6.1),
        (1920, 1080, 21.5, 6.9),
        (2160, 3840, 32, 9.1),
    ],
)
def test_a_display_that_is_too_small_for_letters_is_named_with_their_size(
    width: int, height: int, inches: float, low: float
) -> None:
    found = machine.letters(Display(width_px=width, height_px=height, diagonal_inch=inches))
    assert found.result == "OK"
    assert (f"{low} mm" in found.message, "もっと大きい画面" in found.do()) == (True, low < 6.1)


@pytest.mark.parametrize(
    ("mounting_cm", "result", "do"), [(0, "SKIP", ""), (80, "OK", ""), (100, "OK", "高さ"), (20, "OK", "高さ")]
)
def test_what_is_out_of_a_wheelchairs_reach_is_named(mounting_cm: float, result: str, do: str) -> None:
    found = machine.reach(Display(mounting_cm=mounting_cm))
    assert found.result == result
    assert bool(do) == bool(found.do()) and do in found.do()


def test_the_size_comes_from_x_or_from_the_kernel(tmp_path: Path) -> None:
    there = {"card0-HDMI-A-1": ("connected", "1920x1080\n1920x1080i\n1280x720\n"), "card0-DP-1": ("disconnected", "")}
    for name, (state, modes) in there.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "status").write_text(state + "\n")
        (tmp_path / name / "modes").write_text(modes)

    def x_says(*_: str) -> str:
        return "Screen 0: minimum 320 x 200, current 1280 x 1024, maximum 16384 x 16384"

    assert machine.display_sizes(x_says, {"DISPLAY": ":0"}, tmp_path) == [(1280, 1024)]
    offered = [(1920, 1080), (1280, 720)]
    assert machine.display_sizes(x_says, {}, tmp_path) == offered
    assert machine.display_sizes(lambda *_: None, {"DISPLAY": ":0"}, tmp_path) == offered
    assert machine.display_sizes(x_says, {}, tmp_path / "none") == []


@pytest.mark.parametrize(
    ("timedatectl", "chronyc", "result"),
    [
        ("yes\n", None, "OK"),
        ("no\n", None, "NG"),
        ("no\n", "Leap status     : Normal\n", "OK"),
        (None, "Leap status     : Not synchronised\n", "NG"),
        (None, None, "SKIP"),
    ],
)
def test_the_clock_follows_a_time_server(
    tmp_path: Path, timedatectl: str | None, chronyc: str | None, result: str
) -> None:
    answers = {"timedatectl": timedatectl, "chronyc": chronyc}
    assert machine.clock_sync(lambda program, *_: answers[program], tmp_path / "none").result == result
    (tmp_path / "synchronized").touch()
    assert machine.clock_sync(lambda *_: None, tmp_path / "synchronized").result == "OK"


def test_a_program_that_is_missing_or_fails_says_nothing() -> None:
    assert machine.answer_of("kiosk-has-no-such-program") is None
    assert machine.answer_of("false") is None
    assert machine.answer_of("echo", "yes") == "yes\n"


# --- printer -------------------------------------------------------------------------------------------------------


def printed(site: Site, printer: SimulatedPrinter, **how: Any) -> dict[str, Finding]:
    device = open_printer(printer.url, answer_s=1.0, stall_s=1.0, **how)
    loaded = config(site)
    assert loaded.printer is not None
    return by_code(devices.printer(device, loaded.printer, loaded.site, print_slip=True))


@pytest.mark.parametrize(
    ("knob", "value", "code", "words"),
    [
        ("paper", "out", "paper", "用紙がありません"),
        ("cover_open", True, "printer", "カバー"),
        ("offline", True, "printer", "届きません"),
        ("silent", True, "printer", "答えがありません"),
    ],
)
def test_each_fault_of_the_printer_is_reported_and_no_slip_is_sent(
    site: Site, knob: str, value: object, code: str, words: str
) -> None:
    with SimulatedPrinter() as printer:
        setattr(printer, knob, value)
        found = printed(site, printer)
        assert [finding.code for finding in found.values() if finding.result == "NG"] == [code]
        assert words in found[code].message and found[code].do()
        assert found["test_slip"].result == "SKIP"
        assert not printer.jobs


def test_a_printer_that_is_switched_off_is_reported(site: Site) -> None:
    with SimulatedPrinter() as printer:
        printer.stop()
        assert printed(site, printer)["printer"].result == "NG"


def test_paper_that_nears_its_end_is_a_hint_and_paper_that_ends_in_the_slip_is_wrong(site: Site) -> None:
    with SimulatedPrinter() as printer:
        printer.paper = "near_end"
        found = printed(site, printer)
        assert (found["paper"].result, found["test_slip"].result) == ("OK", "OK")
        assert found["paper"].do()
        assert len(printer.jobs) == 1
        printer.end_paper_after(5000)
        assert printed(site, printer)["test_slip"].result == "NG"


def test_a_printer_that_is_never_asked_still_prints(site: Site) -> None:
    with SimulatedPrinter() as printer:
        found = printed(site, printer, status=False)
        assert [found[code].result for code in devices.PRINTER_CODES] == ["OK", "SKIP", "OK"]


def test_the_lock_of_the_reception_is_used_where_there_is_a_data_folder(tmp_path: Path) -> None:
    assert run_status.printer_lock(tmp_path / "none") is None
    assert run_status.printer_lock(tmp_path) == tmp_path / "printer.lock"
    if os.geteuid() == 0:  # root's lock would be one that the kiosk's own user cannot open
        os.chown(tmp_path, 65534, 65534)
        assert run_status.printer_lock(tmp_path) is None


# --- card reader ---------------------------------------------------------------------------------------------------


def cards(reader: CardReader | None, folder: Path, ask: Callable[[str], None] | None, **how: Any) -> dict[str, Finding]:
    return by_code(devices.card_reader(reader, folder, ask, **how))


def test_a_card_is_read_only_with_a_person_and_never_displayed(tmp_path: Path) -> None:
    with SimulatedCardReader() as simulated:
        reader = CardReader(url=simulated.url)
        found = cards(reader, tmp_path, None)
        assert (found["card_reader"].result, found["card_read"].result) == ("OK", "SKIP")
        found = cards(reader, tmp_path, lambda _: simulated.insert("04184963"), wait_s=30.0)
        assert found["card_read"].result == "OK"
        assert "8 文字" in found["card_read"].message and "04184963" not in found["card_read"].line()
        other = CardReader(url=simulated.url, pattern="^[0-9]{10}$")
        assert cards(other, tmp_path, lambda _: simulated.insert("04184963"), wait_s=30.0)["card_read"].result == "NG"
        assert cards(reader, tmp_path, lambda _: None, wait_s=0.2)["card_read"].result == "NG"
        assert cards(reader, tmp_path, lambda _: simulated.unplug(), wait_s=30.0)["card_read"].result == "NG"


def test_a_reader_that_is_not_there_is_reported(tmp_path: Path) -> None:
    found = cards(CardReader(url=f"serial://{tmp_path}/none"), tmp_path, None)
    assert (found["card_reader"].result, found["card_read"].result) == ("NG", "SKIP")
    assert {finding.result for finding in cards(None, tmp_path, None).values()} == {"SKIP"}


def test_the_second_reader_is_opened_and_read_as_the_first(tmp_path: Path) -> None:
    assert list(devices.card_readers(CardReader(url="serial:///dev/ttyS0", also="same"))) == [devices.CARD_CODES]
    with SimulatedCardReader() as simulated:
        both = CardReader(url=f"serial://{tmp_path}/none", also=simulated.url)
        assert list(devices.card_readers(both)) == [devices.CARD_CODES, devices.ALSO_CODES]
        found = cards(both, tmp_path, None, codes=devices.ALSO_CODES)
        assert (found["card_reader_also"].result, found["card_read_also"].result) == ("OK", "SKIP")
        asked: list[str] = []

        def hold(what: str) -> None:
            asked.append(what)
            simulated.insert("04184963")

        found = cards(both, tmp_path, hold, codes=devices.ALSO_CODES, wait_s=30.0)
        assert found["card_read_also"].result == "OK" and "QR" in asked[0]
        assert cards(both, tmp_path, None)["card_reader"].result == "NG"
    found = cards(CardReader(also=f"serial://{tmp_path}/none"), tmp_path, None, codes=devices.ALSO_CODES)
    assert (found["card_reader_also"].result, found["card_read_also"].result) == ("NG", "SKIP")
    assert "[card_reader] also" in found["card_reader_also"].do()
    assert "[card_reader] also" in found["card_reader_also"].do(no_shell=True)


# --- the probe -----------------------------------------------------------------------------------------------------


class _Kept:
    """A folder in which nothing can be deleted, as some servers are set up."""

    def __init__(self, share: Share) -> None:
        self._share = share

    def __getattr__(self, name: str) -> Any:
        return getattr(self._share, name)

    def remove(self, name: str) -> None:
        raise Refused("no right to delete (0xC0000022).")

    def delete_same(self, name: str, digest: object) -> bool:
        raise Refused("no right to delete (0xC0000022).")

    def rename_new(self, name: str, new_name: str, into: object = None) -> None:
        self._share.rename_new(name, new_name)


@contextmanager
def ends(folder: Path, *, kept: bool = False, **more: Any) -> Iterator[probe.Ends]:
    share = open_share(f"file://{folder}", None)
    if kept:
        share = cast(Share, _Kept(share))
    yield probe.Ends(f"file://{folder}", share, share, more.get("sources", ()), LogonGate())


def test_a_probe_that_cannot_be_deleted_is_named_so_that_a_person_can(tmp_path: Path) -> None:
    with ends(tmp_path, kept=True) as where:
        found = by_code(probe.write("write", "same", where))
    (left,) = [item.name for item in tmp_path.iterdir()]
    assert found["write"].result == "NG" and left in found["write"].do()
    assert "may be deleted" in (tmp_path / left).read_text()


def test_a_probe_has_a_new_name_each_time_that_no_program_of_ours_takes(tmp_path: Path) -> None:
    with ends(tmp_path) as where:
        one, other = probe.Probe(where), probe.Probe(where)
    assert {one.temp, one.name}.isdisjoint({other.temp, other.name})
    assert kind(one.name) is kind(one.temp) is None
    assert not Path(one.temp).match(TEMP_PATTERN)


def test_what_a_killed_check_left_is_deleted_by_the_next_one_and_nothing_else(tmp_path: Path) -> None:
    with ends(tmp_path) as where:
        killed, other = probe.Probe(where), probe.Probe(where)
        (tmp_path / killed.temp).write_bytes(killed.content)
        (tmp_path / killed.name).write_bytes(killed.content)
        (tmp_path / other.name).write_bytes(killed.content)  # not what a probe of this name holds
        (tmp_path / "kiosk-check-list.txt").write_bytes(b"a person's")
        assert probe.untouched("untouched", where, 0.01, threading.Event()).result == "OK"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([other.name, "kiosk-check-list.txt"])


def test_one_folder_by_two_paths_is_found(tmp_path: Path) -> None:
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    source = ("[terminal] results", open_share(f"file://{link}", None))
    with ends(folder, sources=(source,)) as where:
        found = by_code(probe.write("write", "same", where))
    assert (found["write"].result, found["same"].result) == ("OK", "NG")
    assert not list(folder.iterdir())


def test_a_stop_while_the_unfinished_file_lies_there_deletes_it(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with ends(tmp_path) as where:
        assert probe.untouched("untouched", where, 60.0, stop).result == "SKIP"
    assert not list(tmp_path.iterdir())
