"""A desk as it runs in a hospital and in a clinic: every process real, the shares on real Samba."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import pytest
from playwright.sync_api import expect, sync_playwright

from drivers.share import Missing, Share, open_share
from drivers.simulated.results import Insured, Tap
from drivers.simulated.terminal import TerminalWriter
from tests.courier.bench import place
from tests.desk.feeding import PERSON
from tests.desk.pmh import CHILD, RARE_DISEASE
from tests.desk.running import PASSWORD, WALK_IN, RunningDesk, Staff, free_port, serving, tap_now
from tests.desk.web.real_browsers import KINDS, PATIENCE_MS, launched, watched
from tests.hospital import Hospital, today, wait_until
from tests.peers.samba import lend

pytestmark = [pytest.mark.peers, pytest.mark.long]

expect.set_options(timeout=PATIENCE_MS)
# From the end of the file to the row, on a machine that does nothing else.
WITHIN_S = 1.0
RAISED = replace(CHILD, limits=(("外来", "回", "800"), ("入院", "月", "5000")))


def somebody(number: str) -> Insured:
    """A person of a test's own."""
    return replace(PERSON, number=number, name=f"架空　{number}")


# --- a hospital with a kiosk -------------------------------------------------------------------------------------


@dataclass
class Rooms:
    """A hospital with a kiosk, its courier, its reservations served, and somebody at the desk."""

    hospital: Hospital
    desk: RunningDesk
    staff: Staff
    courier: subprocess.Popen[bytes]
    taps: list[Tap] = field(default_factory=list)

    def tap(self, tap: Tap) -> float:
        """The terminal writes the files; the moment at which the result is whole."""
        self.taps.append(tap)
        if tap.subsidy is not None:
            place(self.hospital.folder("res"), tap.subsidy.name, tap.subsidy.content)
        self.hospital.terminal_writer.write(tap.result.name, tap.result.content)
        return time.monotonic()

    def restart(self) -> None:
        """The desk is there again, and somebody at it."""
        self.desk.start()
        self.staff = self.desk.staff()

    def all_delivered(self) -> None:
        """Every file of every tap is at the receipt computer, byte for byte, and no other is."""
        files = {file.name: file.content for tap in self.taps for file in (tap.result, tap.subsidy) if file}

        def there() -> dict[str, bytes]:
            folders = (self.hospital.folder("to_face"), self.hospital.folder("to_res"))
            return {each.name: each.read_bytes() for folder in folders for each in folder.glob("[!.]*")}

        wait_until(lambda: there() == files, "all is delivered")


@contextmanager
def rooms(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Rooms]:
    """All of it in `folder`."""
    patch.setenv("KIOSK_DESK_RUN_DIR", str(folder / "run"))
    port = free_port()
    (folder / "paper").mkdir()
    settings = {
        "desk": {"listen": f'"127.0.0.1:{port}"', "printer": f'"file://{folder / "paper"}"'},
        "terminal": {"subsidy_wait_s": "60"},
    }
    with ExitStack() as stack:
        hospital = stack.enter_context(Hospital(folder, settings=settings, more=WALK_IN))
        hospital.book("00012,{today},13:00,内科,佐藤,")
        courier = hospital.open_courier()
        stack.enter_context(serving(hospital.site))
        desk = stack.enter_context(RunningDesk(hospital.site, port))
        yield Rooms(hospital, desk, desk.staff(), courier)


