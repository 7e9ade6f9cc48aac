"""A whole courier between real Samba servers, with writers, consumers and faults around it."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.share import Refused, Share, Unreachable, open_share
from drivers.simulated.tcp_proxy import Proxy
from drivers.simulated.terminal import TerminalWriter
from kiosk.courier.ends import ALARM_AFTER_S, Health
from kiosk.courier.ledger import ALARMS_MAX, KEEP_FILES, Ledger
from kiosk.courier.line import CourierLine
from kiosk.process.courier_line import Message, ask_once
from tests import VECTORS
from tests.courier.bench import (
    DEADLINE_S,
    Clock,
    Desk,
    RunningCourier,
    document,
    hooked,
    once,
    place,
    result_name,
    wait_for_count,
)
from tests.hospital import EXPECTED, vector, wait_until
from tests.peers.receipt_computer import ReceiptComputer
from tests.peers.samba import Smbd
from tests.results.test_watch import BAD, Watch

pytestmark = [pytest.mark.peers, pytest.mark.long]
FOLDERS = ("face", "res", "to_face", "to_res")


class Site:
    """Pattern 1: two servers."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.terminal = Smbd({"face": root / "face", "res": root / "res"})
        self.receipt_computer = Smbd({"face": root / "to_face", "res": root / "to_res"})

    def folder(self, name: str) -> Path:
        return self.root / name

    def courier(self, data_dir: Path, **options: Any) -> RunningCourier:
        def pair(name: str) -> tuple[str, str]:
            return self.terminal.url(name), self.receipt_computer.url(name)

        subsidies = pair("res") if options.pop("with_subsidies", False) else None
        return RunningCourier(data_dir, pair("face"), subsidies, password=self.terminal.password, **options)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("whole"))
    with site.terminal, site.receipt_computer:
        yield site


@pytest.fixture
def site(servers: Site) -> Site:
    for name in FOLDERS:
        folder = servers.folder(name)
        folder.mkdir(exist_ok=True)
        for left in folder.iterdir():
            left.unlink()
    return servers


