"""A printer on a serial line or a USB-serial adapter.

Owns one pyserial port, exclusively. Must never let a write hang: pyserial and the kernel wait for ever for a printer
that has dropped CTS.
"""

import contextlib
import select
import termios

import serial

from drivers.printer.address import SerialAddress
from drivers.printer.transport.wire import WireLost

_CHUNK_BYTES = 256
_RECEIVE_BYTES = 4096
# SerialException is an OSError; a port whose device is gone answers some calls with termios.error, which is not.
_TROUBLE = (OSError, termios.error)


class SerialWire:
    """An open port: 8 data bits, 1 stop bit, the rest as the address says."""

    keeps_state = True

    def __init__(self, address: SerialAddress) -> None:
        """Open and lock the port, or raise WireLost."""
        try:
            self._port = serial.Serial(
                port=str(address.device),
                baudrate=address.baudrate,
                parity=address.parity,
                xonxoff=address.flow == "xonxoff",
                rtscts=address.flow == "rtscts",
                timeout=0,
                # 0 makes write() hand over what fits and return; select says first that something fits.
                write_timeout=0,
                exclusive=True,
            )
        except (*_TROUBLE, ValueError):
            raise WireLost from None
        with contextlib.suppress(*_TROUBLE):
            # Answers that a slow printer gave to an earlier connection are not answers to this one.
            self._port.reset_input_buffer()

    def send(self, data: bytes, wait_s: float) -> int:
        try:
            if not select.select([], [self._port.fileno()], [], wait_s)[1]:
                return 0
            # Small chunks: on a line that is nearly full a large one would spin inside pyserial.
            return self._port.write(data[:_CHUNK_BYTES]) or 0
        except serial.SerialTimeoutException:
            return 0
        except _TROUBLE:
            raise WireLost from None

    def receive(self, wait_s: float) -> bytes:
        try:
            if not select.select([self._port.fileno()], [], [], wait_s)[0]:
                return b""
            return bytes(self._port.read(_RECEIVE_BYTES))
        except _TROUBLE:
            raise WireLost from None

    def unsent(self) -> int:
        try:
            return self._port.out_waiting
        except _TROUBLE:
            raise WireLost from None

    def close(self, *, abandon: bool) -> None:
        with contextlib.suppress(*_TROUBLE):
            if abandon:
                # Without this close() itself waits up to 30 s for a stalled line (the kernel's closing_wait).
                self._port.reset_output_buffer()
        with contextlib.suppress(*_TROUBLE):
            self._port.close()
