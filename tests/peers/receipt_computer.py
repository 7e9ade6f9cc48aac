"""A receipt computer (レセコン) as a peer of tests: takes result files out of its folder, as greedily as the real ones.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as made, ReceiptComputer(Path(made)) as computer:
    ...     half = Path(made, "OQSsiquc01res_face_1.xml.part")
    ...     _ = half.write_bytes(b"<XmlMsg/>")  # a name of nobody's: it is left alone
    ...     _ = half.rename(half.with_suffix(""))  # published in one step: taken at once
    ...     taken = computer.wait_for(1, deadline_s=20)
    ...     left = list(Path(made).iterdir())
    >>> taken, [(file.name, file.size) for file in computer.taken], left
    (True, [('OQSsiquc01res_face_1.xml', 9)], [])

Owns a thread and the list of what was taken. Must never be careful: it reads whatever stands under a matching name,
so that a half-published or doubled file shows.
"""

import hashlib
import threading
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Self

PATTERNS = ("OQSsiquc01res_face_*.xml", "PMHsimsm01*")
_ROUND_S = 0.001
_TAKEN_MAX = 100_000


@dataclass(frozen=True)
class Taken:
    """One file as it was taken; `at_s` on the monotonic clock."""

    name: str = field(repr=False)
    sha256: str
    size: int
    at_s: float


class ReceiptComputer:
    """Takes (reads, then removes) every matching file of `folder`; a context manager.

    Within about a millisecond, or `after_s` after it was first seen. `patterns` with '*' and '?', case does not
    matter. `taken` is in the order of taking.
    """

    def __init__(self, folder: Path, *, after_s: float = 0.0, patterns: tuple[str, ...] = PATTERNS) -> None:
        self._folder = folder
        self._after_s = after_s
        self._patterns = patterns
        self._taken: list[Taken] = []
        self._first_seen_s: dict[str, float] = {}
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="receipt-computer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    def taken(self) -> list[Taken]:
        """What was taken so far."""
        with self._changed:
            return list(self._taken)

    def wait_for(self, count: int, deadline_s: float) -> bool:
        """Wait until `count` files were taken; False after `deadline_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._taken) >= count, deadline_s)

    def stop(self) -> None:
        """Take nothing more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def _work(self) -> None:
        while not self._stopped.wait(_ROUND_S):
            try:
                self._round()
            except OSError:
                continue  # a folder that is not there: again next round, for ever

    def _round(self) -> None:
        now_s = time.monotonic()
        names = self._names()
        self._first_seen_s = {name: self._first_seen_s.get(name, now_s) for name in names}
        for name in names:
            if now_s - self._first_seen_s[name] < self._after_s:
                continue
            content = self._take(name)
            if content is None:
                continue
            self._first_seen_s.pop(name, None)
            with self._changed:
                if len(self._taken) < _TAKEN_MAX:
                    self._taken.append(Taken(name, hashlib.sha256(content).hexdigest(), len(content), time.monotonic()))
                self._changed.notify_all()

    def _names(self) -> list[str]:
        names = (item.name for item in self._folder.iterdir() if item.is_file())
        return sorted(name for name in names if self._wants(name))

    def _wants(self, name: str) -> bool:
        return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in self._patterns)

    def _take(self, name: str) -> bytes | None:
        try:
            content = (self._folder / name).read_bytes()
            (self._folder / name).unlink()
        except FileNotFoundError:
            return None
        return content