def published(courier: RunningCourier) -> list[str]:
    """Names in the order in which they were put into the receipt computer's folders."""
    names = dict(courier.rows("SELECT id, name FROM files"))
    text = (courier.data_dir / "events-courier.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    return [names[line["file"]] for line in lines if line["event"] == "file_published"]


WAYS: list[dict[str, Any]] = [
    *({"how": "slow", "share": share, "chunks": 5, "pause_s": 0.12} for share in ("none", "r", "rw", "rd", "rwd")),
    *({"how": "preset", "share": share, "chunks": 3, "pause_s": 0.2} for share in ("r", "rwd")),
    {"how": "reopen", "chunks": 5, "pause_s": 0.12},
    {"how": "direct"},
    {"how": "rename"},
]


@pytest.mark.parametrize("over", ["smb", "beside the server", "folder"])
def test_no_way_of_writing_shows_a_half_file_to_a_receipt_computer_that_takes_at_once(
    site: Site, tmp_path: Path, over: str
) -> None:
    """Beside the server: a program on the server itself, for which Samba knows no share modes."""
    data = document("pmh-ok")
    face = site.folder("face")
    url = site.terminal.url("face") if over == "smb" else f"file://{face}"
    expected = {result_name(number): hashlib.sha256(data).hexdigest() for number in range(len(WAYS))}
    writers = [TerminalWriter(url, site.terminal.password) for _ in [*WAYS, None]]

    def write(number: int) -> None:
        writers[number].write(result_name(number), data, **WAYS[number])

    if over == "folder":
        courier = RunningCourier(tmp_path / "data", (url, f"file://{site.folder('to_face')}"))
    else:
        courier = site.courier(tmp_path / "data")
    with ReceiptComputer(site.folder("to_face")) as consumer, courier:
        threads = [threading.Thread(target=write, args=(number,), daemon=True) for number in range(len(WAYS))]
        for thread in threads:
            thread.start()
        writers[-1].write(result_name(99), data, how="abandon")
        for thread in threads:
            thread.join(DEADLINE_S)
        assert consumer.wait_for(len(WAYS), DEADLINE_S)
        courier.wait_done(len(WAYS))
        assert {file.name: file.sha256 for file in consumer.taken} == expected and len(consumer.taken) == len(WAYS)
        assert [path.name for path in face.iterdir()] == [result_name(99)], "half a file is not delivered at once"
    for writer in writers:
        writer.close()


def test_every_vector_at_once_arrives_unchanged_unreadable_ones_after_a_minute(site: Site, tmp_path: Path) -> None:
    for name in (row["file"] for row in EXPECTED):
        shutil.copyfile(VECTORS / name, site.folder("res" if name.startswith("PMH") else "face") / name)
    bad = {vector(label)[0] for label in BAD}
    with site.courier(tmp_path / "data", with_subsidies=True, subsidy_wait_s=2.0) as courier:
        courier.wait_done(len(EXPECTED) - len(bad))
        assert {path.name for path in site.folder("face").iterdir()} == bad and not list(site.folder("res").iterdir())
    face = open_share(site.terminal.url("face"), site.terminal.password)
    usual = open_share(site.receipt_computer.url("face"), site.terminal.password)
    watch, desk = Watch(face), Desk(tmp_path / "late.db", face, usual)
    watch.pass_s(62.0)
    assert set(watch.found.completed) == bad
    for name, (_, digest, raw) in watch.found.completed.items():
        item = desk.admit(name)
        assert item.digest == digest and desk.advance(item, raw=raw) == "done"
    arrived = {path.name: path.read_bytes() for each in ("to_face", "to_res") for path in site.folder(each).iterdir()}
    assert arrived == {row["file"]: (VECTORS / row["file"]).read_bytes() for row in EXPECTED}


ASKER, ASKED = "pmh-err", "PMHsimsm01req_9912345678AA46912026011509021300_face.xml"
STEM = ASKED.removesuffix(".xml")
ERRORS = [f"{ASKED}.err", f"{STEM}.err", f"{ASKED}.err".replace("req", "res"), f"{STEM}.err".replace("req", "res")]


@pytest.mark.parametrize("first", ["answer", "asker"])
@pytest.mark.parametrize("answer", [*ERRORS, "result"])
def test_a_subsidy_answer_goes_before_the_file_that_asked_for_it(
    site: Site, tmp_path: Path, first: str, answer: str
) -> None:
    """And the patient, who waits for neither, learns of an error whichever comes first."""
    name, content = (answer, b"error")
    if answer == "result":
        name, content = ASKED.replace("req", "res"), vector("pmh-ok-result")[1]
    received: list[Message] = []
    with site.courier(tmp_path / "data", with_subsidies=True, subsidy_wait_s=30.0) as courier:
        line = CourierLine(courier.data_dir, received.append)
        wait_until(lambda: any(message["event"] == "terminal" for message in received), "connected")
        wait_until(lambda: courier.events().count("share_up") == 4, "all shares watched")
        if first == "answer":
            place(site.folder("res"), name, content)
            courier.wait_done(1)
        place(site.folder("face"), *vector(ASKER))
        if first == "asker":
            wait_until(lambda: any(message["event"] == "result" for message in received), "shown without waiting")
            place(site.folder("res"), name, content)
        courier.wait_done(2)
        assert published(courier) == [name, vector(ASKER)[0]]
        failed = answer != "result"
        assert courier.subsidies() == {"failed" if failed else "result": 1}
        notes = [note for message in received if message["event"] == "result" for note in message["notes"]]
        notes += [message["event"] for message in received if message["event"] == "subsidy_failed"]
        assert notes == (["subsidy_failed"] if failed else [])
        line.close()


def test_the_ledger_distinguishes_none_refused_unanswered_and_late(site: Site, tmp_path: Path) -> None:
    """A subsidy file that nobody asked for is delivered too."""
    with site.courier(tmp_path / "data", with_subsidies=True, subsidy_wait_s=0.5) as courier:
        for label in ("valid-utf8", "pmh-hostile-0", "pmh-hostile-1", "pmh-ok", "pmh-err", "pmh-late"):
            place(site.folder("face"), *vector(label))
        courier.wait_done(6)
        assert courier.subsidies() == {"none": 1, "refused": 2, "unanswered": 3}
        place(site.folder("res"), *vector("pmh-err-result"))
        place(site.folder("res"), *vector("pmh-late-result"))
        place(site.folder("res"), "PMHsimsm01res_unasked_face.xml", vector("pmh-ok-result")[1])
        courier.wait_done(9)
        assert courier.subsidies() == {"none": 1, "refused": 2, "unanswered": 1, "late_failed": 1, "late_result": 1}
        assert "subsidy_failed_late" in courier.alarms() and "subsidy_late" in courier.events()
        assert len(list(site.folder("to_res").glob("PMH*"))) == 3


def test_after_a_restart_a_subsidy_answer_still_goes_first(site: Site, tmp_path: Path) -> None:
    with site.courier(tmp_path / "data", with_subsidies=True, subsidy_wait_s=600.0) as courier:
        place(site.folder("face"), *vector("pmh-ok"))
        wait_until(lambda: courier.states().get("seen"), "the asker is known")
        wait_until(lambda: courier.events().count("share_up") == 4, "all shares answer")
    with site.courier(tmp_path / "data", with_subsidies=True, subsidy_wait_s=30.0) as courier:
        wait_until(lambda: courier.events().count("share_up") == 8, "all shares answer again")
        place(site.folder("res"), *vector("pmh-ok-result"))
        courier.wait_done(2)
        assert published(courier) == [vector("pmh-ok-result")[0], vector("pmh-ok")[0]]


def test_a_backlog_goes_in_order_of_first_sight_past_a_bad_file_when_the_destination_comes_back(
    site: Site, tmp_path: Path
) -> None:
    """The files' names tell the order in which they were written."""
    names = [result_name(number) for number in range(300)]
    for number, name in enumerate(names):
        place(site.folder("face"), name, document()[:200] if number == 150 else document())
    site.receipt_computer.kill()
    try:
        with site.courier(tmp_path / "data") as courier:
            wait_until(lambda: courier.states().get("seen", 0) == 299, "all are known")
            site.receipt_computer.start()
            courier.wait_done(299)
            assert published(courier) == names[:150] + names[151:]
            assert [path.name for path in site.folder("face").iterdir()] == [names[150]]
    finally:
        if not site.receipt_computer.pids():
            site.receipt_computer.start()


def test_a_frozen_destination_keeps_no_patient_waiting(site: Site, tmp_path: Path) -> None:
    """A server that neither answers nor closes its connections."""
    received: list[Message] = []
    with site.courier(tmp_path / "data") as courier, ReceiptComputer(site.folder("to_face")) as consumer:
        line = CourierLine(courier.data_dir, received.append)
        wait_until(lambda: any(message["event"] == "terminal" for message in received), "connected")
        wait_until(lambda: courier.events().count("share_up") == 2, "both shares answer")

        def shown(count: int, deadline_s: float = DEADLINE_S) -> float:
            began = time.monotonic()
            wait_until(lambda: sum(message["event"] == "result" for message in received) == count, "shown", deadline_s)
            return time.monotonic() - began

        place(site.folder("face"), result_name(0), document())
        usual_s = shown(1)
        courier.wait_done(1)
        site.receipt_computer.freeze()
        try:
            place(site.folder("face"), result_name(1), document())
            shown(2, max(4.0, 10 * usual_s))  # a call to the frozen server gives up after 5 s; a machine may be slow
            wait_until(lambda: "share_down" in courier.events(), "noticed")
        finally:
            site.receipt_computer.thaw()
        courier.wait_done(2)
        assert consumer.wait_for(2, DEADLINE_S)
        assert [file.name for file in consumer.taken] == [result_name(0), result_name(1)]
        line.close()


def test_one_answer_that_a_slow_terminal_owes_is_no_terminal_that_is_gone(site: Site, tmp_path: Path) -> None:
    """Its button would go grey for a moment in front of patients. One that is really gone is told."""
    received: list[Message] = []

    def answers() -> list[bool]:
        return [message["answers"] for message in received if message["event"] == "terminal"]

    with Proxy(site.terminal.port) as proxy:
        address = site.terminal.url("face").replace(f":{site.terminal.port}/", f":{proxy.port}/")
        ends = {role: open_share(address, site.terminal.password) for role in ("watched", "source")}
        with site.courier(tmp_path / "data", wrap=lambda role, share: ends.get(role, share)) as courier:
            line = CourierLine(courier.data_dir, received.append)
            wait_until(lambda: answers() == [True] and "share_up" in courier.events(), "connected")
            proxy.slow_s = 8.0  # longer than a call waits
            wait_until(lambda: "share_down" in courier.events(), "noticed")
            proxy.slow_s = 1.0  # and so several seconds for a new connection
            wait_until(lambda: "share_up" in courier.events()[courier.events().index("share_down") :], "it answers")
            assert answers() == [True]
            proxy.slow_s = 0.0
            proxy.cut()
            wait_until(lambda: answers() == [True, False], "it is gone")
            proxy.mend()
            wait_until(lambda: answers() == [True, False, True], "it is back")
            line.close()


def test_a_terminal_is_gone_after_two_tries_or_when_the_second_does_not_end() -> None:
    clock, failure = Clock(), Unreachable("x")
    health = Health(("terminal.results",), clock, lambda *_: None)
    for apart_s, tries, gone in ((0.5, 6, False), (0.5, 7, True), (2.9, 2, False), (6.0, 2, True)):
        health.succeeded("terminal.results")
        for _ in range(tries):
            health.failed("terminal.results", failure)
            clock.now += apart_s
        assert health.gone("terminal.results") is gone, (apart_s, tries)
    health.succeeded("terminal.results")
    health.failed("terminal.results", failure)
    clock.now += ALARM_AFTER_S
    assert health.gone("terminal.results")
    health.succeeded("terminal.results")
    assert not health.gone("terminal.results")


def test_servers_that_die_freeze_and_come_back_at_random_lose_and_double_nothing(site: Site, tmp_path: Path) -> None:
    """In the middle of any step, on either side."""
    seed = 20260115
    chance = random.Random(seed)
    names = [result_name(number) for number in range(40)]
    tick = threading.Event()
    with ReceiptComputer(site.folder("to_face")) as consumer, site.courier(tmp_path / "data") as courier:
        for round_number in range(8):
            for name in names[round_number * 5 : round_number * 5 + 5]:
                place(site.folder("face"), name, document() + f"<!-- {name} -->".encode())
            server = chance.choice([site.terminal, site.receipt_computer])
            tick.wait(chance.random() * 0.15)
            if chance.random() < 0.5:
                server.kill()
                server.start()
            else:
                server.freeze()
                tick.wait(chance.random() * 0.4)
                server.thaw()
        courier.wait_done(40, 120.0)
        wait_for_count(lambda: len(consumer.taken), 40, "files taken")
        taken = sorted((file.name, file.sha256) for file in consumer.taken)
    expected = [(name, hashlib.sha256(document() + f"<!-- {name} -->".encode()).hexdigest()) for name in names]
    assert taken == sorted(expected), f"seed {seed}"
    assert not list(site.folder("face").iterdir())


def test_a_read_only_and_then_a_missing_destination_are_waited_for_with_an_alarm(site: Site, tmp_path: Path) -> None:
    """Both refuse without being unreachable; each is mended by a person."""
    server = site.receipt_computer
    server.stop()
    server.read_only = ("face",)
    server.start()
    with site.courier(tmp_path / "data") as courier:
        place(site.folder("face"), result_name(0), document())
        wait_until(lambda: "share_refused" in courier.alarms(), "staff are called")
        server.stop()
        server.read_only = ()
        server.start()
        courier.wait_done(1)
        wait_until(lambda: not courier.alarms(), "cleared")
        shutil.rmtree(site.folder("to_face"))
        place(site.folder("face"), result_name(1), document())
        wait_until(lambda: "share_refused" in courier.alarms(), "staff are called")
        site.folder("to_face").mkdir()
        courier.wait_done(2)
        wait_until(lambda: not courier.alarms(), "cleared")
    assert [path.read_bytes() for path in site.folder("to_face").glob("OQS*")] == [document()]


def local(tmp_path: Path, wrap: Callable[[str, Share], Share]) -> RunningCourier:
    """A courier between two local folders that copies, with faults in its shares."""

    def copying(role: str, share: Share) -> Share:
        return hooked(wrap(role, share), **({"instead_reaches": lambda other: False} if role == "source" else {}))

    for name in ("face", "to_face"):
        (tmp_path / name).mkdir(exist_ok=True)
    urls = (f"file://{tmp_path / 'face'}", f"file://{tmp_path / 'to_face'}")
    return RunningCourier(tmp_path / "data", urls, wrap=copying)


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("role", "call"),
    [
        ("watched", "watch"),
        ("watched", "fetch"),
        ("source", "entries"),
        ("staging", "put"),
        ("staging", "entries"),
        ("source", "delete_same"),
    ],
)
def test_a_fault_of_our_own_in_any_thread_ends_the_courier_with_code_1(tmp_path: Path, role: str, call: str) -> None:
    def wrap(this: str, share: Share) -> Share:
        return hooked(share, **{f"before_{call}": raising(KeyError("a patient's name"))}) if this == role else share

    (tmp_path / "face").mkdir()
    place(tmp_path / "face", result_name(0), document())
    with local(tmp_path, wrap) as courier:
        wait_until(lambda: courier.code is not None, "it has ended")
        assert courier.code == 1
    text = (courier.data_dir / "events-courier.jsonl").read_text(encoding="utf-8")
    assert '"courier_failed", "what": "KeyError"' in text and "patient" not in text.replace("a patient's data", "")


