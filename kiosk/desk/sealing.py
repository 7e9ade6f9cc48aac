"""What every store of the desk asks of the one that has the key."""

from __future__ import annotations

from typing import Protocol


class Unsealable(Exception):
    """What was kept cannot be opened: another key, or changed on the disk. Carries nothing of it."""


class Sealer(Protocol):
    """Seals values for the disk. Safe to call from several threads."""

    def seal(self, value: bytes, about: bytes) -> bytes:
        """`value`, encrypted and bound to `about`, which is not kept: the same is needed to open it."""

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """What was sealed about `about`. Raises Unsealable."""

    def keyed_hash(self, value: bytes, about: bytes) -> bytes:
        """32 bytes that are the same for the same `value` and `about` as long as the key is, and say nothing else."""
