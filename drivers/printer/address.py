"""Where a printer is: the URL of site.toml → a frozen address.

Owns the URL grammar. Must never open anything, and its messages say what was expected, for the person who types it.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from drivers.bad_address import BadAddress
from drivers.serial_settings import SerialSettings

BAUDRATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
_USB = re.compile(r"usb:([0-9A-Fa-f]{4}):([0-9A-Fa-f]{4})")
_URL_MAX = 1024
_SERIAL_EXAMPLE = "serial:///dev/ttyUSB0?baudrate=115200&parity=N&flow=none"

Parity = Literal["N", "E", "O"]
Flow = Literal["none", "xonxoff", "rtscts"]


@dataclass(frozen=True)
class TcpAddress:
    """`tcp://host:port`; the port every maker uses, 9100, may be left out."""

    host: str
    port: int


@dataclass(frozen=True)
class SerialAddress:
    """`serial:///dev/ttyUSB0?baudrate=115200&parity=N&flow=none`: always 8 data bits, because raster needs them."""

    device: Path
    baudrate: int
    parity: Parity
    flow: Flow


@dataclass(frozen=True)
class UsbAddress:
    """`usb:04b8:0202`: vendor and product in four hexadecimal digits each, as `lsusb` prints them."""

    vendor: int
    product: int


@dataclass(frozen=True)
class FileAddress:
    """`file:///path`: a device such as /dev/usb/lp0, or a regular file that jobs are appended to."""

    path: Path


PrinterAddress = TcpAddress | SerialAddress | UsbAddress | FileAddress


def parse_url(url: str) -> PrinterAddress:
    """Read `tcp://host:port`, `serial:///dev/…?baudrate=…`, `usb:vvvv:pppp` or `file:///path`; raises BadAddress."""
    if len(url) > _URL_MAX or any(ord(c) < 0x20 or c.isspace() for c in url):
        raise BadAddress(
            "printer_characters", "a printer URL has no blanks or control characters and at most 1024 characters"
        )
    if url.lower().startswith("usb:"):
        return _usb(url)
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what makes urllib check it
    except ValueError as bad:
        raise BadAddress("not_a_url", f"not a URL: {bad}") from None
    if parts.username is not None or parts.fragment:
        raise BadAddress("printer_user", "a printer URL has no user, password or fragment")
    match parts.scheme:
        case "tcp":
            return _tcp(parts)
        case "serial":
            return _serial(parts)
        case "file":
            return _file(parts)
    raise BadAddress(
        expected="expected tcp://host:port, serial:///dev/ttyUSB0?baudrate=115200, usb:04b8:0202 or file:///path"
    )


def _usb(url: str) -> UsbAddress:
    found = _USB.fullmatch(url)
    if found is None:
        raise BadAddress(
            expected="expected usb:vendor:product in hexadecimal as lsusb prints them, such as usb:04b8:0202"
        )
    return UsbAddress(vendor=int(found[1], 16), product=int(found[2], 16))


def _tcp(parts: SplitResult) -> TcpAddress:
    if not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise BadAddress(expected="expected tcp://host:port, such as tcp://192.0.2.30:9100")
    if parts.port == 0:
        raise BadAddress("printer_port", "a TCP port is 1 to 65535")
    return TcpAddress(host=parts.hostname, port=9100 if parts.port is None else parts.port)


def _serial(parts: SplitResult) -> SerialAddress:
    device = _absolute(parts, _SERIAL_EXAMPLE)
    settings = SerialSettings(parts.query, ("baudrate", "parity", "flow"), f"expected {_SERIAL_EXAMPLE}")
    return SerialAddress(
        device=device,
        baudrate=settings.one_of("baudrate", 115200, BAUDRATES),
        parity=settings.one_of("parity", "N", ("N", "E", "O")),
        flow=settings.one_of("flow", "none", ("none", "xonxoff", "rtscts")),
    )


def _file(parts: SplitResult) -> FileAddress:
    if parts.query:
        raise BadAddress("file_settings", "a file:// printer has no settings after '?'")
    return FileAddress(path=_absolute(parts, "file:///path"))


def _absolute(parts: SplitResult, example: str) -> Path:
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/") or parts.path.endswith("/"):
        raise BadAddress(expected=f"expected a whole path after three slashes: {example}")
    text = unquote(parts.path)
    if "\0" in text:
        raise BadAddress("path_nul", "a path holds no NUL")
    return Path(text)
