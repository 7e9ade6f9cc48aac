"""A process that has the reservations, as threads of the test; owners that hang, die or lie."""

from __future__ import annotations

import queue
import socket
import threading
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

from drivers.reservations import csv_file, wire
from drivers.reservations.over_socket import SOCKET_NAME, Server, SocketBook
from drivers.reservations.ports import Reservations
from drivers.reservations.sqlite.reservations import SqliteReservations
from drivers.unix_path import short_path

JST = timezone(timedelta(hours=9))
DAY = date(2099, 1, 15)
AT = datetime(2099, 1, 15, 8, 30, tzinfo=JST)
HEADER = "patient_number,date,time,department,doctor,place,note\n"


def put(book: SqliteReservations, *rows: str) -> None:
    book.import_rows(csv_file.read((HEADER + "\n".join(rows)).encode()))


class Site:
    """A database, the process that has it as threads, and a client."""

    def __init__(self, folder: Path, reservations: Reservations | None = None) -> None:
        self.folder = folder
        self.book = SqliteReservations(folder)
        put(self.book, "1,2099-01-15,9:00,内科,乙,A棟,memo", "1,2099-01-20,9:00,内科,,,", "2,2099-01-15,9:00,内科,,,")
        self.faults: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.server = Server(
            reservations or self.book, folder, self.book.revision, self.faults.put, asks=wire.BOOK_ASKS
        )
        self.client = SocketBook(folder)

    def connect(self) -> tuple[socket.socket, wire.Line]:
        """A client that is not ours."""
        connection = socket.socket(socket.AF_UNIX)
        with short_path(self.folder / SOCKET_NAME) as path:
            connection.connect(path)
        return connection, wire.Line(connection)


def answering(folder: Path, *answers: bytes, hold: bool = False) -> socket.socket:
    """An owner that gives each client the next of `answers`, whatever it asks. `hold`: and then says nothing more."""
    held = []
    listening = socket.socket(socket.AF_UNIX)
    with short_path(folder / SOCKET_NAME) as path:
        listening.bind(path)
    listening.listen()

    def serve() -> None:
        for each in answers:
            connection, _ = listening.accept()
            connection.recv(65536)
            connection.sendall(each)
            if hold:
                held.append(connection)
            else:
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    return listening