def test_a_morning_in_a_hospital_with_a_kiosk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tap is at the kiosk and at the desk; what the desk undoes, the kiosk may do anew."""
    with rooms(tmp_path, monkeypatch) as site:
        reception, staff, took = site.hospital.open("--no-courier"), site.staff, []

        def tap(wanted: str, number: int, **row: str) -> None:
            reception.choose_my_number()
            written = site.tap(tap_now(PERSON, CHILD))
            staff.until(1, **row)
            took.append(time.monotonic() - written)
            last = reception.until("done", "already", "counter")
            assert (last["screen"], f"受付番号 {number}" in last["lines"]) == (wanted, True), last
            reception.press("close")

        tap("done", 1, eligibility="first", subsidy="fetched", against="first")
        staff.until(1, state="registered")
        assert re.search(r'data-arrival="1".*?<td[^>]*>内科</td>', staff.page("/"), re.DOTALL)
        assert "受付機" in staff.page("/a/1")
        said = staff.press("/v/1", "/v/1/certificate", choice="accept")
        assert "取り込みました" in said
        tap("already", 1, against="same", state="registered")
        said = staff.press("/a/1", "/a/1/cancel", reason="wrong_person")
        assert "受付を取り消しました" in said
        staff.until(1, state="cancelled")
        tap("done", 2)
        staff.until(1, state="registered")
        assert min(took) < WITHIN_S, took
        # The kiosk's paper is out: the slip comes from the desk's printer.
        assert "印刷を始めました" in staff.press("/a/2", "/a/2/print")
        wait_until(lambda: "印刷済" in staff.page("/a/2"), "the slip is printed")
        assert len(list((tmp_path / "paper").iterdir())) == 1
        site.all_delivered()
        assert reception.quit() == 0
        assert site.desk.stop() == 0
        audited = site.hospital.kiosk("desk", "audit", "verify")
        assert audited.returncode == 0, audited.stderr
        for log in tmp_path.glob("data/**/events-*.jsonl"):
            assert not re.search("00012|架空　|ｶｸｳ|外来|PMHsimsm", log.read_text(encoding="utf-8")), log


def test_desk_and_courier_may_be_killed_and_nothing_is_lost_or_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rooms(tmp_path, monkeypatch) as site:
        site.tap(tap_now(somebody("00021"), CHILD))
        site.staff.until(1, against="first")
        site.staff.press("/v/1", "/v/1/certificate", choice="accept")
        # Nobody takes out of the spool; then nobody fills it; then both are there again.
        site.desk.kill()
        site.tap(tap_now(somebody("00022")))
        site.all_delivered()
        site.courier.kill()
        site.courier.wait()
        site.tap(tap_now(somebody("00021"), RAISED))
        site.hospital.open_courier()
        site.restart()
        site.staff.until(1, against="changed", eligibility="first")
        site.tap(tap_now(somebody("00023")))
        site.staff.until(3, eligibility="first")
        assert sorted(row["number"] for row in site.staff.list()) == ["00021", "00022", "00023"]
        changed = set(re.findall(r'data-item="([^"]+)" data-changed="true"', site.staff.page("/v/1")))
        assert changed, "what was accepted before is known"
        # The kill falls wherever it falls: before, in or after what is done with a tap.
        for number, pause_s in enumerate((0.0, 0.05, 0.15), 31):
            site.tap(tap_now(somebody(f"000{number}")))
            threading.Event().wait(pause_s)
            site.desk.kill()
            site.restart()
        wait_until(lambda: len(site.staff.list()) == 6, "each is displayed")
        assert [row["number"] for row in site.staff.list()][:3] == ["00033", "00032", "00031"]
        assert "表示できなかった" not in site.staff.page("/")
        site.all_delivered()
        # With keep_days = 0 the list ends with the machine.
        site.desk.kill()
        shutil.rmtree(tmp_path / "run")
        site.restart()
        assert site.staff.list() == []


def test_whom_the_kiosk_could_not_register_waits_at_the_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without reservations: a paper with a code, a line of the kiosk's list, a row that staff tick off."""
    monkeypatch.setenv("KIOSK_DESK_RUN_DIR", str(tmp_path / "run"))
    port = free_port()
    with ExitStack() as stack:
        settings = {"desk": {"listen": f'"127.0.0.1:{port}"'}}
        hospital = stack.enter_context(Hospital(tmp_path, settings=settings, card_reader=True))
        (hospital.data_dir / "reservations.db").write_bytes(b"this is no database" * 1000)
        stack.enter_context(serving(hospital.site))
        desk = stack.enter_context(RunningDesk(hospital.site, port))
        reception, staff = hospital.open("--no-courier"), desk.staff()
        reception.until("choose_card")
        reception.press("patient_card")
        reception.until("insert_card")
        assert hospital.cards is not None
        hospital.cards.insert("00012345")
        counter = reception.until("counter")
        assert counter["reason"] == "reservations_down"
        wait_until(lambda: len(hospital.printer.jobs) == 1, "the paper")

        def unserved() -> list[dict[str, str]]:
            answer = hospital.kiosk("unserved", "--day", f"{today()}", "--json")
            assert answer.returncode == 0, answer.stderr
            return [json.loads(line) for line in answer.stdout.splitlines()]

        code = counter["staff_code"]
        wait_until(lambda: 'data-unserved="1"' in staff.page("/open"), "the row")
        [kept] = unserved()
        assert (kept["way"], kept["number"], kept["code"], kept["served"]) == ("patient_card", "00012345", code, "")
        page = staff.page("/open")
        assert re.search(rf'data-unserved="1" data-number="00012345".*?<b>{code}</b>', page, re.DOTALL)
        assert '<b id="open-count" class="count">1</b>' in page
        pressed = staff.browser.post("/u/1/served", code=code, back="/open")
        assert pressed.status == 303, pressed.text
        page = staff.page(pressed.path)
        assert (
            "対応済みにしました" in page
            and "data-unserved" not in page
            and '<b id="open-count" class="count zero">0</b>' in page
        )
        assert [each["served"] != "" for each in unserved()] == [True]
        assert reception.quit() == 0


