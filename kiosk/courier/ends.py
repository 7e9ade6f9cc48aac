"""The two ends of a route."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.share import Share


@dataclass(frozen=True)
class Ends:
    """The folders of one route. `staging` is where unfinished files lie; it is on `destination`'s share."""

    source: Share
    destination: Share
    staging: Share

    @property
    def moves(self) -> bool:
        """One share: the file itself can be renamed across, and no copy is needed."""
        return self.source.reaches(self.destination)
