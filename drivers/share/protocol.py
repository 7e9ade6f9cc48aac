"""What every share can do, what a listing tells, and which names are file names.

Owns the `Share` protocol, its values, and the check of names. Must never do I/O.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from drivers.share.failures import failure

ENTRIES_MAX = 20_000
NAME_MAX_UNITS = 255
_NEVER_IN_A_NAME = frozenset('/\\:*?"<>|')
_PLAIN = re.compile(f"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{NAME_MAX_UNITS - 2}}}[A-Za-z0-9_-]")  # surely a file name


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a listing. `size` in bytes as the server says it.

    `stamp` is opaque: equal (size, stamp) of one name in two listings means the listing did not change. It is
    never a time to decide by, because server clocks are not ours.

    `written_ns`: when the file was written last by the server's clock, ns since the epoch; only to be compared with
    that of another file in the same folder.
    """

    name: str = field(repr=False)
    size: int
    stamp: str
    written_ns: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Digest:
    """What a file's content is: `sha256` as 64 lower-case hex digits, `size` in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class SessionInfo:
    """What was negotiated with the server. `dialect` such as "SMB 3.1.1", or "folder" for a local folder.

    `server_time_skew_s`: the server's clock less ours, seconds; None when there is no other clock.
    """

    where: str
    dialect: str
    signed: bool
    encrypted: bool
    server_time_skew_s: float | None


class Changes(Protocol):
    """What changes in one folder, as whoever keeps it reports. For one thread at a time; `close` from any.

    A report is a hint and no promise: it may come late, twice, for nothing or never. Whoever relies on a folder's
    content lists it: once this is made, when `next` does not know the names, and now and then.
    """

    def next(self) -> Mapping[str, bool] | None:
        """Wait as long as it takes for something to change; the names of the files, spelled as they stand there.

        True: the file was written to or closed by its writer, or renamed to this name. False: it was only created,
        deleted or renamed away. A file that was only just created must not be opened so as to keep writers away: Samba
        reports it a moment before its creator's own right to write is in force, and the creator would be refused.

        Never a name that no call would accept, but perhaps that of a folder. None: more changed than could be reported.
        What changes between two calls is reported by the second. Any ShareError: nothing more will come, and every
        later call fails as well; Unreachable after `close`. A frozen server is not noticed here, and a folder that was
        removed beneath the server perhaps not; whoever lists the folder notices it, and closes this.
        """

    def close(self) -> None:
        """End it; wakes `next`. Once more does nothing."""


class Share(Protocol):
    """One folder that can be listed, read, and changed without ever overwriting.

    Every call may raise any `ShareError`, and nothing else of its own making. Names are plain file names of this
    folder. Every call of a network share ends within its deadline of no progress. Safe to call from several
    threads, but calls then wait for one another.
    """

    @property
    def where(self) -> str:
        """The folder, for messages: no user, no password."""

    @property
    def denies_writers(self) -> bool:
        """True: `read`, `chunks` and `digest` fail with Busy while a writer has the file open (SMB).

        False (local folder): a half-written file reads without complaint; compare two listings instead.
        """

    def entries(self, pattern: str, limit: int = ENTRIES_MAX) -> list[Entry]:
        """Files (never folders) whose name matches `pattern` ('*' and '?' only, case does not matter).

        At most `limit`; exactly `limit` entries means that there may be more. Names that no call would accept
        (see Unfit) are left out. Unordered.
        """

    def watch(self) -> Changes:
        """Have changes reported, from this moment on: whoever lists the folder afterwards misses nothing.

        But: Samba takes note of what programs of its own machine do some milliseconds after it has said so (a busy one,
        some hundred), and lets what they do until then go unreported. Who cannot wait for the next listing lists again.

        Over a connection of its own, which neither waits for another call nor ends with `drop`. Unsupported: the
        server or the disk reports none; list instead, and ask again now and then.
        """

    def fetch(self, name: str, limit: int) -> tuple[Entry, bytes | None]:
        """One file's entry as a listing would have it, with the whole content, opened as by `read`.

        The content is None when it has more than `limit` bytes. `Entry.name` is `name`. Missing, Busy: as for `read`;
        Refused: no file has the name, but a folder.
        """

    def glance(self, name: str, limit: int) -> tuple[Entry, bytes | None]:
        """As `fetch`, but opened so that everybody may write, rename and delete meanwhile, and open no longer than one
        answer of the server takes: for who reads beside the programs that the files are meant for.

        So the content may be that of a file half written. Busy: it changed under us, or a writer keeps it to itself.
        """

    def read(self, name: str, limit: int) -> bytes:
        """The whole file, opened so that nobody may write meanwhile.

        Busy: a writer has it open, or its size changed under us. TooLarge: more than `limit` bytes.
        """

    def chunks(self, name: str, size: int = 1 << 20) -> Iterator[bytes]:
        """The file in pieces of at most `size` bytes through one handle that keeps writers away.

        The handle is held until the iterator is exhausted or closed. Busy as for `read`, also at the very end.
        """

    def digest(self, name: str) -> Digest:
        """The digest of the whole file, streamed, opened as by `read`."""

    def put(self, name: str, chunks: Iterable[bytes]) -> Digest:
        """Create the file, write everything, flush it to the server's disk, read it back, close it.

        All through one handle. SMB: nobody shares it, so until the call returns nobody reads, renames or deletes the
        file. The digest is that of what was given, and of what was read back. Exists: the name is taken, nothing was
        touched. After any other failure (Busy: it reads back otherwise) a part of the file may be left under that name,
        so use a fresh temporary name for each attempt. What `chunks` raises comes through.
        """

    def rename_new(self, name: str, new_name: str, into: "Share | None" = None) -> None:
        """Rename through one handle that keeps other renamers away; never replaces.

        Of several racers exactly one succeeds; the others get Missing, Busy or Exists. `into` must be reachable
        (see `reaches`), else ValueError.
        """

    def move_same(self, name: str, digest: Digest, new_name: str, into: "Share") -> bool:
        """Rename into another folder only if the content is `digest`, hashed and renamed through one handle.

        False: other content, nothing done. Otherwise as `rename_new`.
        """

    def delete_same(self, name: str, digest: Digest) -> bool:
        """Delete the file only if its content is `digest`, hashed and deleted through one handle.

        False: other content, kept. Missing: it is gone already.
        """

    def remove(self, name: str) -> None:
        """Delete whatever the content is. Only for one's own temporary files."""

    def reaches(self, other: "Share") -> bool:
        """True when `rename_new` and `move_same` into `other` are possible (one share, one user; one disk)."""

    def identity(self) -> str:
        """What this folder is, by whatever name: server, disk and the folder's own number, as the server reports them.

        Equal for every address of one folder and for every client; opaque. It changes when the folder is created again.
        """

    def at(self, folder: str) -> "Share":
        r"""Another folder of the same share over the same connection.

        SMB: `folder` is counted from the share's root. Local: from this folder, or an absolute path.
        '/' and '\' both separate. Unfit for '..' and the like.
        """

    def session_info(self) -> SessionInfo:
        """Connect if necessary and return what was negotiated; also proves that the folder can be opened."""

    def drop(self) -> None:
        """Drop the connection without logging off. The next call connects again."""


