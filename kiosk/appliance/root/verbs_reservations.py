"""The verb that rebuilds the reservations from their backup.

Owns the answers to it. Must never pass on a line of the command that is none of its answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kiosk.appliance.machine.places import Places
from kiosk.appliance.site import outcomes

# A large database is copied and checked, and exports are imported again.
_RESTORE_S: Final = 240.0


def restore(places: Places) -> Iterator[dict[str, Any]]:
    """The old database is put aside, whatever is wrong with it. `well` False: a person must still import something."""
    if not places.site_file.is_file():
        yield {"ok": False, "reason": "no_site"}
        return
    command = ("reservations", "restore", "--json", "--config", str(places.site_file))
    done = places.as_kiosk(*command, limit_s=_RESTORE_S)
    found = outcomes.answers_in(done.out)
    if any(each.code.startswith("restored.") for each in found) and done.code in (0, 1):
        yield from ({"line": outcomes.in_japanese(each)} for each in found)
        yield {"ok": True, "well": done.code == 0}
    else:
        why = outcomes.why(found, done, _RESTORE_S, "command.not_restored")
        yield {"ok": False, "reason": "failed", "text": outcomes.in_japanese(why)}
