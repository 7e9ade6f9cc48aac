"""What listens at a printer's address may be anything: an exchange ends, and says that it was no answer."""

import socket
import threading

import pytest

from drivers.page_printer import NotReady, open_page_printer

WAIT_S = 60


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n\r\nno IPP", b"\0" * 70000, b"HTTP/1.1 200 OK\r\n" * 9])
def test_something_else_listens_there(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        other = threading.Thread(target=serve)
        other.start()
        printer = open_page_printer(f"ipp://127.0.0.1:{listener.getsockname()[1]}/")
        assert printer.status() == NotReady("printer_silent")
        other.join(WAIT_S)


def test_an_answer_that_comes_drop_by_drop_ends_with_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.page_printer.requests.ANSWER_S", 0.4)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                while not ended.wait(0.05):
                    connection.send(b"HTTP/1.1 200 OK\r\n"[:1])

        other = threading.Thread(target=serve)
        other.start()
        printer = open_page_printer(f"ipp://127.0.0.1:{listener.getsockname()[1]}/")
        assert printer.status() == NotReady("printer_silent")
        ended.set()
        other.join(WAIT_S)
