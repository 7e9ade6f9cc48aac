"""What the reception writes of itself for status and metrics (`status-run.json`), and its printer's lock."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kiosk.process import moments, safe_files
from kiosk.process.data_folder import DataFolder


def write(folder: Path, facts: Mapping[str, Any]) -> bool:
    """The reception's part, replaced whole. False: it could not be written, which is no reason to stop a reception."""
    file = DataFolder(folder).run_status
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps({**moments.now(), **facts}), encoding="utf-8")
        temporary.replace(file)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        return False
    return True


def forget(folder: Path) -> None:
    """The reception ends on purpose."""
    with suppress(OSError):
        DataFolder(folder).run_status.unlink(missing_ok=True)


def read(folder: Path) -> dict[str, Any]:
    # It may be root who asks, and the folder is the reception's.
    facts = safe_files.json_of(DataFolder(folder).run_status)
    return facts if isinstance(facts, dict) else {}


def printer_lock(data_dir: Path) -> Path | None:
    """The lock that the reception uses. Never made by another user (root): the reception could not open it then."""
    lock = DataFolder(data_dir).printer_lock
    try:
        return lock if lock.exists() or data_dir.stat().st_uid == os.geteuid() else None
    except OSError:
        return None
