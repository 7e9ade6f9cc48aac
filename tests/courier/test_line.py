"""The line between courier and reception when others are on it, or nobody speaks: real sockets, real processes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from kiosk.courier.line import UNSENT_MAX, CourierLine, Hub
from kiosk.process.courier_line import Message, ask_once
from kiosk.process.event_log import EventLog
from kiosk.reception.courier_events import FIRST_LINE_S, CourierEvents
from kiosk.reception.loop import Inbox
from kiosk.typography import ruby
from kiosk.visit import events as e
from kiosk.words.texts import load as load_texts
from tests.hospital import DEADLINE_S, PATIENT_OF, Hospital, wait_until

SOCKET = "courier.sock"

NO_MY_NUMBER = ruby.plain(str(load_texts()["choose_card"]["terminal_down"]))


@contextmanager
def _mute(folder: Path, *, closes: bool) -> Iterator[list[socket.socket]]:
    """A socket in the courier's place that never says a word; the lines it was given, closed at once or held."""
    taken: list[socket.socket] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / SOCKET))
        listener.listen()

        def take() -> None:
            with suppress(OSError):  # the listener is shut
                while True:
                    line, _ = listener.accept()
                    taken.append(line)
                    if closes:
                        line.close()

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield taken
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(DEADLINE_S)
            for line in taken:
                line.close()


@contextmanager
def _held(folder: Path, count: int) -> Iterator[list[socket.socket]]:
    """So many lines to the courier on which nothing is said; each has had its place."""
    with ExitStack() as stack:
        lines = []
        for _ in range(count):
            line = stack.enter_context(socket.socket(socket.AF_UNIX))
            line.connect(str(folder / SOCKET))
            line.recv(1)
            lines.append(line)
        yield lines


@contextmanager
def _hub(folder: Path) -> Iterator[Hub]:
    hub = Hub(folder)
    hub.open(lambda ask: {"event": ask["ask"], "visit": 1}, lambda: {"event": "terminal", "answers": True})
    wait_until(lambda: ask_once(folder, "status"), "the hub is there")
    try:
        yield hub
    finally:
        hub.close()


@pytest.mark.parametrize("closes", [True, False], ids=["closes at once", "is held"])
def test_a_silent_line_is_no_courier_and_is_not_tried_without_a_pause(tmp_path: Path, closes: bool) -> None:
    inbox = Inbox()
    ear = CourierEvents(inbox, EventLog(tmp_path, "run", echo=False))
    received: list[e.Event | None] = []

    def next_is(wanted: e.Event) -> bool:
        ear.check_absence(time.monotonic())
        received.append(inbox.next(0.0))
        return received[-1] == wanted

    line = CourierLine(tmp_path, ear.on_message)
    with _mute(tmp_path, closes=closes) as taken:
        wait_until(lambda: next_is(e.TerminalChanged(False)), "the terminal is said gone")
        assert 1 <= len(taken) <= FIRST_LINE_S + 10  # with 0.1 s, 0.2 s, … 1 s between them
        assert set(received) == {e.Ticked(), e.TerminalChanged(False)}
    with _hub(tmp_path):
        wait_until(lambda: next_is(e.TerminalChanged(True)), "a courier that speaks is heard")
    line.close()


def test_what_is_emitted_names_the_run_of_the_courier(tmp_path: Path) -> None:
    runs = []
    for _ in range(2):
        received: list[Message] = []
        with _hub(tmp_path) as hub:
            line = CourierLine(tmp_path, received.append)
            wait_until(lambda received=received: len(received) > 1, "the reception is connected")  # type: ignore[misc]
            for number in (1, 2):
                hub.emit({"event": "gone", "file": number})
            wait_until(lambda received=received: len(received) > 3, "both")  # type: ignore[misc]
            line.close()
        runs.append({message["run"] for message in received[2:4]})
    assert [len(each) for each in runs] == [1, 1] and runs[0] != runs[1]


def test_a_courier_that_was_started_again_learns_which_visit_waits_until_it_waits_no_more(tmp_path: Path) -> None:
    asked: list[Message] = []

    def answer(ask: Message) -> Message | None:
        asked.append(ask)
        return {"event": "baseline", "visit": ask["visit"], "at": 1.0} if ask["ask"] == "baseline" else None

    def serve() -> Hub:
        hub = Hub(tmp_path)
        hub.open(answer, lambda: {"event": "terminal", "answers": True})
        return hub

    def restart(hub: Hub) -> Hub:
        hub.close()
        asked.clear()
        again = serve()
        assert line._line is not None
        line._line.shutdown(socket.SHUT_RDWR)  # as the end of a process does
        return again

    received: list[Message] = []
    hub = serve()
    line = CourierLine(tmp_path, received.append)
    line.ask({"ask": "baseline", "visit": 7})
    wait_until(lambda: any(each["event"] == "baseline" for each in received), "the baseline")
    hub = restart(hub)
    wait_until(lambda: asked == [{"ask": "waiting", "visit": 7}], "the new courier knows")
    line.end_waiting(7)
    wait_until(lambda: asked[1:] == [{"ask": "waiting_ended", "visit": 7}], "and learns that it is over")
    connected = len(received)
    hub = restart(hub)
    wait_until(lambda: len(received) > connected, "connected once more")
    line.ask({"ask": "baseline", "visit": 8})
    wait_until(lambda: bool(asked), "a question")
    assert asked == [{"ask": "baseline", "visit": 8}]
    line.close()
    hub.close()


@pytest.mark.parametrize("count", [16, 100])
def test_lines_that_are_only_held_keep_nobody_out(tmp_path: Path, count: int) -> None:
    """Held before the reception comes, and as many after it: it has said hello, and stays."""
    received: list[Message] = []
    with _hub(tmp_path), _held(tmp_path, count):
        line = CourierLine(tmp_path, received.append)
        wait_until(lambda: len(received) > 1, "the reception is connected")
        with _held(tmp_path, count):
            line.ask({"ask": "baseline", "visit": 1})
            wait_until(lambda: len(received) > 2, "an answer")
            assert [each["event"] for each in received] == ["connected", "terminal", "baseline"]
            assert ask_once(tmp_path, "status")
        line.close()


def test_a_line_that_does_not_read_gives_its_place_back(tmp_path: Path) -> None:
    with _hub(tmp_path) as hub, _held(tmp_path, 1) as (line,):
        wait_until(lambda: len(hub._writers) == 1, "the line alone")
        hub.emit({"event": "x" * UNSENT_MAX * 2})
        hub.emit({"event": "one too many"})
        wait_until(lambda: not hub._writers, "it is given up")
        assert line.recv(1)  # what had been sent is still there to be read


@pytest.mark.peers
def test_the_start_page_follows_the_courier_and_held_lines_stop_no_visit(tmp_path: Path) -> None:
    with Hospital(tmp_path) as hospital:
        hospital.book(f"{PATIENT_OF['valid-utf8']},{{today}},13:00,内科,佐藤,")
        with _mute(hospital.data_dir, closes=True):
            reception = hospital.open("--no-courier")
            wait_until(lambda: reception.lines and NO_MY_NUMBER in reception.lines[-1]["lines"], "grey")
            assert reception.lines[-1]["unavailable"] == ["mynumber"]
        courier = hospital.open_courier()
        wait_until(lambda: ask_once(hospital.data_dir, "status"), "the courier is there")
        wait_until(lambda: reception.lines[-1]["unavailable"] == [], "no longer grey")
        with _held(hospital.data_dir, 100):
            reception.choose_my_number()
            hospital.tap("valid-utf8")
            assert reception.until("done", "counter")["screen"] == "done"
            assert courier.poll() is None
