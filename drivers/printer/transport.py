"""The four ways to a printer: a file, a serial line, TCP (normally port 9100) and USB.

Owns one open connection each. Must never know what the bytes mean, or block longer than the caller allows.
"""

import contextlib
import errno
import fcntl
import os
import select
import socket
import stat
import struct
import termios
from typing import Any, Protocol

import serial
import usb.core
import usb.util

from drivers.printer.address import FileAddress, PrinterAddress, SerialAddress, TcpAddress, UsbAddress
from drivers.resolve import resolve

CONNECT_S = 5.0
PRINTER_CLASS = 7
_RECEIVE_BYTES = 4096
_CHUNK_BYTES = 4096
_SERIAL_CHUNK_BYTES = 256
# SerialException is an OSError; a port whose device is gone answers some calls with termios.error, which is not.
_SERIAL_TROUBLE = (OSError, termios.error)
# NotImplementedError: a libusb without kernel drivers to detach; ValueError: a descriptor that makes no sense.
_USB_TROUBLE = (usb.core.USBError, usb.core.NoBackendError, NotImplementedError, ValueError)


class WireLost(Exception):
    """The device is not there, or not any more. It carries no text: what was sent belongs to a patient."""


class Wire(Protocol):
    """One open connection. No call blocks longer than its `wait_s`."""

    keeps_state: bool
    """Whether a half sent job is still half sent for the next connection (serial, USB, device files)."""

    def send(self, data: bytes, wait_s: float) -> int:
        """Hand over the beginning of `data`; bytes taken, 0 when none was within `wait_s`. Raises WireLost."""

    def receive(self, wait_s: float) -> bytes:
        """What was sent to us, b"" when nothing was within `wait_s`. Raises WireLost, also when the far side closed."""

    def unsent(self) -> int:
        """Bytes taken by `send` that have not reached the device yet; 0 where this cannot be known."""

    def close(self, *, abandon: bool) -> None:
        """Let go at once. `abandon`: throw away what is unsent, so that no slip comes out when its patient is gone."""


def connect(address: PrinterAddress) -> Wire:
    """A new connection to `address`, or WireLost, within a bounded time."""
    match address:
        case TcpAddress():
            return TcpWire(address)
        case SerialAddress():
            return SerialWire(address)
        case UsbAddress():
            return UsbWire(address)
        case FileAddress():
            return FileWire(address)


class FileWire:
    """/dev/usb/lp0, or a regular file that jobs are appended to. usblp and files give no answers we could trust.

    Opened at the first byte, so that asking for the status creates nothing; never makes a folder.
    """

    def __init__(self, address: FileAddress) -> None:
        """Raises WireLost when the folder is missing or the path is a folder."""
        self._path = address.path
        self._descriptor: int | None = None
        try:
            kind = self._path.stat().st_mode
        except FileNotFoundError:
            kind = stat.S_IFREG if self._path.parent.is_dir() else 0
        except OSError:
            kind = 0
        if kind == 0 or stat.S_ISDIR(kind):
            raise WireLost
        self.keeps_state = not stat.S_ISREG(kind)

    def send(self, data: bytes, wait_s: float) -> int:
        try:
            if self._descriptor is None:
                # 0600: a slip names a patient number. NONBLOCK: a device that is busy must not hang the open.
                flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
                # A device may have another name, a file may not: who plants a link chooses what is written to.
                flags |= 0 if self.keeps_state else os.O_CREAT | os.O_NOFOLLOW
                self._descriptor = os.open(self._path, flags, 0o600)
                if self.keeps_state and stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                    self.close(abandon=True)
                    raise WireLost
            if not select.select([], [self._descriptor], [], wait_s)[1]:
                return 0
            return os.write(self._descriptor, data[:_CHUNK_BYTES])
        except BlockingIOError:
            return 0
        except OSError:
            raise WireLost from None

    def receive(self, wait_s: float) -> bytes:
        return b""

    def unsent(self) -> int:
        return 0

    def close(self, *, abandon: bool) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None


class SerialWire:
    """A serial line or a USB-serial adapter, for us alone: 8 data bits, 1 stop bit, the rest as the address says.

    Must never let a write hang: pyserial and the kernel wait for ever for a printer that has dropped CTS.
    """

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
        except (*_SERIAL_TROUBLE, ValueError):
            raise WireLost from None
        with contextlib.suppress(*_SERIAL_TROUBLE):
            # Answers that a slow printer gave to an earlier connection are not answers to this one.
            self._port.reset_input_buffer()

    def send(self, data: bytes, wait_s: float) -> int:
        try:
            if not select.select([], [self._port.fileno()], [], wait_s)[1]:
                return 0
            # Small chunks: on a line that is nearly full a large one would spin inside pyserial.
            return self._port.write(data[:_SERIAL_CHUNK_BYTES]) or 0
        except serial.SerialTimeoutException:
            return 0
        except _SERIAL_TROUBLE:
            raise WireLost from None

    def receive(self, wait_s: float) -> bytes:
        try:
            if not select.select([self._port.fileno()], [], [], wait_s)[0]:
                return b""
            return bytes(self._port.read(_RECEIVE_BYTES))
        except _SERIAL_TROUBLE:
            raise WireLost from None

    def unsent(self) -> int:
        try:
            return self._port.out_waiting
        except _SERIAL_TROUBLE:
            raise WireLost from None

    def close(self, *, abandon: bool) -> None:
        with contextlib.suppress(*_SERIAL_TROUBLE):
            if abandon:
                # Without this close() itself waits up to 30 s for a stalled line (the kernel's closing_wait).
                self._port.reset_output_buffer()
        with contextlib.suppress(*_SERIAL_TROUBLE):
            self._port.close()


