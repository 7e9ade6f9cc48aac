"""A folder on an SMB server.

Owns what a `Share` does, in the fewest round trips that are safe. Must never overwrite, never follow a path out of
its folder, and never repeat a changing call by itself: after a lost answer only the caller can find out what happened.
"""

import hashlib
import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import TypeVar

from smbprotocol.open import CreateDisposition

from drivers.share.address import SmbAddress
from drivers.share.logon_gate import SHARED, LogonGate
from drivers.share.protocol import (
    ENTRIES_MAX,
    Busy,
    Digest,
    Entry,
    Exists,
    Share,
    ShareFacts,
    TooLarge,
    Unreachable,
    check_name,
    check_pattern,
    folder_parts,
)
from drivers.share.smb.file import DELETE, NOBODY, READ, READERS, READERS_AND_RENAMERS, WRITE, OpenFile
from drivers.share.smb.folder import OpenFolder, list_folder
from drivers.share.smb.identity import DISK_ID, disk_id
from drivers.share.smb.link import Link
from drivers.share.smb.status import OBJECT_NAME_NOT_FOUND, OBJECT_PATH_NOT_FOUND
from drivers.share.smb.wire import CREDIT_SPAN, SPAN_MAX, Wire

log = logging.getLogger(__name__)
T = TypeVar("T")
_NOT_FOUND = (OBJECT_NAME_NOT_FOUND, OBJECT_PATH_NOT_FOUND)


