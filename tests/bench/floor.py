"""The floor: what SMB itself needs, with the library's messages on prepared connections and nothing around them.

    python -m tests.bench.floor SOURCE DESTINATION     (urls; two passwords in KIOSK_BENCH_PASSWORDS, a line each)

delivers the files named on its standard input, one after the other, and prints how many a second that were: a process
of its own, as the kiosk's courier is one. No part of `drivers.share` is in it: that is what is measured.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any, Self
from urllib.parse import urlsplit

from smbprotocol.change_notify import (
    CompletionFilter,
    FileAction,
    FileNotifyInformation,
    SMB2ChangeNotifyRequest,
    SMB2ChangeNotifyResponse,
)
from smbprotocol.connection import Connection
from smbprotocol.exceptions import SMBResponseException
from smbprotocol.file_info import FileDispositionInformation, FileInformationClass, FileRenameInformation
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FileAttributes,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
    SMB2SetInfoRequest,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from tests import ROOT

PASSWORDS = "KIOSK_BENCH_PASSWORDS"
_ANSWER_S = 60.0
_SIZE_MAX = 1 << 16
_AGAIN_S = 0.001
_RIGHTS = FilePipePrinterAccessMask
_READ = _RIGHTS.FILE_READ_DATA | _RIGHTS.FILE_READ_ATTRIBUTES | _RIGHTS.SYNCHRONIZE
_READERS = ShareAccess.FILE_SHARE_READ
_READERS_AND_RENAMERS = _READERS | ShareAccess.FILE_SHARE_DELETE
_EVERYBODY = _READERS_AND_RENAMERS | ShareAccess.FILE_SHARE_WRITE
_FILTER = (
    CompletionFilter.FILE_NOTIFY_CHANGE_FILE_NAME
    | CompletionFilter.FILE_NOTIFY_CHANGE_LAST_WRITE
    | CompletionFilter.FILE_NOTIFY_CHANGE_SIZE
)
_WRITTEN = (FileAction.FILE_ACTION_MODIFIED, FileAction.FILE_ACTION_RENAMED_NEW_NAME)

Step = tuple[Any, Callable[[Any], Any]]


class Line:
    """A logged-on connection to one share, encrypted as the server requires."""

    def __init__(self, url: str, password: str) -> None:
        address = urlsplit(url)
        host, share = str(address.hostname), address.path.strip("/")
        self._connection = Connection(uuid.uuid4(), host, int(address.port or 445), require_signing=True)
        self._connection.connect(timeout=_ANSWER_S)
        self._session = Session(self._connection, address.username, password, require_encryption=True)
        self._session.connect()
        self.tree = TreeConnect(self._session, rf"\\{host}\{share}")
        self.tree.connect()
        self.tree.is_dfs_share = False

    def exchange(self, *steps: Step) -> list[Any]:
        """One compound; the first refusal is raised when all answers are there."""
        session, tree = self._session.session_id, self.tree.tree_connect_id
        requests = self._connection.send_compound([step for step, _ in steps], session, tree, related=len(steps) > 1)
        answers, refusal = [], None
        for (_, receive), request in zip(steps, requests, strict=True):
            try:
                answers.append(receive(request))
            except SMBResponseException as error:
                answers.append(None)
                refusal = refusal or error
        if refusal:
            raise refusal
        return answers

    def send(self, message: Any) -> Any:
        return self._connection.send(message, self._session.session_id, self.tree.tree_connect_id)

    def receive(self, request: Any) -> Any:
        return self._connection.receive(request, timeout=_ANSWER_S)

    def close(self) -> None:
        self._connection.disconnect(close=False)


class Changes:
    """One outstanding CHANGE_NOTIFY on the share's folder. `names` blocks; the next is sent before it returns.

    A file that was only added is not among them: smbd reports it before the writer's share mode is in force, and a
    reader that opens it then makes the writer's own CREATE fail.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._folder = Open(line.tree, "")
        self._folder.create(
            ImpersonationLevel.Impersonation, _READ, 0, _EVERYBODY,
            CreateDisposition.FILE_OPEN, CreateOptions.FILE_DIRECTORY_FILE,
        )  # fmt: skip
        self._request = self._post()
        assert self._request.response_event.wait(_ANSWER_S), "STATUS_PENDING: the server watches"

    def names(self) -> set[str]:
        """Files that were written to or renamed."""
        answer = SMB2ChangeNotifyResponse()
        answer.unpack(self._line.receive(self._request)["data"].get_value())
        self._request = self._post()
        return set(_names_in(answer["buffer"].get_value()))

    def _post(self) -> Any:
        request = SMB2ChangeNotifyRequest()
        request["flags"] = 0
        request["output_buffer_length"] = _SIZE_MAX
        request["file_id"] = self._folder.file_id
        request["completion_filter"] = _FILTER
        return self._line.send(request)


def _names_in(buffer: bytes) -> Iterator[str]:
    while buffer:
        record = FileNotifyInformation()
        record.unpack(buffer)
        if record["action"].get_value() in _WRITTEN:
            yield record["file_name"].get_value()
        following = record["next_entry_offset"].get_value()
        buffer = buffer[following:] if following else b""


