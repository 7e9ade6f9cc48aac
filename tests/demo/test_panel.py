"""The panel of the demo: every knob is touched by a finger, in a window of its own, beside a running reception."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.simulated import smb_server
from kiosk.demo.people import VISITORS
from tests import ROOT
from tests.peers import need

LIMIT_S = 300.0


@pytest.mark.peers
def test_every_knob_of_the_panel_does_what_it_says(tmp_path: Path) -> None:
    for program in smb_server.PROGRAMS:
        need(program)
    picture = tmp_path / "panel.png"
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo.turn_knobs", str(picture)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    seen = [json.loads(line)["seen"] for line in done.stdout.splitlines()]
    assert sum(what.startswith("tap ") for what in seen) == len(VISITORS)
    assert sum(what.startswith("card ") for what in seen) == 3
    assert sum(what.startswith("printer ") for what in seen) == 6
    assert sum(what.startswith("system ") for what in seen) == 8
    assert {"line cut", "line slow", "line up"} <= set(seen)
    assert picture.stat().st_size > 10_000
