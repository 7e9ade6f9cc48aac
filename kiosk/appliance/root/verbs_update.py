"""The verbs that change what is installed: updates, the way back, and the USB installer.

Owns the comparing of a name from the screen with the list that was made last. Must never pass on a name that was not in
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from kiosk.appliance.machine.places import Places
from kiosk.appliance.update import bundle_sources, bundles, installer, update

Answers = Iterator[dict[str, Any]]


class Updates:
    """Remembers what was listed."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._bundles: frozenset[str] = frozenset()
        self._disks: frozenset[str] = frozenset()

    def list_bundles(self) -> Answers:
        """What could be installed."""
        found = bundle_sources.list_bundles(self._places)
        self._bundles = frozenset(bundle.name for bundle in found)
        yield {"ok": True, "bundles": [asdict(bundle) for bundle in found]}

    def install(self, name: object) -> Answers:
        """Install what was listed as `name`; the machine goes on with the old version until it is restarted."""
        if not isinstance(name, str) or name not in self._bundles:
            yield {"ok": False, "reason": "unknown"}
            return
        for step in update.install(name, self._places):
            match step:
                case update.Progress(percent):
                    yield {"progress": percent}
                case _:
                    yield _last(step)

    def previous(self) -> Answers:
        """Start the version in the other slot, now."""
        yield _last(update.start_previous(self._places))

    def disks(self) -> Answers:
        """The disks that this stick could be installed to; none on an installed machine."""
        if not self._installing():
            yield {"ok": False, "reason": "not_installing"}
            return
        found = installer.disks(self._places)
        self._disks = frozenset(disk.name for disk in found)
        yield {"ok": True, "disks": [asdict(disk) for disk in found]}

    def write_disk(self, name: object, confirmed: object) -> Answers:
        """Overwrite the disk that was listed as `name`."""
        if not self._installing() or confirmed != 2:
            yield {"ok": False, "reason": "not_confirmed" if self._installing() else "not_installing"}
            return
        if not isinstance(name, str) or name not in self._disks:
            yield {"ok": False, "reason": "unknown"}
            return
        try:
            for percent in installer.write(self._places, name):
                yield {"progress": percent}
        except installer.NotInstalled as error:
            yield {"ok": False, "reason": "failed", "text": str(error)}
            return
        yield {"ok": True}

    def _installing(self) -> bool:
        return self._places.on_cmdline("kiosk.installer") is not None


def _last(step: update.Done | bundles.Refused) -> dict[str, Any]:
    match step:
        case bundles.Refused(reason):
            return {"ok": False, "reason": reason, "text": update.sentence(reason)}
        case update.Done(version, slot):
            return {"ok": True, "version": version, "slot": slot}
