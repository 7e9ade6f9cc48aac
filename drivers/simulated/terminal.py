"""A simulated confirmation terminal (資格確認端末): writes result files into a share, well or badly.

    >>> import tempfile
    >>> from drivers.share import Exists
    >>> with tempfile.TemporaryDirectory() as made:
    ...     terminal = TerminalWriter(Path(made).as_uri())
    ...     whole = terminal.write("whole.xml", b"<XmlMsg/>", how="rename")
    ...     half = terminal.write("half.xml", b"<XmlMsg/>", how="abandon")
    ...     try:
    ...         terminal.write("whole.xml", b"other", how="direct")
    ...     except Exists:
    ...         terminal.close()
    ...     left = sorted((file.name, file.read_bytes()) for file in Path(made).iterdir())
    >>> left
    [('half.xml', b'<Xml'), ('whole.xml', b'<XmlMsg/>')]

Owns the ways in which real programs write files. Must never clean up after itself: what it leaves is the fault under
test.
"""

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

from smbprotocol.file_info import FileBasicInformation, FileEndOfFileInformation, FileInformationClass
from smbprotocol.open import CreateDisposition, FilePipePrinterAccessMask

from drivers.share import FolderAddress, open_share, parse
from drivers.share.failures import failure
from drivers.share.logon_gate import SHARED
from drivers.share.protocol import check_name
from drivers.share.smb.file import EVERYBODY, NOBODY, READERS, READERS_AND_RENAMERS, WRITE, OpenFile
from drivers.share.smb.share import Link

How = Literal["rename", "direct", "slow", "reopen", "preset", "abandon"]
ShareMode = Literal["none", "r", "rw", "rd", "rwd"]
_MODES = {"none": NOBODY, "r": READERS, "rw": EVERYBODY & ~4, "rd": READERS_AND_RENAMERS, "rwd": EVERYBODY}
_OLD_FILETIME = 132_000_000_000_000_000  # April 2019, as a copied file would keep it


class _OpenFile(Protocol):
    def write(self, data: bytes) -> None: ...

    def preset(self, size: int, written: int) -> None: ...


class TerminalWriter:
    """Writes into the share at `url` (smb:// or file://) over a connection of its own.

    May be used from one thread at a time; `cancel` from any.
    """

    def __init__(self, url: str, password: str | None = None) -> None:
        address = parse(url)
        self._share = open_share(url, password)
        self._folder = Path(address.path) if isinstance(address, FolderAddress) else None
        self._link = None if isinstance(address, FolderAddress) else Link(address, password or "", 5.0, SHARED)
        self._cancelled = threading.Event()

    def write(
        self,
        name: str,
        data: bytes,
        *,
        how: How = "rename",
        chunks: int = 4,
        pause_s: float = 0.1,
        share: ShareMode = "r",
    ) -> bool:
        """Write `data` as `name`; False when cancelled half-way. Any ShareError; Exists when the name is taken.

        rename: under a temporary name, then renamed, the only way that never shows a half file.
        direct: under its final name in one go. slow: the same in `chunks` parts, `pause_s` apart, the handle open.
        reopen: each part through a handle of its own. preset: final size and an old date first, content after.
        abandon: the first half, closed, and nothing more. `share`: what others may do while it is open (read, write,
        delete); "r" is what .NET programs do by default.
        """
        match how:
            case "rename":
                temporary = f".terminal-{uuid.uuid4().hex}.tmp"
                self._share.put(temporary, [data])
                self._share.rename_new(temporary, name)
                return True
            case "direct":
                return self._in_parts(name, [data], 0.0, share)
            case "slow":
                return self._in_parts(name, _parts(data, chunks), pause_s, share)
            case "reopen":
                return self._reopening(name, _parts(data, chunks), pause_s, share)
            case "preset":
                return self._in_parts(name, _parts(data, chunks), pause_s, share, preset=True)
            case "abandon":
                return self._in_parts(name, [data[: len(data) // 2]], 0.0, share)

    def cancel(self) -> None:
        """End the pauses: a write under way stops where it is."""
        self._cancelled.set()

    def close(self) -> None:
        """Cancel, and drop the connections."""
        self.cancel()
        self._share.drop()
        if self._link is not None:
            self._link.drop()

    def _in_parts(self, name: str, parts: list[bytes], pause_s: float, share: ShareMode, preset: bool = False) -> bool:
        with self.holding(name, share=share) as file:
            if preset:
                file.preset(sum(map(len, parts)), _OLD_FILETIME)
                self._cancelled.wait(pause_s)
            for number, part in enumerate(parts):
                if number and self._cancelled.wait(pause_s):
                    return False
                file.write(part)
        return True

    def _reopening(self, name: str, parts: list[bytes], pause_s: float, share: ShareMode) -> bool:
        for number, part in enumerate(parts):
            if number and self._cancelled.wait(pause_s):
                return False
            with self.holding(name, share=share, create=number == 0) as file:
                file.write(part)
        return True

    @contextmanager
    def holding(self, name: str, *, share: ShareMode = "r", create: bool = True) -> Iterator[_OpenFile]:
        """The file open for writing as long as the context lasts; `write` on what it gives adds to it."""
        if self._link is not None:
            with _SmbFile(self._link, name, share=share, create=create) as file:
                yield file
        elif self._folder is not None:
            try:
                raw = (self._folder / name).open("xb" if create else "ab", buffering=0)
            except FileExistsError:
                raise failure("name_taken", self._share.where) from None
            with raw:
                yield _LocalFile(raw.fileno())


class _SmbFile(OpenFile):
    """A file held open for writing, as a careful driver must not: everybody may see it half written.

    `create`: make the file (Exists when it is there), else open it to write on at its end.
    """

    def __init__(self, link: Link, name: str, *, share: str, create: bool) -> None:
        where = link.address.where
        check_name(name, where)
        super().__init__(link.wire()[0], "\\".join((*link.address.folder, name)), where)
        disposition = CreateDisposition.FILE_CREATE if create else CreateDisposition.FILE_OPEN
        self.do(self.opening(WRITE | FilePipePrinterAccessMask.FILE_WRITE_ATTRIBUTES, _MODES[share], disposition))

    write = OpenFile.append

    def preset(self, size: int, written: int) -> None:
        """Give the file its final size and a last-write time (FILETIME) before there is any content."""
        end = FileEndOfFileInformation()
        end["end_of_file"] = size
        self.do(self._setting(FileInformationClass.FILE_END_OF_FILE_INFORMATION, end))
        basic = FileBasicInformation()
        for field in ("creation_time", "last_access_time", "change_time"):
            basic[field] = 0  # 0: leave as it is, [MS-FSCC] 2.4.7
        basic["last_write_time"] = written
        self.do(self._setting(FileInformationClass.FILE_BASIC_INFORMATION, basic))


class _LocalFile:
    """A local file: there are no share modes."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._times: tuple[int, int] | None = None

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        if self._times:
            os.utime(self._file, ns=self._times)

    def preset(self, size: int, written: int) -> None:
        moment_ns = (written - 116_444_736_000_000_000) * 100
        self._times = (moment_ns, moment_ns)
        os.ftruncate(self._file, size)
        os.utime(self._file, ns=self._times)


def _parts(data: bytes, count: int) -> list[bytes]:
    size = max(1, -(-len(data) // count))
    return [data[i : i + size] for i in range(0, len(data), size)]
