"""`kiosk check`: everything a technician checks at installation, a line each: OK, NG or SKIP, and what to do.

Owns the command. Safe beside a running reception and courier: it delivers nothing, takes no lock of theirs for longer
than they would wait, makes no file but probes of its own in the receipt computer's folder, and deletes those again
whatever happens. Must never show a password, a patient's data or the name of somebody else's file.

The codes are a contract; the Japanese texts are not.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from kiosk.config import ConfigError, load
from kiosk.machine import state as machine_state
from kiosk.operations.check import files, plan
from kiosk.operations.check.finding import Finding, as_json, in_japanese
from kiosk.operations.check.schedule import Job, Schedule
from kiosk.words.problems import Problem

EXIT_WRONG = 1
EXIT_CONFIG = 2
CLEAN_UP_S = 20.0


def run(path: Path, *, print_slip: bool, as_json: bool, root: Path = Path("/")) -> int:
    """Look at everything and report it on standard output. 0: nothing is NG; 1: something is; 2: site.toml.

    `print_slip` prints a test slip. `as_json` reports everything at the end, as one object. Without it, and with a
    person at the terminal, one card is asked for. `root`: where /etc is, which says what kind of machine this is: on
    the appliance nobody can type a command.
    """
    stop = threading.Event()
    no_shell = machine_state.is_appliance(root)
    person = not as_json and sys.stdin is not None and sys.stdin.isatty()
    options = plan.Options(print_slip, _ask if person else None, stop)
    try:
        config = load(path)
    except ConfigError as error:
        problems = tuple(files.broken_site_toml(error.problems))
        jobs = [Job(tuple(each.code for each in problems), lambda: (each for each in problems)), *plan.machine_jobs()]
        _report(jobs, stop, no_shell=no_shell, json_at_end=as_json)
        return EXIT_CONFIG
    return _report(plan.jobs(config, options), stop, no_shell=no_shell, json_at_end=as_json)


def _report(jobs: Sequence[Job], stop: threading.Event, *, no_shell: bool, json_at_end: bool) -> int:
    schedule = Schedule(jobs, stop)
    found: list[Finding] = []
    try:
        with _asked_to_end():
            for finding in schedule:
                found.append(finding)
                if not json_at_end:
                    _write(finding.line(no_shell=no_shell))
    except KeyboardInterrupt:
        _remark("person.interrupted")
        return EXIT_WRONG
    finally:
        stop.set()
        if not schedule.tidy(CLEAN_UP_S):
            _remark("person.not_tidied")
    if json_at_end:
        _write(json.dumps(as_json(found, no_shell=no_shell), ensure_ascii=False))
    return EXIT_WRONG if any(finding.result == "NG" for finding in found) else 0


@contextmanager
def _asked_to_end() -> Iterator[None]:
    """SIGTERM and a closed terminal end the check as Ctrl-C does: what it has made is deleted first."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _remark(code: str) -> None:
    sys.stderr.write(f"{in_japanese(Problem(code))}\n")


def _ask(what: str) -> None:
    # Not on standard output: that may go to a file.
    sys.stderr.write(f"     >>> {what}\n")
    sys.stderr.flush()
