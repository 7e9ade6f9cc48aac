"""One open file on an SMB share: the commands, and what their answers mean.

Owns share modes. Must never open a file so that somebody else may write to it meanwhile, but for a glance, which keeps
nobody from anything; and must never rename or delete by path: both go through the handle that was opened. (A rename by
path let two of four racers win in 285 of 400 rounds against Samba.)
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from smbprotocol.file_info import (
    FileAttributes,
    FileDispositionInformation,
    FileInformationClass,
    FileRenameInformation,
)
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
    SMB2SetInfoRequest,
)

from drivers.share.failures import END_OF_FILE, ShareError, failure, fault, is_gone
from drivers.share.protocol import Entry
from drivers.share.smb.wire import CREDIT_SPAN, Status, Step, Wire

READ = FilePipePrinterAccessMask.FILE_READ_DATA | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES
WRITE = FilePipePrinterAccessMask.FILE_WRITE_DATA | FilePipePrinterAccessMask.FILE_READ_ATTRIBUTES
DELETE = FilePipePrinterAccessMask.DELETE
NOBODY = 0
READERS = ShareAccess.FILE_SHARE_READ
READERS_AND_RENAMERS = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_DELETE
EVERYBODY = READERS_AND_RENAMERS | ShareAccess.FILE_SHARE_WRITE
SYNCHRONIZE = FilePipePrinterAccessMask.SYNCHRONIZE
EPOCH = 116_444_736_000_000_000  # 1970 as a FILETIME, which counts tenths of microseconds
# Creation, last access, last write and change as FILETIMEs, allocation, size: at offset 8 of the answers to CREATE and
# to CLOSE, [MS-SMB2] 2.2.14 and 2.2.16. Taken from there because the library rounds times to microseconds.
_ATTRIBUTES = struct.Struct("<8xQQQQQQ")
_HAS_ATTRIBUTES = 0x0001  # SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB


def stamp_of(written: int, changed: int) -> str:
    """`Entry.stamp` of a file, of two FILETIMEs."""
    return f"{written:x}.{changed:x}"


class OpenFile:
    """A handle, used as a context manager; leaving it closes the handle whatever happened."""

    def __init__(self, wire: Wire, path: str, where: str) -> None:
        self._wire = wire
        self._where = where
        self._path = path
        self._open = Open(wire.tree, path)
        self._closed = False
        self._stays = False
        self._first = b""
        self._end: int | None = None
        self._created = self._written = self._changed = self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._is_open and self._wire.alive:
            with suppress(ShareError):  # the outcome is decided already; a lost handle ends with the session
                self._wire.exchange(self._open.close(send=False))
        self._closed = True

    @property
    def _is_open(self) -> bool:
        # The library forgets the handle also when a CLOSE was refused, so its own flag does not do.
        return self._open.end_of_file is not None and not self._closed

    @property
    def size(self) -> int:
        """Bytes, as reported when the handle was opened, or closed."""
        return self._size

    @property
    def entry(self) -> Entry:
        """As the server reported it when the handle was opened, or closed."""
        stamp = stamp_of(self._written, self._changed)
        return Entry(self._path.rpartition("\\")[2], self._size, stamp, (self._written - EPOCH) * 100)

    def opening(self, access: int, share: int, disposition: int = CreateDisposition.FILE_OPEN) -> Step:
        """CREATE of a file, never of a folder."""
        message, receive = self._open.create(
            ImpersonationLevel.Impersonation,
            access | SYNCHRONIZE,
            0 if disposition == CreateDisposition.FILE_OPEN else FileAttributes.FILE_ATTRIBUTE_NORMAL,
            share,
            disposition,
            CreateOptions.FILE_NON_DIRECTORY_FILE,
            send=False,
        )
        return message, self._noting(receive, opens=True)

    def reading(self, offset: int, length: int) -> Step:
        """READ."""
        step: Step = self._open.read(offset, length, send=False)
        return step

    def renaming(self, path: str) -> Step:
        """SET_INFO rename to `path`, counted from the share's root; refused when the name is taken."""
        rename = FileRenameInformation()
        rename["replace_if_exists"] = False
        rename["file_name"] = path
        return self._setting(FileInformationClass.FILE_RENAME_INFORMATION, rename)

    def deleting(self) -> Step:
        """SET_INFO that makes the file go when the handle is closed."""
        disposition = FileDispositionInformation()
        disposition["delete_pending"] = True
        return self._setting(FileInformationClass.FILE_DISPOSITION_INFORMATION, disposition)

    def closing(self) -> Step:
        """CLOSE that also returns size and times at that moment."""
        message, receive = self._open.close(get_attributes=True, send=False)
        return message, self._noting(receive)

    def do(self, *steps: Step) -> list[Any]:
        """Carry out steps; the first is fatal when refused. Further refusals are up to the caller."""
        answers = self._wire.exchange(*steps)
        self.check(answers[0])
        return answers

    def check(self, answer: Any) -> None:
        """Raise what `answer` means if it is a refusal."""
        if isinstance(answer, Status):
            self.drop_if_gone(answer)
            raise fault(answer, self._where)

    def read_ahead(self, answer: Any) -> bytes:
        """The bytes of a READ that followed the CREATE; an empty file answers END_OF_FILE."""
        if isinstance(answer, Status) and answer == END_OF_FILE:
            return b""
        self.check(answer)
        return bytes(answer)

    def check_closed(self, answer: Any, total: int) -> None:
        """After CLOSE: Busy unless the `total` bytes read were the size at opening and at closing."""
        self.check(answer)
        self._closed = True
        if total != self.size:
            raise failure("size_changed", self._where)

    def start(self, *, change: bool) -> None:
        """Open the file and read its beginning, in one round trip. `change`: it will be renamed or deleted by this
        handle, which keeps everybody but readers away; else others may rename it meanwhile.
        """
        access, share = (READ | DELETE, READERS) if change else (READ, READERS_AND_RENAMERS)
        self._stays = change
        _, first = self.do(self.opening(access, share), self.reading(0, CREDIT_SPAN))
        self._first = self.read_ahead(first)

    def pieces(self, size: int) -> Iterator[bytes]:
        """See `OpenedFile.pieces`. At the end the handle is closed, unless it is needed for a change."""
        offset = len(self._first)
        for at in range(0, offset, size):
            yield self._first[at : at + size]
        while offset < self.size:
            length = min(size, self._wire.span(), self.size - offset)
            piece = self.read_ahead(self.do(self.reading(offset, length))[0])
            if not piece:
                raise failure("shorter", self._where)
            offset += len(piece)
            yield piece
        if not self._stays:
            self.check_closed(self.do(self.closing())[0], offset)
        elif offset != self.size:
            raise failure("size_changed", self._where)

    def append(self, chunk: bytes) -> None:
        """WRITE all of `chunk` at the end, however little the server takes at a time."""
        data, end = memoryview(chunk), self.size if self._end is None else self._end
        while data:
            span = self._wire.span()
            count = int(self.do(self._open.write(bytes(data[:span]), end, send=False))[0])
            if not 0 < count <= len(data):
                raise fault(0xC000007F, self._where)  # a server that takes nothing has no room
            data, end = data[count:], end + count
        self._end = end

    def flush(self) -> None:
        """FLUSH, which makes the server call fsync. What was appended can be read back then."""
        self.do(self._open.flush(send=False))
        self._size = self._end or 0
        self._stays = True

    def write_whole(self, data: bytes) -> None:
        """Create the file with `data`, flush it, read it back and close it, in one round trip; at most CREDIT_SPAN.

        As safe as one step at a time: the handle is exclusive from its first moment to its last, so nobody sees the
        file before it is whole; a server carries the steps out in their order and answers each as it would alone; and
        what is compared was read after the flush. Only the CLOSE does not wait for the comparison, so what turns out
        wrong keeps its name for one round trip more: it must be a name that nobody takes for a finished file. A
        connection or a process that ends meanwhile leaves a part or the whole under that name, as it always could.
        """
        steps = [self._open.flush(send=False)]
        if data:
            steps = [self._open.write(data, 0, send=False), *steps, self.reading(0, len(data))]
        opening = self.opening(READ | WRITE | DELETE, NOBODY, CreateDisposition.FILE_CREATE)
        opened, *answers, closed = self._wire.exchange(opening, *steps, self.closing())
        self.closed_by(closed)
        self.check(opened)
        try:
            for answer in (*answers, closed):
                self.check(answer)
            if self.size != len(data) or (data and (answers[0], answers[-1]) != (len(data), data)):
                raise failure("written_otherwise", self._where)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Delete what was created through this handle, if the server can still be asked.

        By the handle; when that is closed, by the name, if it still means the file that was created.
        """
        if not self._wire.alive:
            return
        with suppress(ShareError):  # the failure that led here is the one to report
            if self._is_open:
                self.do(self.deleting())
                return
            with OpenFile(self._wire, self._path, self._where) as again:
                again.do(again.opening(DELETE, READERS))
                if again._created == self._created:
                    again.do(again.deleting())

    def closed_by(self, answer: Any) -> None:
        """Note that a CLOSE within a compound was (or was not) carried out."""
        self._closed = not isinstance(answer, Status)

    def _noting(self, receive: Callable[[Any], Any], *, opens: bool = False) -> Callable[[Any], Any]:
        """Keep what the answer to a CREATE (`opens`) or to a CLOSE says of the file's state."""

        def noting(request: Any) -> Any:
            answer = receive(request)
            data = request.response["data"].get_value()
            if opens or (answer is not None and data[2] & _HAS_ATTRIBUTES):
                self._created, _, self._written, self._changed, _, self._size = _ATTRIBUTES.unpack_from(data)
            return answer

        return noting

    def _setting(self, kind: int, information: Any) -> Step:
        request = SMB2SetInfoRequest()
        request["info_type"] = information.INFO_TYPE
        request["file_info_class"] = kind
        request["file_id"] = self._open.file_id
        request["buffer"] = information.pack()
        return request, self._wire.receive

    def drop_if_gone(self, status: Status) -> None:
        """Drop the connection when the server says that it is of no use any more."""
        if is_gone(status):
            self._wire.close()
