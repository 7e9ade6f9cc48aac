"""The verb that begins the reservations anew from their backup.

Owns the answers to it. What the command says is shown in Japanese; a line that is no sentence of ours is not shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kiosk.appliance.machine.places import Places
from kiosk.words.sentences import import_in_japanese

# A large database is copied and checked, and exports are imported again.
_RESTORE_S: Final = 240.0


def restore(places: Places) -> Iterator[dict[str, Any]]:
    """The old database is put aside, whatever is wrong with it. `well` False: a person must still import something."""
    if not places.site_file.is_file():
        yield {"ok": False, "reason": "no_site"}
        return
    done = places.as_kiosk("reservations", "restore", "--config", str(places.site_file), limit_s=_RESTORE_S)
    said = [import_in_japanese(line) for line in done.out.decode("utf-8", "replace").splitlines()]
    rows = [row for row in said if row]
    yield from ({"line": row} for row in rows)
    if rows and done.code in (0, 1):
        yield {"ok": True, "well": done.code == 0}
        return
    last = (done.err.strip().splitlines() or [""])[-1]
    yield {"ok": False, "reason": "failed", "text": import_in_japanese(last) or f"復元できませんでした（{done.code}）"}
