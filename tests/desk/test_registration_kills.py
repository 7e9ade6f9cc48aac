"""Killed between every two steps of a registration: the terminal gets one request, and it ends registered."""

from __future__ import annotations

import json
import subprocess
import sys
from tempfile import TemporaryDirectory

import pytest

from tests import ROOT

STEPS_MIN = 25  # three commits before the rename, the calls to two shares, two commits after the answer


@pytest.mark.parametrize("terminal_first", ["yes", "no"])
def test_a_desk_killed_anywhere_sends_one_request(terminal_first: str) -> None:
    # A killed process leaves to the system what it wrote: memory does for a disk, and a busy disk costs nothing.
    with TemporaryDirectory(dir="/dev/shm") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.desk.registration_kills", folder, terminal_first],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
        )
    *kills, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert not last["died"] and len(kills) >= STEPS_MIN
    for kill in kills:
        assert kill["died"]
        assert (kill["taken"], kill["states"], kill["left"]) == (1, ["registered"], []), kill
    # Before the intent is stored nothing is known of it; from then on trying again is refused.
    answers = [kill["again"] for kill in kills]
    assert answers == sorted(answers, reverse=True) and set(answers) == {"stored", "already_sent"}
