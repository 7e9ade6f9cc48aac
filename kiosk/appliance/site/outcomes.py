"""What the page of a stick says of other programs' answers: the import of appointments, the services of the system.

Owns what of them goes to the screen, in Japanese, and to the journal. Must never show or log what is no answer of the
importer's own: a program that broke may have written anything, a patient's name too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from kiosk.appliance.machine.places import ProgramResult
from kiosk.appliance.site.apply import Failed, Part
from kiosk.appointments import answers
from kiosk.words.problems import Problem, from_json, to_json, word

# The exit codes of a program whose time was over, see `ProgramResult`.
_LATE: Final = 124
# These are given their settings once, when the site is tried. Installed, the same site changes nothing any more, and
# what failed is not tried again.
_GIVEN_ONCE: Final = (Part.NETWORK, Part.CLOCK, Part.LOG, Part.USB)


def not_in_force(tried: Sequence[Failed], installed: Sequence[Failed]) -> list[str]:
    """What did not take the new settings, one line at most; `tried` and `installed`: what failed in each of the two."""
    failed = [*(each for each in tried if each.part in _GIVEN_ONCE), *installed]
    for each in failed:
        sys.stderr.write(f"{each.why}\n")
    parts = tuple(Problem(code) for code in dict.fromkeys(each.part.value for each in failed))
    return [word(Problem("services.not_in_force", {"parts": parts}), "services", "ja")] if parts else []


def imported(done: ProgramResult) -> str:
    """What came in, after an import that ended well."""
    return in_japanese((answers_in(done.out) or [Problem("done.well")])[-1])


def not_imported(number: int, done: ProgramResult, limit_s: float) -> str:
    """Why export `number` was refused."""
    reason = why(answers_in(done.out), done, limit_s, "command.stopped")
    sys.stderr.write(f"appointments {number} were not imported: {to_json(reason)}\n")
    return in_japanese(reason)


def answers_in(out: bytes) -> list[Problem]:
    """What `kiosk reservations import` or `restore` answered; no other line of theirs."""
    found = (from_json(line, answers.CATALOGUE, "ja") for line in out.decode("utf-8", "replace").splitlines())
    return [each for each in found if each is not None]


def why(found: Sequence[Problem], done: ProgramResult, limit_s: float, otherwise: str) -> Problem:
    """Why a command failed: what it answered, else how it ended; `otherwise`: the code for an end without an answer."""
    if found:
        return found[-1]
    if done.code == _LATE:
        return Problem("command.no_answer", {"limit_s": int(limit_s)})
    return Problem(otherwise, {"code": done.code})


def in_japanese(answer: Problem) -> str:
    """One of `answers_in`, or of `why`."""
    return word(answer, answers.CATALOGUE, "ja")
