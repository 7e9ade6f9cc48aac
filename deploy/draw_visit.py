"""Draws the states of a visit from the table of kiosk/visit/step.py into deploy/VISIT.md.

    python deploy/draw_visit.py

Replaces what lies between the two marks in VISIT.md, and nothing else. A test fails while the drawing is old.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run from a checkout

from kiosk.visit.step import IGNORED, STAGES, TRANSITIONS  # noqa: E402 - found only now

GUIDE = ROOT / "deploy" / "VISIT.md"
BEGIN = "<!-- drawn by deploy/draw_visit.py; do not edit by hand -->"
END = "<!-- end of the drawing -->"


def drawing() -> str:
    """Diagram and tables, as Markdown."""
    return f"{_diagram()}\n\n{_stages()}\n\n{_ignored()}"


def redrawn(text: str) -> str:
    """The guide with the drawing of the present table. Raises ValueError if a mark is missing."""
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"{GUIDE.name} lacks a mark: {BEGIN if not mark else END}")
    return f"{before}{BEGIN}\n\n{drawing()}\n\n{END}{after}"


def _diagram() -> str:
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in TRANSITIONS:
        for after in row.leads_to:
            arrows.setdefault((row.stage.__name__, after.__name__), []).append(row.event.__name__)
    lines = [f"    {one} --> {other}: {', '.join(events)}" for (one, other), events in arrows.items()]
    return "\n".join(("```mermaid", "stateDiagram-v2", f"    [*] --> {STAGES[0].__name__}", *lines, "```"))


def _stages() -> str:
    rows = ["| stage | what is known | events handled without leaving |", "|---|---|---|"]
    for stage in STAGES:
        meaning = (stage.__doc__ or "").strip().splitlines()[0]
        stays = ", ".join(row.event.__name__ for row in TRANSITIONS if row.stage is stage and not row.leads_to)
        rows.append(f"| {stage.__name__} | {meaning} | {stays} |")
    return "\n".join(rows)


def _ignored() -> str:
    rows = ["| event | in every other stage it changes nothing, because |", "|---|---|"]
    rows += [f"| {event.__name__} | {why} |" for event, why in IGNORED.items()]
    return "\n".join(rows)


if __name__ == "__main__":
    GUIDE.write_text(redrawn(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
