"""Messages of another version, and what is no message at all: neither end of the line ends because of them."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.courier import summary
from kiosk.courier.line import CourierLine, Hub
from kiosk.operations import status, status_text
from kiosk.operations.metrics.families import families
from kiosk.operations.report import decode
from kiosk.process import json_values
from kiosk.process.courier_line import Message, ask_once
from kiosk.process.event_log import EventLog
from kiosk.reception.courier_events import CourierEvents
from kiosk.reception.delivery_watch import codes_of
from kiosk.reception.loop import Inbox
from kiosk.visit import events as e
from kiosk.visit.begin import switched_on
from kiosk.visit.rules import Rules
from kiosk.visit.state import AtCounter, AwaitingTap, Kiosk, Settling
from kiosk.visit.step import step
from tests.hospital import wait_until
from tests.site_toml import Site, with_

SOCKET = "courier.sock"

RUN = "0123456789abcdef"
RESULT = {
    "event": "result", "run": RUN, "file": 3, "first_seen": 50.0, "outcome": "usable", "reference_number": "04184963",
    "birthdate": "19500101", "notes": [],
}  # fmt: skip
WELL: list[Message] = [
    {"event": "sighted", "run": RUN, "file": 3, "first_seen": 50.0},
    {"event": "gone", "run": RUN, "file": 3},
    RESULT,
    {"event": "subsidy_failed", "run": RUN, "file": 3},
    {"event": "compared", "run": RUN, "file": 3, "eligibility": "changed"},
    {"event": "terminal", "answers": True},
    {"event": "baseline", "visit": 1, "at": 20.0},
    {"event": "baseline_failed", "visit": 1},
]
STRANGE: list[Any] = [None, True, -1, 1.5, "3", "", [], {}, [1], float("nan"), float("inf"), 10**400]
# A line whose JSON no parser of ours takes, and JSON that is no message.
GARBAGE = [b"{", b"[]", b"7", b"null", b'"event"', b"\xff\xfe", b"[" * 30_000, b'{"event": [1]}', b'{"event": {}}', b""]


def changed() -> Iterator[Message]:
    """Every message with each of its parts missing, and with each of its parts another."""
    for message in WELL:
        for name in message:
            yield {key: value for key, value in message.items() if key != name}
            yield from ({**message, name: strange} for strange in STRANGE)


class Ear:
    """What becomes of messages: events, and what the log says."""

    def __init__(self, folder: Path, *, key_check: bool = True) -> None:
        self._folder = folder
        self.inbox = Inbox()
        self.ear = CourierEvents(self.inbox, EventLog(folder, "run", echo=False), key_check=key_check)
        self.ear.on_message({"event": "connected"})

    def events(self) -> list[e.Event]:
        found: list[e.Event] = []
        while (event := self.inbox.next(0.0)) is not None and not isinstance(event, e.Ticked):
            found.append(event)
        return found

    def logged(self) -> list[str]:
        lines = (self._folder / "events-run.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["code"] for line in lines]


@contextmanager
def courier(folder: Path, speak: Callable[[socket.socket], None]) -> Iterator[None]:
    """A socket where a courier's would be; `speak` to each that connects, in turn, until it returns."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / SOCKET))
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                with line:
                    speak(line)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def test_the_receptions_end_passes_over_what_it_does_not_understand_and_takes_what_follows(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    done = threading.Event()

    def speak(line: socket.socket) -> None:
        for message in changed():
            line.sendall(json.dumps(message).encode() + b"\n")
        for garbage in GARBAGE:
            line.sendall(garbage + b"\n")
        for message in WELL:
            line.sendall(json.dumps(message).encode() + b"\n")
        done.wait(60)

    received: list[Message] = []

    def hear(message: Message) -> None:
        received.append(message)
        ear.ear.on_message(message)

    with courier(tmp_path, speak):
        line = CourierLine(tmp_path, hear)
        wait_until(lambda: received[-len(WELL) :] == WELL, "what is understood is heard", 30)
        assert [message.get("event") for message in received].count("connected") == 1
        done.set()
        line.close()
    events = ear.events()
    assert [type(event) for event in events[-len(WELL) :]] == [
        e.ResultSighted, e.ResultGone, e.ResultArrived, e.SubsidyFailed, e.ResultCompared, e.TerminalChanged,
        e.BaselineTaken, e.BaselineFailed,
    ]  # fmt: skip
    assert len(ear.logged()) == len(set(ear.logged())), "each kind is said once"
    assert set(ear.logged()) <= {message["event"] for message in WELL} | {"garbled", "other"}


VISITS: list[Kiosk] = [
    Kiosk(Rules(reader_min_s=0), stage=AwaitingTap(1, 10.0, 90.0, unclean=False), last_visit=1),
    Kiosk(Rules(reader_min_s=0), stage=AwaitingTap(1, 10.0, 90.0, False, pending=frozenset({(RUN, 3)})), last_visit=1),
]


def end_of(kiosk: Kiosk, events: list[e.Event]) -> Kiosk:
    for event in events:
        kiosk, _ = step(kiosk, event, 60.0)
    if isinstance(kiosk.stage, Settling):
        kiosk, _ = step(kiosk, e.Ticked(), 70.0)
    return kiosk


NO_RESULTS: list[Message] = [
    {"event": "garbled"},
    {"event": "result"},
    *({key: value for key, value in RESULT.items() if key != name} for name in RESULT if name not in ("event", "run")),
    *({**RESULT, name: 7} for name in ("outcome", "reference_number", "birthdate", "notes")),
    *({**RESULT, name: "3"} for name in ("file", "first_seen", "notes")),
    *({**RESULT, "run": strange} for strange in (7, None, ["a"])),
    {**RESULT, "file": -1},
    {**RESULT, "file": True},
    {**RESULT, "notes": [7]},
    {**RESULT, "first_seen": float("nan")},
]


@pytest.mark.parametrize("kiosk", VISITS, ids=["nothing seen", "its file seen"])
@pytest.mark.parametrize("message", NO_RESULTS)
def test_a_result_that_is_not_understood_sends_who_waits_to_the_counter_at_once(
    tmp_path: Path, message: Message, kiosk: Kiosk
) -> None:
    ear = Ear(tmp_path)
    ear.ear.on_message(message)
    stage = end_of(kiosk, ear.events()).stage
    assert isinstance(stage, AtCounter) and stage.reason in ("unreadable", "ambiguous")
    assert ear.logged() == [message["event"]]


def test_another_result_beside_one_that_is_not_understood_is_never_used(tmp_path: Path) -> None:
    for bad in ({"event": "sighted"}, {"event": "result", "file": 9}, {"event": "garbled"}):
        for messages in ([bad, RESULT], [RESULT, bad]):
            ear = Ear(tmp_path)
            for message in messages:
                ear.ear.on_message(message)
            stage = end_of(VISITS[0], ear.events()).stage
            assert isinstance(stage, AtCounter) and stage.reason == "ambiguous", messages


def files(folder: Path, *connections: list[Message]) -> list[Hashable]:
    """The files of the results that came on these connections, one after the other."""
    ear = Ear(folder)
    for messages in connections:
        for message in messages:
            ear.ear.on_message(message)
        ear.ear.on_message({"event": "disconnected"})
        ear.ear.on_message({"event": "connected"})
    return [event.candidate.file for event in ear.events() if isinstance(event, e.ResultArrived)]


def test_a_file_of_a_courier_that_was_started_again_is_another_file(tmp_path: Path) -> None:
    of_another_run = {**RESULT, "run": "fedcba9876543210"}
    first, again, other = files(tmp_path, [RESULT], [RESULT, of_another_run])
    assert first == again, "the line ended, the courier did not"
    assert first != other


def test_a_courier_of_an_older_version_says_no_run_so_each_line_may_be_to_another(tmp_path: Path) -> None:
    older = {name: value for name, value in RESULT.items() if name != "run"}
    first, same, other, newer = files(tmp_path, [older, older], [older, RESULT])
    assert first == same
    assert len({first, other, newer}) == 3


def test_the_visit_hears_what_is_new_of_a_patient_only_where_the_site_wants_it(tmp_path: Path) -> None:
    words = ("same", "changed", "unknown", "first", "a newer word")
    for key_check in (False, True):
        ear = Ear(tmp_path, key_check=key_check)
        for word in words:
            ear.ear.on_message({"event": "compared", "run": RUN, "file": 3, "eligibility": word})
        keys = [event.key for event in ear.events() if isinstance(event, e.ResultCompared)]
        assert keys == (["unchanged", "changed", "missing", "first"] if key_check else [])


def test_a_baseline_that_is_not_understood_is_none(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    ear.ear.on_message({"event": "baseline", "visit": 7, "at": "now"})
    assert ear.events() == [e.BaselineFailed(7)]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*RESULT, "visit", "at", "answers", "more"])
