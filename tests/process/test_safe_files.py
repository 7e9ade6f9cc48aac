"""Files in folders of others: nothing that stands there keeps a reader for ever, or shows him another file."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drivers.reservations.sqlite.beside import Beside
from kiosk.appointments import retention
from kiosk.appointments.import_folder import ImportFolder
from kiosk.courier import summary
from kiosk.operations.check import devices
from kiosk.process import locks, safe_files
from kiosk.words.problems import Problem

RUN_STATUS = "status-run.json"

DEADLINE_S = 60.0
KEPT = tuple(f"reservations.{name}" for name in ("lost", "imports", "number", "retention", "series"))


def answered(call: Callable[[], Any]) -> Any:
    """What `call` gives or raises; a call that does not come back fails the test instead of stopping it."""
    printed: list[Any] = []

    def run() -> None:
        try:
            printed.append(call())
        except BaseException as error:  # noqa: BLE001 - handed on
            printed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    assert printed, "it waits for ever"
    return printed[0]


def odd(folder: Path) -> dict[str, Path]:
    """What may stand where a file was expected."""
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    (folder / "secret").write_text('{"secret": 1}')
    (folder / "link").symlink_to("secret")
    (folder / "device").symlink_to("/dev/zero")
    line = socket.socket(socket.AF_UNIX)
    line.bind(str(folder / "socket"))
    return {path.name: path for path in folder.iterdir() if path.name != "secret"}


@pytest.mark.parametrize("what", ["fifo", "folder", "link", "device", "socket", "nothing"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path, what: str) -> None:
    path = odd(tmp_path).get(what, tmp_path / "nothing")
    for call in (safe_files.opened, partial(safe_files.read, limit=10), partial(safe_files.tail, limit=10)):
        assert isinstance(answered(partial(call, path)), OSError)
    assert answered(lambda: safe_files.json_of(path)) is None


def test_a_fifo_with_a_writer_that_says_nothing_is_refused_too(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    writer = os.open(tmp_path / "fifo", os.O_RDWR)
    try:
        assert isinstance(answered(lambda: safe_files.read(tmp_path / "fifo", 10)), safe_files.NotAFile)
    finally:
        os.close(writer)


def test_a_link_is_followed_where_an_administrator_chose_the_name(tmp_path: Path) -> None:
    found = odd(tmp_path)
    with safe_files.opened(found["link"], follow=True) as file:
        assert file.read() == b'{"secret": 1}'
    assert isinstance(answered(lambda: safe_files.opened(found["device"], follow=True)), safe_files.NotAFile)


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as opened:
        opened.write(b"begin")
        opened.truncate(1 << 40)  # a hole: it takes no room on the disk
    assert safe_files.read(file, 7) == b"begin\0\0"
    assert safe_files.tail(file, 7) == bytes(7)
    assert safe_files.json_of(file) is None
    file.write_bytes(b"[1, 2]")
    assert safe_files.json_of(file) == [1, 2]
    assert safe_files.tail(file, 100) == b"[1, 2]"
    assert safe_files.json_of(file, 5) is None


def test_json_that_nests_without_end_is_none(tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("[" * 60_000)
    assert safe_files.json_of(tmp_path / "deep") is None


def test_a_check_beside_a_reception_that_left_a_fifo_comes_to_its_end(tmp_path: Path) -> None:
    lock = locks.DataLock(tmp_path, "run")
    os.mkfifo(tmp_path / RUN_STATUS)
    found = answered(lambda: devices._as_the_reception_reports(tmp_path, "card_reader", "url"))
    assert (found.code, found.result) == ("card_reader", "SKIP")
    lock.release()


def test_fifos_in_the_place_of_what_is_kept_beside_the_reservations_keep_nobody(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    beside.backups.mkdir()
    for path in (*map(tmp_path.joinpath, KEPT), beside.backups / "arrivals-2099-01-15.jsonl"):
        os.mkfifo(path)
    day = date(2099, 1, 15)
    assert answered(beside.loss) == "a database was put aside"
    assert answered(lambda: beside.is_sure(day)) is False
    assert answered(lambda: beside.number(day)) == 0
    assert answered(lambda: beside.series(day)) == {}
    assert answered(lambda: list(beside.arrivals_since("2099-01-01"))) == []
    assert answered(lambda: retention.starts_on(tmp_path)) is None


def test_a_fifo_in_the_place_of_the_ledger_is_a_ledger_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "courier.db")
    assert answered(lambda: summary.to_message(tmp_path / "courier.db")) == {"fails": "OperationalError"}
    assert isinstance(answered(lambda: summary.read(tmp_path / "none")), sqlite3.Error)


def test_a_fifo_put_in_the_place_of_an_export_does_not_stop_the_imports(tmp_path: Path) -> None:
    class Nobody:
        def import_file(self, file: int, *, again: bool) -> Any:
            raise AssertionError

    folder = ImportFolder(tmp_path, Nobody())
    (tmp_path / "a.csv").write_text("x")
    names = folder._names()
    (tmp_path / "a.csv").unlink()
    os.mkfifo(tmp_path / "a.csv")  # after the listing, before the opening

    def taken() -> Problem | None:
        folder._take_ready(names, 0.0, [])
        return folder._take_ready(names, 1e6, [])

    assert answered(taken) == Problem("imports.file", {"why": "Invalid argument"})
    assert (tmp_path / "a.csv").is_fifo()
