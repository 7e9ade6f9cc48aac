"""deploy/VISIT.md: the drawing is that of the present table."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import ROOT

SCRIPT = ROOT / "deploy" / "draw_visit.py"
GUIDE = ROOT / "deploy" / "VISIT.md"
PROGRAM = """
import runpy, sys
drawing = runpy.run_path(sys.argv[1])
sys.stdout.write(drawing["redrawn"](sys.stdin.read()))
"""


def redrawn(guide: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(SCRIPT)], input=guide, capture_output=True, text=True, check=False
    )


def test_the_states_of_a_visit_are_drawn_as_they_are() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    done = redrawn(guide)
    assert done.returncode == 0, done.stderr
    assert done.stdout == guide, "deploy/VISIT.md is old; draw it again: python deploy/draw_visit.py"


def test_only_what_lies_between_the_marks_is_drawn_again() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    old = guide.replace("    Printing --> Done", "    Printing --> Start").replace("# The states", "# States")
    assert redrawn(old).stdout == guide.replace("# The states", "# States")


@pytest.mark.parametrize(
    "mark", ["<!-- drawn by deploy/draw_visit.py; do not edit by hand -->", "<!-- end of the drawing -->"]
)
def test_a_guide_without_a_mark_is_refused(mark: str) -> None:
    done = redrawn(GUIDE.read_text(encoding="utf-8").replace(mark, ""))
    assert done.returncode != 0
    assert f"lacks a mark: {mark}" in done.stderr