KIND = st.sampled_from([*(message["event"] for message in WELL), "garbled", "new"])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(KIND, st.dictionaries(NAMES, VALUES, max_size=8)), max_size=6))
def test_no_message_stops_ear_or_flow(
    tmp_path_factory: pytest.TempPathFactory, messages: list[tuple[str, Message]]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "messages"
    folder.mkdir(exist_ok=True)
    ear = Ear(folder)
    for kind, parts in messages:
        ear.ear.on_message({"event": kind, **{name: value for name, value in parts.items() if name != "event"}})
    for kiosk in (switched_on(Rules(), 0.0), *VISITS):
        end_of(kiosk, ear.events())


def hub(folder: Path) -> Hub:
    def answer(ask: Message) -> Message:
        if ask.get("ask") != "status":
            raise ValueError("no question")
        return {"event": "status", "shares": {}}

    serving = Hub(folder)
    serving.open(answer, lambda: {"event": "terminal", "answers": True})
    return serving


def test_the_couriers_end_answers_others_whatever_one_says(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    serving = hub(tmp_path)
    wait_until(lambda: ask_once(tmp_path, "status"), "it listens")
    for garbage in [*GARBAGE, *(json.dumps({"ask": strange}).encode() for strange in STRANGE)]:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(tmp_path / SOCKET))
            line.settimeout(30)
            with suppress(ConnectionError):  # it is closed at once, with the rest unread
                line.sendall(garbage + b"\n")
                line.shutdown(socket.SHUT_WR)
                while line.recv(1000):
                    pass
    assert ask_once(tmp_path, "status") is not None
    serving.close()
    assert "Traceback" not in capfd.readouterr().err


SHARE = {"state": "ok", "message": "", "failing_s": 0.0}
STATUS: Message = {
    "event": "status", "process": os.getpid(), "up_s": 1.0, "shares": {"terminal.results": SHARE}, "other_files": 0,
    "unfinished": 0, "oldest_unfinished_s": None, "disk": {}, "journal_fails": False, "alarm_fails": False,
    "overview": {"waiting": 0, "oldest_s": None, "alarms": [], "files": {}, "subsidies": {}},
}  # fmt: skip


def statuses() -> Iterator[Any]:
    yield from ({**STATUS, name: strange} for name in STATUS if name != "event" for strange in STRANGE)
    yield from ({key: value for key, value in STATUS.items() if key != name} for name in STATUS if name != "event")
    for name in SHARE:
        yield from ({**STATUS, "shares": {"terminal.results": {**SHARE, name: strange}}} for strange in STRANGE)
    for name in STATUS["overview"]:
        yield from ({**STATUS, "overview": {**STATUS["overview"], name: strange}} for strange in STRANGE)


def test_a_status_of_another_form_stops_no_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    config = Site(tmp_path).load(with_("site", f'data_dir = "{tmp_path}/data"'))
    for answer in statuses():
        if summary.is_status(answer):
            codes_of(False, answer)
        monkeypatch.setattr(status, "ask_once", lambda *_, answer=answer: answer)
        report = status.collect(config, acknowledge=False, ask_printer=False)
        list(families("kiosk", report, 0.0, True))
        assert status_text.as_text(report)
        assert decode(json_values.encode(report).encode()) == report


def test_a_line_that_speaks_no_json_is_no_answer_and_no_fault(tmp_path: Path) -> None:
    def speak(line: socket.socket) -> None:
        for garbage in GARBAGE:
            line.sendall(garbage + b"\n")

    with courier(tmp_path, speak):
        began = time.monotonic()
        assert ask_once(tmp_path, "status") is None
        assert time.monotonic() - began < 30