def test_a_connection_lost_while_looking_after_the_destination_stops_no_delivery(tmp_path: Path) -> None:
    def wrap(role: str, share: Share) -> Share:
        return hooked(share, before_entries=once(raising(Unreachable("lost")))) if role == "destination" else share

    with local(tmp_path, wrap) as courier:
        place(tmp_path / "face", result_name(0), document())
        courier.wait_done(1)
        assert courier.code is None


def test_many_files_that_may_not_be_deleted_keep_no_other_waiting(tmp_path: Path) -> None:
    stubborn = {result_name(number) for number in range(30)}

    def refuse(name: str, *_: Any) -> None:
        if name in stubborn:
            raise Refused("file:///x: a file is marked read-only")

    def wrap(role: str, share: Share) -> Share:
        return hooked(share, before_delete_same=refuse) if role == "source" else share

    with local(tmp_path, wrap) as courier:
        for name in sorted(stubborn):
            place(tmp_path / "face", name, document())
        wait_until(lambda: courier.states().get("published", 0) == 30, "all are published")
        place(tmp_path / "face", result_name(31), document())
        courier.wait_done(1)
        stubborn.clear()
        courier.wait_done(31)
        wait_until(lambda: not courier.alarms(), "cleared")
        assert courier.events().count("share_refused") < 40


