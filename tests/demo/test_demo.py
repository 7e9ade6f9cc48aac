"""The demo as a stranger runs it: a process, its exit code, and what lies in its folder, looked at with other eyes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from drivers.reservations import csv_file
from drivers.simulated import results, smb_server
from kiosk.demo import chromium, desk_pictures, evidence
from kiosk.demo.desk import Worker
from kiosk.demo.people import AOI, CARD_HOLDERS, KEN, SAKURAKO, VISITORS, Visitor, appointments
from kiosk.results import eligibility
from kiosk.results import names as result_files
from tests import ROOT
from tests.hospital import DEADLINE_S, wait_until
from tests.peers import need

pytestmark = pytest.mark.long

LIMIT_S = 300.0
NO_DISPLAY = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "SDL_VIDEODRIVER": ""}
AT = datetime(2026, 1, 15, 9, 0, 7)


@dataclass(frozen=True)
class Demo:
    """One demo that ran to its end. `left`: what it left among the temporary files."""

    code: int
    output: str
    errors: str
    out: Path
    left: list[str]


def command(*options: str) -> list[str]:
    return [sys.executable, "-P", "-m", "kiosk.demo", *options]


def environment(temporary: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in NO_DISPLAY}
    return {**kept, "TMPDIR": str(temporary), **more}


@pytest.fixture(scope="module")
def temporary() -> Iterator[Path]:
    """A short name: the file server has sockets in it."""
    with tempfile.TemporaryDirectory(prefix="kd") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, temporary: Path) -> Demo:
    for program in smb_server.PROGRAMS:
        need(program)
    out = tmp_path_factory.mktemp("demo") / "out"
    # No --auto: a display that is not there must lead to the same.
    done = subprocess.run(
        command("--out", str(out)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env=environment(temporary, DISPLAY=":987"),
    )
    return Demo(done.returncode, done.stdout, done.stderr, out, [path.name for path in temporary.iterdir()])


def events(demo: Demo, process: str) -> list[str]:
    lines = (demo.out / f"events-{process}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["event"] for line in lines]


@pytest.mark.peers
def test_a_demo_without_a_display_performs_by_itself_and_ends_well(demo: Demo) -> None:
    assert demo.code == 0, demo.output + demo.errors
    assert "starts clean" in demo.output
    account = (demo.out / "account.txt").read_text(encoding="utf-8")
    assert account in demo.output
    assert "NG" not in account
    steps = 7 + 3 + bool(chromium.program())
    assert len(re.findall(r"^ *\d+\.\d\d 秒", account, re.MULTILINE)) == steps, "of the kiosk, of the desk, the whole"


@pytest.mark.peers
def test_a_demo_leaves_a_picture_of_every_page_of_the_desk_where_there_is_a_browser(demo: Demo) -> None:
    account = (demo.out / "account.txt").read_text(encoding="utf-8")
    if chromium.program() is None:
        assert "chromium がない" in account
        return
    found = {path.stem for path in (demo.out / "desk").iterdir()}
    assert found == {f"{page}-{theme}" for page in desk_pictures.PAGES for theme in ("light", "dark")}
    with Image.open(demo.out / "desk/day-light.png") as light, Image.open(demo.out / "desk/day-dark.png") as dark:
        assert light.size == dark.size == (1366, 768)
        brightness = [ImageStat.Stat(each.convert("L")).mean[0] for each in (light, dark)]
        assert brightness[0] > 200
        assert brightness[1] < 60
    with Image.open(demo.out / "desk/visit-changed-light.png") as visit:
        assert visit.width == 1366
        assert visit.height > 768, "the whole page"


@pytest.mark.peers
def test_a_demo_of_the_desk_prints_and_hands_on(demo: Demo) -> None:
    (sheet,) = (demo.out / "sheets").iterdir()
    assert sheet.read_bytes().startswith(b"%PDF-")
    (accepted,) = (demo.out / "accepted").iterdir()
    assert "子ども医療費受給者証" in accepted.read_text(encoding="utf-8-sig")


@pytest.mark.peers
def test_the_pages_are_there_for_who_has_the_printed_log_in_and_patients_come(tmp_path: Path, temporary: Path) -> None:
    for program in smb_server.PROGRAMS:
        need(program)
    before = set(temporary.iterdir())
    child = subprocess.Popen(
        command("--desk", "--out", str(tmp_path / "out")),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env=environment(temporary),
    )
    try:
        assert child.stdout is not None
        url, name, password = (_after(child.stdout, label) for label in ("受付デスク", "利用者", "パスワード"))
        worker = Worker(url.rstrip("/"), name, password)
        wait_until(lambda: len(worker.rows()) > 21, "somebody came after the morning")
        assert 'data-against="missing"' in worker.page("/")
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=DEADLINE_S)
    finally:
        child.kill()
    assert child.returncode == 0
    assert set(temporary.iterdir()) == before
    assert not using(str(temporary)), "a process of the demo is still there"


def _after(lines: Iterator[str], label: str) -> str:
    return next(line.split()[1] for line in lines if line.split()[:1] == [label])


@pytest.mark.peers
def test_a_demo_leaves_a_picture_of_every_screen_in_order(demo: Demo) -> None:
    pictures = sorted(demo.out.glob("[0-9][0-9]-*.png"))
    passed: list[str] = []
    for number, path in enumerate(pictures, 1):
        assert path.name.startswith(f"{number:02}-")
        name = path.stem[3:]
        if passed[-1:] != [name] and name not in ("preparing", "looking_up"):
            passed.append(name)
        with Image.open(path) as picture:
            assert picture.size == (1080, 1920)
            assert len(picture.convert("RGB").resize((54, 96)).getcolors(54 * 96) or ()) > 20, f"{path.name} is empty"
    assert passed == [
        *("choose_card", "tap_reader", "printing", "done", "choose_card", "insert_card", "printing", "done"),
        *("choose_card", "tap_reader", "counter", "choose_card"),
    ]


@pytest.mark.peers
def test_the_slips_of_a_demo_carry_the_patients_numbers(demo: Demo) -> None:
    read = []
    for slip in sorted(demo.out.glob("slip-*.png")):
        done = subprocess.run([need("zbarimg"), "-q", "--raw", str(slip)], capture_output=True, text=True, check=True)
        read.append(done.stdout.strip())
    assert read == ["00012345", "00023456"]


@pytest.mark.peers
def test_the_delivered_files_of_a_demo_are_what_the_terminal_writes(demo: Demo) -> None:
    files = sorted((demo.out / "delivered").iterdir(), key=lambda path: path.stem[-14:])
    assert [result_files.kind(path.name) for path in files] == ["eligibility", "eligibility"]
    read = [eligibility.read(path.read_bytes()) for path in files]
    assert all(isinstance(each, eligibility.Eligibility) for each in read)
    assert [(each.outcome, each.reference_number) for each in read if isinstance(each, eligibility.Eligibility)] == [
        ("usable", "00012345"),
        ("not_registered", None),
    ]


@pytest.mark.peers
def test_the_event_logs_of_a_demo_tell_of_every_reception_once(demo: Demo) -> None:
    run, courier = events(demo, "run"), events(demo, "courier")
    assert [run.count(event) for event in ("arrival_registered", "slip_printed", "sent_to_counter")] == [2, 2, 1]
    assert [courier.count(event) for event in ("file_seen", "file_published", "file_done")] == [2, 2, 2]
    assert run[-1] == "kiosk_stopped"
    assert courier[-1] == "courier_stopped"


@pytest.mark.peers
def test_a_demo_leaves_nothing_among_the_temporary_files(demo: Demo) -> None:
    assert demo.left == []


@pytest.mark.peers
def test_a_demo_that_is_ended_half_way_says_so_and_leaves_nothing_running(tmp_path: Path, temporary: Path) -> None:
    for program in smb_server.PROGRAMS:
        need(program)
    before = set(temporary.iterdir())
    child = subprocess.Popen(
        command("--auto", "--out", str(tmp_path / "out")),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env=environment(temporary),
    )
    try:
        wait_until(lambda: list((tmp_path / "out").glob("*-tap_reader.png")), "the first visit has begun")
        child.send_signal(signal.SIGTERM)
        output, _ = child.communicate(timeout=DEADLINE_S)
    finally:
        child.kill()
    assert child.returncode == 1
    assert "NG" in output
    assert set(temporary.iterdir()) == before
    assert not using(str(temporary)), "a process of the demo is still there"


def using(folder: str) -> list[str]:
    """Command lines of processes that name the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        found += [line] if folder in line else []
    return found


