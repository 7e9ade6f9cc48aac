"""The figures as a file in a folder of the hospital, for the textfile collector of Prometheus' node_exporter.

Owns the two names it writes there. A reader sees a whole file or, for an instant, none; never half of one. A share that
is down costs one line of complaint, and the next round tries again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from drivers.share import Missing, Share, ShareError


class Push:
    """`kiosk`: the host name, part of the file's name: two kiosks that share a folder need two host names."""

    def __init__(self, share: Share, kiosk: str, complain: Callable[[str], None]) -> None:
        self._share = share
        self._name = f"kiosk-{kiosk}.prom"
        self._part = f"kiosk-{kiosk}.part"  # the collector takes *.prom only
        self._complain = complain
        self._fails = False

    def write(self, text: bytes) -> bool:
        """Whether the file is there now. Ends within the share's deadlines."""
        try:
            self._publish(text)
        except ShareError as error:
            if not self._fails:
                self._complain(f"[metrics] push: the figures are not written: {error}")
            self._fails = True
            return False
        if self._fails:
            self._complain("[metrics] push: the figures are written again")
        self._fails = False
        return True

    def _publish(self, text: bytes) -> None:
        # Shares here never overwrite, so the old file goes just before the new one takes its name.
        self._remove(self._part)  # of a round that was cut off
        self._share.put(self._part, [text])
        self._remove(self._name)
        self._share.rename_new(self._part, self._name)

    def _remove(self, name: str) -> None:
        with suppress(Missing):
            self._share.remove(name)
