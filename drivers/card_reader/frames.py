"""Bytes of a card reader to frames, and frames to card numbers.

Owns the framing rules and nothing else: no port, no thread, no clock (time is an argument). Must never guess a number
from a part of a frame: what is cut, overlong or noisy is a `BadFrame`, once, and the rest of it is skipped.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

End = Literal["CR", "LF", "CRLF", "STX-ETX"]
ENDS: tuple[End, ...] = ("CR", "LF", "CRLF", "STX-ETX")

_STX, _ETX, _CR, _LF, _DEL = 0x02, 0x03, 0x0D, 0x0A, 0x7F
# No hospital's patient numbers are longer; the pattern of the site is usually stricter.
_MAX_NUMBER = 50


@dataclass(frozen=True)
class BadFrame:
    """Bytes that are no frame: longer than allowed, with a control byte in them, or broken off."""

    reason: Literal["overlong", "control", "silence"]


class FrameDecoder:
    """Cuts a stream of bytes into frames, however the bytes are split over the calls.

    `end` says how a frame ends: CR (a LF after it is ignored), LF (a CR before it is ignored), CRLF, or STX-ETX (bytes
    outside of STX … ETX are ignored, so a check byte after ETX is tolerated; it is not verified, because makers differ
    in what they sum). Empty frames are nothing. `gap_s` of silence inside a frame breaks it off.
    """

    def __init__(self, end: End, max_bytes: int = 64, gap_s: float = 0.3) -> None:
        if end not in ENDS:
            raise ValueError(f"end must be one of {', '.join(ENDS)}")
        self._end = end
        self._max_bytes = max_bytes
        self._gap_s = gap_s
        self.reset()

    def reset(self) -> None:
        """Forget everything, as if no byte had ever come."""
        self._held = bytearray()
        self._open = self._end != "STX-ETX"  # inside a frame; without a start byte one is always open
        self._skipping = False  # the frame was found bad (or is not wanted); its rest is dropped
        self._after_cr = False  # LF and CRLF only: the last byte was a CR, which may be half of the end
        self._last: float | None = None

    def abandon(self) -> None:
        """Drop the frame that is on its way, also the part of it that has not come yet."""
        if self._held or (self._end == "STX-ETX" and self._open):
            self._held.clear()
            self._skipping = True

    def feed(self, data: bytes, now: float) -> list[bytes | BadFrame]:
        """The frames completed by `data`, in order; `now` in seconds of any clock that never goes back.

        `data` may be empty: then only silence is checked.
        """
        out: list[bytes | BadFrame] = []
        if self._last is not None and now - self._last > self._gap_s:
            self._fall_silent(out)
        if data:
            self._last = now
        take = self._take_between if self._end == "STX-ETX" else self._take_until_lf
        if self._end == "CR":
            take = self._take_until_cr
        for byte in data:
            take(byte, out)
        return out

    def _fall_silent(self, out: list[bytes | BadFrame]) -> None:
        # A lone STX with nothing behind it is what a check byte of 0x02 looks like: not a broken card.
        if self._held and not self._skipping:
            out.append(BadFrame("silence"))
        self.reset()

    def _take_between(self, byte: int, out: list[bytes | BadFrame]) -> None:
        if byte == _STX:
            if self._held and not self._skipping:
                out.append(BadFrame("control"))
            self._held.clear()
            self._open, self._skipping = True, False
        elif not self._open:
            return
        elif byte == _ETX:
            self._close(out)
            self._open = False
        else:
            self._keep(byte, out)

    def _take_until_cr(self, byte: int, out: list[bytes | BadFrame]) -> None:
        if byte == _CR:
            self._close(out)
        elif byte != _LF or self._held:
            self._keep(byte, out)

    def _take_until_lf(self, byte: int, out: list[bytes | BadFrame]) -> None:
        if byte == _LF:
            if self._after_cr or self._end == "LF":
                self._close(out)
            elif self._held:
                self._spoil("control", out)
            self._after_cr = False
            return
        if self._after_cr:
            # A CR that is not followed by LF was no end: the bytes around it are not one card.
            self._spoil("control", out)
        self._after_cr = byte == _CR and (bool(self._held) or self._skipping)
        if byte != _CR:
            self._keep(byte, out)

    def _close(self, out: list[bytes | BadFrame]) -> None:
        if self._held and not self._skipping:
            out.append(bytes(self._held))
        self._held.clear()
        self._skipping = False

    def _keep(self, byte: int, out: list[bytes | BadFrame]) -> None:
        if byte < 0x20 or byte == _DEL:
            self._spoil("control", out)
        elif len(self._held) >= self._max_bytes:
            self._spoil("overlong", out)
        elif not self._skipping:
            self._held.append(byte)

    def _spoil(self, reason: Literal["overlong", "control"], out: list[bytes | BadFrame]) -> None:
        if not self._skipping:
            out.append(BadFrame(reason))
        self._held.clear()
        self._skipping = True


def number_of(frame: bytes, pattern: re.Pattern[str]) -> str | None:
    """The card number in a frame, or None when the frame is not one of this site's cards.

    The whole frame must match `pattern`; its first group, if it has one, is the number. Full-width digits and letters
    (a reader that types through a Japanese input method; UTF-8 or CP932) are read as plain ones. Blanks around the
    number, as magnetic stripes pad it, are tried without when the frame does not match with them.
    """
    text = _text(frame)
    if text is None:
        return None
    match = pattern.fullmatch(text) or pattern.fullmatch(text.strip(" "))
    if match is None:
        return None
    number = match.group(1) if pattern.groups else match.group(0)
    if not number or len(number) > _MAX_NUMBER or not number.isprintable():
        return None
    return number


def _text(frame: bytes) -> str | None:
    for encoding in ("ascii", "utf-8", "cp932"):
        try:
            text = unicodedata.normalize("NFKC", frame.decode(encoding))
        except UnicodeDecodeError:
            continue
        if text.isascii():
            return text
    return None
