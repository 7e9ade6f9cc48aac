"""The alarm command: how the program is run, when it is run, and what the courier has it told in a real hospital."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.process.alarm import (
    AGAIN_S,
    CONDITIONS_MAX,
    OVER_AFTER_S,
    RETRY_S,
    TIMEOUT_S,
    AlarmCommand,
    AlarmNotifier,
    Condition,
)
from kiosk.process.event_log import EVENTS, EventLog
from tests.hospital import FILE_OF, Hospital, alive, wait_until

DOWN = Condition("share_down", "receipt_computer.results")
WAITS = Condition("delivery_waits")


class Program:
    """An alarm program: writes its arguments, a JSON list a line, then does what `then` (shell) says."""

    def __init__(self, folder: Path, then: str = "") -> None:
        self._log = folder / "runs.txt"
        self.path = folder / "alarm program"
        self._script = '#!/bin/sh\nprintf "%s\\t" "$@" >> "{runs}"; echo >> "{runs}"\n{then}\n'
        self.does(then)

    def does(self, then: str) -> None:
        self.path.write_text(self._script.format(runs=self._log, then=then))
        self.path.chmod(0o755)

    def runs(self) -> list[list[str]]:
        """The arguments of each run."""
        if not self._log.exists():
            return []
        return [line.rstrip("\t").split("\t") for line in self._log.read_text().splitlines()]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path, "run", echo=False)


def events(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "events-run.jsonl").read_text().splitlines()]


# -- the program --------------------------------------------------------------------------------------------------


def test_code_and_sentence_are_the_last_two_arguments_and_no_shell_reads_them(
    tmp_path: Path, program: Program, log: EventLog
) -> None:
    command = AlarmCommand((str(program.path), "--to", "it $(touch x); *"), log)
    assert command.start("share_down", "A 'share' does not answer; $HOME `date` 窓口")
    wait_until(lambda: command.outcome(), "it went well")
    expected = ["--to", "it $(touch x); *", "share_down", "A 'share' does not answer; $HOME `date` 窓口"]
    assert program.runs() == [expected]
    assert [(event["event"], event["code"]) for event in events(tmp_path)] == [("alarm_told", "share_down")]


def test_the_program_has_a_group_of_its_own_no_input_and_its_output_goes_nowhere(
    tmp_path: Path, log: EventLog, capfd: pytest.CaptureFixture[str]
) -> None:
    seen = tmp_path / "seen"
    program = Program(
        tmp_path, f'echo canary; echo canary >&2; (read -r line && echo "$line"; ps -o pgid= -p $$; echo $$) > "{seen}"'
    )
    command = AlarmCommand((str(program.path),), log)
    command.start("share_down", "x")
    wait_until(lambda: command.outcome(), "it went well")
    group, process = seen.read_text().split()
    assert group == process
    assert "canary" not in capfd.readouterr().out + capfd.readouterr().err + json.dumps(events(tmp_path))


@pytest.mark.parametrize(
    ("then", "what"),
    [("exit 3", "exit code 3"), ("kill -9 $$", "ended by signal 9"), ("exec sleep 1000", "killed after 0.5 s")],
)
def test_a_program_that_fails_is_an_event_without_a_word_of_the_command(
    tmp_path: Path, log: EventLog, then: str, what: str
) -> None:
    command = AlarmCommand((str(Program(tmp_path, then).path), "secret-key"), log, 0.5 if "sleep" in then else 60.0)
    command.start("delivery_waits", "x")
    wait_until(lambda: command.outcome() is not None, "its end")
    assert command.outcome() is False
    [event] = events(tmp_path)
    assert (event["event"], event["code"], event["what"]) == ("alarm_command_failed", "delivery_waits", what)
    assert "secret-key" not in json.dumps(event)


@pytest.mark.parametrize(("mode", "what"), [(None, "ENOENT"), (0o644, "EACCES")])
def test_a_program_that_cannot_be_started_is_an_event(
    tmp_path: Path, program: Program, log: EventLog, mode: int | None, what: str
) -> None:
    if mode is None:
        program.path.unlink()
    else:
        program.path.chmod(mode)
    command = AlarmCommand((str(program.path),), log)
    command.start("share_down", "x")
    wait_until(lambda: command.outcome() is False, "its failure")
    assert events(tmp_path)[0]["what"] == f"not started: {what}"


def test_only_one_runs_at_a_time_nobody_waits_for_it_and_its_whole_group_is_killed(
    tmp_path: Path, log: EventLog
) -> None:
    """A child of the program's that holds on would be left for ever if only the program were killed."""
    program = Program(tmp_path, f'sleep 1000 & echo $! > "{tmp_path}/child"; wait')
    command = AlarmCommand((str(program.path),), log)
    began = time.monotonic()
    assert command.start("share_down", "x")
    assert not command.start("share_down", "x")
    assert time.monotonic() - began < TIMEOUT_S / 2, (
        "who starts it does not wait for its end, which the time-out brings"
    )
    child = tmp_path / "child"
    wait_until(lambda: child.exists() and child.read_text().strip(), "its child")
    command.close()
    wait_until(lambda: not alive(int(child.read_text())), "the child's end")
    wait_until(lambda: command.outcome() is False, "its end")
    assert not command.start("share_down", "x"), "closed is closed"
    assert len(program.runs()) == 1


