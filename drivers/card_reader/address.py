"""`serial:///dev/ttyS0?baudrate=9600&bytesize=8&parity=N&stopbits=1` to its parts.

Owns the spelling of a card reader's address. Must never open anything.
"""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from drivers.bad_address import BadAddress
from drivers.serial_settings import SerialSettings

# Rates that both the kernel and the readers' manuals know; another one is a slip of the pen, not a wish.
BAUDRATES = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
_EXPECTED = "expected serial:///dev/ttyS0?baudrate=9600 (further: &bytesize=8&parity=N&stopbits=1)"
_MAX_LENGTH = 1024


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