class TcpWire:
    """A connected socket with TCP_NODELAY: without it an answer to DLE EOT waits up to 300 ms for Nagle."""

    keeps_state = False

    def __init__(self, address: TcpAddress, connect_s: float = CONNECT_S) -> None:
        """Connect, or raise WireLost within about twice `connect_s` (looking the name up, connecting)."""
        try:
            places = resolve(address.host, address.port, connect_s)
        except OSError:
            raise WireLost from None
        # Printers speak IPv4; "localhost" lists ::1 first, and only one place is tried.
        family, where = min(places, key=lambda place: place[0] != socket.AF_INET)
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(connect_s)
            self._socket.connect(where)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setblocking(False)
        except OSError:
            self._socket.close()
            raise WireLost from None

    def send(self, data: bytes, wait_s: float) -> int:
        if not select.select([], [self._socket], [], wait_s)[1]:
            return 0
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            raise WireLost from None

    def receive(self, wait_s: float) -> bytes:
        if not select.select([self._socket], [], [], wait_s)[0]:
            return b""
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            raise WireLost from None
        if not data:
            raise WireLost
        return data

    def unsent(self) -> int:
        """Not acknowledged by the far side (SIOCOUTQ): a send that succeeds only fills our own kernel's buffer."""
        try:
            answer = fcntl.ioctl(self._socket, termios.TIOCOUTQ, b"\0" * 4)
        except OSError:
            raise WireLost from None
        return int(struct.unpack("i", answer)[0])

    def close(self, *, abandon: bool) -> None:
        with contextlib.suppress(OSError):
            if abandon:
                # Linger 0: the kernel forgets the data; else it would go on for minutes and print a dead slip.
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self._socket.shutdown(socket.SHUT_WR)
                # An answer left unread would turn our close into a reset, and a reset may cost the printer the job.
                self._socket.recv(_RECEIVE_BYTES)
        self._socket.close()


class UsbWire:
    """The first interface with bulk endpoints both ways, of the printer class if there is one.

    Must never reset a device that is configured already, and must give the interface back.
    """

    keeps_state = True

    def __init__(self, address: UsbAddress, backend: Any = None) -> None:
        """Find, detach from the kernel's usblp and claim, or raise WireLost. `backend` as in `usb.core.find`."""
        try:
            device = usb.core.find(idVendor=address.vendor, idProduct=address.product, backend=backend)
        except _USB_TROUBLE:
            raise WireLost from None
        if device is None:
            raise WireLost
        self._device: Any = device
        try:
            self._interface, self._out, self._in = _endpoints(device)
            with contextlib.suppress(NotImplementedError):
                if device.is_kernel_driver_active(self._interface):
                    device.detach_kernel_driver(self._interface)
            usb.util.claim_interface(device, self._interface)
        except _USB_TROUBLE:
            usb.util.dispose_resources(device)
            raise WireLost from None
        except WireLost:
            usb.util.dispose_resources(device)
            raise

    def send(self, data: bytes, wait_s: float) -> int:
        try:
            return int(self._out.write(data[:_CHUNK_BYTES], timeout=_milliseconds(wait_s)))
        except usb.core.USBError as trouble:
            return len(_nothing(trouble))

    def receive(self, wait_s: float) -> bytes:
        try:
            # A whole packet at least: libusb reports an overflow when a device sends more than was asked for.
            return bytes(self._in.read(self._in.wMaxPacketSize, timeout=_milliseconds(wait_s)))
        except usb.core.USBError as trouble:
            return _nothing(trouble)

    def unsent(self) -> int:
        return 0

    def close(self, *, abandon: bool) -> None:
        with contextlib.suppress(*_USB_TROUBLE):
            usb.util.release_interface(self._device, self._interface)
        with contextlib.suppress(*_USB_TROUBLE):
            usb.util.dispose_resources(self._device)


def _endpoints(device: Any) -> tuple[int, Any, Any]:
    """Interface number, bulk OUT, bulk IN."""
    try:
        configuration = device.get_active_configuration()
    except usb.core.USBError:
        # Only a device that has no configuration gets one: setting it again resets the printer.
        device.set_configuration()
        configuration = device.get_active_configuration()
    for interface in sorted(configuration, key=lambda one: bool(one.bInterfaceClass != PRINTER_CLASS)):
        if interface.bAlternateSetting != 0:
            continue
        bulk = [one for one in interface if usb.util.endpoint_type(one.bmAttributes) == usb.util.ENDPOINT_TYPE_BULK]
        directions = {usb.util.endpoint_direction(one.bEndpointAddress): one for one in reversed(bulk)}
        if len(directions) == 2:
            return (
                int(interface.bInterfaceNumber),
                directions[usb.util.ENDPOINT_OUT],
                directions[usb.util.ENDPOINT_IN],
            )
    raise WireLost


def _milliseconds(wait_s: float) -> int:
    # 0 means "for ever" to libusb.
    return max(1, int(wait_s * 1000))


def _nothing(trouble: usb.core.USBError) -> bytes:
    if isinstance(trouble, usb.core.USBTimeoutError) or trouble.errno == errno.ETIMEDOUT:
        return b""
    raise WireLost from None
