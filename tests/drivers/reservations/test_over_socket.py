"""The reservations over a socket: the same answers, the same trouble, and clients and owners that hang, die and lie."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest

from drivers.reservations import (
    AlreadyRegistered,
    Found,
    NothingToRegister,
    Registered,
    Reservations,
    ReservationsDown,
    Unknown,
    WalkIn,
    Withdrawn,
    over_socket,
    wire,
)
from drivers.reservations.over_socket import SOCKET_NAME, SocketReservations
from drivers.reservations.sqlite.reservations import SqliteReservations
from drivers.unix_path import short_path
from tests.drivers.reservations.owner import AT, DAY, DEADLINE_S, Site, answering, soon, yes

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
    assert far.find("1", DAY) == near.find("1", DAY)
    assert (far.count(DAY), far.arrivals(DAY), far.entries(DAY)) == (2, [], [])
    assert far.register("9", DAY, AT, yes) == NothingToRegister("9")
    first = far.register("1", DAY, AT, yes)
    assert isinstance(first, Registered)
    assert (first.arrival.number, first.arrival.at, first.appointments[0].note) == (1, AT, "memo")
    assert far.register("1", DAY, AT, yes) == AlreadyRegistered("1", first.arrival, first.appointments)
    walked = far.walk_in("9", DAY, AT, EYES, yes)
    assert isinstance(walked, Registered)
    assert far.find("9", DAY) == near.find("9", DAY)
    assert far.cancel("9", 2, DAY, AT, "別の方\u202e\n") == near.cancel("9", 2, DAY, AT, "")
    assert far.cancel("9", 7, DAY, AT, "") == near.cancel("9", 7, DAY, AT, "")
    assert far.arrivals(DAY) == near.arrivals(DAY) != []
    assert far.entries(DAY) == near.entries(DAY)
    assert [each.cancelled is not None for each in far.entries(DAY)] == [False, True]


def test_a_system_that_knows_its_patients_may_say_so(tmp_path: Path) -> None:
    class Other(SqliteReservations):
        def find(self, patient_number: str, day: date) -> Unknown:  # type: ignore[override]
            return Unknown(patient_number)

    site = Site(tmp_path, Other(tmp_path))
    site.server.open()
    assert site.client.find("4711", DAY) == Unknown("4711")
    site.server.close()


def test_whether_it_is_still_wanted_is_asked_of_the_caller_in_its_thread(site: Site) -> None:
    asked: list[threading.Thread] = []

    def no() -> bool:
        asked.append(threading.current_thread())
        return False

    assert site.client.register("1", DAY, AT, no) == Withdrawn("1")
    assert site.client.walk_in("9", DAY, AT, EYES, no) == Withdrawn("9")
    assert asked == [threading.current_thread()] * 2
    assert site.book.entries(DAY) == []


def test_a_caller_that_fails_when_asked_has_registered_nothing(site: Site) -> None:
    def broken() -> bool:
        raise RuntimeError("of the caller")

    with pytest.raises(RuntimeError, match="of the caller"):
        site.client.register("1", DAY, AT, broken)
    answer = site.client.register("2", DAY, AT, yes)
    assert isinstance(answer, Registered)
    assert answer.arrival.number == 1


def test_trouble_of_the_database_is_the_clients_word_for_word(tmp_path: Path) -> None:
    class Down(SqliteReservations):
        def count(self, day: date) -> int:
            raise ReservationsDown("it is busy", "busy", seconds=1.5)

    site = Site(tmp_path, Down(tmp_path))
    site.server.open()
    with pytest.raises(ReservationsDown, match=r"^it is busy$") as caught:
        site.client.count(DAY)
    assert (caught.value.code, caught.value.parameters) == ("busy", {"seconds": 1.5})
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
        assert site.client.count(DAY) == 2
        site.server.close()


# --- clients that hang, die or lie ------------------------------------------------------------------------------------


def ask_and_go_no_further(site: Site) -> tuple[socket.socket, wire.Line]:
    connection, line = site.connect()
    line.send(wire.question("register", patient_number="1", day=DAY, at=AT), soon())
    assert line.receive(soon()) == wire.STILL_WANTED
    return connection, line


def test_a_client_that_does_not_say_that_it_is_wanted_keeps_nobody_waiting(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as impatient:
        impatient.setattr(over_socket, "_WANTED_S", 0.2)
        hanging, line = ask_and_go_no_further(site)
    with hanging:
        answer = site.client.register("2", DAY, AT, yes)
        assert isinstance(answer, Registered)
        assert answer.arrival.number == 1
        assert line.receive(soon())["is"] == "Withdrawn"


def test_a_client_that_dies_before_it_says_so_has_registered_nothing(site: Site) -> None:
    dying, _ = ask_and_go_no_further(site)
    dying.close()
    answer = site.client.register("2", DAY, AT, yes)
    assert isinstance(answer, Registered)
    assert (answer.arrival.number, site.book.find("1", DAY).arrival) == (1, None)


OF_4711 = '{"ask": "%s", "patient_number": "4711", "day": "2099-01-15", "at": "2099-01-15T08:30"%s}\n'
NO_QUESTIONS = [
    b"", b"\n", b"5\n", b"[]\n", b"{}\n", b"\xff\n", b"[" * 100_000 + b"\n",
    b'{"ask": "open_reservations"}\n', b'{"ask": "__init__"}\n', b'{"ask": ["find"]}\n', b'{"ask": {"4711": 1}}\n',
    b'{"ask": "find", "patient_number": 4711, "day": "2099-01-15"}\n',
    '{"ask": "find", "patient_number": "4711", "day": "内科"}\n'.encode(),
    b'{"ask": "find", "patient_number": "4711"}\n',
    (OF_4711 % ("walk_in", ', "what": "山田"')).encode(), (OF_4711 % ("register", "")).encode(),
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
    assert site.client.count(DAY) == 2
    printed = "".join(capfd.readouterr())
    while not site.faults.empty():
        printed += site.faults.get()
    assert not any(each in printed for each in PRIVATE)


def test_a_fault_of_ours_is_reported_by_its_name_and_the_next_question_is_answered(tmp_path: Path) -> None:
    class Faulty(SqliteReservations):
        def find(self, patient_number: str, day: date) -> Found:
            raise LookupError(f"{patient_number} 内科 山田")

    site = Site(tmp_path, Faulty(tmp_path))
    site.server.open()
    with pytest.raises(ReservationsDown) as caught:
        site.client.find("4711", DAY)
    assert caught.value.code == "owner_down"
    assert site.faults.get(timeout=DEADLINE_S) == "LookupError"
    assert not any(each in str(caught.value) for each in PRIVATE)
    assert site.client.count(DAY) == 2
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
    try:
        return client.count(DAY) == 2
    except ReservationsDown:
        return False


def down(client: Reservations, call: Callable[[Reservations], object]) -> str:
    with pytest.raises(ReservationsDown) as caught:
        call(client)
    assert caught.value.code == "owner_down"
    assert not any(each in str(caught.value) for each in PRIVATE)
    return str(caught.value)


def test_without_an_owner_every_question_says_so(tmp_path: Path) -> None:
    for folder in (tmp_path / "gone", tmp_path):
        client = SocketReservations(folder)
        for call in (
            lambda client: client.find("4711", DAY),
            lambda client: client.register("4711", DAY, AT, yes),
            lambda client: client.walk_in("4711", DAY, AT, EYES, yes),
            lambda client: client.cancel("4711", 1, DAY, AT, "山田"),
            lambda client: client.entries(DAY),
            lambda client: client.count(DAY),
            lambda client: client.arrivals(DAY),
        ):
            down(client, call)


FOUND: dict[str, object] = {"patient_number": "4711", "appointments": [], "next_day": None, "arrival": None}
NO_ANSWERS = [
    {},
    {"is": "Registered", "answer": {}},
    {"is": "Found", "answer": {**FOUND, "appointments": "山田"}},
    {"is": "Found", "answer": {**FOUND, "next_day": "内科"}},
    {"is": "Found", "answer": {**FOUND, "arrival": {"number": "1", "at": "2099-01-15T08:30:00+09:00"}}},
    {"is": "Found", "answer": {**FOUND, "arrival": {"number": True, "at": "2099-01-15T08:30:00+09:00"}}},
    {"is": "Found", "answer": {"appointments": []}},
    {"is": "Found", "answer": [4711]},
    {"is": ["Found"]},
]


def test_an_answer_that_is_none_is_trouble_and_says_nothing_of_a_patient(tmp_path: Path) -> None:
    answers = [json.dumps(each).encode() + b"\n" for each in NO_ANSWERS]
    answers += [b"4711\n", b"", b"4711", b"\xff\xfe\n"]
    with answering(tmp_path, *answers):
        client = SocketReservations(tmp_path)
        for _ in answers:
            down(client, lambda client: client.find("4711", DAY))


def test_what_an_answer_has_beyond_what_is_known_is_passed_over_and_what_has_a_default_may_lack(tmp_path: Path) -> None:
    answer = {"is": "Found", "answer": {**FOUND, "room": 5}, "version": 9}
    trouble = {
        "down": "it is full",
        "code": "brand_new",
        "parameters": {"count": 5, "text": 1, "who": "山田", "code": 2},
    }
    with answering(tmp_path, *(json.dumps(each).encode() + b"\n" for each in (answer, trouble))):
        client = SocketReservations(tmp_path)
        assert client.find("4711", DAY) == Found("4711", (), None, None)
        with pytest.raises(ReservationsDown, match=r"^it is full$") as caught:
            client.count(DAY)
        assert (caught.value.code, caught.value.parameters) == ("brand_new", {"count": 5})


def test_an_owner_that_hangs_is_given_up_in_time(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        with short_path(tmp_path / SOCKET_NAME) as path:
            listening.bind(path)
        listening.listen()
        assert "Timeout" in down(SocketReservations(tmp_path, answer_s=0.1), lambda client: client.count(DAY))
