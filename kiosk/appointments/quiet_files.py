"""Which files of the import folder nobody writes to any more.

Owns how long a file must have stayed as it is: export programs pause between two writes, and what is taken too early is
not the whole day. Must never take a pause for the end of a file: one whose last line has no end waits longer.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.appointments.imported_files import Stamp, stamp_of
from kiosk.process import safe_files

QUIET_S: Final = 10.0
# A file without content is most likely one that is about to be written.
EMPTY_S: Final = 30.0
UNENDED_S: Final = 30.0
# Where the last line end is optional: such a file is taken, so it gets more time.
UNENDED_TAKEN_S: Final = 60.0


@dataclass(frozen=True)
class _Seen:
    stamp: Stamp
    since: float


class Quiet:
    """The files of `path` as they were seen. `unended_taken`: see ImportFolder. One thread."""

    def __init__(self, path: Path, quiet_s: float, *, unended_taken: bool) -> None:
        self._path = path
        self._quiet_s = quiet_s
        self._unended_s = UNENDED_TAKEN_S if unended_taken else UNENDED_S
        self._seen: dict[str, _Seen] = {}

    def look(self, names: Iterable[str], now: float) -> list[str]:
        """Those of `names` that have been quiet for long enough, the one that was written first at the front."""
        seen: dict[str, _Seen] = {}
        ready: list[tuple[int, str]] = []
        for name in names:
            try:
                stamp = stamp_of((self._path / name).lstat())
            except FileNotFoundError:
                continue
            before = self._seen.get(name)
            same = before is not None and before.stamp == stamp
            seen[name] = before if before is not None and same else _Seen(stamp, now)
            quiet_s = now - seen[name].since
            if same and quiet_s >= self._quiet_s and quiet_s >= self._patience_s(name, stamp):
                ready.append((stamp[1], name))
        self._seen = seen
        return [name for _, name in sorted(ready)]

    def stamp(self, name: str) -> Stamp:
        """What the file was like when it was looked at."""
        return self._seen[name].stamp

    def renamed(self, name: str, new_name: str) -> None:
        """The file has another name now, and has been quiet as long."""
        self._seen[new_name] = self._seen.pop(name)

    def _patience_s(self, name: str, stamp: Stamp) -> float:
        if not stamp[0]:
            return EMPTY_S
        try:
            file = safe_files.opened(self._path / name)
        except OSError:
            return 0.0  # whoever takes it says why that cannot be
        with file:
            return self._unended_s if unended(file.fileno()) else 0.0


def unended(file: int) -> bool:
    """Whether the last line of an open file has no end. Of an empty file: no."""
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) not in (b"\n", b"\r")
