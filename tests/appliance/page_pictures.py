"""Every page of the appliance there is, with made-up facts: for the tests, and for whoever reviews pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kiosk.appliance.technician.pages import Page, page_of
from kiosk.appliance.technician.state import (
    Choice,
    Front,
    Gone,
    Machine,
    Menu,
    Option,
    Pin,
    Report,
    RequestedPage,
    Stage,
    State,
    Sure,
    Working,
)
from kiosk.appliance.technician.step import JOBS, first
from kiosk.words.texts import Texts

NOW = 1000.0
USB = ('id = "04f3:0103"　port = "1-2"　HOLTEK USB-HID Keyboard', 'id = "0403:6001"　port = "1-4.1"')
MACHINE = Machine("2026.11.1", "A", site=True, technician=True, stick=True)
_NG = "に書き込めません → 資格確認端末の共有の権限を確かめ、kiosk のユーザーに変更の権限を付けてください"
_MARKS = {4: "NG", 9: "SKIP"}
CHECKS = tuple(
    f"{_MARKS.get(at, 'OK'):<4} share_{at:<24} 共有 192.0.2.10/kiosk-results {_NG if at == 4 else 'につながります'}"
    for at in range(18)
)
_SHARE = "smb://[ドメイン;]ユーザー@ホスト[:ポート]/共有[/フォルダー] の形のアドレスを書いてください"
_PROBLEM = f"site.toml: [terminal] results: {_SHARE}。今の値: この形と違う文字列（ユーザー名がありません）"
WRONG = tuple(f"{_PROBLEM}（{at}）" for at in range(3))
TAKEN = ("病院名：サンプル総合病院", "パターン 2", "資格確認端末 192.0.2.10", "レセコン 192.0.2.20", "パスワード 2 個")
DISKS = tuple(Option(f"sd{letter}", f"SAMSUNG MZ7L3480HCHQ-00A07　480 GB　（sd{letter}）") for letter in "abcdef")


def state_of(requested: RequestedPage, stage: Stage | None = None, machine: Machine = MACHINE) -> State:
    """A state as it is when the page was touched just now."""
    state = replace(first(requested, NOW), machine=machine)
    return state if stage is None else replace(state, stage=stage)


def examples(texts: Texts) -> Iterator[tuple[str, Page]]:
    """(name, page) of every kind of page, stage and length."""
    for name, state in states():
        yield name, page_of(state, texts, NOW)
    technician = state_of(RequestedPage("technician"), Menu())
    yield "leaving", page_of(technician, texts, NOW + 55)


def states() -> Iterator[tuple[str, State]]:
    """(name, state) of all but the page that is about to go."""
    yield "no_site", state_of(RequestedPage("no_site"), machine=Machine())
    yield "no_site_usb", state_of(RequestedPage("no_site"), machine=Machine("2026.11.1", "A", refused_usb=USB))
    yield "no_site_wrong", state_of(RequestedPage("no_site", wrong=WRONG), machine=replace(MACHINE, refused_usb=USB))
    yield "no_site_much_wrong", state_of(RequestedPage("no_site", wrong=WRONG * 4), Front(1))
    yield "checking", state_of(RequestedPage("no_site", checking=True))
    yield "provisioned", state_of(RequestedPage("provisioned", TAKEN, accepted=True))
    yield "provisioned_wrong", state_of(RequestedPage("provisioned", TAKEN, CHECKS[4:5], accepted=True))
    yield "refused", state_of(RequestedPage("provisioned", (), WRONG))
    yield "recovery", state_of(RequestedPage("recovery", reason="unlock"))
    yield "recovery_no_stick", state_of(RequestedPage("recovery", reason="surprise"), machine=Machine())
    yield "updating", state_of(RequestedPage("updating", percent=40))
    yield "installer_none", state_of(RequestedPage("installer"), Choice("write_disk", ()))
    yield "installer_disks", state_of(RequestedPage("installer"), Choice("write_disk", DISKS[:2]))
    yield "installer_many", state_of(RequestedPage("installer"), Choice("write_disk", DISKS))
    yield "installer", state_of(RequestedPage("installer"))
    for again in (False, True):
        yield f"installer_sure_{again}", state_of(RequestedPage("installer"), Sure("write_disk", DISKS[0], again))
    yield "installer_writes", state_of(RequestedPage("installer"), Working("write_disk", 1, NOW + 9, percent=63))
    yield "installer_done", state_of(RequestedPage("installer"), Report("write_disk", ok=True))
    yield "installer_failed", state_of(RequestedPage("installer"), Report("write_disk", ok=False, reason="no_answer"))
    yield "gone", state_of(RequestedPage("technician"), Gone(NOW + 9))
    yield "technician_menu_desk", state_of(RequestedPage("technician"), Menu(), replace(MACHINE, desk=True))
    yield from ((f"technician_{name}", state_of(RequestedPage("technician"), stage)) for name, stage in _stages())


def _stages() -> Iterator[tuple[str, Stage]]:
    yield "pin", Pin()
    yield "pin_typed", Pin("123456789012")
    yield "pin_wrong", Pin(outcome="wrong_pin", number=4)
    yield "pin_locked", Pin(outcome="locked", number=15)
    yield "pin_waiting", Pin("123456", "waiting", asked=1)
    yield "pin_failed", Pin(outcome="failed")
    yield "pin_ended", Pin(outcome="ended")
    yield "menu", Menu()
    yield "checking", Working("check", 1, NOW + 9, CHECKS[:5])
    yield "updating", Working("update", 1, NOW + 9, percent=7)
    yield "starting", Working("status", 1, NOW + 9)
    yield "check_ng", Report("check", ok=True, rows=CHECKS)
    yield "check_next", Report("check", ok=True, rows=CHECKS, part=1)
    yield "check_last", Report("check", ok=True, rows=CHECKS, part=99)
    yield "check_ok", Report("check", ok=True, rows=CHECKS[:3])
    yield "too_long", Report("check", ok=False, reason="too_long", rows=CHECKS[:3])
    yield "update_done", Report("update", ok=True)
    yield "update_refused", Report("update", ok=False, reason="wrong_signer")
    yield "sentence", Report("update", ok=False, reason="この版は、別の装置のためのものです。")
    yield "status_wrong", Report("status", ok=True, rows=("配送が止まっています",), well=False)
    yield "print_wrong", Report("print", ok=True, rows=CHECKS[4:5], well=False)
    yield "failed", Report("reboot", ok=False, reason="failed")
    yield "pin_too_short", Pin("123", "too_short")
    yield "nothing", Report("events", ok=True)
    yield "reboots", Report("reboot", ok=True)
    yield "bundles", Choice("update", (Option("a.raucb", "版 2026.12.1　USB メモリー　（kiosk-2026.12.1.raucb）"),))
    yield "no_bundles", Choice("update", ())
    for job in (name for name, each in JOBS.items() if each.sure and name != "write_disk"):
        yield f"sure_{job}", Sure(job)
        if JOBS[job].sure > 1:
            yield f"sure_{job}_again", Sure(job, again=True)
