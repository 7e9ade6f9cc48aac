"""`kiosk desk user …` and `kiosk desk audit verify`: accounts and the audit chain on the command line.

Works beside a running desk, which follows at the next request. A password comes from standard input or is asked for;
one that is made here is printed once. Must never take a password as an argument.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, TextIO

from kiosk.desk.people.accounts import Accounts, Busy, By
from kiosk.desk.people.audit import Anchor, AuditChain, Verdict, anchors_in
from kiosk.desk.people.database import PeopleDatabase, PeopleUnusable
from kiosk.desk.people.passwords import MOST
from kiosk.desk.people.people import CHIEF
from kiosk.desk.people.roles import Role
from kiosk.process.data_folder import DeskFolder
from kiosk.process.stderr import complain
from kiosk.words.problems import Refusal, word

_BY: Final = By(address="command line")
# Old ones first, as the event log turns them over.
_LOG_ENDINGS: Final = (".2", ".1", "")


class _NotGiven(Exception):
    """There is no password on standard input, or the two that were typed differ."""


def user(folder: DeskFolder, act: str, name: str | None, role: str | None, *, generate: bool = False) -> int:
    """`act`: add, remove, list, password, chief. `generate`: a first password is made and printed. Exit code 0, 1."""
    if not _is_ours(folder):
        return 1
    try:
        accounts = _accounts(folder)
        acts: dict[str, Callable[[], object]] = {
            "add": lambda: _add(accounts, name or "", Role(role or "desk"), generate=generate),
            "password": lambda: _reset(accounts, name or "", Role(role) if role else None, generate=generate),
            "remove": lambda: accounts.remove(name or "", _BY),
            "list": lambda: _list(accounts),
            "chief": lambda: _print(f"{CHIEF} {accounts.give(CHIEF, Role.CHIEF, _BY)}"),
        }
        acts[act]()
    except Refusal as refusal:
        complain(word(refusal.problem, "people", "en"))
        return 1
    except (_NotGiven, Busy, PeopleUnusable) as error:
        complain(str(error))
        return 1
    return 0


def verify(folder: DeskFolder, events: Sequence[Path] = ()) -> int:
    """Compare the audit chain with itself and with the event log. `events`: copies of the log kept elsewhere, or of
    the system's journal; `-`: standard input. Exit code 0: nothing was changed or taken out, 1.
    """
    if not _is_ours(folder):
        return 1
    try:
        with ExitStack() as opened:
            verdict = AuditChain(PeopleDatabase(folder.people)).verify(_anchors(folder, events, opened))
    except OSError as error:  # PeopleUnusable is one
        complain(str(error))
        return 1
    for line in _sentences(verdict):
        _print(line)
    return 0 if verdict.ok else 1


def _add(accounts: Accounts, name: str, role: Role, *, generate: bool) -> None:
    given = accounts.add(name, role, _BY, "" if generate else _given(), first=generate)
    if generate:
        _print(given)


def _reset(accounts: Accounts, name: str, role: Role | None, *, generate: bool) -> None:
    given = accounts.reset(name, _BY, "" if generate else _given(), role, first=generate)
    if generate:
        _print(given)


def _list(accounts: Accounts) -> None:
    for each in accounts.users():
        marks = [("first password", each.must_change), ("PIN", each.has_pin), ("locked", each.locked_s > 0)]
        _print("\t".join((each.name, each.role.value, ", ".join(mark for mark, there in marks if there))).rstrip())


def _given() -> str:
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise _NotGiven("the two passwords differ; nothing was changed")
    else:
        # Longer than any that is taken, and not without an end.
        password = sys.stdin.readline(4 * MOST).removesuffix("\n").removesuffix("\r")
    if not password:
        raise _NotGiven("no password was given on standard input; nothing was changed")
    return password


def _accounts(folder: DeskFolder) -> Accounts:
    database = PeopleDatabase(folder.people)
    return Accounts(database, AuditChain(database), folder.people_tries)


def _is_ours(folder: DeskFolder) -> bool:
    """The desk could not open what another user made there."""
    owner = folder.path.stat().st_uid
    if owner == os.geteuid():
        return True
    complain(f"{folder.path} belongs to another user; run this as that user (sudo -u '#{owner}' …)")
    return False


def _anchors(folder: DeskFolder, events: Sequence[Path], opened: ExitStack) -> Iterator[Anchor]:
    own = [folder.event_log.with_name(folder.event_log.name + ending) for ending in _LOG_ENDINGS]
    for file in own:
        with suppress(FileNotFoundError):
            yield from anchors_in(opened.enter_context(_text(file)))
    for file in events:
        yield from anchors_in(sys.stdin if str(file) == "-" else opened.enter_context(_text(file)))


def _text(file: Path) -> TextIO:
    return file.open(encoding="utf-8", errors="replace")


def _sentences(verdict: Verdict) -> Iterator[str]:
    yield f"{verdict.lines} lines from number {verdict.first}"
    yield f"{verdict.anchors} hashes of the event log agree, {verdict.older} are of lines that are past keeping"
    for number in verdict.broken:
        yield f"line {number}: was changed, or does not follow the one before"
    for number in verdict.differing:
        yield f"line {number}: the event log has another hash, or the line is gone"
    if verdict.ok and not verdict.anchors:
        yield "nothing to compare with: who can write the database could have made the whole chain again"


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the command's answer