# --- a clinic without one ----------------------------------------------------------------------------------------


class Taker:
    """A receipt computer: another SMB client that takes at once what it finds. `refused`: what it was not let do."""

    def __init__(self, share: Share) -> None:
        self._share = share
        self._stop = threading.Event()
        self.taken: dict[str, bytes] = {}
        self.refused: list[str] = []
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._share.drop()

    def _work(self) -> None:
        while not self._stop.wait(0.1):
            for entry in self._share.entries("OQSsiquc01res_*"):
                try:
                    self.taken[entry.name] = self._share.read(entry.name, 1 << 20)
                    self._share.remove(entry.name)
                except Missing:
                    pass
                except Exception as error:  # noqa: BLE001 - whatever it is, it must not be
                    self.refused.append(repr(error))


@dataclass
class Clinic:
    """A terminal's folders on Samba, and a desk that looks on; the reservations are its own."""

    folder: Path
    desk: RunningDesk
    writer: TerminalWriter
    url: str
    password: str

    def tap(self, tap: Tap) -> str:
        """The terminal writes the files of a tap; the name of the result."""
        if tap.subsidy is not None:
            place(self.folder / "res", tap.subsidy.name, tap.subsidy.content)
        self.writer.write(tap.result.name, tap.result.content, share="rwd")
        return tap.result.name

    def forget_memory(self) -> None:
        """What the machine's end takes with it."""
        shutil.rmtree(self.folder / "run")


CLINIC = """
[site]
name = "架空医院"
institution_code = "9912345678"
pattern = 1
data_dir = "{folder}/data"
[terminal]
results = "{face}"
subsidies = "{res}"
password_file = "terminal.secret"
[desk]
listen = "127.0.0.1:{port}"
feed = "watch"
keep_days = 1
printer = "file://{folder}/paper"
"""


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    folder, port = tmp_path_factory.mktemp("clinic"), free_port()
    for name in ("data", "paper"):
        (folder / name).mkdir(mode=0o700)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("KIOSK_DESK_RUN_DIR", str(folder / "run"))
        shares = {name: folder / name for name in ("face", "res")}
        server = stack.enter_context(lend(shares, which="terminal", encryption="required"))
        text = CLINIC.format(folder=folder, port=port, face=server.url("face"), res=server.url("res"))
        (folder / "site.toml").write_text(text + WALK_IN, encoding="utf-8")
        (folder / "terminal.secret").write_text(server.password)
        (folder / "terminal.secret").chmod(0o600)
        writer = TerminalWriter(server.url("face"), server.password)
        stack.callback(writer.close)
        desk = stack.enter_context(RunningDesk(folder / "site.toml", port))
        yield Clinic(folder, desk, writer, server.url("face"), server.password)


