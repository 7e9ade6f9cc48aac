"""`serial:///dev/ttyS0?baudrate=9600&bytesize=8&parity=N&stopbits=1` to its parts.

Owns the spelling of a card reader's address. Must never open anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import parse_qsl, unquote, urlsplit

from drivers.bad_address import BadAddress

# Rates that both the kernel and the readers' manuals know; another one is a slip of the pen, not a wish.
BAUDRATES = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
_KEYS = ("baudrate", "bytesize", "parity", "stopbits")
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
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True) if parts.query else []
    except ValueError as error:
        raise BadAddress("not_a_url", str(error), _EXPECTED) from None
    if parts.scheme != "serial":
        raise BadAddress("reader_scheme", "the address must begin with serial://", _EXPECTED)
    if parts.netloc or parts.fragment:
        raise BadAddress("reader_slashes", "a device is a path after three slashes", _EXPECTED)
    device = unquote(parts.path)
    if not device.startswith("/") or device.endswith("/") or not device.isprintable():
        raise BadAddress("reader_device", "the device must be an absolute path such as /dev/ttyS0", _EXPECTED)
    settings = _settings(query)
    return SerialAddress(
        device,
        baudrate=_choice(settings, "baudrate", 9600, BAUDRATES),
        bytesize=_choice(settings, "bytesize", 8, (7, 8)),
        parity=_parity(settings),
        stopbits=_choice(settings, "stopbits", 1, (1, 2)),
    )


def _settings(query: list[tuple[str, str]]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for key, value in query:
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, 1)
            if near:
                why = f"unknown setting {key!r}, perhaps {near[0]}"
                raise BadAddress("reader_setting_perhaps", why, _EXPECTED, setting=repr(key), name=near[0])
            raise BadAddress("reader_setting", f"unknown setting {key!r}", _EXPECTED, setting=repr(key))
        if key in settings:
            raise BadAddress("reader_twice", f"{key} is given twice", _EXPECTED, key=key)
        settings[key] = value
    return settings


def _choice(settings: Mapping[str, str], key: str, default: int, allowed: tuple[int, ...]) -> int:
    text = settings.get(key, str(default))
    if text not in {str(value) for value in allowed}:
        options = ", ".join(map(str, allowed))
        why = f"{key} must be one of {options}, not {text!r}"
        raise BadAddress("reader_choice", why, key=key, allowed=options, value=repr(text))
    return int(text)


def _parity(settings: Mapping[str, str]) -> str:
    parity = settings.get("parity", "N").upper()
    if parity not in {"N", "E", "O"}:
        raise BadAddress("reader_parity", f"parity must be N, E or O, not {parity!r}", value=repr(parity))
    return parity