def test_without_a_command_nothing_is_run_or_remembered(tmp_path: Path, log: EventLog) -> None:
    alarms = AlarmNotifier(AlarmCommand((), log), tmp_path, "run")
    alarms.update([DOWN])
    assert not alarms.fails
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events-run.jsonl"]


# -- when it is run -----------------------------------------------------------------------------------------------


class Day:
    """A notifier whose clock the test moves; the program is real."""

    def __init__(self, folder: Path, program: Program, log: EventLog) -> None:
        self.now = 1000.0
        self._parts = (folder, program, log)
        self.restart()

    def restart(self) -> None:
        folder, program, log = self._parts
        self._command = AlarmCommand((str(program.path),), log)
        self.alarms = AlarmNotifier(self._command, folder, "run", lambda: self.now)

    def passes(self, seconds: float, *active: Condition) -> None:
        """Judged before, every ten seconds and after; each run is waited for."""
        deadline = self.now + seconds
        while True:
            self.alarms.update(active)
            if self.alarms._sending is not None:
                wait_until(lambda: self._command.outcome() is not None, "the run's end")
                self.alarms.update(active)
            if self.now >= deadline:
                return
            self.now = min(deadline, self.now + 10)


@pytest.fixture
def day(tmp_path: Path, program: Program, log: EventLog) -> Day:
    return Day(tmp_path, program, log)


def codes(program: Program) -> list[str]:
    return [row[0] for row in program.runs()]


def test_a_condition_is_reported_when_it_begins_every_half_hour_and_when_it_is_over(day: Day, program: Program) -> None:
    day.passes(60)
    assert program.runs() == []
    day.passes(AGAIN_S - 10, DOWN)
    sentence = f"{EVENTS['share_down']} (receipt_computer.results)"
    assert program.runs() == [["share_down", sentence]]
    day.passes(AGAIN_S, DOWN)
    assert codes(program) == ["share_down"] * 2
    day.passes(OVER_AFTER_S - 10)
    assert codes(program) == ["share_down"] * 2
    day.passes(AGAIN_S * 3)
    assert program.runs()[2:] == [["recovered", f"recovered: share_down: {sentence}"]]


def test_each_condition_is_reported_by_itself(day: Day, program: Program) -> None:
    day.passes(30, DOWN, WAITS)
    day.passes(OVER_AFTER_S + 30, DOWN)
    assert [row[:1] for row in program.runs()] == [["share_down"], ["delivery_waits"], ["recovered"]]
    assert program.runs()[-1][1] == f"recovered: delivery_waits: {EVENTS['delivery_waits']}"


def test_a_share_that_comes_and_goes_is_reported_once(day: Day, program: Program) -> None:
    for _ in range(20):
        day.passes(10, DOWN)
        day.passes(OVER_AFTER_S - 20)
    assert codes(program) == ["share_down"]


def test_a_program_that_fails_is_run_again(day: Day, program: Program) -> None:
    program.does("exit 1")
    day.passes(RETRY_S * 2 - 1, DOWN)
    assert codes(program) == ["share_down"] * 2
    assert day.alarms.fails
    program.does("")
    day.passes(RETRY_S * 5, DOWN)
    assert codes(program) == ["share_down"] * 3
    assert not day.alarms.fails


def test_what_was_over_before_it_could_be_reported_is_not_reported(day: Day, program: Program) -> None:
    program.does("exit 1")
    day.passes(0, DOWN)
    day.passes(AGAIN_S)
    assert codes(program) == ["share_down"]