def test_a_clinic_whose_receipt_computer_takes_the_files_away_at_once(clinic: Clinic) -> None:
    staff = clinic.desk.staff()
    with Taker(open_share(clinic.url, clinic.password)) as computer:
        names = [clinic.tap(tap_now(somebody(f"0010{number}"))) for number in range(5)]
        wait_until(lambda: computer.taken.keys() >= set(names), "it has taken them all")

        def accounted() -> int:
            lost = re.search("表示できなかった利用者が ([0-9]+) 名", staff.page("/"))
            return len(staff.list()) + (int(lost[1]) if lost else 0)

        wait_until(lambda: accounted() == len(names), "each is displayed, or counted")
    assert computer.refused == [], "nothing of its own was ever refused because of the desk"
    # With the file left where it is: received without an appointment, and printed.
    before = len(staff.list())
    clinic.tap(tap_now(somebody("00110"), CHILD))
    wait_until(lambda: len(staff.list()) == before + 1, "a row")
    seq = int(staff.list()[0]["visit"])
    staff.until(seq, eligibility="first", against="first", subsidy="fetched")
    staff.press(f"/v/{seq}", f"/v/{seq}/certificate", choice="accept")
    assert "予約外で受付登録をしました" in staff.press(f"/v/{seq}", f"/v/{seq}/walk-in", department="01")
    staff.until(seq, state="registered")
    staff.press(f"/v/{seq}", f"/v/{seq}/print")
    wait_until(lambda: "印刷済" in staff.page(f"/v/{seq}"), "the sheet is printed")
    # The power is cut, and there again: all that was there is there, and what came meanwhile comes once.
    clinic.desk.kill()
    clinic.forget_memory()
    clinic.tap(tap_now(somebody("00111")))
    clinic.desk.start()
    staff = clinic.desk.staff()
    wait_until(lambda: len(staff.list()) == before + 2, "what came meanwhile")
    clinic.tap(tap_now(somebody("00110"), CHILD))
    staff.until(seq, against="same", eligibility="first", state="registered")
    # And once more, in order.
    listed = staff.list()
    assert len(listed) == before + 2
    assert clinic.desk.stop() == 0
    clinic.forget_memory()
    clinic.desk.start()
    assert clinic.desk.staff().list() == listed


@pytest.mark.parametrize("kind", KINDS)
def test_a_patient_at_the_desk_in_a_browser(clinic: Clinic, kind: str) -> None:
    """The whole way of one patient, with nothing reloaded by hand."""
    number = f"0020{KINDS.index(kind)}"
    with sync_playwright() as playwright, launched(playwright, kind) as browser, watched(browser) as seen:
        page = seen.enter(clinic.desk, "chief", PASSWORD)
        expect(page.locator("#live")).to_contain_text("自動更新中")
        clinic.tap(tap_now(somebody(number), CHILD, RARE_DISEASE))
        row = page.locator(f"tr[data-number='{number}']")
        expect(row).to_have_attribute("data-against", "first")
        row.locator(".who a").click()
        page.get_by_role("button", name=f"取込 {CHILD.name}").click()
        expect(page.locator(".say.good")).to_contain_text("取り込みました")
        page.get_by_role("button", name=f"取り込まない {RARE_DISEASE.name}").click()
        expect(page.locator(".say.good")).to_contain_text("登録済みのままにしました")
        page.get_by_role("button", name="予約外で受付").click()
        expect(page.locator(".say.good")).to_contain_text("予約外で受付登録をしました")
        page.get_by_role("button", name="カルテ出しを印刷").click()
        page.get_by_role("link", name="本日の受付").first.click()
        expect(row).to_have_attribute("data-state", "registered")
        expect(row.locator(".act")).to_contain_text("印刷済")
        expect(page.locator("#arrivals tr", has_text=number)).to_contain_text("内科")
        clinic.tap(tap_now(somebody(number), RAISED, RARE_DISEASE))
        expect(row).to_have_attribute("data-against", "changed")
        row.locator(".who a").click()
        changed = page.locator("[data-certificate='changed']")
        expect(changed.locator("[data-changed='true']")).to_have_count(1)
        changed.get_by_role("button", name="登録済みのまま").click()
        expect(page.locator(".say.good")).to_contain_text("登録済みのままにしました")
        page.get_by_role("button", name="離席").click()
        page.get_by_label("パスワード").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(row).to_be_visible()
