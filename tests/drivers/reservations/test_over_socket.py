"""The reservations over a socket: the same answers, the same trouble, and clients and owners that hang, die and lie."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import date
from pathlib import Path

import pytest

from drivers import reservations as rs
from drivers.reservations import (
    Answer,
    Count,
    DayList,
    Found,
    NothingToRegister,
    Reception,
    Registered,
    ReservationsDown,
    Taken,
    Trouble,
    TroubleKind,
    UnknownPatient,
    Unsettled,
    WalkIn,
    over_socket,
    wire,
)
from drivers.reservations.over_socket import SOCKET_NAME, Server, SocketBook, SocketSystem
from drivers.reservations.ports import Reservations
from drivers.reservations.sqlite.reservations import SqliteReservations
from drivers.reservations.values import encoded
from drivers.unix_path import short_path
from tests.drivers.reservations.asking import (
    DEADLINE_S,
    cancel,
    count,
    entries,
    find,
    number,
    order,
    register,
    registered,
    soon,
    sure,
    trouble,
    unsettled,
)
from tests.drivers.reservations.owner import AT, DAY, Site, answering

PRIVATE = ("4711", "内科", "山田")
EYES = WalkIn("眼科", "甲", "2階")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    made.server.open()
    yield made
    made.server.close()


# --- the same as without the socket -----------------------------------------------------------------------------------


def test_every_answer_is_the_one_of_the_database(site: Site) -> None:
    far, near = site.client, site.book
    assert far.ability == near.ability
    assert find(far, "1", DAY) == find(near, "1", DAY)
    assert (count(far, DAY), entries(far, DAY)) == (2, [])
    assert register(far, "9", AT) == NothingToRegister("9")
    asked = order("1", AT)
    first = sure(far.register(asked, soon()))
    assert (number(first), first.receptions[0].at, first.appointments[0].note, first.ours) == ("1", AT, "memo", True)
    assert near.register(asked, soon()) == first
    assert registered(far, "9", AT, EYES).appointments == find(near, "9", DAY).appointments
    assert cancel(far, "9", 2, DAY, AT, "別の方\u202e\n") == cancel(near, "9", 2, DAY, AT)
    assert cancel(far, "9", 7, DAY, AT) == cancel(near, "9", 7, DAY, AT)
    assert entries(far, DAY) == entries(near, DAY)
    assert [each.cancelled is not None for each in entries(far, DAY)] == [False, True]
    assert far.departments(DAY, soon()) == near.departments(DAY, soon())
    days = [each.day_list(DAY, soon()) for each in (far, near)]
    assert all(isinstance(each, DayList) for each in days)
    assert len({each.patients for each in days if isinstance(each, DayList)}) == 1


def test_what_a_book_keeps_of_attempts_comes_over_the_socket(site: Site) -> None:
    far, asked = site.client, order("4711", AT, EYES)
    assert far.take(asked, 10.0, soon()) == Taken()
    assert trouble(far.take(order("4711", AT), 10.0, soon())).kind == "busy"
    lost = Trouble("unreachable", "no answer", maybe_done=True, parameters={"seconds": 1.5})
    assert far.settle(asked, lost, soon()) == lost
    assert [(each.kind, each.order) for each in unsettled(far, DAY)] == [("unknown", asked)]
    assert far.noted_done(asked, soon()) == rs.Kept()
    refused = Unsettled("refused", asked, AT, "K3-001", "the department is not known there")
    assert far.note(refused, soon()) == rs.Kept()
    assert unsettled(far, DAY) == unsettled(site.book, DAY) == [refused]
    there = Registered("4711", (Reception("00017", AT, "眼科", "00017"),), ())
    assert far.settle(asked, there, soon()) == site.book.settle(asked, there, soon())
    assert entries(far, DAY)[0].of_system == there.receptions


def test_an_owner_answers_only_what_it_is_there_for(tmp_path: Path) -> None:
    book = SqliteReservations(tmp_path)
    server = Server(book, tmp_path, book.revision, print, name="his.sock", asks=wire.SYSTEM_ASKS)
    server.open()
    far = SocketSystem(tmp_path, "his.sock")
    assert find(far, "4711", DAY).appointments == ()
    for answer in (far.count(DAY, soon()), far.take(order("4711", AT), 10.0, soon())):
        assert trouble(answer).code == "owner_down"
    server.close()


def test_a_system_that_knows_its_patients_may_say_so(tmp_path: Path) -> None:
    class Other(SqliteReservations):
        def find(self, patient_number: str, day: date, until: float) -> Answer:
            return UnknownPatient(patient_number)

    site = Site(tmp_path, Other(tmp_path))
    site.server.open()
    assert site.client.find("4711", DAY, soon()) == UnknownPatient("4711")
    site.server.close()


def test_the_owner_hears_how_long_the_caller_waits(tmp_path: Path) -> None:
    left: list[float] = []

    class Watched(SqliteReservations):
        def count(self, day: date, until: float) -> Count | Trouble:
            left.append(until - time.monotonic())
            return super().count(day, until)

    site = Site(tmp_path, Watched(tmp_path))
    site.server.open()
    for within_s in (2.0, 3000.0, DEADLINE_S):
        assert site.client.count(DAY, time.monotonic() + within_s) == Count(2)
    assert 0 < left[0] < 2
    assert max(left) <= wire.WITHIN_MAX_S
    site.server.close()


def test_trouble_of_the_database_is_the_clients_word_for_word(tmp_path: Path) -> None:
    down = Trouble("busy", "it is busy", True, "busy", {"seconds": 1.5})

    class Down(SqliteReservations):
        def count(self, day: date, until: float) -> Count | Trouble:
            return down

    site = Site(tmp_path, Down(tmp_path))
    site.server.open()
    assert site.client.count(DAY, soon()) == down
    site.server.close()


def test_a_path_longer_than_a_socket_may_have_and_a_folder_for_a_group(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir(mode=0o710)
    folder.chmod(0o710)
    for mode, expected in ((0o710, 0o660), (0o700, 0o600)):
        folder.chmod(mode)
        site = Site(folder)
        site.server.open()
        assert (folder / SOCKET_NAME).stat().st_mode & 0o777 == expected
        assert count(site.client, DAY) == 2
        site.server.close()


# --- clients that hang, die or lie ------------------------------------------------------------------------------------


ORDER = encoded(order("4711", AT, EYES))
NO_QUESTIONS = [
    b"", b"\n", b"5\n", b"[]\n", b"{}\n", b"\xff\n", b"[" * 100_000 + b"\n",
    b'{"ask": "open_reservations"}\n', b'{"ask": "__init__"}\n', b'{"ask": ["find"]}\n', b'{"ask": {"4711": 1}}\n',
    b'{"ask": "find", "patient_number": 4711, "day": "2099-01-15"}\n',
    '{"ask": "find", "patient_number": "4711", "day": "内科"}\n'.encode(),
    b'{"ask": "find", "patient_number": "4711"}\n',
    b'{"ask": "find", "patient_number": "4711", "day": "2099-01-15", "within_s": "4711"}\n',
    b'{"ask": "register", "patient_number": "4711", "day": "2099-01-15", "at": "2099-01-15T08:30:00+09:00"}\n',
    json.dumps({"ask": "register", "order": {**ORDER, "walk_in": "山田"}}).encode() + b"\n",
    json.dumps({"ask": "register", "order": {**ORDER, "attempt": None}}).encode() + b"\n",
    json.dumps({"ask": "settle", "order": ORDER, "outcome": {"is": "山田", "answer": {}}}).encode() + b"\n",
    json.dumps({"ask": "settle", "order": ORDER, "outcome": "内科"}).encode() + b"\n",
]  # fmt: skip


@pytest.mark.parametrize("sent", NO_QUESTIONS, ids=range(len(NO_QUESTIONS)))
def test_what_is_no_question_is_not_answered_and_the_next_one_is(
    site: Site, sent: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    connection, line = site.connect()
    with connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        with pytest.raises(wire.Broken):
            line.receive(soon())
    assert count(site.client, DAY) == 2
    printed = "".join(capfd.readouterr())
    while not site.faults.empty():
        printed += site.faults.get()
    assert not any(each in printed for each in PRIVATE)


def test_a_fault_of_ours_is_reported_by_its_name_and_the_next_question_is_answered(tmp_path: Path) -> None:
    class Faulty(SqliteReservations):
        def find(self, patient_number: str, day: date, until: float) -> Answer:
            raise LookupError(f"{patient_number} 内科 山田")

    site = Site(tmp_path, Faulty(tmp_path))
    site.server.open()
    answer = trouble(site.client.find("4711", DAY, soon()))
    assert answer.code == "owner_down"
    assert site.faults.get(timeout=DEADLINE_S) == "LookupError"
    assert not any(each in repr(answer) for each in PRIVATE)
    assert count(site.client, DAY) == 2
    site.server.close()


def test_connections_that_are_only_held_are_let_go(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_socket, "_QUESTION_S", 0.3)
    tick, deadline = threading.Event(), soon()
    with ExitStack() as held:
        for _ in range(over_socket._CLIENTS_MAX):
            held.enter_context(site.connect()[0])
        while not answers(site.client):
            assert not tick.wait(0.02)
            assert time.monotonic() < deadline


# --- owners that hang, die or lie -------------------------------------------------------------------------------------


def answers(client: Reservations) -> bool:
    return client.count(DAY, soon()) == Count(2)


def down(answer: object, kind: TroubleKind = "unreachable") -> Trouble:
    """Nobody answered, and nothing of a patient is in what is said of it."""
    what = trouble(answer)
    assert (what.kind, what.code) == (kind, "owner_down")
    assert not any(each in repr(what) for each in PRIVATE)
    return what


def test_without_an_owner_every_question_says_so_and_nothing_was_done(tmp_path: Path) -> None:
    for folder in (tmp_path / "gone", tmp_path):
        client, asked = SocketBook(folder), order("4711", AT, EYES)
        for answer in (
            client.find("4711", DAY, soon()),
            client.register(asked, soon()),
            cancel(client, "4711", 1, DAY, AT, "山田"),
            client.entries(DAY, soon()),
            client.count(DAY, soon()),
            client.day_list(DAY, soon()),
            client.departments(DAY, soon()),
            client.unsettled(DAY, soon()),
            client.take(asked, 10.0, soon()),
            client.settle(asked, NothingToRegister("4711"), soon()),
            client.note(Unsettled("custody", asked, AT, "K3-001"), soon()),
            client.noted_done(asked, soon()),
        ):
            assert not down(answer).maybe_done
        assert client.ability.cancels, "nobody leaves a call out because nobody answers"
        with pytest.raises(ReservationsDown):
            client.other("notices")


FOUND: dict[str, object] = {"patient_number": "4711", "appointments": [], "next_day": None}
RECEPTION: dict[str, object] = {"number": "1", "at": "2099-01-15T08:30:00+09:00"}
NO_ANSWERS = [
    {},
    {"is": "Registered", "answer": {}},
    {"is": "Found", "answer": {**FOUND, "appointments": "山田"}},
    {"is": "Found", "answer": {**FOUND, "next_day": "内科"}},
    {"is": "Found", "answer": {**FOUND, "receptions": [{**RECEPTION, "number": 1}]}},
    {"is": "Found", "answer": {**FOUND, "receptions": [{**RECEPTION, "at": True}]}},
    {"is": "Found", "answer": {"appointments": []}},
    {"is": "Found", "answer": [4711]},
    {"is": ["Found"]},
    {"is": "Trouble", "answer": {"kind": "山田", "what": ""}},
]


def test_an_answer_that_is_none_is_trouble_and_says_nothing_of_a_patient(tmp_path: Path) -> None:
    answers = [json.dumps(each).encode() + b"\n" for each in NO_ANSWERS]
    with answering(tmp_path, *answers):
        for _ in answers:
            down(SocketBook(tmp_path).find("4711", DAY, soon()), "misunderstood")


def test_a_write_whose_answer_does_not_come_may_have_been_done(tmp_path: Path) -> None:
    lines = [b"4711\n", b"", b"4711", b"\xff\xfe\n"]
    with answering(tmp_path, *lines, *lines, b"{}\n"):
        client = SocketBook(tmp_path)
        assert not any(down(client.find("4711", DAY, soon())).maybe_done for _ in lines)
        assert all(down(client.register(order("4711", AT), soon())).maybe_done for _ in lines)
        assert down(client.register(order("4711", AT), soon()), "misunderstood").maybe_done


def test_what_an_answer_has_beyond_what_is_known_is_passed_over_and_what_has_a_default_may_lack(tmp_path: Path) -> None:
    answer = {"is": "Found", "answer": {**FOUND, "room": 5}, "version": 9}
    parameters = {"count": 5, "text": 1, "who": "山田", "code": 2}
    full = {"is": "Trouble", "answer": {"kind": "busy", "what": "it is full", "code": "new", "parameters": parameters}}
    with answering(tmp_path, *(json.dumps(each).encode() + b"\n" for each in (answer, full))):
        client = SocketBook(tmp_path)
        assert client.find("4711", DAY, soon()) == Found("4711", (), None)
        assert client.count(DAY, soon()) == Trouble("busy", "it is full", code="new", parameters={"count": 5})


def test_an_owner_that_hangs_or_drips_is_given_up_in_time(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        with short_path(tmp_path / SOCKET_NAME) as path:
            listening.bind(path)
        listening.listen()
        assert "Timeout" in down(SocketBook(tmp_path).count(DAY, time.monotonic() + 0.1)).what
        stop = threading.Event()

        def drip() -> None:
            with suppress(OSError):
                for _ in range(2):  # the first asked above
                    connection, _ = listening.accept()
                while not stop.wait(0.02):
                    connection.sendall(b" ")

        threading.Thread(target=drip, daemon=True).start()
        begun = time.monotonic()
        down(SocketBook(tmp_path).count(DAY, begun + 0.5))
        assert time.monotonic() - begun < DEADLINE_S / 2
        stop.set()
