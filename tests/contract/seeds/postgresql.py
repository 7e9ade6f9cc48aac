"""The suite's patients in a book on PostgreSQL."""

from __future__ import annotations

import re
from dataclasses import replace

from drivers.reservations.adapter import Settings
from tests.contract.scene import Scene
from tests.contract.seeds import sqlite
from tests.contract.subject import Peer

HUB = "hub"


def seed(scene: Scene, url: str, settings: Settings) -> Peer:
    """Import them as role `hub`, which has the password of the role in `url` and may import (kiosk_hub)."""
    as_hub = re.sub(r"//[^@/]*@", f"//{HUB}@", url, count=1)
    return sqlite.seed(scene, as_hub, replace(settings, name=HUB))
