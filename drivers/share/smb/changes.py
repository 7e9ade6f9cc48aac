"""What changes in a folder on an SMB share, as the server reports it: CHANGE_NOTIFY, [MS-SMB2] 2.2.35.

Owns the one outstanding request and its connection. The library's FileSystemWatcher is not used: it starts a thread for
each request, and a lost connection looks to it like an empty answer.
"""

import struct
from collections.abc import Mapping
from typing import Any, TypeGuard

from smbprotocol.change_notify import FileAction, SMB2ChangeNotifyResponse

from drivers.share.failures import Refused, failure, folder_fault
from drivers.share.protocol import name_fault
from drivers.share.smb.folder import OpenFolder
from drivers.share.smb.wire import Status, Wire

_NOTIFY_ENUM_DIR = 0x0000010C  # more changed than fits into an answer
_RECORD = struct.Struct("<III")  # FILE_NOTIFY_INFORMATION, [MS-FSCC] 2.7.1: next, action, length of the name
_WRITTEN = (FileAction.FILE_ACTION_MODIFIED, FileAction.FILE_ACTION_RENAMED_NEW_NAME)


class SmbChanges:
    """See `Changes`. `wire` is its own from now on, and closed with it."""

    def __init__(self, wire: Wire, path: str, where: str) -> None:
        self._wire = wire
        self._where = where
        self._folder = OpenFolder(wire, path, where)
        try:
            self._folder.check_folder(wire.exchange(self._folder.opening_folder())[0])
            self._request: Any = wire.post(self._folder.watching())
            self._answer: Any = None if wire.pending(self._request) else wire.answer(self._request)
            if _is_refusal(self._answer):
                raise self._refusal(self._answer)
        except BaseException:
            wire.close()
            raise

    def next(self) -> Mapping[str, bool] | None:
        names: Mapping[str, bool] | None = {}
        while names is not None and not names:
            answer, self._answer = self._answer, None
            if answer is None:
                # Asked only now, as whoever got the last answer need not wait for it: from the first request on the
                # server gathers for this handle what changes between two of them ([MS-SMB2] 3.3.5.19; Samba does).
                request = self._request or self._wire.post(self._folder.watching())
                answer = self._wire.answer(request)
            if _is_refusal(answer):
                self._wire.close()
                raise folder_fault(answer, self._where)
            self._request = None
            names = self._understood(answer)
        return names

    def close(self) -> None:
        """Without logging off: the server ends the request with the connection."""
        self._wire.close()

    def _understood(self, answer: Any) -> Mapping[str, bool] | None:
        try:
            return _names(answer)
        except Exception:  # noqa: BLE001  # the library raises struct.error, ValueError …: no SMB, as a lost line
            self._wire.close()
            raise failure("no_connection", self._where) from None

    def _refusal(self, status: Status) -> Exception:
        """The folder could be opened: a server that refuses now does not refuse us, but to report."""
        problem = folder_fault(status, self._where)
        return failure("notices_refused", self._where, status=f"{status:08X}") if type(problem) is Refused else problem


def _is_refusal(answer: Any) -> TypeGuard[Status]:
    return isinstance(answer, Status) and answer != _NOTIFY_ENUM_DIR


def _names(answer: Any) -> Mapping[str, bool] | None:
    if isinstance(answer, Status):
        return None
    response = SMB2ChangeNotifyResponse()
    response.unpack(answer["data"].get_value())
    buffer = response["buffer"].get_value()
    names: dict[str, bool] = {}
    if not buffer:
        return None
    offset, following = 0, 1
    while following:
        following, action, length = _RECORD.unpack_from(buffer, offset)
        start = offset + _RECORD.size
        name = buffer[start : start + length].decode("utf-16-le", "surrogatepass")
        names[name] = action in _WRITTEN or names.get(name, False)
        offset += following
    return {name: written for name, written in names.items() if not name_fault(name)}
