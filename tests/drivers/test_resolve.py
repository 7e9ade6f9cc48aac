"""A name is looked up within a time; an address in numbers needs nobody."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

from drivers.printer.address import TcpAddress
from drivers.printer.transport import TcpWire
from drivers.resolve import resolve


def answered(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], list[object]]) -> None:
    """Names are answered by `answer`; numbers by the system."""
    real = socket.getaddrinfo

    def asked(host: str, port: int, *, type: int, flags: int) -> object:  # noqa: A002 - as getaddrinfo has it
        return real(host, port, type=type, flags=flags) if flags else answer()

    monkeypatch.setattr(socket, "getaddrinfo", asked)


@pytest.mark.parametrize(
    ("host", "family", "where"),
    [("127.0.0.1", socket.AF_INET, ("127.0.0.1", 9100)), ("::1", socket.AF_INET6, ("::1", 9100, 0, 0))],
)
def test_numbers_are_taken_without_a_thread(
    host: str, family: int, where: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Thread, "start", lambda thread: pytest.fail("a thread for an address in numbers"))
    assert resolve(host, 9100, 0.0) == [(family, where)]


def test_a_name_server_that_does_not_answer_costs_no_more_than_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def late() -> list[object]:
        over.wait(30.0)
        return []

    answered(monkeypatch, late)
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="name server"):
        resolve("printer.example", 9100, 0.1)
    assert time.monotonic() - began < 20.0
    over.set()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 300, "\ud800"])
def test_an_unknown_name_is_unknown(host: str) -> None:
    with pytest.raises(OSError) as caught:
        resolve(host, 445, 20.0)
    assert caught.value.errno is None


def test_a_printer_is_reached_by_ipv4_although_the_name_lists_ipv6_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        six = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))
        four = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        answered(monkeypatch, lambda: [six, six, four])
        assert [family for family, _ in resolve("printer.example", port, 20.0)] == [socket.AF_INET6, socket.AF_INET]
        TcpWire(TcpAddress("printer.example", port)).close(abandon=True)
