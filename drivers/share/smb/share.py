"""A folder on an SMB server.

Owns what a `Share` does, in the fewest round trips that are safe. Must never overwrite, never follow a path out of
its folder, and never repeat a changing call by itself: after a lost answer only the caller can find out what happened.
"""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain
from typing import Any, TypeVar

from smbprotocol.create_contexts import CreateContextName, SMB2CreateQueryOnDiskIDResponse
from smbprotocol.open import CreateDisposition
from smbprotocol.tree import SMB2TreeConnectRequest, SMB2TreeConnectResponse

from drivers.share.address import SmbAddress
from drivers.share.failures import ACCESS_DENIED, OBJECT_NAME_NOT_FOUND, OBJECT_PATH_NOT_FOUND, Unreachable, failure
from drivers.share.logon_gate import SHARED, LogonGate
from drivers.share.operations import ShareOperations
from drivers.share.protocol import Changes, Digest, Entry, SessionInfo, Share, folder_parts
from drivers.share.smb.changes import SmbChanges
from drivers.share.smb.file import DELETE, EVERYBODY, NOBODY, READ, READERS, READERS_AND_RENAMERS, WRITE, OpenFile
from drivers.share.smb.folder import OpenFolder, list_folder
from drivers.share.smb.wire import CREDIT_SPAN, Status, Step, Wire

log = logging.getLogger(__name__)
T = TypeVar("T")
# [MS-SMB2] 2.2.13.1.2
_ADD_FILE = 0x00000002
_DELETE_CHILD = 0x00000040
_NOT_FOUND = (OBJECT_NAME_NOT_FOUND, OBJECT_PATH_NOT_FOUND)


