"""A clinic without a kiosk whose results the courier delivers: every process real, the folders on real Samba."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from drivers.simulated.results import Tap
from drivers.simulated.terminal import TerminalWriter
from kiosk.__main__ import main
from tests import ROOT
from tests.courier.bench import place
from tests.desk.pmh import CHILD
from tests.desk.running import WALK_IN, RunningDesk, free_port, serving, tap_now
from tests.desk.test_whole import CLINIC, somebody
from tests.hospital import wait_until
from tests.peers.samba import lend

pytestmark = [pytest.mark.peers, pytest.mark.long]

DELIVERING = (
    CLINIC.replace('feed = "watch"', 'feed = "courier"').replace("pattern = 1", "pattern = 2")
    + """
[receipt_computer]
results = "{usual}"
"""
)


@contextmanager
def delivery(site: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`kiosk courier`; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kiosk", "courier", "--config", str(site)],
        cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield process
    process.kill()
    process.wait()


def test_a_clinic_whose_files_the_courier_delivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Delivery, reservations and desk on one PC; the first is killed as soon as a file has gone."""
    monkeypatch.setenv("KIOSK_DESK_RUN_DIR", str(tmp_path / "run"))
    folders = {name: tmp_path / name for name in ("face", "res", "oqs")}  # the last: where the receipt computer reads
    site, port, taps = tmp_path / "site.toml", free_port(), list[Tap]()
    (tmp_path / "data").mkdir(mode=0o700)
    with ExitStack() as stack:
        server = stack.enter_context(lend(folders, which="terminal", encryption="required"))
        face, res, oqs = (server.url(name) for name in folders)
        text = DELIVERING.format(folder=tmp_path, port=port, face=face, res=res, usual=oqs)
        site.write_text(text + WALK_IN, encoding="utf-8")
        (tmp_path / "terminal.secret").write_text(server.password)
        (tmp_path / "terminal.secret").chmod(0o600)
        writer = TerminalWriter(face, server.password)
        stack.callback(writer.close)
        courier = stack.enter_context(delivery(site))
        stack.enter_context(serving(site))
        desk = stack.enter_context(RunningDesk(site, port))
        staff = desk.staff()

        def tap(tap: Tap) -> None:
            taps.append(tap)
            if tap.subsidy is not None:
                place(folders["res"], tap.subsidy.name, tap.subsidy.content)
            writer.write(tap.result.name, tap.result.content)

        tap(tap_now(somebody("00301"), CHILD))
        written = taps[0].subsidy
        assert written is not None
        staff.until(1, eligibility="first", subsidy="fetched", against="first")
        wait_until(lambda: main(["status", "--json", "--config", str(site)]) == 0, "nothing is wrong", every_s=0.5)
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["parts"] == ["courier", "desk"]
        tap(tap_now(somebody("00302")))
        wait_until(lambda: (folders["oqs"] / taps[-1].result.name).exists(), "it has gone", every_s=0.001)
        courier.kill()
        courier.wait()
        stack.enter_context(delivery(site))
        staff.until(2, number="00302", eligibility="first")
        files = {tap.result.name: tap.result.content for tap in taps}

        def delivered() -> dict[str, bytes]:
            return {each.name: each.read_bytes() for each in folders["oqs"].glob("[!.]*")}

        wait_until(lambda: delivered() == files and not any(folders["face"].iterdir()), "all is delivered")
        [subsidy] = folders["res"].iterdir()
        assert subsidy.read_bytes() == written.content, "it is only read"
        assert "予約外で受付登録をしました" in staff.press("/v/2", "/v/2/walk-in", department="01")
        assert "表示できなかった" not in staff.page("/")
    assert main(["run", "--config", str(site)]) == 2
    assert "[printer]" in capsys.readouterr().err
