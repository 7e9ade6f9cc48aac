"""The simulated ORCA as a program of its own: what it reads, what it answers, and that it ends when it is asked to."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest

from drivers.simulated.orca import SimulatedOrca
from drivers.simulated.orca.__main__ import Commands
from tests import ROOT
from tests.peers.orca_client import OrcaClient


def test_lines_make_patients_windows_and_faults() -> None:
    with SimulatedOrca() as orca:
        commands = Commands(orca)
        client = OrcaClient(orca.http_url, orca.user, orca.password)
        today = orca.manners.clock().date().isoformat()
        for line in (
            "patient 56 1938-01-05 '鈴木　花' 'スズキ　ハナ' --in-hospital",
            "book 56 today 09:10 01 10001",
            "book 56 today+7 09:10 01 10001",
            "fail result acceptlstv2 times=1 code=77",
            "set code_digits 4",
        ):
            assert "ok" in commands.carry_out(line), line
        assert [row["Appointment_Time"] for row in client.appointments("56", today)["Appointlst_Information"]] == [
            "09:10:00", "09:10:00",
        ]  # fmt: skip
        assert client.patient("56")["Patient_Information"]["Outpatient_Class"] == "1"
        assert commands.carry_out("window 56 08:52 01 10001") == {"ok": "window", "acceptance_id": "00001"}
        assert client.receptions(today)["Api_Result"] == "0077"
        (one,) = commands.carry_out("receptions")["receptions"]
        assert one["at"] == "08:52:00" and one["by_staff"] is True
        assert commands.carry_out("calls")["calls"]["acceptlstv2"] == 1


def test_off_on_refuse_and_heal() -> None:
    with SimulatedOrca() as orca:
        commands = Commands(orca)
        client = OrcaClient(orca.http_url, orca.user, orca.password)
        commands.carry_out("fail result")
        commands.carry_out("refuse 01 52")
        commands.carry_out("off")
        with pytest.raises(URLError):
            client.receptions("")
        commands.carry_out("on")
        assert client.receptions("")["Api_Result"] == "90"
        assert orca.hospital.refuses == {"01": "52"}
        commands.carry_out("heal")
        assert client.receptions("")["Api_Result"] == "21" and orca.hospital.refuses == {}


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "fail rain",
        "fail result acceptmodv3",
        "fail lost times=0",
        "book 1 today 9 01 10001",
        "set rows_max many",
        "window",
    ],
)
def test_a_line_that_is_none_is_answered_and_nothing_done(line: str) -> None:
    orca = SimulatedOrca()
    assert "error" in Commands(orca).carry_out(line)
    assert orca.manners.rows_max == 500 and not orca.hospital.receptions


def test_the_program_serves_until_it_is_asked_to_end(tmp_path: Path) -> None:
    secret = tmp_path / "his.secret"
    secret.write_text("hidden\n")
    options = ("--example", "--prefix", "/api", "--password-file", str(secret))
    program = subprocess.Popen(
        [sys.executable, "-m", "drivers.simulated.orca", *options],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with program:
        assert program.stdin and program.stdout
        first: dict[str, Any] = json.loads(program.stdout.readline())
        assert "password" not in first
        where = urlsplit(first["url"].removeprefix("orca+"))
        client = OrcaClient(f"http://127.0.0.1:{where.port}{where.path}", "kiosk", "hidden")
        assert len(client.appointments("12", "")["Appointlst_Information"]) == 2
        program.stdin.write("receptions\n")
        program.stdin.flush()
        assert json.loads(program.stdout.readline()) == {"receptions": []}
        program.stdin.close()
        assert client.appointments("34", "")["Api_Result"] == "00"  # the end of its input is not its own
        program.send_signal(signal.SIGTERM)
        assert program.wait(20) == 0
