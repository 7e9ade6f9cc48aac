"""Displays as site.toml says: turned, and in a size that is not the display's usual one; a whole visit on each."""

from __future__ import annotations

from PIL import Image, ImageChops

from tests.image import provision, visit
from tests.image.bench import BOOT_S, Bench
from tests.image.first_screen import kernel_start_s, watch_until_page
from tests.image.machine import Machine, until

_LETTERS = 60
_USUAL = "width_px = 1080\nheight_px = 1920\n"


def run(bench: Bench) -> None:
    """Turned by 90 degrees, then 1280×1024: the page after the stick and a visit are as a person in front sees them."""
    machine = bench.with_site()
    visit.book(machine)
    _give(bench, machine, "turned-90", "width_px = 1920\nheight_px = 1080\nrotation = 90\n", 90)
    assert machine.look().size == (1920, 1080)
    visit.perform(bench, machine, "turned-90")
    machine = _start(bench, machine)
    _give(bench, machine, "1280x1024", "width_px = 1280\nheight_px = 1024\n", 0)
    until(lambda: machine.look().size == (1280, 1024), "a display of 1280×1024", BOOT_S)
    visit.perform(bench, machine, "1280x1024")
    bench.end_machine()  # its site is not the others' site


def _start(bench: Bench, machine: Machine) -> Machine:
    """The picture of the start is turned as well: its two lines of text are wider than high."""
    machine.shut_down()
    machine = bench.again(machine)
    machine.turned = 90
    watch = watch_until_page(bench, machine, "kiosk.service", "turned-90-looks")
    kernel_at = kernel_start_s(machine)  # before it there is the firmware's own
    picture = next((picture for at, picture in watch.pictures if at > kernel_at), None)
    assert picture is not None, "no picture of the start was seen"
    picture.save(bench.out / "turned-90-start.png", optimize=True)
    ground = Image.new("RGB", picture.size, picture.getpixel((0, 0)))
    # Letters, not what rounding makes of the ground.
    found = ImageChops.difference(picture, ground).convert("L").point(lambda value: 255 * (value > _LETTERS)).getbbox()
    assert found is not None
    assert found[2] - found[0] > 2 * (found[3] - found[1]), f"the picture of the start stands on its side: {found}"
    bench.until_screen(machine, "choose_card")
    return machine


def _give(bench: Bench, machine: Machine, name: str, screen: str, turned: int) -> None:
    files = bench.hospital.changed_site_files("")
    files["site.toml"] = files["site.toml"].replace(_USUAL.encode(), screen.encode())
    machine.turned = turned
    result = provision.result_of(bench, machine, bench.hospital.stick(machine.folder / f"{name}.img", files))
    bench.picture(machine, f"{name}-provisioned")
    assert result["accepted"], result["wrong"]
    provision.begin(machine)
    bench.until_screen(machine, "choose_card", BOOT_S)