def check_name(name: str, where: str) -> None:
    """Raise Unfit unless `name` is a plain file name that every server takes literally.

    The set is that of [MS-FSCC] 2.1.5; a trailing dot or blank is refused because Windows drops it silently and
    then means another file. The message never holds the name.
    """
    if why := name_fault(name):
        raise failure("name_refused", where, why=str(why))


class NameFault(Enum):
    """Why a name is no plain file name. The value, and `str()`: in English; `code`: for who says it otherwise."""

    EMPTY = "it is empty"
    DOTS = "it is '.' or '..', or ends in a dot or blank"
    SEPARATOR = 'it holds one of / \\ : * ? " < > |'
    CONTROL_CHARACTER = "it holds a control character"
    NOT_UNICODE = "it is not valid Unicode"
    LONG = f"it is longer than {NAME_MAX_UNITS} characters"

    def __str__(self) -> str:
        return self.value

    @property
    def code(self) -> str:
        """A stable name of the fault, `name_…`."""
        return f"name_{self.name.lower()}"


def name_fault(name: str) -> NameFault | None:
    """Why `name` is no plain file name, or None."""
    if _PLAIN.fullmatch(name):
        return None  # as nearly all of a folder of a hundred thousand
    if not name:
        return NameFault.EMPTY
    if name in (".", "..") or name[-1] in ". ":
        return NameFault.DOTS
    if not _NEVER_IN_A_NAME.isdisjoint(name):
        return NameFault.SEPARATOR
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in name):
        return NameFault.CONTROL_CHARACTER
    if any(0xD800 <= ord(c) <= 0xDFFF for c in name):
        return NameFault.NOT_UNICODE
    if len(name.encode("utf-16-le")) // 2 > NAME_MAX_UNITS:
        return NameFault.LONG
    return None


def check_pattern(pattern: str, where: str) -> None:
    """Raise Unfit unless `pattern` would be a plain file name but for '*' and '?'."""
    if why := name_fault(pattern.replace("*", "x").replace("?", "x")):
        raise failure("pattern_refused", where, why=str(why))


def pattern_of(pattern: str) -> re.Pattern[str]:
    """'*' and '?' as a regular expression for whole names, without regard to case."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def folder_parts(folder: str, where: str) -> tuple[str, ...]:
    r"""The checked names of a folder path; '/' and '\' both separate; empty parts are dropped. Unfit if hostile."""
    parts = tuple(part for part in folder.replace("\\", "/").split("/") if part)
    for part in parts:
        if why := name_fault(part):
            raise failure("folder_name_refused", where, why=str(why))
    return parts
