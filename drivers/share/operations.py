"""What every share does, written once over a small core that each kind of share implements.

Owns the checks of names and limits, digests, and the order of open, compare and change. Must never know what is
behind the core: a server or a local folder.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Generic, Protocol, Self, TypeVar

from drivers.share.failures import failure
from drivers.share.protocol import ENTRIES_MAX, Digest, Entry, Share, check_name, check_pattern

PIECE = 1 << 20
Place = TypeVar("Place")
T = TypeVar("T")


class OpenedFile(Protocol):
    """A file held open. What is done with it is done to what was read, whatever its name means by then."""

    @property
    def size(self) -> int:
        """Bytes, as it was opened."""

    @property
    def entry(self) -> Entry:
        """As a listing would have it; best asked for once `pieces` has ended."""

    def pieces(self, size: int) -> Iterator[bytes]:
        """The content from its start, at most `size` bytes at a time; Busy if it changed while it was read."""


class NewFile(OpenedFile, Protocol):
    """A file that was created just now. Its `pieces` are what was flushed, read back through the same handle."""

    def append(self, chunk: bytes) -> None:
        """Write all of `chunk` at the end."""

    def flush(self) -> None:
        """Make what was written durable. Nothing is appended afterwards."""


Opened = TypeVar("Opened", bound=OpenedFile)


class ShareOperations(Share, Generic[Place, Opened]):
    """`Share` over a core: the methods that begin with an underscore. Each raises any `ShareError`.

    `Place`: what one call works in, a live connection or an open folder.
    """

    # --- the core -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def _place(self) -> AbstractContextManager[Place]:
        """Connect, or open the folder."""

    def _ask(self, call: Callable[[Place], T]) -> T:
        """A call that changes nothing, and so may be repeated."""
        with self._place() as place:
            return call(place)

    @abstractmethod
    def _list(self, place: Place, pattern: str, limit: int) -> list[Entry]:
        """Files that match, at most `limit`, without those whose names no call would accept."""

    @abstractmethod
    def _open(self, place: Place, name: str, *, change: bool = False) -> AbstractContextManager[Opened]:
        """A file for reading; `change`: to be renamed or deleted afterwards through this handle."""

    @abstractmethod
    def _create(self, place: Place, name: str) -> AbstractContextManager[NewFile]:
        """A new file, given up when the block fails. Exists: the name is taken."""

    @abstractmethod
    def _rename(self, place: Place, name: str, target: Self, new_name: str) -> None:
        """Rename whatever has the name, durably and never replacing."""

    @abstractmethod
    def _rename_opened(self, place: Place, file: Opened, target: Self, new_name: str) -> None:
        """Rename what was opened for a change, durably and never replacing."""

    @abstractmethod
    def _unlink(self, place: Place, name: str) -> None:
        """Delete whatever has the name, durably."""

    @abstractmethod
    def _unlink_opened(self, place: Place, file: Opened) -> None:
        """Delete what was opened for a change, durably."""

    def _fetch(self, place: Place, name: str, limit: int) -> tuple[Entry, bytes | None]:
        with self._open(place, name) as file:
            if file.size > limit:
                return file.entry, None
            whole = bytearray()
            for piece in file.pieces(PIECE):
                whole += piece
                if len(whole) > limit:  # it grew since it was opened, which the end of `pieces` would say
                    raise failure("changed", self.where)
            return file.entry, bytes(whole)

    def _glance(self, place: Place, name: str, limit: int) -> tuple[Entry, bytes | None]:
        """Where nobody is kept from anything it is the same."""
        return self._fetch(place, name, limit)

    def _put(self, place: Place, name: str, chunks: Iterable[bytes]) -> Digest:
        sha256, size = hashlib.sha256(), 0
        with self._create(place, name) as file:
            for chunk in chunks:
                file.append(chunk)
                sha256.update(chunk)
                size += len(chunk)
            file.flush()
            given = Digest(sha256.hexdigest(), size)
            if _digest(file) != given:
                raise failure("written_otherwise", self.where)
        return given

    def _target(self, name: str, new_name: str, into: Share | None) -> Self:
        """The share to rename into. ValueError: no rename leads there."""
        check_name(name, self.where)
        check_name(new_name, self.where)
        if into is None:
            return self
        if not isinstance(into, type(self)):
            raise ValueError("a rename cannot leave its share")
        return into

    # --- what stands on it --------------------------------------------------------------------------------------------

    def entries(self, pattern: str, limit: int = ENTRIES_MAX) -> list[Entry]:
        check_pattern(pattern, self.where)
        return self._ask(lambda place: self._list(place, pattern, limit))

    def fetch(self, name: str, limit: int) -> tuple[Entry, bytes | None]:
        check_name(name, self.where)
        return self._ask(lambda place: self._fetch(place, name, limit))

    def glance(self, name: str, limit: int) -> tuple[Entry, bytes | None]:
        check_name(name, self.where)
        return self._ask(lambda place: self._glance(place, name, limit))

    def read(self, name: str, limit: int) -> bytes:
        _, content = self.fetch(name, limit)
        if content is None:
            raise failure("too_large", self.where, limit=limit)
        return content

    def chunks(self, name: str, size: int = PIECE) -> Iterator[bytes]:
        """Opened when the first piece is asked for."""
        check_name(name, self.where)
        if size < 1:
            raise ValueError("size must be at least 1")
        return self._chunks(name, size)

    def digest(self, name: str) -> Digest:
        check_name(name, self.where)
        return self._ask(lambda place: self._digest(place, name))

    def put(self, name: str, chunks: Iterable[bytes]) -> Digest:
        """After a failure the unfinished file is deleted, if that is still possible."""
        check_name(name, self.where)
        with self._place() as place:
            return self._put(place, name, chunks)

    def rename_new(self, name: str, new_name: str, into: Share | None = None) -> None:
        target = self._target(name, new_name, into)
        with self._place() as place:
            self._rename(place, name, target, new_name)

    def move_same(self, name: str, digest: Digest, new_name: str, into: Share) -> bool:
        target = self._target(name, new_name, into)
        with self._place() as place, self._open(place, name, change=True) as file:
            if not _is_same(file, digest):
                return False
            self._rename_opened(place, file, target, new_name)
        return True

    def delete_same(self, name: str, digest: Digest) -> bool:
        check_name(name, self.where)
        with self._place() as place, self._open(place, name, change=True) as file:
            if not _is_same(file, digest):
                return False
            self._unlink_opened(place, file)
        return True

    def remove(self, name: str) -> None:
        check_name(name, self.where)
        with self._place() as place:
            self._unlink(place, name)

    def _chunks(self, name: str, size: int) -> Iterator[bytes]:
        with self._place() as place, self._open(place, name) as file:
            yield from file.pieces(size)

    def _digest(self, place: Place, name: str) -> Digest:
        with self._open(place, name) as file:
            return _digest(file)


def _digest(file: OpenedFile) -> Digest:
    sha256, size = hashlib.sha256(), 0
    for piece in file.pieces(PIECE):
        sha256.update(piece)
        size += len(piece)
    return Digest(sha256.hexdigest(), size)


def _is_same(file: OpenedFile, digest: Digest) -> bool:
    return file.size == digest.size and _digest(file) == digest
