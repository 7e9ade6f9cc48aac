"""The four ways to a printer: TCP, serial, USB and a file.

Owns the choice of the way. Each module owns one; none knows ESC/POS.
"""

from collections.abc import Callable
from typing import assert_never

from drivers.printer.address import FileAddress, PrinterAddress, SerialAddress, TcpAddress, UsbAddress
from drivers.printer.transport.file import FileWire
from drivers.printer.transport.serial_port import SerialWire
from drivers.printer.transport.tcp import TcpWire
from drivers.printer.transport.usb_bulk import UsbWire
from drivers.printer.transport.wire import Wire, WireLost

__all__ = ["Wire", "WireLost", "connector"]


def connector(address: PrinterAddress) -> Callable[[], Wire]:
    """A function that opens a new connection to `address`, or raises WireLost, within a bounded time."""

    def connect() -> Wire:
        match address:
            case TcpAddress():
                return TcpWire(address)
            case SerialAddress():
                return SerialWire(address)
            case UsbAddress():
                return UsbWire(address)
            case FileAddress():
                return FileWire(address)
            case _:
                assert_never(address)

    return connect
