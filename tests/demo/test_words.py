"""The demo's catalogue: no sentence is left over, and none lacks."""

from __future__ import annotations

import re
from typing import get_args

from kiosk.demo.hospital import Line, PrinterState
from kiosk.demo.orca import OrcaState
from kiosk.demo.people import VISITORS
from kiosk.words import texts
from tests import ROOT


def test_every_sentence_is_asked_for_and_every_one_asked_for_is_there() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "kiosk" / "demo").glob("*.py")))
    words = texts.load("demo")
    asked = set(re.findall(r'"((?:account|steps|failures|checks|panel)\.\w+)"', sources)) - {"account.txt"}
    asked |= {f"people.{visitor.what}" for visitor in VISITORS}
    asked |= {f"line.{state}" for state in get_args(Line)} | {f"printer.{state}" for state in get_args(PrinterState)}
    asked |= {f"his.{state}" for state in get_args(OrcaState)}
    assert asked == {f"{table}.{key}" for table, sentences in words.items() for key in sentences}