def test_a_restart_reports_nothing_twice_and_the_end_all_the_same(day: Day, program: Program) -> None:
    day.passes(0, DOWN)
    for _ in range(5):
        day.restart()
        day.passes(20, DOWN)
    assert codes(program) == ["share_down"]
    day.restart()
    day.passes(OVER_AFTER_S)
    assert codes(program) == ["share_down", "recovered"]
    day.restart()
    day.passes(AGAIN_S)
    assert codes(program) == ["share_down", "recovered"]


@pytest.mark.parametrize(
    "memory", ["", "[", "{}", "[1]", '[{"code": "x", "place": "", "at": 1}]', '[{"code": "share_down"}]']
)
def test_a_memory_that_makes_no_sense_is_forgotten(
    tmp_path: Path, program: Program, log: EventLog, memory: str
) -> None:
    (tmp_path / "alarms-told-run.json").write_text(memory)
    Day(tmp_path, program, log).passes(OVER_AFTER_S, DOWN)
    assert codes(program) == ["share_down"]


def test_a_clock_that_was_set_back_silences_for_half_an_hour_at_most(
    tmp_path: Path, program: Program, log: EventLog
) -> None:
    sent = [{"code": DOWN.code, "place": DOWN.place, "at": time.time() + 1e6}]
    (tmp_path / "alarms-told-run.json").write_text(json.dumps(sent))
    Day(tmp_path, program, log).passes(AGAIN_S, DOWN)
    assert codes(program) == ["share_down"]


def test_the_number_of_conditions_is_bounded(day: Day, program: Program) -> None:
    many = [Condition("share_down", f"place {number}") for number in range(CONDITIONS_MAX + 20)]
    day.passes((CONDITIONS_MAX + 20) * 10, *many)
    assert len(program.runs()) == CONDITIONS_MAX


# -- in a hospital ------------------------------------------------------------------------------------------------


def alarmed(root: Path, program: Program, **site: str) -> Hospital:
    settings = {"alarm": {"command": f'["{program.path}", "--site", "架空"]'}, "site": site}
    return Hospital(root, settings=settings, own_servers=True)


@pytest.mark.peers
def test_a_share_that_is_away_is_reported_once(tmp_path: Path, program: Program) -> None:
    with alarmed(tmp_path, program) as hospital:
        hospital.receipt_server.kill()
        hospital.open_courier()
        hospital.place("valid-utf8")
        wait_until(
            lambda: (
                ["--site", "架空", "share_down", f"{EVENTS['share_down']} (receipt_computer.results)"] in program.runs()
            ),
            "told",
        )
        hospital.receipt_server.start()
        hospital.wait_delivered("valid-utf8")
        rows = [tuple(row[2:]) for row in program.runs()]
        assert len(rows) == len(set(rows)), "each once"
        text = json.dumps(rows) + json.dumps(hospital.events())
        assert FILE_OF["valid-utf8"] not in text
        assert json.loads(hospital.kiosk("status", "--json").stdout)["alarm_command"] == {"set": True, "fails": False}


@pytest.mark.peers
def test_an_alarm_and_an_old_file_are_reported_and_a_failing_command_is_wrong_in_the_status(
    tmp_path: Path, program: Program
) -> None:
    """A file is held and its row is aged, while no courier runs, as a minute would do."""
    with alarmed(tmp_path, program) as hospital:
        name = FILE_OF["valid-utf8"]
        (hospital.folder("to_face") / name).write_bytes(b"other content")
        hospital.place("valid-utf8")
        program.does("exit 1")
        courier = hospital.open_courier()
        wait_until(lambda: "file_held" in [row[2] for row in program.runs()], "told")
        wait_until(lambda: "The alarm command fails; nobody is told." in hospital.status()["wrong"], "shown")
        assert "The alarm command fails; nobody is told." in hospital.kiosk("status").stdout
        courier.terminate()
        courier.wait()
        with closing(sqlite3.connect(hospital.data_dir / "courier.db")) as db, db:
            db.execute("UPDATE files SET seen_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-90 seconds')")
        program.does("")
        hospital.open_courier()
        expected = ["--site", "架空", "delivery_waits", EVENTS["delivery_waits"]]
        wait_until(lambda: expected in program.runs(), "told")
        assert any(event["event"] == "delivery_waits" for event in hospital.events())
        assert name not in json.dumps(program.runs())
        wait_until(lambda: hospital.status()["alarm_command"] == {"set": True, "fails": False}, "mended")
