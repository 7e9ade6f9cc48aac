"""The stream that says "changed" with a revision, and nothing else; one for each browser that looks.

Owns the open streams. Must never carry a patient's data. A stream ends when the session behind it is locked or over;
the page then asks for itself again and gets the lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

BEAT_S: Final = 2.0
# A browser that has received nothing for so long says that the connection is lost.
SILENT_MS: Final = 6_000
MOST: Final = 300


class Live:
    """The streams of one event loop. `clock()`: the time of day for a beat, as the page displays it."""

    def __init__(self, clock: Callable[[], str], beat_s: float = BEAT_S) -> None:
        self._clock = clock
        self._beat_s = beat_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: set[asyncio.Event] = set()
        self._closing = False
        self.revision = 0

    def begin(self) -> None:
        """From the loop's own thread, before anything else."""
        self._loop = asyncio.get_running_loop()

    def changed(self, revision: int) -> None:
        """There is something new. From any thread; never waits."""
        self.revision = max(self.revision, revision)
        self._wake()

    def close(self) -> None:
        """End every stream. From any thread."""
        self._closing = True
        self._wake()

    @property
    def full(self) -> bool:
        """Whether no further stream is given out."""
        return len(self._open) >= MOST

    async def stream(self, revision: int, holds: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Server-sent events, beginning with `revision`. `holds()`: whether the session still does; asked each beat."""
        news = asyncio.Event()
        self._open.add(news)
        try:
            yield _event("changed", str(max(self.revision, revision)), retry=True)
            yield _event("beat", self._clock())  # a page that has just been opened says at once that it is alive
            while not self._closing:
                try:
                    async with asyncio.timeout(self._beat_s):
                        await news.wait()
                except TimeoutError:
                    if not holds():
                        yield _event("session", "over")
                        return
                    yield _event("beat", self._clock())
                    continue
                news.clear()
                if not self._closing:
                    yield _event("changed", str(self.revision))
        finally:
            self._open.discard(news)

    def _wake(self) -> None:
        def wake() -> None:
            for each in self._open:
                each.set()

        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(wake)


def _event(kind: str, data: str, *, retry: bool = False) -> bytes:
    return f"{'retry: 2000' + chr(10) if retry else ''}event: {kind}\ndata: {data}\n\n".encode()