class Courier:
    """Notice, reading and careful delivery, each step of a delivery in one compound: four of them."""

    def __init__(self, source: tuple[str, str], destination: tuple[str, str]) -> None:
        """(url, password) of two shares."""
        with ExitStack() as stack:
            self._source, self._destination = Line(*source), Line(*destination)
            self._watched = Line(*source)
            for line in (self._source, self._destination, self._watched):
                stack.callback(line.close)
            self._changes = Changes(self._watched)
            self._closing = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def content_of(self, name: str) -> bytes:
        """Wait until there is a notice of the file, and read it as soon as its writer lets it go.

        The notice of the CLOSE may come while the server still refuses readers, and no further one comes then.
        """
        while name not in self._changes.names():
            pass
        while True:
            try:
                return self.read(name)
            except SMBResponseException:
                time.sleep(_AGAIN_S)

    def read(self, name: str) -> bytes:
        """CREATE that denies writers, READ, CLOSE: one compound."""
        file = Open(self._source.tree, name)
        _, content, _ = self._source.exchange(
            _opening(file, _READ, _READERS_AND_RENAMERS),
            file.read(0, _SIZE_MAX, send=False),
            file.close(send=False),
        )
        return bytes(content)

    def deliver(self, name: str, content: bytes) -> None:
        """Create, write, flush, read back and close · rename · open the source and compare · delete."""
        temp = f".bench-{uuid.uuid4().hex}.tmp"
        file = Open(self._destination.tree, temp)
        access = _READ | _RIGHTS.FILE_WRITE_DATA | _RIGHTS.DELETE
        _, written, _, back, _ = self._destination.exchange(
            _opening(file, access, 0, CreateDisposition.FILE_CREATE),
            file.write(content, 0, send=False),
            file.flush(send=False),
            file.read(0, _SIZE_MAX, send=False),
            file.close(send=False),
        )
        wanted = hashlib.sha256(content).digest()
        assert written == len(content), "a short write"
        assert hashlib.sha256(back).digest() == wanted, "read back differs"
        self._rename(temp, name)
        source = Open(self._source.tree, name)
        opened = _opening(source, _READ | _RIGHTS.DELETE, _READERS)
        _, there = self._source.exchange(opened, source.read(0, _SIZE_MAX, send=False))
        assert hashlib.sha256(there).digest() == wanted, "the source changed"
        self._source.exchange(self._setting(self._source, source, _deletion()), source.close(send=False))

    def _rename(self, temp: str, name: str) -> None:
        line, file = self._destination, Open(self._destination.tree, temp)
        rename = FileRenameInformation()
        rename["replace_if_exists"] = False
        rename["file_name"] = name
        line.exchange(
            _opening(file, _RIGHTS.DELETE | _RIGHTS.SYNCHRONIZE, _READERS),
            self._setting(line, file, (FileInformationClass.FILE_RENAME_INFORMATION, rename)),
            file.close(send=False),
        )

    @staticmethod
    def _setting(line: Line, file: Any, what: tuple[int, Any]) -> Step:
        kind, information = what
        request = SMB2SetInfoRequest()
        request["info_type"] = information.INFO_TYPE
        request["file_info_class"] = kind
        request["file_id"] = file.file_id
        request["buffer"] = information.pack()
        return request, line.receive


def _deletion() -> tuple[int, Any]:
    information = FileDispositionInformation()
    information["delete_pending"] = True
    return FileInformationClass.FILE_DISPOSITION_INFORMATION, information


def _opening(file: Any, access: int, share: int, disposition: int = CreateDisposition.FILE_OPEN) -> Step:
    step: Step = file.create(
        ImpersonationLevel.Impersonation,
        access,
        0 if disposition == CreateDisposition.FILE_OPEN else FileAttributes.FILE_ATTRIBUTE_NORMAL,
        share,
        disposition,
        CreateOptions.FILE_NON_DIRECTORY_FILE,
        send=False,
    )
    return step


class Turn:
    """One file from notice to delivery, in a thread; what it needed is known after `join`."""

    def __init__(self, courier: Courier, name: str) -> None:
        self._courier, self._name = courier, name
        self.content_at_s = 0.0
        self._thread = threading.Thread(target=self._work, name="floor", daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _work(self) -> None:
        content = self._courier.content_of(self._name)
        self.content_at_s = time.monotonic()
        self._courier.deliver(self._name, content)


def drain(source: tuple[str, str], destination: tuple[str, str], names: Iterable[str]) -> float:
    """Files a second, read and delivered one after the other by a process."""
    environment = {**os.environ, PASSWORDS: f"{source[1]}\n{destination[1]}"}
    command = [sys.executable, "-m", "tests.bench.floor", source[0], destination[0]]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, input="\n".join(names), capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main(source: str, destination: str) -> None:
    of_source, of_destination = os.environ[PASSWORDS].split("\n")
    names = sys.stdin.read().split()
    with Courier((source, of_source), (destination, of_destination)) as courier:
        began = time.monotonic()
        for name in names:
            courier.deliver(name, courier.read(name))
        print(len(names) / (time.monotonic() - began))  # noqa: T201 - the program's answer


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
