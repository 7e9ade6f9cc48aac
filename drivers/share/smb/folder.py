"""Listing a folder on an SMB share.

Owns the directory query and the taking apart of its records. Must never hinder anybody: the folder is opened with
every share mode.
"""

import re
import struct
from typing import Any

from smbprotocol.change_notify import CompletionFilter, SMB2ChangeNotifyRequest
from smbprotocol.create_contexts import SMB2CreateContextRequest
from smbprotocol.file_info import FileAttributes, FileInformationClass
from smbprotocol.open import CreateDisposition, CreateOptions, ImpersonationLevel, SMB2QueryDirectoryResponse

from drivers.share.failures import NO_MORE_FILES, NO_SUCH_FILE, folder_fault
from drivers.share.protocol import Entry, name_fault, pattern_of
from drivers.share.smb.file import EPOCH, EVERYBODY, READ, SYNCHRONIZE, OpenFile, stamp_of
from drivers.share.smb.wire import CREDIT_SPAN, Status, Step, Wire

_QUERY_MAX = 1 << 18
_WATCHED = (
    CompletionFilter.FILE_NOTIFY_CHANGE_FILE_NAME
    | CompletionFilter.FILE_NOTIFY_CHANGE_SIZE
    | CompletionFilter.FILE_NOTIFY_CHANGE_LAST_WRITE
)
_RECORD = struct.Struct("<IIQQQQQQII")  # FILE_DIRECTORY_INFORMATION, [MS-FSCC] 2.4.10
_Record = tuple[str, int, str, int]


class OpenFolder(OpenFile):
    """A handle on a folder, opened so that nobody is hindered."""

    def opening_folder(self, *questions: bytes, access: int = READ) -> Step:
        """CREATE of a folder, never of a file. `questions`: names of create contexts that the answer is to hold."""
        contexts = [SMB2CreateContextRequest() for _ in questions]
        for context, question in zip(contexts, questions, strict=True):
            context["buffer_name"] = question
        step: Step = self._open.create(
            ImpersonationLevel.Impersonation,
            access | SYNCHRONIZE,
            0,
            EVERYBODY,
            CreateDisposition.FILE_OPEN,
            CreateOptions.FILE_DIRECTORY_FILE,
            contexts,
            send=False,
        )
        return step

    def query(self, pattern: str, output_max: int) -> Step:
        """QUERY_DIRECTORY; the server does the filtering."""
        message, _ = self._open.query_directory(
            pattern, FileInformationClass.FILE_DIRECTORY_INFORMATION, max_output=output_max, send=False
        )
        return message, self._receive_records

    def watching(self) -> Any:
        """CHANGE_NOTIFY of the files in it, not below: a request that is answered when something has changed."""
        request = SMB2ChangeNotifyRequest()
        request["output_buffer_length"] = CREDIT_SPAN  # the library pays one credit
        request["file_id"] = self._open.file_id
        request["completion_filter"] = _WATCHED
        return request

    def check_folder(self, answer: Any) -> None:
        """Raise what a refused CREATE means; "not found" is a missing folder."""
        if isinstance(answer, Status):
            self.drop_if_gone(answer)
            raise folder_fault(answer, self._where)

    def records(self, answer: Any) -> tuple[list[_Record], bool]:
        """(name, size, stamp, written_ns) of each file in a QUERY_DIRECTORY answer, and whether to ask on."""
        if isinstance(answer, Status):
            if answer in (NO_MORE_FILES, NO_SUCH_FILE):
                return [], False
            self.check_folder(answer)
        return answer, True

    def _receive_records(self, request: Any) -> list[_Record]:
        response = SMB2QueryDirectoryResponse()
        response.unpack(self._wire.receive(request)["data"].get_value())
        return _parse(response["buffer"].get_value())


def list_folder(wire: Wire, path: str, where: str, pattern: str, limit: int) -> tuple[list[Entry], int]:
    """The files of a folder that match, at most `limit`; and how many names were left out as unusable.

    The usual poll is one compound: CREATE, QUERY_DIRECTORY twice (the second says that there is no more), CLOSE.
    """
    wanted = pattern_of(pattern)
    with OpenFolder(wire, path, where) as folder:
        opened, first, second, closed = wire.exchange(
            folder.opening_folder(),
            folder.query(pattern, CREDIT_SPAN),
            folder.query(pattern, CREDIT_SPAN),
            folder.closing(),
        )
        folder.check_folder(opened)
        folder.closed_by(closed)
        records, more = folder.records(first)
        if not more:
            return _entries(records, wanted, limit)
        further, more = folder.records(second)
        if not more:
            return _entries(records + further, wanted, limit)
    # A crowded folder: list it again with big answers, on one handle, so that it is one listing.
    with OpenFolder(wire, path, where) as folder:
        folder.check_folder(wire.exchange(folder.opening_folder())[0])
        entries: list[Entry] = []
        unusable, more = 0, True
        while more and len(entries) < limit:
            further, more = folder.records(wire.exchange(folder.query(pattern, min(wire.span(), _QUERY_MAX)))[0])
            usable, left_out = _entries(further, wanted, limit - len(entries))
            entries += usable
            unusable += left_out
    return entries, unusable


def _parse(buffer: bytes) -> list[_Record]:
    # Taken apart here and not by the library's structures: those need 30 times as long, at every poll.
    found: list[_Record] = []
    offset = 0
    while buffer:
        following, _, _, _, written, changed, size, _, attributes, length = _RECORD.unpack_from(buffer, offset)
        start = offset + _RECORD.size
        name = buffer[start : start + length].decode("utf-16-le", "surrogatepass")
        if not attributes & FileAttributes.FILE_ATTRIBUTE_DIRECTORY:
            found.append((name, size, stamp_of(written, changed), (written - EPOCH) * 100))
        if not following:
            break
        offset += following
    return found


def _entries(records: list[_Record], wanted: re.Pattern[str], limit: int) -> tuple[list[Entry], int]:
    # Matched once more here: Windows also matches a pattern against the short 8.3 names.
    usable = [Entry(*record) for record in records if not name_fault(record[0])]
    return [entry for entry in usable if wanted.fullmatch(entry.name)][:limit], len(records) - len(usable)
