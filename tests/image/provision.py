"""A KIOSK-SITE stick: taken when it is good, refused when it is not, and its secrets nowhere in clear."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kiosk.ui import theme
from tests.image import disk, glass
from tests.image.bench import BOOT_S, STEP_S, Bench
from tests.image.machine import Machine, until
from tests.image.site import PASSWORD, PIN

RESULT_BANDS = tuple(glass.rgb(theme.BANDS[mood].ground) for mood in ("good", "counter"))


def page(machine: Machine) -> dict[str, Any] | None:
    """What the page program is told to show; None while the reception has the screen."""
    code, text = machine.shell.run("cat /run/kiosk-appliance/page.json")
    if code:
        return None
    result: dict[str, Any] | None = json.loads(text)
    return result


def result_of(bench: Bench, machine: Machine, stick: Path) -> dict[str, Any]:
    """Put the stick in, wait for the page with the result, take the stick out."""
    # It is written anew each time; what it says may be the same.
    written = "stat -c '%i %y' /run/kiosk-appliance/page.json"
    before = machine.shell.run(written)[1]
    machine.plug_stick(stick)

    def new_page() -> dict[str, Any] | None:
        result = page(machine) if machine.shell.run(written)[1] != before else None
        return result if result and result["page"] == "provisioned" else None

    try:
        found: dict[str, Any] = until(new_page, "the result of the stick", BOOT_S, 1.0)
        until(lambda: _shows_result(machine), "the result of the stick on the screen", STEP_S)
    except AssertionError:
        bench.say(machine.shell.run("journalctl -b -o cat --no-pager -u 'kiosk-provision@*' | tail -40")[1])
        raise
    finally:
        machine.pull_stick()
    return found


def _shows_result(machine: Machine) -> bool:
    """The band is green or amber; while a stick is looked at it is pale."""
    picture = machine.look()
    return picture.getpixel((picture.width // 2, 2)) in RESULT_BANDS


def begin(machine: Machine) -> None:
    """As the button 「受付を始める」 does it, by the staff socket: the page leaves by itself as well, only later."""
    machine.shell.value(
        "python3 -c \"import socket; s=socket.socket(socket.AF_UNIX); s.connect('/run/kiosk-staff/staff.sock');"
        ' s.sendall(b\'{\\"do\\":\\"leave\\"}\\n\'); print(s.makefile().readline())"'
    )


def give_good(bench: Bench, machine: Machine) -> dict[str, Any]:
    """The good stick; ends with the reception's start on the screen."""
    stick = bench.hospital.stick(machine.folder / "site.img")
    result = result_of(bench, machine, stick)
    bench.picture(machine, "provisioned")
    assert result["accepted"], result["wrong"]
    begin(machine)
    bench.until_screen(machine, "choose_card", BOOT_S)
    bench.has_site = True
    return result


def secrets_in_clear(machine: Machine, *more: str) -> str:
    """Files of the PC that hold a password, the PIN or one of `more`; memory of processes is not looked at."""
    where = "/var /run /efi /etc 2>/dev/null | grep -v ^/run/credentials/"
    looks = [f"grep -rlF -e {word} {where}" for word in (PASSWORD, PIN, *more)]
    return "\n".join(machine.shell.run(look, STEP_S)[1].strip() for look in looks).strip()


def run_good(bench: Bench) -> None:
    """A stick makes a PC a kiosk; its secrets are sealed, and wiped from the stick when that is asked for."""
    if bench.machine is None or not bench.machine.is_on or bench.has_site:
        bench.until_up(bench.fresh("provision"))
    machine = bench.machine
    assert machine is not None
    stick = bench.hospital.stick(machine.folder / "wiping.img", {**bench.hospital.site_files(), "wipe-secrets": b""})
    with bench.timed("stick_to_result"):
        result = result_of(bench, machine, stick)
    bench.picture(machine, "provisioned")
    assert result["accepted"], result["wrong"]
    assert any(line.startswith("予約 1: ") for line in result["taken"]), result["wrong"]
    with bench.timed("result_to_reception"):
        begin(machine)
        bench.until_screen(machine, "choose_card", BOOT_S)
    bench.has_site = True
    bench.picture(machine, "start")
    left = {name for name in disk.names_on(stick) if name.endswith(".secret")}
    assert not left, f"still on the stick: {left}"
    assert not disk.holds(stick, PASSWORD.encode()), "the stick still has the password somewhere"
    exports = "ls /var/lib/kiosk-import/done"
    until(lambda: machine.shell.run(exports)[1].strip(), "the appointments of the hospital's share", STEP_S, 1.0)
    clear = secrets_in_clear(machine)
    assert not clear, f"in clear: {clear}"


def _refused(bench: Bench, name: str, files: dict[str, bytes]) -> dict[str, Any]:
    machine = bench.with_site()
    before = machine.shell.value("readlink /var/lib/kiosk-site/current")
    result = result_of(bench, machine, bench.hospital.stick(machine.folder / f"{name}.img", files))
    bench.picture(machine, f"refused-{name}")
    assert not result["accepted"], f"{name}: taken"
    assert result["wrong"], f"{name}: no reason is shown"
    assert machine.shell.value("readlink /var/lib/kiosk-site/current") == before, f"{name}: another site is in use"
    begin(machine)
    bench.until_screen(machine, "choose_card", BOOT_S)
    return result


def run_bad(bench: Bench) -> None:
    """A wrong file, a weak PIN, a wrong password: refused with a reason, and the old site goes on."""
    good = bench.hospital.site_files()
    bad: dict[str, Callable[[], dict[str, bytes]]] = {
        "unknown-key": lambda: {**good, "site.toml": good["site.toml"] + b'\n[sight]\nname = "x"\n'},
        "weak-pin": lambda: {**good, "technician.secret": b"123456\n"},
        "wrong-password": lambda: {**good, "terminal.secret": b"not-the-password\n"},
    }
    for name, files in bad.items():
        result = _refused(bench, name, files())
        bench.figure(name, " / ".join(result["wrong"])[:200])