class SmbShare:
    """See `Share`. Made by `open_share`; connects at the first call."""

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

    def entries(self, pattern: str, limit: int = ENTRIES_MAX) -> list[Entry]:
        """One round trip for up to some hundred files."""
        check_pattern(pattern, self.where)
        folder = "\\".join(self._address.folder)
        found, unusable = self._again(lambda wire: list_folder(wire, folder, self.where, pattern, limit))
        if unusable != self._unusable:
            self._unusable = unusable
            log.warning("%s: %d files have names that cannot be used", self.where, unusable)
        return found

    def read(self, name: str, limit: int) -> bytes:
        """One round trip for files up to 64 KiB."""
        path = self._path(name)
        return self._again(lambda wire: self._read(wire, path, limit))

    def chunks(self, name: str, size: int = SPAN_MAX) -> Iterator[bytes]:
        """See `Share.chunks`."""
        path = self._path(name)
        return self._chunks(lambda: self._link.wire()[0], path, size)

    def digest(self, name: str) -> Digest:
        """See `Share.digest`."""
        path = self._path(name)
        return self._again(lambda wire: self._digest(wire, path))

    def put(self, name: str, chunks: Iterable[bytes]) -> Digest:
        """Written through a handle that nobody shares; on a failure our own unfinished file is deleted if possible."""
        path = self._path(name)
        wire = self._link.wire()[0]
        with OpenFile(wire, path, self.where) as file:
            file.do(file.opening(WRITE | DELETE, NOBODY, CreateDisposition.FILE_CREATE))
            try:
                sha256, offset = hashlib.sha256(), 0
                for chunk in chunks:
                    sha256.update(chunk)
                    offset = file.write_on(memoryview(chunk), offset)
                file.flush_and_close()
            except BaseException:
                # The handle is exclusive and ours, so this can only hit what we have just created.
                file.discard()
                raise
            return Digest(sha256.hexdigest(), offset)

    def rename_new(self, name: str, new_name: str, into: Share | None = None) -> None:
        """One round trip: CREATE with DELETE access and share READ, SET_INFO, CLOSE."""
        target = self._target(new_name, into)
        self._forbid_same(name, new_name, target)
        path = self._path(name)
        wire = self._link.wire()[0]
        with OpenFile(wire, path, self.where) as file:
            opened, renamed, closed = wire.exchange(
                file.opening(DELETE, READERS), file.renaming(target._path(new_name)), file.closing()
            )
            file.closed_by(closed)
            file.check(opened)
            self._check_renamed(wire, file, renamed, target)

    def move_same(self, name: str, digest: Digest, new_name: str, into: Share) -> bool:
        """See `Share.move_same`."""
        target = self._target(new_name, into)
        self._forbid_same(name, new_name, target)
        path = self._path(name)
        wire = self._link.wire()[0]
        with OpenFile(wire, path, self.where) as file:
            if not self._is_same(file, digest):
                return False
            renamed, closed = wire.exchange(file.renaming(target._path(new_name)), file.closing())
            file.closed_by(closed)
            self._check_renamed(wire, file, renamed, target)
        return True

    def delete_same(self, name: str, digest: Digest) -> bool:
        """See `Share.delete_same`."""
        path = self._path(name)
        wire = self._link.wire()[0]
        with OpenFile(wire, path, self.where) as file:
            if not self._is_same(file, digest):
                return False
            deleted, closed = wire.exchange(file.deleting(), file.closing())
            file.closed_by(closed)
            file.check(deleted)
            return True

    def remove(self, name: str) -> None:
        """One round trip."""
        path = self._path(name)
        wire = self._link.wire()[0]
        with OpenFile(wire, path, self.where) as file:
            opened, deleted, closed = wire.exchange(
                file.opening(DELETE, READERS_AND_RENAMERS), file.deleting(), file.closing()
            )
            file.closed_by(closed)
            file.check(opened)
            file.check(deleted)

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

    def same_place(self, other: Share) -> bool:
        """Compares names only: one server under two names or addresses is not recognised."""
        return isinstance(other, SmbShare) and _place(self._address) == _place(other._address)

    def identity(self) -> str:
        """See `Share.identity`. One round trip."""
        return self._again(self._identity)

    def at(self, folder: str) -> "SmbShare":
        """See `Share.at`."""
        parts = folder_parts(folder, self.where)
        old = self._address
        address = SmbAddress(old.host, old.port, old.share, parts, old.user, old.domain)
        return SmbShare(address, self._link.password, link=self._link)

    def facts(self) -> ShareFacts:
        """See `Share.facts`."""
        return self._again(self._facts)

    def drop(self) -> None:
        """Also wakes a call that waits on the connection in another thread, with Unreachable."""
        self._link.drop()

    def _again(self, call: Callable[[Wire], T]) -> T:
        """A call that changes nothing: once more when a connection kept from earlier turned out to be dead."""
        wire, fresh = self._link.wire()
        try:
            return call(wire)
        except Unreachable:
            if fresh or wire.late:
                raise
        return call(self._link.wire()[0])

    def _read(self, wire: Wire, path: str, limit: int) -> bytes:
        with OpenFile(wire, path, self.where) as file:
            opened, read, closed = wire.exchange(
                file.opening(READ, READERS_AND_RENAMERS), file.reading(0, CREDIT_SPAN), file.closing()
            )
            file.closed_by(closed)
            file.check(opened)
            if file.size > limit:
                raise TooLarge(f"{self.where}: a file is larger than {limit} bytes.")
            if file.size <= CREDIT_SPAN:
                data = file.read_ahead(read)
                file.check_closed(closed, len(data))
                return data
        # The size is looked at again for every piece: the file may be another one by now.
        whole = bytearray()
        with closing(self._chunks(lambda: wire, path, SPAN_MAX)) as pieces:
            for piece in pieces:
                whole += piece
                if len(whole) > limit:
                    raise TooLarge(f"{self.where}: a file is larger than {limit} bytes.")
        return bytes(whole)

    def _chunks(self, connect: Callable[[], Wire], path: str, size: int) -> Generator[bytes, None, None]:
        if size < 1:
            raise ValueError("size must be at least 1")
        with OpenFile(connect(), path, self.where) as file:
            first = self._open_to_read(file, READ, READERS_AND_RENAMERS, min(size, CREDIT_SPAN))
            total = 0
            for piece in file.pieces(first, size):
                total += len(piece)
                yield piece
            file.check_closed(file.do(file.closing())[0], total)

    def _digest(self, wire: Wire, path: str) -> Digest:
        with OpenFile(wire, path, self.where) as file:
            first = self._open_to_read(file, READ, READERS_AND_RENAMERS, CREDIT_SPAN)
            digest = file.digest(first)
            file.check_closed(file.do(file.closing())[0], digest.size)
            return digest

    def _is_same(self, file: OpenFile, digest: Digest) -> bool:
        """Open for reading and deleting, nobody else but readers, and compare; the handle stays open."""
        first = self._open_to_read(file, READ | DELETE, READERS, CREDIT_SPAN)
        return file.size == digest.size and file.digest(first) == digest

    def _open_to_read(self, file: OpenFile, access: int, share: int, length: int) -> bytes:
        _, read = file.do(file.opening(access, share), file.reading(0, length))
        return file.read_ahead(read)

    def _check_renamed(self, wire: Wire, file: OpenFile, renamed: object, target: "SmbShare") -> None:
        if renamed in _NOT_FOUND:
            # Either the target folder is missing, or (seen on Samba, in one of 25 lost races) somebody renamed the
            # file between our CREATE and our SET_INFO. Missing would be a lie in the first case, and the caller
            # would take the file for delivered; Busy makes it ask again.
            target._facts(wire)
            raise Busy(f"{self.where}: somebody else renamed a file at the same moment. Try again.")
        file.check(renamed)

    def _facts(self, wire: Wire) -> ShareFacts:
        with OpenFolder(wire, "\\".join(self._address.folder), self.where) as folder:
            opened, closed = wire.exchange(folder.opening_folder(), folder.closing())
            folder.check_folder(opened)
            folder.closed_by(closed)
            return wire.facts(self.where)

    def _identity(self, wire: Wire) -> str:
        with OpenFolder(wire, "\\".join(self._address.folder), self.where) as folder:
            opened, closed = wire.exchange(folder.opening_folder(DISK_ID), folder.closing())
            folder.check_folder(opened)
            folder.closed_by(closed)
        return f"{wire.server}/{disk_id(opened) or '/'.join(map(str, _place(self._address)[2:]))}"

    def _path(self, name: str) -> str:
        check_name(name, self.where)
        return "\\".join((*self._address.folder, name))

    def _target(self, new_name: str, into: Share | None) -> "SmbShare":
        if into is None:
            return self
        if not isinstance(into, SmbShare) or not self.reaches(into):
            raise ValueError("a rename cannot leave its share")
        return into

    def _forbid_same(self, name: str, new_name: str, target: "SmbShare") -> None:
        # A rename onto itself "succeeds" on some servers, and a caller would take the source for moved.
        if self.same_place(target) and name.casefold() == new_name.casefold():
            raise Exists(f"{self.where}: source and target are the same file.")


def _place(address: SmbAddress) -> tuple[str, int, str, tuple[str, ...]]:
    return (
        address.host.casefold(),
        address.port,
        address.share.casefold(),
        tuple(part.casefold() for part in address.folder),
    )
