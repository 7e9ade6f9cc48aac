"""Writing on an SMB share the way other programs do: half files, any share mode, sizes set in advance.

Owns what a simulated terminal needs and a careful driver must not do. Must never be used by the courier: everything
here can show a half-written file under its final name.
"""

from types import TracebackType
from typing import Any, Self

from smbprotocol.file_info import FileBasicInformation, FileEndOfFileInformation, FileInformationClass
from smbprotocol.open import CreateDisposition

from drivers.share.address import SmbAddress
from drivers.share.logon_gate import SHARED
from drivers.share.protocol import check_name
from drivers.share.smb.file import EVERYBODY, NOBODY, READERS, READERS_AND_RENAMERS, WRITE, OpenFile
from drivers.share.smb.link import Link

_MODES = {"none": NOBODY, "r": READERS, "rw": EVERYBODY & ~4, "rd": READERS_AND_RENAMERS, "rwd": EVERYBODY}
_WRITE_ATTRIBUTES = 0x00000100


class _Handle(OpenFile):
    def changing(self, kind: int, information: Any) -> None:
        self.do(self._setting(kind, information))


class ForeignFile:
    """A file held open for writing. `share`: what others may do meanwhile, "none", "r", "rw", "rd" or "rwd".

    "r" is what .NET programs do by default. `create`: make the file (Exists when it is there), else open it to write
    on at its end. A context manager; leaving it closes the handle, whatever has been written. Any ShareError.
    """

    def __init__(self, link: Link, name: str, *, share: str = "r", create: bool = True) -> None:
        where = link.address.where
        check_name(name, where)
        path = "\\".join((*link.address.folder, name))
        self._handle = _Handle(link.wire()[0], path, where)
        disposition = CreateDisposition.FILE_CREATE if create else CreateDisposition.FILE_OPEN
        self._handle.do(self._handle.opening(WRITE | _WRITE_ATTRIBUTES, _MODES[share], disposition))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._handle.__exit__(kind, error, tb)

    def write(self, data: bytes) -> None:
        """Write on; the bytes are visible at once to whoever may read."""
        self._handle.append(data)

    def preset(self, size: int, written: int) -> None:
        """Give the file its final size and a last-write time (FILETIME) before there is any content."""
        end = FileEndOfFileInformation()
        end["end_of_file"] = size
        self._handle.changing(FileInformationClass.FILE_END_OF_FILE_INFORMATION, end)
        basic = FileBasicInformation()
        for field in ("creation_time", "last_access_time", "change_time"):
            basic[field] = 0  # 0: leave as it is, [MS-FSCC] 2.4.7
        basic["last_write_time"] = written
        self._handle.changing(FileInformationClass.FILE_BASIC_INFORMATION, basic)


def foreign_link(address: SmbAddress, password: str, deadline_s: float = 5.0) -> Link:
    """A connection of its own, as another machine would have."""
    return Link(address, password, deadline_s, SHARED)