class Link:
    """The connection that the folders of one share use together. Never repeats a call."""

    def __init__(self, address: SmbAddress, password: str, deadline_s: float, gate: LogonGate) -> None:
        self.address = address
        self.password = password
        self._deadline_s = deadline_s
        self._gate = gate
        self._wire: Wire | None = None
        self._connecting = threading.Lock()

    def another(self) -> "Link":
        """As this one, not connected: for what must not wait for the others."""
        return Link(self.address, self.password, self._deadline_s, self._gate)

    def wire(self) -> tuple[Wire, bool]:
        """A live connection, and whether it was made just now."""
        wire = self._wire
        if wire is not None and wire.alive:
            return wire, False
        with self._connecting:
            wire = self._wire
            if wire is not None and wire.alive:
                return wire, False
            self.drop()
            # Asked before the TCP connection too: a closed gate makes no traffic at all.
            if refusal := self._gate.refusal(self.address.account):
                raise refusal
            self._wire = wire = Wire(self.address, self.password, self._deadline_s, self._gate)
            return wire, True

    def drop(self) -> None:
        """Forget the connection; whoever waits on it gets Unreachable."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()


class SmbShare(ShareOperations[Wire, OpenFile]):
    """See `Share`. Made by `open_share`; connects at the first call. The place of a call is the connection."""

    denies_writers = True

    def __init__(
        self,
        address: SmbAddress,
        password: str,
        *,
        deadline_s: float = 5.0,
        gate: LogonGate = SHARED,
        link: Link | None = None,
    ) -> None:
        self._address = address
        self._link = link or Link(address, password, deadline_s, gate)
        self._unusable = 0

    @property
    def where(self) -> str:
        """smb://host/share/folder."""
        return self._address.where

    def reaches(self, other: Share) -> bool:
        """Same server, port, share and account: a rename on the server."""
        if not isinstance(other, SmbShare):
            return False
        mine, its = self._address, other._address
        return (
            mine.account == its.account
            and mine.share.casefold() == its.share.casefold()
            and self._link.password == other._link.password
        )

    def identity(self) -> str:
        """One round trip."""
        return self._ask(self._identity)

    def at(self, folder: str) -> "SmbShare":
        parts = folder_parts(folder, self.where)
        old = self._address
        address = SmbAddress(old.host, old.port, old.share, parts, old.user, old.domain)
        return SmbShare(address, self._link.password, link=self._link)

    def session_info(self) -> SessionInfo:
        return self._ask(self._session_info)

    def watch(self) -> Changes:
        return SmbChanges(self._link.another().wire()[0], self._folder, self.where)

    def drop(self) -> None:
        """Also wakes a call that waits on the connection in another thread, with Unreachable."""
        self._link.drop()

    # --- the core -----------------------------------------------------------------------------------------------------

    def _place(self) -> AbstractContextManager[Wire]:
        return nullcontext(self._link.wire()[0])

    def _ask(self, call: Callable[[Wire], T]) -> T:
        """A call that changes nothing: once more when a connection kept from earlier turned out to be dead."""
        wire, fresh = self._link.wire()
        try:
            return call(wire)
        except Unreachable:
            if fresh or wire.late:
                raise
        return call(self._link.wire()[0])

    def _list(self, wire: Wire, pattern: str, limit: int) -> list[Entry]:
        """One round trip for up to some hundred files."""
        found, unusable = list_folder(wire, self._folder, self.where, pattern, limit)
        if unusable != self._unusable:
            self._unusable = unusable
            log.warning("%s: %d files have names that cannot be used", self.where, unusable)
        return found

    def _fetch(self, wire: Wire, name: str, limit: int) -> tuple[Entry, bytes | None]:
        """One round trip for files up to 64 KiB."""
        with OpenFile(wire, self._path(name), self.where) as file:
            opened, read, closed = wire.exchange(
                file.opening(READ, READERS_AND_RENAMERS), file.reading(0, CREDIT_SPAN), file.closing()
            )
            file.closed_by(closed)
            file.check(opened)
            if file.size > limit:
                return file.entry, None
            if file.size <= CREDIT_SPAN:
                data = file.read_ahead(read)
                file.check_closed(closed, len(data))
                return file.entry, data
        return super()._fetch(wire, name, limit)

    def _glance(self, wire: Wire, name: str, limit: int) -> tuple[Entry, bytes | None]:
        """One round trip for each 64 KiB, each with a handle of its own, which the server closes before it answers."""
        whole, first = bytearray(), None
        while True:
            with OpenFile(wire, self._path(name), self.where) as file:
                opened, read, closed = wire.exchange(
                    file.opening(READ, EVERYBODY), file.reading(len(whole), CREDIT_SPAN), file.closing()
                )
                file.closed_by(closed)
                file.check(opened)
                file.check(closed)
                if file.size > limit:
                    return file.entry, None
                piece = file.read_ahead(read)
            whole += piece
            if first not in (None, file.entry) or len(whole) > file.size or (len(whole) < file.size and not piece):
                raise failure("size_changed", self.where)
            first = file.entry
            if len(whole) == file.size:
                return file.entry, bytes(whole)

    def _digest(self, wire: Wire, name: str) -> Digest:
        """One round trip for files up to 64 KiB."""
        _, content = self._fetch(wire, name, CREDIT_SPAN)
        return super()._digest(wire, name) if content is None else _digest_of(content)

    @contextmanager
    def _open(self, wire: Wire, name: str, *, change: bool = False) -> Iterator[OpenFile]:
        with OpenFile(wire, self._path(name), self.where) as file:
            file.start(change=change)
            yield file

    @contextmanager
    def _create(self, wire: Wire, name: str) -> Iterator[OpenFile]:
        """Written through a handle that nobody shares."""
        with OpenFile(wire, self._path(name), self.where) as file:
            file.do(file.opening(READ | WRITE | DELETE, NOBODY, CreateDisposition.FILE_CREATE))
            try:
                yield file
                file.check_closed(file.do(file.closing())[0], file.size)
            except BaseException:
                # The handle is exclusive and ours, so this can only hit what we have just created.
                file.discard()
                raise

    def _put(self, wire: Wire, name: str, chunks: Iterable[bytes]) -> Digest:
        """One round trip for up to 64 KiB, which are put together before the file is created."""
        head, rest = bytearray(), iter(chunks)
        for chunk in rest:
            head += chunk
            if len(head) > CREDIT_SPAN:
                return super()._put(wire, name, chain((bytes(head),), rest))
        with OpenFile(wire, self._path(name), self.where) as file:
            file.write_whole(bytes(head))
        return _digest_of(head)

    def _rename(self, wire: Wire, name: str, target: "SmbShare", new_name: str) -> None:
        """One round trip: CREATE with DELETE access and share READ, SET_INFO, CLOSE."""
        with OpenFile(wire, self._path(name), self.where) as file:
            opened, renamed, closed = wire.exchange(
                file.opening(DELETE, READERS), file.renaming(target._path(new_name)), file.closing()
            )
            file.closed_by(closed)
            file.check(opened)
            self._check_renamed(wire, file, renamed, target)

    def _rename_opened(self, wire: Wire, file: OpenFile, target: "SmbShare", new_name: str) -> None:
        renamed, closed = wire.exchange(file.renaming(target._path(new_name)), file.closing())
        file.closed_by(closed)
        self._check_renamed(wire, file, renamed, target)

    def _check_renamed(self, wire: Wire, file: OpenFile, renamed: object, target: "SmbShare") -> None:
        if renamed in _NOT_FOUND:
            # Either the target folder is missing, or (seen on Samba, in one of 25 lost races) somebody renamed the
            # file between our CREATE and our SET_INFO. Missing would be a lie in the first case, and the caller
            # would take the file for delivered; Busy makes it ask again.
            target._session_info(wire)
            raise failure("renamed_by_another", self.where)
        file.check(renamed)

    def _unlink(self, wire: Wire, name: str) -> None:
        """One round trip."""
        with OpenFile(wire, self._path(name), self.where) as file:
            opened, deleted, closed = wire.exchange(
                file.opening(DELETE, READERS_AND_RENAMERS), file.deleting(), file.closing()
            )
            file.closed_by(closed)
            file.check(opened)
            file.check(deleted)

    def _unlink_opened(self, wire: Wire, file: OpenFile) -> None:
        deleted, closed = wire.exchange(file.deleting(), file.closing())
        file.closed_by(closed)
        file.check(deleted)

    def _session_info(self, wire: Wire) -> SessionInfo:
        self._reach_folder(wire)
        return wire.session_info(self.where)

    def _identity(self, wire: Wire) -> str:
        opened = self._reach_folder(wire, CreateContextName.SMB2_CREATE_QUERY_ON_DISK_ID)
        return f"{wire.server}/{_disk_id(opened) or '/'.join(map(str, _names(self._address)[2:]))}"

    def _reach_folder(self, wire: Wire, *questions: bytes) -> Any:
        """What the server answers to opening the folder."""
        with OpenFolder(wire, self._folder, self.where) as folder:
            opened, closed = wire.exchange(folder.opening_folder(*questions), folder.closing())
            folder.check_folder(opened)
            folder.closed_by(closed)
        return opened

    # --- names --------------------------------------------------------------------------------------------------------

    @property
    def _folder(self) -> str:
        return "\\".join(self._address.folder)

    def _path(self, name: str) -> str:
        return "\\".join((*self._address.folder, name))

    def _target(self, name: str, new_name: str, into: Share | None) -> "SmbShare":
        target = super()._target(name, new_name, into)
        if not self.reaches(target):
            raise ValueError("a rename cannot leave its share")
        # A rename onto itself "succeeds" on some servers, and a caller would take the source for moved.
        if _names(self._address) == _names(target._address) and name.casefold() == new_name.casefold():
            raise failure("same_file", self.where)
        return target


