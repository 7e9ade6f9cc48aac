"""Names, passwords and PINs of accounts: what is wrong with a new one, and passwords that the program makes.

Must never repeat a password or PIN in a message.
"""

from __future__ import annotations

import secrets
import unicodedata
from typing import Final

from kiosk.process import pins
from kiosk.words.problems import Problem

# Guideline 6.0 of the Ministry of Health (system operation): 13 characters or more need no change now and then.
LEAST: Final = 13
MOST: Final = 128
NAME_MOST: Final = 32
_LEAST_DIFFERENT: Final = 5
_NAME_MARKS: Final = ".-_"
# Without 0 1 i l o: it is written on paper and typed again.
_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"


def normal_name(name: str) -> str:
    """The one spelling of a name: full-width and capital letters are none of their own."""
    # A form can hold half a pair of surrogates, which no database takes.
    whole = name.encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFKC", whole).casefold().strip()


def name_fault(name: str) -> Problem | None:
    """What is wrong with `name`, as `normal_name` gives it, for a new account. Japanese letters may be in it."""
    if not 1 <= len(name) <= NAME_MOST or not all(each.isalnum() or each in _NAME_MARKS for each in name):
        return Problem("desk_user.unfit_name", {"most": NAME_MOST, "marks": _NAME_MARKS})
    return None


def normal_password(password: str) -> str:
    """What is hashed: the same keys give the same password on every keyboard and system."""
    return unicodedata.normalize("NFKC", password)


def password_fault(password: str, name: str) -> Problem | None:
    """What is wrong with `password`, as `normal_password` gives it, as a new one for `name`."""
    if not LEAST <= len(password) <= MOST:
        return Problem("new_password.length", {"least": LEAST, "most": MOST})
    if len(set(password)) < _LEAST_DIFFERENT or (len(name) > 2 and name in password.casefold()):
        return Problem("new_password.weak")
    return None


def pin_fault(pin: str) -> Problem | None:
    """What is wrong with `pin` as a new one for the idle lock."""
    if not pins.fits(pin):
        return Problem("idle_pin.digits", {"least": pins.MIN_DIGITS, "most": pins.MAX_DIGITS})
    if pins.is_weak(pin):
        return Problem("idle_pin.weak")
    return None


def made() -> str:
    """A first password: 16 letters in groups, 79 bits."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(16))
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))
