"""A spare PC: the same stick makes it this kiosk, and what waits in the terminal's folder is delivered once."""

from __future__ import annotations

from tests.image import glass, provision, site, visit
from tests.image.bench import BOOT_S, STEP_S, Bench
from tests.image.machine import pause, until
from tests.image.site import Stream

_WAITING = 3
_SECOND_COPY_S = 20.0


def run(bench: Bench) -> None:
    """What the broken kiosk left is delivered once each; the first patients are asked for their birth day."""
    bench.until_up(bench.fresh("spare"))
    machine = bench.machine
    assert machine is not None
    files = bench.hospital.site_files()
    # As hospitals have it: a result may be under way to the patient before.
    files["site.toml"] = files["site.toml"].replace(b"unclean_s = 0\n", b"unclean_s = 3600\n")
    with Stream(bench.hospital) as stream:
        for _ in range(_WAITING):
            stream.put()
        result = provision.result_of(bench, machine, bench.hospital.stick(machine.folder / "spare.img", files))
        assert result["accepted"], result["wrong"]
        # Delivery waits for nobody who has to press a button first.
        until(stream.all_arrived, "what waited at the receipt computer", BOOT_S)
        provision.begin(machine)
        bench.until_screen(machine, "choose_card", BOOT_S)
        visit.book(machine)
        bench.tap(machine, glass.SCREENS["choose_card"], "mynumber")
        bench.until_screen(machine, "tap_reader")
        pause(visit.READER_MIN_S)
        stream.put()
        bench.until_screen(machine, "birthday")
        bench.picture(machine, "spare-birthday")
        for digit in site.PERSON.birthdate[4:]:
            bench.tap(machine, glass.SCREENS["birthday"], f"key_{digit}")
        bench.picture(machine, "spare-birthday-typed")
        bench.tap(machine, glass.SCREENS["birthday"], "ok")
        bench.until_screen(machine, "done")
        bench.picture(machine, "spare-done")
        assert bench.hospital.printer.wait_for_job(STEP_S, 1) is not None, "no slip came out"
        until(stream.all_arrived, "the visit's file at the receipt computer", STEP_S)
        pause(_SECOND_COPY_S)
        stream.verify()
        bench.figure("files", len(stream.written))
    bench.end_machine()  # its site is not the others' site
