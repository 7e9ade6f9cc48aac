"""Real peers for tests: programs that speak the same protocols as the hospital's machines."""

import os
import shutil
from contextlib import ExitStack
from typing import Final

import pytest

# What the tests of a worker have together, ended with it.
shared: Final = ExitStack()


def need(program: str) -> str:
    """The path of `program`. A missing peer skips on a desk and fails where CI=true."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found:
        return found
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{program} is missing; deploy/setup installs it")
    pytest.skip(f"{program} is missing; deploy/setup installs it")
