"""Staff on the machine, with fingers: the hidden corner, the PIN, the menu, and that the page leaves by itself."""

from __future__ import annotations

from contextlib import suppress

from kiosk import texts
from kiosk.appliance import pages_jobs
from kiosk.appliance.pages_shown import Page
from kiosk.screens import KEYS
from kiosk.ui import appliance
from kiosk.ui.items import Item
from kiosk.ui.pages import millimetre_px
from tests.image import glass
from tests.image.bench import BOOT_S, STEP_S, Bench
from tests.image.machine import Machine, TooLate, pause, until
from tests.image.site import PIN

_CORNER_HOLD_S = 6.5
_LEAVES_S = 60.0
_HOLDS = 4
_GIVES_WAY_S = 30.0
_PAD = Page("pin", "", "ask", buttons=(*KEYS, "clear", "ok", "close"), layout="pad")
_MENU = Page("menu", "", "ask", buttons=(*pages_jobs.MENU, "close"), layout="menu", foot="x")
_WORDS = texts.load("appliance-ja")
_SAME = 0.95
_DRAWN_S = 1.0


def layout(page: Page, size: tuple[int, int]) -> tuple[tuple[Item, ...], float]:
    """As `glass.items_of`, for a page of the appliance."""
    scale = millimetre_px(*size, glass.DIAGONAL_INCH)
    return appliance.page(page, _WORDS, size[0] / scale, size[1] / scale), scale


def until_page(bench: Bench, machine: Machine, page: Page) -> None:
    """Until the display shows a page of this layout."""

    def there() -> bool:
        picture = machine.look()
        return glass.share(picture, *layout(page, picture.size)) >= _SAME

    try:
        until(there, f"page {page.name}", STEP_S)
    except AssertionError:
        bench.picture(machine, f"instead-of-{page.name}")
        raise


def tap(machine: Machine, page: Page, button: str) -> None:
    """A finger on a button of a page of the appliance."""
    size = machine.look().size
    items, scale = layout(page, size)
    machine.tap(*glass.middle_of(items, scale, button, size))
    settle(machine)


def settle(machine: Machine) -> None:
    """Until the display stays as it is: a slow PC draws one touch after another, and a second finger is not taken."""
    looks = [machine.look()]

    def still() -> bool:
        looks.append(machine.look())
        return glass.same(looks[-2], looks[-1])

    pause(_DRAWN_S)
    until(still, "a display that stays as it is", STEP_S, _DRAWN_S)


def enter(bench: Bench, machine: Machine, pin: str) -> None:
    """From the reception's start to the menu."""
    # More than once: a PC that has just started its reception takes a finger late, and so not for long enough.
    for _ in range(_HOLDS):
        settle(machine)
        machine.tap(0.02, 0.012, _CORNER_HOLD_S)
        with suppress(TooLate):
            until(lambda: glass.which(machine.look()) is None, "the reception gives way", _GIVES_WAY_S)
            break
    until_page(bench, machine, _PAD)
    for digit in pin:
        tap(machine, _PAD, f"key_{digit}")
    tap(machine, _PAD, "ok")


def run(bench: Bench) -> None:
    """Five seconds in the corner, the PIN, the menu; a wrong PIN opens nothing; after 60 s patients have the screen."""
    machine = bench.with_site()
    enter(bench, machine, "112233")
    bench.picture(machine, "technician-wrong-pin")
    tap(machine, _PAD, "close")
    bench.until_screen(machine, "choose_card", BOOT_S)
    enter(bench, machine, PIN)
    until_page(bench, machine, _MENU)
    bench.picture(machine, "technician-menu")
    with bench.timed("leaves_by_itself"):
        bench.until_screen(machine, "choose_card", _LEAVES_S + STEP_S)
    log = machine.shell.value("cat /var/lib/kiosk-appliance/events-staff.jsonl")
    assert log and PIN not in log, "the log of staff is empty, or has the PIN"
    bench.figure("uses_logged", len(log.splitlines()))
