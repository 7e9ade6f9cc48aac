"""A card reader on a serial port: one daemon thread that keeps the port open and posts what was read.

Owns the port, the spelling of its address, and the events. Must never: raise out of its thread; post a card while no
visit asked for one (see `arm`); wait for ever anywhere; write what a card held anywhere.
"""

import os
import re
import select
import termios
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import serial

from drivers.bad_address import BadAddress
from drivers.card_reader.frames import BadFrame, End, FrameDecoder, number_of
from drivers.serial_settings import SerialSettings

# Rates that both the kernel and the readers' manuals know; another one is a slip of the pen, not a wish.
BAUDRATES = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
_EXPECTED = "expected serial:///dev/ttyS0?baudrate=9600 (further: &bytesize=8&parity=N&stopbits=1)"
_MAX_LENGTH = 1024
# How long the thread waits for a byte before it looks at everything else. Also the grain of the silence clock.
_WAIT_S = 0.05
# Bytes that were written before arm() may still be between the driver's buffers; this is how long arm() waits for them.
# Longer would swallow a quick hand's card.
_DRAIN_S = 0.002
_READ_BYTES = 4096
_MAX_DRAIN_READS = 64
_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 2.0
# A USB adapter that was pulled does not always fail a read: ask now and then whether the name still means this device.
_IDENTITY_S = 1.0
# A card wiped twice over a scanner is one card; a frame and its noise are one failure.
_SAME_CARD_S = 3.0
_SAME_FAILURE_S = 0.5
# A babbling line must not fill the inbox: no patient needs more than this in one visit.
_MAX_EVENTS_PER_ARM = 50
_PORT_ERRORS = (OSError, ValueError, termios.error, serial.SerialException)


@dataclass(frozen=True)
class CardRead:
    """A card was read during `visit` (the id given to `arm`), at `at` (seconds, monotonic clock)."""

    visit: int
    number: str = field(repr=False)
    at: float


@dataclass(frozen=True)
class CardUnreadable:
    """Something was read during `visit` that is no card number of this site, at `at` (seconds, monotonic clock)."""

    visit: int
    at: float


@dataclass(frozen=True)
class ReaderUp:
    """The port is open. Posted once per change."""


@dataclass(frozen=True)
class ReaderDown:
    """The port cannot be opened or was lost; it is tried again for ever. Posted once per change.

    `message` is for staff: the device and the system's reason.
    """

    message: str


CardEvent = CardRead | CardUnreadable | ReaderUp | ReaderDown


@dataclass(frozen=True)
class SerialAddress:
    """A serial device and its line settings. `device` is an absolute path, `baudrate` in bits per second."""

    device: str
    baudrate: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: int = 1


def parse_url(url: str) -> SerialAddress:
    """The parts of a serial address; raises BadAddress. Nothing is opened and the device need not exist."""
    if len(url) > _MAX_LENGTH:
        raise BadAddress(
            "reader_long", f"the address is longer than {_MAX_LENGTH} characters", _EXPECTED, most=_MAX_LENGTH
        )
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadAddress("not_a_url", str(error), _EXPECTED) from None
    if parts.scheme != "serial":
        raise BadAddress("reader_scheme", "the address must begin with serial://", _EXPECTED)
    if parts.netloc or parts.fragment:
        raise BadAddress("reader_slashes", "a device is a path after three slashes", _EXPECTED)
    device = unquote(parts.path)
    if not device.startswith("/") or device.endswith("/") or not device.isprintable():
        raise BadAddress("reader_device", "the device must be an absolute path such as /dev/ttyS0", _EXPECTED)
    settings = SerialSettings(parts.query, ("baudrate", "bytesize", "parity", "stopbits"), _EXPECTED)
    return SerialAddress(
        device,
        baudrate=settings.one_of("baudrate", 9600, BAUDRATES),
        bytesize=settings.one_of("bytesize", 8, (7, 8)),
        parity=settings.one_of("parity", "N", ("N", "E", "O")),
        stopbits=settings.one_of("stopbits", 1, (1, 2)),
    )


