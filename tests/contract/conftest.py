"""A vendor who names an adapter wants that one asked, and no other; who names none wants all of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract import options

_VENDORS = "test_adapter.py"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Of the files of tests here, the vendor's or ours."""
    if not collection_path.name.startswith("test_"):
        return None
    is_vendors = collection_path.name == _VENDORS
    return True if is_vendors != bool(options.adapter(config)) else None