def test_a_visit_is_served_at_once_while_hundreds_of_fresh_files_are_read(tmp_path: Path) -> None:
    """Counted, not timed: how many of the others are read before it."""

    def slow(*_: Any) -> None:
        time.sleep(0.01)

    def wrap(role: str, share: Share) -> Share:
        return hooked(share, before_fetch=slow) if role == "watched" else share

    received: list[Message] = []

    def results(until: Callable[[Message], bool]) -> int:
        """How many results are told before that."""
        wait_until(lambda: any(until(message) for message in received), "it is told")
        last = next(number for number, message in enumerate(received) if until(message))
        return sum(message["event"] == "result" for message in received[:last])

    with local(tmp_path, wrap) as courier, ReceiptComputer(tmp_path / "to_face") as receipt_computer:
        line = CourierLine(courier.data_dir, received.append)
        wait_until(lambda: any(message["event"] == "terminal" for message in received), "connected")
        wait_until(lambda: courier.events().count("share_up") == 2, "both folders were listed: what comes now is new")
        for number in range(300):
            place(tmp_path / "face", result_name(number), document())
        results(lambda message: message["event"] == "result")
        received.clear()
        line.ask({"ask": "baseline", "visit": 1})
        assert results(lambda message: message["event"] == "baseline") < 60
        began = next(message["at"] for message in received if message["event"] == "baseline")
        place(tmp_path / "face", result_name(900), document())
        assert results(lambda message: message["event"] == "result" and message["first_seen"] >= began) < 200
        courier.wait_done(301)
        line.close()
        wait_for_count(lambda: len(receipt_computer.taken), 301, "files taken")
        names = sorted(taken.name for taken in receipt_computer.taken)
    assert names == sorted(result_name(number) for number in (*range(300), 900))


