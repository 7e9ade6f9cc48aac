"""The pages that a touch may lead to are known before it."""

from __future__ import annotations

import pytest

from kiosk.screens.ahead import expected
from kiosk.screens.names import KEYS
from kiosk.screens.of_state import screen_of
from kiosk.screens.specimens import NOW, specimens
from kiosk.screens.wording import Wording
from kiosk.visit.events import BaselineTaken, Pressed
from kiosk.visit.rules import Rules
from kiosk.visit.state import AwaitingBirthday, Candidate, Kiosk, Preparing, Start
from kiosk.visit.step import step

WORDING = Wording()
EVERY = [pytest.param(kiosk, id=f"{number:02}-{variant}") for number, (variant, kiosk) in enumerate(specimens(), 1)]


def test_the_start_page_leads_to_both_readers_and_to_the_languages() -> None:
    names = [screen.name for screen in expected(Kiosk(Rules(), Start()), WORDING, NOW)]
    assert names[:2] == ["tap_reader", "insert_card"]
    assert names[-1] == "choose_language"


@pytest.mark.parametrize("kiosk", EVERY)
def test_whatever_button_is_pressed_its_page_was_expected(kiosk: Kiosk) -> None:
    present = screen_of(kiosk, WORDING)
    pages = expected(kiosk, WORDING, NOW)
    assert present not in pages
    for button in present.buttons:
        after, _ = step(kiosk, Pressed(button), NOW)
        if isinstance(after.stage, Preparing):
            after, _ = step(after, BaselineTaken(after.stage.visit, NOW), NOW)
        assert button in KEYS or screen_of(after, WORDING) in (present, *pages), button


def test_nothing_happens_to_the_visit_itself() -> None:
    kiosk = Kiosk(
        Rules(), AwaitingBirthday(3, NOW + 60, Candidate(1, "usable", "0012K", "19560321"), "03"), last_visit=3
    )
    before = repr(kiosk)
    assert expected(kiosk, WORDING, NOW)
    assert repr(kiosk) == before