class SerialCardReader:
    """Reads cards from `url` (see `parse_url`; raises BadAddress) and hands events to `post`.

    `post` is called from the reader's thread (any event) and must not block. Cards are posted only between `arm(visit)`
    and `disarm()`, and carry that visit id; `ReaderUp` and `ReaderDown` are posted once per change, always. `gap_s` of
    silence inside a card breaks it off.
    """

    def __init__(
        self, url: str, end: End, pattern: re.Pattern[str], post: Callable[[CardEvent], None], *, gap_s: float = 0.3
    ) -> None:
        self._address = parse_url(url)
        self._pattern = pattern
        self._post = post
        self._decoder = FrameDecoder(end, gap_s=gap_s)
        self._lock = threading.Lock()  # port, decoder and everything about the visit
        self._port: serial.Serial | None = None
        self._idle_s = 0.0
        self._visit: int | None = None
        self._posted = 0
        self._last_card: tuple[str, float] | None = None
        self._last_failure: float | None = None
        self._up: bool | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; the port need not exist yet. Called once."""
        if self._thread is not None:
            raise RuntimeError("start() was called before")
        self._thread = threading.Thread(target=self._run, name="card-reader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and end the thread. Nothing is posted afterwards; returns within about two seconds."""
        self._stopping.set()
        self.disarm()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2.0)

    def arm(self, visit: int) -> None:
        """From now on cards belong to `visit`. Everything received before is dropped.

        That includes bytes in the system's buffer and the rest of a frame that has only half come: a card that was put
        in before the patient was asked for it may be somebody else's. Call it before the patient is asked.
        """
        with self._lock:
            self._drain()
            self._visit = visit
            self._posted = 0
            self._last_card = None
            self._last_failure = None

    def disarm(self) -> None:
        """Cards belong to nobody: they are read and dropped."""
        with self._lock:
            self._visit = None
            self._last_card = None

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        retry_s = _FIRST_RETRY_S
        while not self._stopping.is_set():
            opened_at = time.monotonic()
            try:
                self._open()
                self._announce(None)
                self._listen()
            except _PORT_ERRORS as error:
                self._close()
                self._announce(_why(self._address, error))
            if time.monotonic() - opened_at > _LONGEST_RETRY_S:
                retry_s = _FIRST_RETRY_S  # it was well for a while; a port that flaps keeps its longer pause
            self._stopping.wait(retry_s)
            retry_s = min(retry_s * 2, _LONGEST_RETRY_S)
        self._close()

    def _open(self) -> None:
        address = self._address
        port = serial.Serial(
            address.device,
            baudrate=address.baudrate,
            bytesize=address.bytesize,
            parity=address.parity,
            stopbits=address.stopbits,
            timeout=0,
            write_timeout=1,
            exclusive=True,
        )
        with self._lock:
            # What waited in the device since before it was opened is nobody's card.
            self._port = port
            self._decoder.reset()
            self._drain()

    def _close(self) -> None:
        with self._lock:
            port, self._port = self._port, None
            self._decoder.reset()
            if port is not None:
                # Closing a device that is gone may fail; it is closed all the same.
                try:
                    port.close()
                except _PORT_ERRORS:
                    return

    def _listen(self) -> None:
        port = self._port
        if port is None:
            return
        descriptor = port.fileno()
        identity_at = time.monotonic() + _IDENTITY_S
        while not self._stopping.is_set():
            ready, _, _ = select.select([descriptor], [], [], _WAIT_S)
            with self._lock:
                if not ready:
                    # Silence is counted only while the line was watched and nothing came, so that a stalled machine
                    # does not cut a frame whose bytes were waiting in the buffer.
                    self._idle_s += _WAIT_S
                data = port.read(_READ_BYTES) if ready else b""
                events = self._to_events(self._decoder.feed(data, self._idle_s))
            for event in events:
                self._post(event)
            if time.monotonic() >= identity_at:
                identity_at = time.monotonic() + _IDENTITY_S
                self._require_same_device(descriptor)

    def _require_same_device(self, descriptor: int) -> None:
        if not os.path.samestat(Path(self._address.device).stat(), os.fstat(descriptor)):
            raise OSError("the device's name now means another device")

    def _drain(self) -> None:
        """Drop all that has come; what is left of the frame on its way will be dropped too. Needs the lock."""
        port = self._port
        if port is None:
            return
        try:
            for _ in range(_MAX_DRAIN_READS):
                ready, _, _ = select.select([port.fileno()], [], [], _DRAIN_S)
                if not ready:
                    break
                self._decoder.feed(port.read(_READ_BYTES), self._idle_s)
            else:
                port.reset_input_buffer()
        except _PORT_ERRORS:
            return  # the thread meets the same error at its next read and says so
        self._decoder.abandon()

    # --- what it means ------------------------------------------------------------------------------------------------

    def _to_events(self, frames: list[bytes | BadFrame]) -> list[CardEvent]:
        """The events to post for `frames`. Needs the lock."""
        if self._visit is None:
            return []
        now = time.monotonic()
        events = [event for frame in frames if (event := self._event(frame, self._visit, now)) is not None]
        events = events[: _MAX_EVENTS_PER_ARM - self._posted]
        self._posted += len(events)
        return events

    def _event(self, frame: bytes | BadFrame, visit: int, now: float) -> CardEvent | None:
        number = None if isinstance(frame, BadFrame) else number_of(frame, self._pattern)
        if number is None:
            again = self._last_failure is not None and now - self._last_failure < _SAME_FAILURE_S
            self._last_failure = now
            return None if again else CardUnreadable(visit, now)
        if self._last_card is not None:
            same, at = self._last_card
            if same == number and now - at < _SAME_CARD_S:
                return None
        self._last_card = (number, now)
        return CardRead(visit, number, now)

    def _announce(self, message: str | None) -> None:
        up = message is None
        if self._up is not up and not self._stopping.is_set():
            self._up = up
            self._post(ReaderUp() if message is None else ReaderDown(message))


def _why(address: SerialAddress, error: BaseException) -> str:
    number = getattr(error, "errno", None)
    reason = os.strerror(number) if isinstance(number, int) else "no longer there"
    return f"card reader {address.device}: {reason}"