def test_nonsense_on_the_line_costs_only_the_line_it_came_on(tmp_path: Path) -> None:
    with local(tmp_path, lambda role, share: share) as courier:
        wait_until(lambda: ask_once(courier.data_dir, "status"), "a line to be had")
        asked = (b'{"ask": "baseline"}\n', b'{"ask": "baseline", "visit": "x"}\n')
        for nonsense in (b"[]\n", b"7\n", b"{\n", b"\xff\n", *asked):
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(courier.data_dir / "courier.sock"))
                line.sendall(nonsense)
        assert ask_once(courier.data_dir, "status") and ask_once(courier.data_dir, "acknowledge")


def test_a_full_ledger_accepts_nothing_and_heals(tmp_path: Path) -> None:
    """The limit stands for a full disk; it is the same SQLITE_FULL."""
    ledger = Ledger(tmp_path / "courier.db")
    share = open_share(f"file://{tmp_path}", None)
    place(tmp_path, result_name(0), document())
    digest = share.digest(result_name(0))
    pages = ledger._db.execute("PRAGMA page_count").fetchone()[0]
    ledger._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        for number in range(1000):
            ledger.add("results", result_name(number), digest, request="", subsidy="none")
    ledger._db.execute(f"PRAGMA max_page_count={pages + 1000}")
    item = ledger.add("results", "after", digest, request="", subsidy="none")
    assert ledger.item(item.id).name == "after"


def test_alarms_of_one_kind_are_bounded_and_hide_no_other(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "courier.db")
    for number in range(ALARMS_MAX + 50):
        ledger.raise_alarm("file_unreadable", f"file {number}")
    assert ledger.raise_alarm("share_down", "terminal.results") and len(ledger.alarms()) == ALARMS_MAX + 1


def test_a_clock_that_jumped_ahead_does_not_make_the_ledger_forget_what_was_just_sent(tmp_path: Path) -> None:
    """`prune` of -1 days is what a clock in 2099 makes of 90."""
    ledger = Ledger(tmp_path / "courier.db")
    place(tmp_path, "x", document())
    digest = open_share(f"file://{tmp_path}", None).digest("x")
    item = ledger.add("results", result_name(0), digest, request="", subsidy="none")
    ledger.set_state(item, "done")
    ledger.prune(-1)
    assert ledger.of_name("results", result_name(0)) and KEEP_FILES > 0