@pytest.mark.peers
def test_a_file_server_that_does_not_start_is_said_clearly(tmp_path: Path, temporary: Path) -> None:
    broken = tmp_path / "bin"
    broken.mkdir()
    for name in smb_server.PROGRAMS:
        (broken / name).symlink_to(need(name))
    (broken / "smbd").unlink()
    (broken / "smbd").write_text("#!/bin/sh\necho no file server today\nexit 1\n")
    (broken / "smbd").chmod(0o755)
    done = subprocess.run(
        command("--auto", "--out", str(tmp_path / "out")),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env=environment(temporary, PATH=f"{broken}:{os.environ['PATH']}"),
    )
    assert done.returncode == 2
    assert "smbd did not start" in done.stderr
    assert "no file server today" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(temporary.glob("kiosk-demo-*")) == []


@pytest.mark.peers
def test_a_demo_before_an_orca_registers_there_and_hands_in_what_it_kept(tmp_path: Path, temporary: Path) -> None:
    for program in smb_server.PROGRAMS:
        need(program)
    before = set(temporary.iterdir())
    out = tmp_path / "out"
    done = subprocess.run(
        command("--his", "orca", "--auto", "--out", str(out)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env=environment(temporary),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NG" not in done.stdout
    rows = [json.loads(line) for line in (out / "orca-receptions.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["department"], row["by_staff"]) for row in rows] == [
        ("内科", False), ("眼科", False), ("循環器内科", False), ("内科", True), ("整形外科", False),
    ]  # fmt: skip
    assert list(out.glob("*-custody.png"))
    if chromium.program() is not None:
        found = {path.name for path in (out / "desk").iterdir()}
        assert found == {f"{page}-{theme}.png" for page in ("custody", "day") for theme in ("light", "dark")}
    assert len(list(out.glob("slip-*.png"))) == 5
    assert set(temporary.iterdir()) == before
    assert not using(str(temporary)), "a process of the demo is still there"


def test_a_folder_that_no_demo_made_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = subprocess.run(
        command("--auto", "--out", str(tmp_path)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_of_an_earlier_demo_is_emptied(tmp_path: Path) -> None:
    out = tmp_path / "out"
    evidence.prepare(out)
    kept = tmp_path / "elsewhere"
    kept.mkdir()
    (kept / "keep.txt").write_text("x")
    (out / "delivered" / "old.xml").write_text("x")
    (out / "99-old.png").write_text("x")
    (out / "link").symlink_to(kept)
    evidence.prepare(out)
    assert sorted(path.name for path in out.iterdir()) == [evidence.MARKER, "delivered"]
    assert list((out / "delivered").iterdir()) == []
    assert (kept / "keep.txt").exists()


# --- the people and their files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("visitor", VISITORS, ids=lambda each: each.insured.kana)
def test_every_visitors_result_is_read_as_it_is_meant(visitor: Visitor) -> None:
    tap = results.tap(visitor.insured, AT, "9912345678")
    read = eligibility.read(tap.result.content)
    assert result_files.kind(tap.result.name) == "eligibility"
    assert re.fullmatch(r"OQSsiquc01res_face_[0-9]{10}[0-9a-f]{20}_20260115090007\.xml", tap.result.name)
    assert isinstance(read, eligibility.Eligibility)
    assert read.outcome == ("not_registered" if visitor is SAKURAKO else "usable")
    assert read.reference_number == visitor.insured.number
    assert read.birthdate == visitor.insured.birthdate
    assert read.notes == (("insurance_check",) if visitor.insured.validity != "1" else ())
    assert read.institution_code == "9912345678"
    assert (read.subsidy.request is not None) == (tap.subsidy is not None)


@pytest.mark.parametrize(("visitor", "fails"), [(AOI, False), (KEN, True)])
def test_a_subsidy_file_is_found_by_the_name_its_result_gives(visitor: Visitor, fails: bool) -> None:
    tap = results.tap(visitor.insured, AT, "9912345678")
    read = eligibility.read(tap.result.content)
    assert isinstance(read, eligibility.Eligibility) and read.subsidy.request and tap.subsidy
    assert result_files.request_key(tap.subsidy.name) == read.subsidy.request.lower()
    found = eligibility.read_subsidy(tap.subsidy.name, tap.subsidy.content)
    assert (found.whole, found.failed, found.request) == (True, fails, read.subsidy.request.lower())


def test_no_two_taps_have_the_same_name() -> None:
    names = {results.tap(AOI.insured, AT, "9912345678").result.name for _ in range(200)}
    assert len(names) == 200


def test_appointments_are_there_today_and_tomorrow_whenever_the_demo_runs() -> None:
    today, tomorrow = "2026-12-31", "2027-01-01"
    parsed = csv_file.read(appointments(date(2026, 12, 31)).encode())
    assert parsed.bad == ()
    booked = {(row.patient_number, row.day) for row in parsed.rows}
    for holder in CARD_HOLDERS:
        assert {(holder.insured.number or "", today), (holder.insured.number or "", tomorrow)} <= booked
    for visitor in VISITORS:
        has = (visitor.insured.number or "", today) in booked
        assert has == bool(visitor.booked and not visitor.another_day)


def test_the_command_explains_itself_without_setting_anything_up() -> None:
    done = subprocess.run(
        [str(shutil.which("bash")), str(ROOT / "deploy/demo"), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "deploy/demo --auto" in done.stdout
