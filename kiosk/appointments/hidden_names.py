"""The hidden names of files in the import folder that the kiosk has taken; they tell a later start how far each came.

Owns their pattern. Anybody may write to that folder: a name is ours only if it is exactly as we make them, and another
hidden one is left alone. Every name that a version before this one gave must match.
"""

from __future__ import annotations

import os
import re
import uuid
from typing import Final

TAKEN, DONE, FAILED = ".kiosk-taken-", ".kiosk-done-", ".kiosk-failed-"
# Eight characters of a uuid and a hyphen. The last of the eight is another once an import was begun, and begun again;
# the first, where the file was written to after an import of it had ended.
_BEGUN: Final = "xy"
_AGAIN: Final = "z"
_OURS: Final = re.compile(
    rf"(\.kiosk-(?:taken|done|failed)-)([0-9a-f{_AGAIN}][0-9a-f]{{6}})([0-9a-f{_BEGUN}])-(.*\.(?i:csv))", re.DOTALL
)
BEGUN_MAX: Final = len(_BEGUN)
_MAX_NAME_BYTES: Final = 180


def is_ours(name: str) -> bool:
    """Whether it is a name of a file that was taken."""
    return _OURS.fullmatch(name) is not None


def taken(original: str, *, again: bool = False) -> str:
    """A new name for a file that is taken; `again`: an import of it has ended."""
    random = uuid.uuid4().hex
    return f"{TAKEN}{_AGAIN if again else random[0]}{random[1:8]}-{_shortened(original)}"


def may_be_imported(name: str) -> bool:
    """Whether an import of the file may have ended: one did, or one was begun by a process that ended."""
    return begun(name) > 0 or _parts(name)[1].startswith(_AGAIN)


def begun(name: str) -> int:
    """How many imports of it were begun and did not end."""
    return _BEGUN.find(_parts(name)[2]) + 1


def begun_again(name: str) -> str:
    """Its name while an import is under way."""
    mark, first, _, original = _parts(name)
    return f"{mark}{first}{_BEGUN[begun(name)]}-{original}"


def original(name: str) -> str:
    """What it was called when it was put there."""
    return _parts(name)[3]


def _parts(name: str) -> tuple[str, str, str, str]:
    found = _OURS.fullmatch(name)
    if found is None:
        raise ValueError("not a name of ours")
    return found[1], found[2], found[3], found[4]


def _shortened(name: str) -> str:
    """`name`, if need be without its end, so that a mark and a time fit in front of it."""
    raw = os.fsencode(name)
    if len(raw) <= _MAX_NAME_BYTES:
        return name
    return raw[: _MAX_NAME_BYTES - 4].decode("utf-8", errors="ignore") + ".csv"
