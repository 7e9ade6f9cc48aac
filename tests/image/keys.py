"""No way out by keys, and no USB device but the allowed ones."""

from __future__ import annotations

from tests.image import glass, provision
from tests.image.bench import BOOT_S, STEP_S, Bench
from tests.image.machine import Machine, pause, until
from tests.image.recovery_times import main_pid

CHORDS = (
    *(("ctrl", "alt", f"f{number}") for number in range(1, 13)),
    *(("alt", "sysrq", letter) for letter in "bceiorsukt"),
    ("ctrl", "alt", "backspace"), ("ctrl", "alt", "esc"), ("ctrl", "esc"), ("alt", "f4"), ("alt", "tab"),
    ("alt", "f1"), ("ctrl", "c"), ("ctrl", "d"), ("ctrl", "q"), ("ctrl", "w"), ("ctrl", "z"), ("ctrl", "backslash"),
    ("ctrl", "alt", "t"), ("ctrl", "shift", "e"), ("ctrl", "alt", "shift", "d"), ("meta_l",), ("meta_l", "l"),
    ("print",), ("sysrq",), ("pause",), ("scroll_lock",), ("esc",), ("f1",), ("f11",), ("f12",), ("menu",), ("tab",),
    ("ret",), ("spc",), ("delete",), ("sleep",),
)  # fmt: skip
_RESTARTS = 9
_LOOK = """for d in /sys/bus/usb/devices/*; do
  [ -f $d/idVendor ] && echo "$(cat $d/idVendor):$(cat $d/idProduct) $(cat $d/authorized)"
done"""
_READER = "0403:6001"
_USB = '[[usb]]\nwhat = "reader"\nid = "{id}"\n'


def _state(machine: Machine) -> tuple[str, int, str]:
    """What must not change: the start, the screen's program, the terminal that is in front."""
    boot = machine.shell.value("cat /proc/sys/kernel/random/boot_id")
    return boot, main_pid(machine, "kiosk.service"), machine.shell.run("cat /sys/class/tty/tty0/active")[1].strip()


def run_chords(bench: Bench) -> None:
    """Keyboard chords leave picture, program and start as they are; also Ctrl+Alt+Del nine times."""
    machine = bench.with_site()
    before, picture = _state(machine), bench.until_screen(machine, "choose_card")
    for chord in CHORDS:
        machine.keys(*chord)
        pause(0.2)
    for _ in range(_RESTARTS):
        machine.keys("ctrl", "alt", "delete")
        pause(0.15)
    pause(10.0)
    bench.picture(machine, "after-chords")
    assert _state(machine) == before, "something changed"
    glass.until_as_before(machine.look, picture, STEP_S)
    bench.figure("chords", len(CHORDS) + _RESTARTS)


def _usb(machine: Machine) -> dict[str, str]:
    """Id → "1" if authorised, of all USB devices but hubs."""
    rows = [line.split() for line in machine.shell.run(_LOOK)[1].splitlines()]
    return {row[0]: row[1] for row in rows if len(row) == 2 and not row[0].startswith("1d6b:")}


def run_usb(bench: Bench) -> None:
    """A keyboard on USB does nothing; a card reader only after the site allowed its id."""
    machine = bench.with_site()
    inputs = machine.shell.value("grep -c ^N: /proc/bus/input/devices")
    machine.plug("usb-kbd", "second-keyboard")
    until(lambda: "0627:0001" in _usb(machine), "the second keyboard is seen", 60)
    pause(5.0)
    assert _usb(machine)["0627:0001"] == "0", "the second keyboard is authorised"
    assert machine.shell.value("grep -c ^N: /proc/bus/input/devices") == inputs, "it is an input device"
    machine.unplug("second-keyboard")
    machine.ask("chardev-add", id="reader", backend={"type": "null", "data": {}})
    machine.plug("usb-serial", "reader", chardev="reader", **{"always-plugged": True})
    until(lambda: _READER in _usb(machine), "the reader is seen", 60)
    pause(5.0)
    assert _usb(machine)[_READER] == "0", "a reader that nobody named is authorised"
    assert not machine.shell.run("ls /dev/ttyUSB0 2>/dev/null")[1].strip()
    _allow(bench, machine, _READER)
    until(lambda: _usb(machine).get(_READER) == "1", "the named reader is authorised", 120)
    until(lambda: machine.shell.run("test -c /dev/ttyUSB0")[0] == 0, "/dev/ttyUSB0", 60)
    machine.plug("usb-kbd", "third-keyboard")
    until(lambda: _usb(machine).get("0627:0001") == "0", "another keyboard is still refused", 60)
    machine.unplug("third-keyboard")
    bench.end_machine()  # its site is not the others' site


def _allow(bench: Bench, machine: Machine, device: str) -> None:
    files = bench.hospital.changed_site_files(_USB.format(id=device))
    result = provision.result_of(bench, machine, bench.hospital.stick(machine.folder / "usb.img", files))
    assert result["accepted"], result["wrong"]
    provision.begin(machine)
    bench.until_screen(machine, "choose_card", BOOT_S)
