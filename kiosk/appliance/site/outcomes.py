"""What the page of a stick says of other programs' answers: the import of appointments, the services of the system.

Owns which of their words go to the screen, in Japanese, and which to the journal, in English. Must never show or log
what is no sentence of the importer's own: a program that broke may have said anything, a patient's name too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from kiosk.appliance.machine.programs import ProgramResult
from kiosk.appliance.site.apply import Failed, Part
from kiosk.words.sentences import import_in_japanese

_RESTART: Final = "［再起動］を押してください。続くときは保守会社へ知らせてください"
_AGAIN: Final = "もう一度差し込んでください。続くときは保守会社へ知らせてください"
# These are told of their settings once, when the site is tried. Installed, the same site changes nothing any more, and
# what failed is not tried again.
_TOLD_ONCE: Final = (Part.NETWORK, Part.CLOCK, Part.LOG, Part.USB)


def not_in_force(tried: Sequence[Failed], installed: Sequence[Failed]) -> list[str]:
    """What did not take the new settings, one line at most; `tried` and `installed`: what failed in each of the two."""
    failed = [*(each for each in tried if each.part in _TOLD_ONCE), *installed]
    for each in failed:
        sys.stderr.write(f"{each.why}\n")
    parts = "、".join(dict.fromkeys(each.part.value for each in failed))
    return [f"新しい設定がまだ反映されていないものがあります（{parts}）。{_RESTART}"] if failed else []


def imported(done: ProgramResult) -> str:
    """What came in, after an import that ended well."""
    return import_in_japanese(_last_line(done.out.decode("utf-8", "replace"))) or "取り込みました"


def not_imported(number: int, done: ProgramResult) -> str:
    """Why export `number` was refused."""
    line = _last_line(done.err)
    japanese = import_in_japanese(line)
    why = f"the program ended with {done.code}" if japanese is None else line
    sys.stderr.write(f"appointments {number} were not imported: {why}\n")
    return japanese or f"取り込むプログラムが途中で止まりました（{done.code}）。{_AGAIN}"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
