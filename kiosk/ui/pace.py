"""When the next frame begins: at once when there is something to draw or a finger moves, else after a twentieth second.

Kivy alone sleeps from frame to frame whatever comes: a touch would wait for one frame, and the page that answers it for
another. Must never let frames follow each other without a pause, whatever wakes them.
"""

from __future__ import annotations

import os
import select
import socket
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

FRAME_S: Final = 1 / 20
# Whatever wakes it, the processor must not be held for ever.
LEAST_S: Final = 0.001
# A device that comes (a panel plugged in again) is noticed after this.
LOOK_S: Final = 5.0
# A descriptor that is readable so often in a row, and nothing was read, is read by nobody.
UNREAD_MAX: Final = 50
_OWN: Final = Path("/proc/self/fd")
_PANELS: Final = Path("/dev/input")
_X_SERVER: Final = "/tmp/.X11-unix/"  # noqa: S108 - where every X server has its socket; nothing is made there


class Pace:
    """`wait` is called by the drawing thread before each frame; `wake` by any thread.

    `inputs()`: descriptors that become readable when a finger moves; asked now and then.
    """

    def __init__(self, clock: Callable[[], float], inputs: Callable[[], Iterable[int]]) -> None:
        self._clock = clock
        self._inputs = inputs
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._watched: frozenset[int] = frozenset()
        self._look_at = self._began = -LOOK_S
        self._unread = 0
        self._input = False

    def wake(self) -> None:
        """Something is there to be drawn. Never waits."""
        os.eventfd_write(self._bell, 1)

    def note_input(self) -> None:
        """A finger, or something else, has been read: by the drawing thread, between two frames."""
        self._input, self._unread = True, 0

    def wait(self, *, at_once: bool = False) -> None:
        """Until the next frame is due. `at_once`: now, but for the pause between frames."""
        now = self._clock()
        if now >= self._look_at:
            self._watched, self._look_at = frozenset(self._inputs()), now + LOOK_S
        if self._input:  # dispatched in this round
            self._input = False
        elif at_once:
            self._pause(now)
        else:
            self._pause(now)
            self._sleep(self._began + FRAME_S)
        self._began = self._clock()

    def close(self) -> None:
        os.close(self._bell)

    def _pause(self, now: float) -> None:
        left = self._began + LEAST_S - now
        if left > 0:
            select.select((), (), (), left)

    def _sleep(self, until: float) -> None:
        """Until then, a wake or a finger."""
        left = max(0.0, until - self._clock())
        try:
            ready = set(select.select((self._bell, *self._watched), (), (), left)[0])
        except (OSError, ValueError):  # a device is gone; its descriptor may belong to something else by now
            self._watched, self._look_at = frozenset(), 0.0
            return
        if self._bell in ready:
            ready.remove(self._bell)
            with suppress(BlockingIOError):
                os.eventfd_read(self._bell)
        self._unread = self._unread + 1 if ready else 0
        if self._unread > UNREAD_MAX:
            self._watched -= ready


def fingers() -> Iterable[int]:
    """The descriptors of touch panels and of the X server that SDL has opened in this process."""
    for link in _OWN.iterdir():
        with suppress(OSError, ValueError):
            if link.readlink().is_relative_to(_PANELS) or _is_to_x_server(int(link.name)):
                yield int(link.name)


def _is_to_x_server(descriptor: int) -> bool:
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return False
    with socket.socket(fileno=os.dup(descriptor)) as line:
        peer = line.getpeername()
    name = peer.decode(errors="replace") if isinstance(peer, bytes) else peer
    return isinstance(name, str) and name.lstrip("\0").startswith(_X_SERVER)
