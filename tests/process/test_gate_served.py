"""`kiosk his` as another user's: the reception's may ask, and reads no password; nobody else may ask."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from drivers.simulated.orca import SimulatedOrca
from kiosk.his.opened import SYSTEM_SOCKET
from tests import ROOT
from tests.hospital import DEADLINE_S, wait_until
from tests.process.test_reservations_served import as_user, killed_at_the_end, python_of_all
from tests.site_toml import Site, with_

# Nobody's on a Debian; they need no names.
KIOSK, ASKERS, GATE, DESK = 64131, 64132, 64133, 64134
UNIT = (ROOT / "deploy/units/kiosk-his.service").read_text(encoding="utf-8")
ASK = """
import os, sys, time
from datetime import date
from pathlib import Path
from drivers.reservations import Departments
from drivers.reservations.over_socket import SocketBook
answer = SocketBook(Path(sys.argv[1]), sys.argv[2]).departments(date(2026, 1, 15), time.monotonic() + 60)
print("departments" if isinstance(answer, Departments) else answer.code)
for path in sys.argv[3:]:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path).read()
        print("seen", path)
    except OSError:
        pass
"""


def of_unit(key: str) -> str:
    (value,) = re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


def test_the_receptions_user_may_ask_and_reads_no_password_and_nobody_else_may_ask() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root starts processes of other users")
    python = python_of_all()
    if python is None:
        pytest.skip("no Python with our packages that another user may start")
    assert (of_unit("User"), of_unit("Group"), of_unit("SupplementaryGroups")) == ("kiosk-his", "kiosk-gate", "kiosk")
    with TemporaryDirectory(prefix="kiosk-gate-") as place, SimulatedOrca() as orca:
        root = Path(place)
        root.chmod(0o755)
        site, run, kept = Site(root), root / "run", root / "kept"
        site.load(with_("his", f'url = "{orca.url}"'))
        secret = site.secret("his.secret", orca.password)
        for path, owner, group, mode in (
            (run, GATE, ASKERS, int(of_unit("RuntimeDirectoryMode"), 8)),
            (kept, GATE, ASKERS, int(of_unit("StateDirectoryMode"), 8)),
            (secret, GATE, KIOSK, 0o600),
            (site.file, 0, KIOSK, 0o640),
        ):
            if path in (run, kept):
                path.mkdir()
            os.chown(path, owner, group)
            path.chmod(mode)
        environment = {**os.environ, "KIOSK_HIS_DIR": str(kept), "KIOSK_HIS_RUN_DIR": str(run)}
        command = [*as_user(GATE, ASKERS, KIOSK), python, "-m", "kiosk", "his", "--config", str(site.file)]
        with killed_at_the_end(subprocess.Popen(command, cwd=ROOT, env=environment)):
            wait_until((run / SYSTEM_SOCKET).exists, "the gate")
            for words, expected in (
                (as_user(KIOSK, KIOSK, ASKERS), "departments\n"),
                (as_user(DESK, DESK, KIOSK), "owner_down\n"),
            ):
                asked = [*words, python, "-c", ASK, str(run), SYSTEM_SOCKET, str(run), str(kept), str(secret)]
                done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=True)
                assert done.stdout == expected
