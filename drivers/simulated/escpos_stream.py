r"""What a printer understands of the bytes it takes: slips, and the questions in between.

    >>> stream = EscposStream()
    >>> stream.feed(b"\x1b@")
    >>> stream.feed(b"\x1dv0\0\x01\0\x02\0" + b"\xff\x00")  # two rows of eight dots: black, white
    >>> list(stream.advance()), stream.waiting
    ([2], 0)
    >>> stream.feed(b"?" + b"\x1dV\0")  # a letter, which no slip of ours holds, and the cut
    >>> [slip] = stream.advance()
    >>> slip.picture.size, [slip.picture.getpixel((0, y)) for y in (0, 1)], stream.garbage
    ((8, 2), [0, 255], 1)

Owns a small ESC/POS reader for the simulated printer: raster, feed and cut. Must never decide whether our own driver
is right: the tests have a stricter decoder of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image

_FEED_LINE_DOTS = 30
_FIXED_ARGUMENTS = {b"\x1bd": 1, b"\x10\x04": 1, b"\x1b@": 0}
_SLIP_BYTES_MAX = 4_000_000


@dataclass(frozen=True)
class SlipJob:
    """One slip that came out, from its first byte to its cut."""

    data: bytes = field(repr=False)
    picture: Image.Image = field(repr=False)


class EscposStream:
    """Bytes in, finished slips out. `garbage` counts bytes that were no command, as a printer would print letters."""

    def __init__(self) -> None:
        self.garbage = 0
        self._waiting = b""
        self._slip = bytearray()
        self._bands: list[tuple[int, bytes]] = []

    def feed(self, data: bytes) -> None:
        """Take bytes into the buffer; nothing is printed yet. What is beyond any slip's size is lost."""
        self._waiting = (self._waiting + data)[:_SLIP_BYTES_MAX]

    @property
    def waiting(self) -> int:
        """Bytes taken and not yet printed."""
        return len(self._waiting)

    def advance(self) -> Iterator[SlipJob | int]:
        """Print command by command. Gives a raster band as the number of its bytes; stop iterating and it waits."""
        while True:
            length = self._command_length()
            if length == 0 or len(self._waiting) < length:
                return
            command, self._waiting = self._waiting[:length], self._waiting[length:]
            yield from self._act(command)

    def _command_length(self) -> int:
        """Bytes of the next whole command; 0 when its beginning does not tell yet."""
        head = self._waiting[:2]
        if not head:
            return 0
        if head[0] not in (0x1B, 0x1D, 0x10):
            return 1
        if len(head) < 2:
            return 0
        if head in _FIXED_ARGUMENTS:
            return 2 + _FIXED_ARGUMENTS[head]
        if head == b"\x1dV":
            return 0 if len(self._waiting) < 3 else 4 if self._waiting[2] in (65, 66) else 3
        if head == b"\x1dv":
            if len(self._waiting) < 8:
                return 0
            _, _, _, _, x_low, x_high, y_low, y_high = self._waiting[:8]
            return 8 + (x_low + 256 * x_high) * (y_low + 256 * y_high)
        return 1

    def _act(self, command: bytes) -> Iterator[SlipJob | int]:
        if command[:2] != b"\x10\x04" and command != b"\0":
            self._slip += command
        match command[:2]:
            case b"\x1b@":
                # What an interrupted slip left is gone; the new one begins here.
                self._slip, self._bands = bytearray(command), []
            case b"\x1dv":
                self._bands.append((command[4] + 256 * command[5], command[8:]))
                yield len(command) - 8
            case b"\x1bd":
                width = self._bands[-1][0] if self._bands else 72
                self._bands.append((width, bytes(width * command[2] * _FEED_LINE_DOTS)))
            case b"\x1dV":
                yield SlipJob(bytes(self._slip), self._picture())
                self._slip, self._bands = bytearray(), []
            case b"\x10\x04":
                pass
            case _:
                # NUL is no letter: it does nothing on any printer.
                self.garbage += command != b"\0"

    def _picture(self) -> Image.Image:
        bands = [(width, payload) for width, payload in self._bands if width and payload]
        paper = max((width for width, _ in bands), default=72)
        page = Image.new("1", (paper * 8, max(1, sum(len(payload) // width for width, payload in bands))), 1)
        y = 0
        for width, payload in bands:
            rows = len(payload) // width
            # Raster has 1 for black, Pillow 0.
            page.paste(Image.frombytes("1", (width * 8, rows), bytes(byte ^ 0xFF for byte in payload)), (0, y))
            y += rows
        return page
