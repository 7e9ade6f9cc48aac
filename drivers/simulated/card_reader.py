"""A patient-card reader made of a pseudo terminal, with fault knobs. For the demo and for tests.

    >>> import queue, re
    >>> from drivers.card_reader import SerialCardReader
    >>> events = queue.Queue()
    >>> with SimulatedCardReader("CR") as device:
    ...     reader = SerialCardReader(device.url, "CR", re.compile("[0-9]{5}"), events.put)
    ...     reader.start()
    ...     up = events.get(timeout=20)
    ...     reader.arm(visit=7)
    ...     device.insert("00012")
    ...     card = events.get(timeout=20)
    ...     device.garble = "noise"
    ...     device.insert("00012")
    ...     unreadable = events.get(timeout=20)
    ...     device.unplug()
    ...     down = events.get(timeout=20)
    ...     reader.stop()
    >>> up, card.number, card.visit, type(unreadable).__name__, type(down).__name__
    (ReaderUp(), '00012', 7, 'CardUnreadable', 'ReaderDown')

Owns the device's end of the line. Must never be imported by anything that runs in a hospital.
"""

import os
import threading
import tty
import uuid
from pathlib import Path
from typing import Literal, Self

Garble = Literal["none", "noise", "half"]

_ENDS = {"CR": (b"", b"\r"), "LF": (b"", b"\n"), "CRLF": (b"", b"\r\n"), "STX-ETX": (b"\x02", b"\x03")}


class SimulatedCardReader:
    """A card reader at `url`. `link` is a path that always leads to the present device, as /dev/serial/by-id does.

    Knobs, to be set at any time: `pace_s` is the pause after each byte (9600 8N1: 0.00104); `garble` is what happens to
    inserted cards: "none", "noise" (a control byte in the middle), "half" (the frame breaks off).
    """

    def __init__(self, end: str = "CR", *, link: Path | None = None, pace_s: float = 0.0) -> None:
        self._before, self._after = _ENDS[end]
        self._link = link
        self._unplugged = threading.Event()
        self._lock = threading.Lock()
        self._pair: tuple[int, int] | None = None
        # The near ends of terminals unplugged: while one is open, the system gives its path to no other terminal.
        self._unplugged_ends: list[int] = []
        self.pace_s = pace_s
        self.garble: Garble = "none"
        self.path = Path()
        self.plug()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()
        while self._unplugged_ends:
            os.close(self._unplugged_ends.pop())
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    @property
    def url(self) -> str:
        """The address for site.toml; through `link` it stays the same when the device is plugged in again."""
        return f"serial://{self._link or self.path}?baudrate=9600"

    def plug(self) -> None:
        """Plug the reader in (again): a new device, to which `link` leads from now on."""
        with self._lock:
            if self._pair is not None:
                return
            master, slave = os.openpty()
            tty.setraw(slave)
            # Like a real line, it does not hold the sender up when nobody reads: what does not fit is lost.
            os.set_blocking(master, False)
            # The device's end stays open here, or the line settings would be forgotten between two openings.
            self._pair = (master, slave)
            self.path = Path(os.ttyname(slave))
            self._unplugged.clear()
            if self._link is not None:
                fresh = self._link.with_name(f".{uuid.uuid4().hex}")
                fresh.symlink_to(self.path)
                fresh.replace(self._link)

    def unplug(self) -> None:
        """Pull the plug: whoever has the device open gets an error, the path is gone. A card half sent stays half."""
        self._unplugged.set()
        with self._lock:
            pair, self._pair = self._pair, None
        if pair is not None:
            far, near = pair
            os.close(far)
            self._unplugged_ends.append(near)

    def insert(self, number: str) -> None:
        """Put a card in: sends its frame (blocks for `pace_s` per byte)."""
        content = number.encode("ascii")
        middle = len(content) // 2
        if self.garble == "noise":
            content = content[:middle] + b"\x07" + content[middle:]
        if self.garble == "half":
            self.insert_raw(self._before + content[:middle])
        else:
            self.insert_raw(self._before + content + self._after)

    def insert_raw(self, data: bytes) -> None:
        """Send exactly these bytes. Does nothing while unplugged."""
        pieces = [data] if self.pace_s <= 0 else [bytes((byte,)) for byte in data]
        for piece in pieces:
            with self._lock:
                if self._pair is None:
                    return
                try:
                    os.write(self._pair[0], piece)
                except BlockingIOError:
                    continue
            if self.pace_s > 0:
                self._unplugged.wait(self.pace_s)
