"""What a unit may do, who may read what, and that the root file system is as it was built."""

from __future__ import annotations

import re

from tests.image.bench import STEP_S, Bench
from tests.image.machine import Machine
from tests.image.shell import Shell

# The screen needs devices and machine code (llvmpipe); root's own small programs need root.
EXPOSURE_MAX = {f"{name}.service": most for name, most in (
    ("kiosk", 2.0), ("kiosk-courier", 1.5), ("kiosk-page", 1.5), ("kiosk-metrics", 1.5), ("kiosk-appointments", 1.5),
    ("kiosk-desk", 1.5), ("kiosk-reservations", 1.5), ("kiosk-his", 1.5),
    ("kiosk-check", 2.0),
    # These make file systems and restart the machine, before anything of the site is read.
    ("kiosk-var", 9.6), ("kiosk-fallback", 9.6),
)}  # fmt: skip
_ROOT_UNITS_MAX = 9.0


def units(machine: Machine) -> list[str]:
    """Our units that have been started."""
    listed = machine.shell.value("systemctl list-units --all --plain --full --no-legend --type=service 'kiosk*'")
    names = [line.split()[0] for line in listed.splitlines() if line.strip()]
    return [name for name in names if "test-shell" not in name]


def exposure(machine: Machine, unit: str) -> float:
    """Systemd's figure from 0 (little) to 10 (all)."""
    output = machine.shell.value(f"systemd-analyze security --no-pager {unit} | tail -1", STEP_S)
    found = re.search(r":\s*([0-9.]+)\s", output)
    assert found, output
    return float(found[1])


_SOCKET = "/var/lib/kiosk-courier/courier.sock"
_CONNECT = f"""python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("{_SOCKET}")'"""


def _who_may_connect(shell: Shell) -> None:
    """On the courier's socket: reception and desk, by a group of their users alone; not who puts exports there."""
    owners = shell.value(f"stat -c '%U:%G %a' $(dirname {_SOCKET}) {_SOCKET}")
    assert owners.splitlines() == ["kiosk-courier:kiosk-line 2710", "kiosk-courier:kiosk-line 660"]
    assert shell.value("getent group kiosk-line | cut -d: -f4") == "kiosk,kiosk-desk"
    number = shell.value("getent group kiosk-line | cut -d: -f3")
    groups = shell.value("grep ^Groups: /proc/$(systemctl show -P MainPID kiosk)/status").split()
    assert number in groups, f"the reception is not in kiosk-line: {groups}"
    # By hand (`kiosk status`), and as kiosk-metrics, in a namespace of users.
    alone = "systemd-run -q --wait --pipe -p User=kiosk -p Group=kiosk -p PrivateUsers=yes"
    for by in ("runuser -u kiosk --", alone):
        code, output = shell.run(f"{by} {_CONNECT}", STEP_S)
        assert code == 0, f"the reception's user is not heard, {by}: {output}"
    for group in ("kiosk-import", "kiosk"):
        stranger = f"setpriv --reuid=65533 --regid=65533 --groups={group} --bounding-set=-all --inh-caps=-all"
        code, output = shell.run(f"{stranger} {_CONNECT}")
        assert code != 0 and "PermissionError" in output, f"an account of the group {group} is heard: {output}"
    # Who asks root is known by SO_PEERCRED: that unit must not be in a namespace of users.
    assert shell.value("systemctl show -P PrivateUsers kiosk-staff.service") == "no"


def run(bench: Bench) -> None:
    """Units are as locked up as we say, the root is read-only, the screen's user reads no secret, nothing failed."""
    machine = bench.with_site()
    shell = machine.shell
    wrong = []
    for unit in units(machine):
        figure = exposure(machine, unit)
        bench.figure(unit.removesuffix(".service"), figure)
        if figure > EXPOSURE_MAX.get(unit, _ROOT_UNITS_MAX):
            wrong.append(f"{unit}: {figure}")
    assert not wrong, f"more exposed than we say: {wrong}"
    for folder in ("/", "/etc", "/usr", "/opt/kiosk/current"):
        assert shell.run(f"touch {folder}/x")[0] != 0, f"{folder} can be written"
    options = shell.value("findmnt -no OPTIONS /var")
    assert {"nosuid", "nodev", "noexec"} <= set(options.split(",")), options
    for what in ("/run/credentials/kiosk-courier.service", "/var/lib/kiosk-site/current/credentials/terminal.secret",
                 "/var/lib/kiosk-courier/courier.db", "/var/lib/kiosk-appliance"):  # fmt: skip
        assert shell.run(f"test -e {what}")[0] == 0, f"{what} is not there"
        code, output = shell.run(f"runuser -u kiosk -- sh -c 'cat {what} {what}/* >/dev/null'")
        assert code != 0, f"the screen's user can read {what}: {output}"
    _who_may_connect(shell)
    for user in ("kiosk", "kiosk-courier", "kiosk-fetch"):
        assert shell.run(f'runuser -u {user} -- python3 -c "import os; os.setuid(0)"')[0] != 0
    passwords = shell.value("cut -d: -f2 /etc/shadow | sort -u").split()
    assert all(each[0] in "!*" for each in passwords), "somebody has a password"
    for program in ("sshd", "gcc", "pip", "pip3", "agetty", "login", "apt-get"):
        assert shell.run(f"command -v {program} || test -e /sbin/{program}")[0] != 0, f"{program} is there"
    failed = shell.value("systemctl --failed --no-legend --plain")
    assert not failed, f"failed units: {failed}"
