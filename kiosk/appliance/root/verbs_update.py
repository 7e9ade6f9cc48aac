"""The verbs that change what is installed: updates, the way back, and the USB installer.

Owns the comparison of a name from the screen with the last list. Must never pass on a name that is not in it.
"""

from __future__ import annotations

from dataclasses import asdict

from kiosk.appliance.machine.places import Places
from kiosk.appliance.root.verb import CONFIRMED, Answer, Answers, Request, refuse
from kiosk.appliance.update import bundle_sources, bundles, installer, update
from kiosk.appliance.words import line, worded


class Updates:
    """Remembers the last lists."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._bundles: frozenset[str] = frozenset()
        self._disks: frozenset[str] = frozenset()

    def list_bundles(self, request: Request) -> Answers:
        """What could be installed."""
        found = bundle_sources.list_bundles(self._places)
        self._bundles = frozenset(bundle.name for bundle in found)
        yield {"ok": True, "bundles": [asdict(bundle) for bundle in found]}

    def install(self, request: Request) -> Answers:
        """Install what was listed as `name`; the machine goes on with the old version until it is restarted."""
        name = request.get("name")
        if not isinstance(name, str) or name not in self._bundles:
            yield refuse("unknown")
            return
        for step in update.install(name, self._places):
            match step:
                case update.Progress(percent):
                    yield {"progress": percent}
                case _:
                    yield _last(step)

    def previous(self, request: Request) -> Answers:
        """Start the version in the other slot, now."""
        yield _last(update.start_previous(self._places))

    def disks(self, request: Request) -> Answers:
        """The disks that this stick could be installed to; none on an installed machine."""
        if not self._places.is_installer:
            yield refuse("not_installing")
            return
        found = installer.disks(self._places)
        self._disks = frozenset(disk.name for disk in found)
        yield {"ok": True, "disks": [asdict(disk) for disk in found]}

    def write_disk(self, request: Request) -> Answers:
        """Overwrite the disk that was listed as `name`."""
        name = request.get("name")
        if not self._places.is_installer or request.get("confirmed") != CONFIRMED:
            yield refuse("not_confirmed" if self._places.is_installer else "not_installing")
            return
        if not isinstance(name, str) or name not in self._disks:
            yield refuse("unknown")
            return
        try:
            for percent in installer.write(self._places, name):
                yield {"progress": percent}
        except installer.NotInstalled as error:
            yield refuse("failed", text=worded(error.problem))
            return
        yield {"ok": True}


def _last(step: update.Done | bundles.Refused) -> Answer:
    match step:
        case bundles.Refused(reason):
            return refuse(reason, text=line(f"reasons.{reason}"))
        case update.Done(version, slot):
            return {"ok": True, "version": version, "slot": slot}
