"""For how long files have waited, by seconds that nobody sets; the ledger's own times are the machine's clock's.

In memory. Of what waited before the courier's start only the clock knows, and it may have been set back meanwhile: then
the wait begins with the start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kiosk.courier.summary import age_s


class Waits:
    """`before`: the files that were open at the start, with their `seen_at`; `clock`: monotonic seconds. Any thread."""

    def __init__(self, before: Mapping[int, str], clock: Callable[[], float]) -> None:
        self.clock = clock
        now = clock()
        self._since = {file: now - age_s(seen_at) for file, seen_at in before.items()}

    def entered(self, file: int) -> None:
        self._since[file] = self.clock()

    def oldest_s(self, files: list[int]) -> float | None:
        """For how long the oldest of them has waited; `files`: all that wait now."""
        now, before = self.clock(), self._since
        since = {file: before.get(file, now) for file in files}
        longest = now - min(since.values()) if since else None
        # What another thread entered in this moment may be lost; then it waits since the next question.
        self._since = since
        return longest
