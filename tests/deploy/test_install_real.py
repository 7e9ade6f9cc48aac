"""One installation as it is at a hospital: the real deploy/setup, Python packages from the network, into a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.installed import Pc

pytestmark = [pytest.mark.peers, pytest.mark.long]


def test_an_installation_with_locked_packages_runs_on_its_own(tmp_path: Path) -> None:
    pc = Pc(tmp_path, light=False)
    done = pc.install("--config", "site.toml")
    assert done.returncode == 0, done.stderr + done.stdout
    python = pc.release() / ".venv/bin/python"
    program = (
        "import cryptography, escpos, kiosk, kivy, lxml, smbprotocol, sys\n"
        "print(all(m.__file__.startswith(sys.argv[1]) for m in (cryptography, escpos, kiosk, kivy, lxml, smbprotocol)))"
    )
    inside = pc.run(python, "-P", "-c", program, str(pc.release()))
    assert inside.stdout.splitlines()[-1:] == ["True"], inside.stderr
    assert pc.kiosk("screens").returncode == 0
    assert not list((pc.release() / ".venv").rglob("pytest"))  # what tests need is not installed