def _digest_of(content: bytes | bytearray) -> Digest:
    return Digest(hashlib.sha256(content).hexdigest(), len(content))


def _names(address: SmbAddress) -> tuple[str, int, str, tuple[str, ...]]:
    return (
        address.host.casefold(),
        address.port,
        address.share.casefold(),
        tuple(part.casefold() for part in address.folder),
    )


def _disk_id(opened: Any) -> str | None:
    """File and volume number in the answer to a query of them ([MS-SMB2] 2.2.14.2.9); None: the server reports none.

    Not the volume's serial number, which Samba makes of the share's name.
    """
    for context in opened or ():
        if isinstance(context, SMB2CreateQueryOnDiskIDResponse):
            return f"{context['volume_id'].get_value():x}/{context['disk_file_id'].get_value():x}"
    return None


def may_delete(share: Share) -> bool | None:
    """Whether files of this folder may be deleted; None when only a file could tell (or it is no SMB share).

    Never opens, creates or changes a file: patients' results lie there. False: the share as a whole grants no deleting,
    or no change at all (MaximalAccess, [MS-SMB2] 2.2.10; a read-only share of Samba grants DELETE there and refuses it
    later). True: the folder grants deleting its children, or what Windows calls "modify", which its files inherit.
    Raises any ShareError.
    """
    if not isinstance(share, SmbShare):
        return None
    wire, _ = share._link.wire()
    limit = wire.exchange(_connecting(share, wire))[0]
    if not isinstance(limit, Status) and not (limit & DELETE and limit & (_ADD_FILE | _DELETE_CHILD)):
        return False
    return any(_granted(share, wire, access) for access in (_DELETE_CHILD, DELETE | _ADD_FILE)) or None


def _granted(share: SmbShare, wire: Wire, access: int) -> bool:
    with OpenFolder(wire, share._folder, share.where) as folder:
        # Opening makes the server check the access; nothing is done with the handle.
        opened, closed = wire.exchange(folder.opening_folder(access=access), folder.closing())
        folder.closed_by(closed)
        if isinstance(opened, Status) and opened == ACCESS_DENIED:
            return False
        folder.check_folder(opened)
        return True


def _connecting(share: SmbShare, wire: Wire) -> Step:
    """TREE_CONNECT once more: its answer tells the share's own limit. The tree ends with the session."""
    request = SMB2TreeConnectRequest()
    request["buffer"] = rf"\\{share._address.host}\{share._address.share}".encode("utf-16-le")

    def limit(sent: Any) -> int:
        response = SMB2TreeConnectResponse()
        response.unpack(wire.receive(sent)["data"].get_value())
        return int(response["maximal_access"].get_value())

    return request, limit
