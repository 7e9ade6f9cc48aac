"""`kiosk desk replay FOLDER`: what the desk concludes of a folder of taps, a JSON object a line. For testers.

The taps are played in the order of their names' time, as if staff accepted every `first` and `changed` and nothing
else. It begins with nothing known, keeps nothing and waits for nothing: what is not in the folder has not come.

`subsidy_state` none, fetched, failed or late. `certificates`: how many, null where nothing was fetched. `key`,
`against`: see `kiosk.results.changes` and `kiosk.desk.compare`. `alarm`: staff would be asked to look. `changed`: names
of what differs, of the result and of its certificates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Final

from kiosk.config import Config
from kiosk.desk.compare import SubsidyChange
from kiosk.desk.register import Register, ShortRegister
from kiosk.desk.visits import Answer, Attention, Tap, Visit, answer_of, subsidies_of, tap_of
from kiosk.process.stderr import complain
from kiosk.results import names as result_files
from kiosk.results.changes import EligibilityChange, compare, prints_of
from kiosk.results.subsidies import Subsidies

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EXIT_WRONG: Final = 1


def run(folder: Path, config: Config | None = None) -> int:
    """Print the lines. `config`: for its zone. Returns the exit code: 1, the folder cannot be read."""
    zone = config.site.zone if config else UTC
    try:
        contents = {each.name: each.read_bytes() for each in sorted(folder.iterdir()) if result_files.kind(each.name)}
    except OSError as error:
        complain(f"{folder}: {error.strerror}")
        return EXIT_WRONG
    for line in replay(contents, zone):
        print(json.dumps(line, ensure_ascii=False), flush=True)  # noqa: T201 - the command's answer
    return 0


def replay(contents: Mapping[str, bytes], zone: tzinfo = UTC) -> Iterator[dict[str, Any]]:
    """A line a tap, of files by name."""
    answers, register = _answers(contents), ShortRegister()
    taps = [
        tap_of(name, raw, _time(name, zone))
        for name, raw in contents.items()
        if result_files.kind(name) == "eligibility"
    ]
    asked: set[str] = set()
    requested = {tap.request for tap in taps}
    # What nobody asks for lies there beside the tap of its time: it is counted there, and compared with nothing.
    unasked = {_time(name, zone): answer for request, (name, answer) in answers.items() if request not in requested}
    for tap in sorted(taps, key=lambda tap: (tap.at, tap.file)):
        answer = answers.get(tap.request, ("", None))[1]
        eligibility, subsidies = _concluded(tap, answer, register, second=tap.request in asked)
        asked |= {tap.request} - {""}
        beside = unasked.get(tap.at) if subsidies.state == "none" else None
        yield _line(tap, eligibility, subsidies, beside)
        _accept(tap, eligibility, subsidies, register)


def _answers(contents: Mapping[str, bytes]) -> dict[str, tuple[str, Answer]]:
    """By request: the file's name and what it says. Certificates count more than an error file."""
    found: dict[str, tuple[str, Answer]] = {}
    for name, raw in contents.items():
        request, kind = result_files.request_key(name), result_files.kind(name)
        if request and not (request in found and kind == "subsidy_error"):
            found[request] = (name, answer_of(None if kind == "subsidy_error" else raw))
    return found


def _time(name: str, zone: tzinfo) -> datetime:
    """That the name says; without one it comes before all others."""
    try:
        return datetime.strptime(result_files.made_at(name), "%Y%m%d%H%M%S").replace(tzinfo=zone)
    except ValueError:
        return _EPOCH


def _concluded(
    tap: Tap, answer: Answer | None, register: Register, *, second: bool
) -> tuple[EligibilityChange | None, SubsidyChange]:
    number, hashed = tap.number, register.hashed(tap.number)
    eligibility = None
    if number and tap.confirmation is not None:
        eligibility = compare(prints_of(tap.confirmation, hashed), register.known(number))
    accepted = register.certificates(number) if number else ()
    return eligibility, subsidies_of(tap, answer, accepted, hashed, why="second_asker" if second else "")


def _accept(tap: Tap, eligibility: EligibilityChange | None, subsidies: SubsidyChange, register: Register) -> None:
    if not tap.number:
        return
    if eligibility is not None and eligibility.key != "unknown":
        register.know(tap.number, eligibility.now)
    if subsidies.against in {"first", "changed"}:
        for each in subsidies.certificates:
            if each.standing in {"new", "changed"}:
                register.accept(tap.number, each.accepted(register.hashed(tap.number)))


def _line(
    tap: Tap, eligibility: EligibilityChange | None, subsidies: SubsidyChange, beside: Answer | None
) -> dict[str, Any]:
    state = {"waiting": "late", "unreadable": "failed"}.get(subsidies.state, subsidies.state)
    count: int | None = None
    if subsidies.state == "fetched":
        count = sum(each.now is not None for each in subsidies.certificates) + subsidies.more
    elif isinstance(beside, Subsidies):
        state, count = "fetched", len(beside.certificates) + beside.more
    # A missing number is a list of its own, and not a change.
    waits = set(Visit(1, (tap,), eligibility, subsidies).attention) - {Attention.not_registered}
    alarm = bool(waits) or subsidies.alarm
    return {
        "file": tap.file,
        "subsidy_state": state,
        "certificates": count,
        "key": eligibility.key if eligibility else "unknown",
        "against": subsidies.against,
        "alarm": alarm,
        "changed": [*(eligibility.changed if eligibility else ()), *subsidies.changed],
    }
