"""The settings of a serial line, as they stand behind the `?` of an address: `baudrate=9600&parity=N`.

Owns their spelling, for every driver of a serial device; each says which settings it has. Must never open anything.
"""

from difflib import get_close_matches
from typing import TypeVar
from urllib.parse import parse_qsl

from drivers.bad_address import BadAddress

_FIELDS_MAX = 8
T = TypeVar("T", bound=int | str)


class SerialSettings:
    """`known`: the settings there are; `expected`: an address, for whoever types one. Raises BadAddress."""

    def __init__(self, query: str, known: tuple[str, ...], expected: str) -> None:
        self._settings: dict[str, str] = {}
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=_FIELDS_MAX)
        except ValueError as error:
            raise BadAddress("not_a_url", str(error), expected) from None
        for key, value in pairs:
            if key not in known:
                why, setting = f"unknown setting {key!r}", repr(key)
                for name in get_close_matches(key, known, 1):
                    raise BadAddress("serial_near", f"{why}, perhaps {name}", expected, setting=setting, name=name)
                raise BadAddress("serial_setting", why, expected, setting=setting)
            if key in self._settings:
                raise BadAddress("serial_twice", f"{key} is given twice", expected, key=key)
            self._settings[key] = value

    def one_of(self, key: str, default: T, allowed: tuple[T, ...]) -> T:
        """The value of `key`, without regard to case."""
        text = self._settings.get(key, str(default))
        for value in allowed:
            if str(value).casefold() == text.casefold():
                return value
        options = ", ".join(map(str, allowed))
        # The value is not repeated: what was typed into the wrong place may be a password.
        raise BadAddress("serial_choice", f"{key} must be one of {options}", key=key, allowed=options)
