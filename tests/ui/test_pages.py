"""Pages keep the rules of measure_page.py: a choice of looks and displays here, all by `kiosk screens --measure`."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from functools import cache

import pytest

from kiosk.screens.headless_lines import as_json
from kiosk.screens.names import MORE_TIME, SCREENS
from kiosk.screens.of_state import screen_of
from kiosk.screens.specimens import specimens
from kiosk.screens.views import Counter, Custody, Keys, Off, Result, is_leaving
from kiosk.ui import measure_page
from kiosk.ui.items import Anywhere, Box, Button, Panel, Picture, Text
from kiosk.ui.measure import Combination, Finding, laid, measured, pages, table
from kiosk.ui.measure_laid import Laid
from kiosk.ui.measure_page import RULES, contrast
from kiosk.ui.pictures import DISPLAYS, STAND, WORDING, screens
from kiosk.ui.theme import PAPER, THEMES
from kiosk.visit.idle import duration_s
from kiosk.visit.reasons import COUNTER_REASONS, NO_SLIP_REASONS
from kiosk.visit.rules import LANGUAGES, Look, Rules
from kiosk.visit.state import AtCounter, AwaitingTap, Done
from tests.ui import golden

SMALL, DESK, UPRIGHT, ACROSS, WALL = DISPLAYS
# Every value of each beside many of the others.
CHOSEN = (
    Combination(Look("ja"), DESK),
    Combination(Look("ja", "high_contrast", "large", wheelchair=True), UPRIGHT),
    Combination(Look("ja_simple", "normal", "large"), WALL),
    Combination(Look("en", "high_contrast", "normal", wheelchair=True), DESK),
    Combination(Look("zh_hans", "normal", "large"), SMALL),
    Combination(Look("ko", "high_contrast", "large"), ACROSS),
    Combination(Look("vi", "normal", "normal", wheelchair=True), UPRIGHT, replace(STAND, mounting_cm=75.0)),
    Combination(Look("pt", "high_contrast", "large"), UPRIGHT),
)
NAMES = [f"{number:03}-{screen.name}-{variant}" for number, (variant, screen) in enumerate(screens(), 1)]


@cache
def plain() -> dict[str, Laid]:
    """Every page as a site of today has it; only whoever looks at them waits for them."""
    return dict(zip(NAMES, (page for _, page in pages(Combination(Look(), UPRIGHT))), strict=True))


@pytest.mark.parametrize("chosen", CHOSEN, ids=str)
def test_every_page_keeps_every_rule(chosen: Combination) -> None:
    findings = measured([chosen])
    broken = [each for each in findings if each.broken]
    assert not broken, "\n".join(table(broken))


def test_the_choice_has_every_language_theme_size_and_display() -> None:
    looks = [each.look for each in CHOSEN]
    assert {look.language for look in looks} == set(LANGUAGES)
    assert {look.theme for look in looks} == set(THEMES)
    assert {(look.size, look.wheelchair) for look in looks} == {(a, b) for a in ("normal", "large") for b in (0, 1)}
    assert {each.display for each in CHOSEN} == set(DISPLAYS)


def test_every_screen_reason_and_button_is_among_the_pages() -> None:
    lines = [as_json(screen) for _, screen in screens()]
    assert {line["screen"] for line in lines} == set(SCREENS)
    assert {line["reason"] for line in lines} >= {*COUNTER_REASONS, *NO_SLIP_REASONS}
    assert {name for line in lines for name in line["buttons"]} >= {n for names in SCREENS.values() for n in names}
    assert all(any(line[key] for line in lines) for key in ("leaving", "staff", "unavailable"))


@pytest.mark.parametrize("name", NAMES)
def test_every_button_of_the_screen_is_on_the_page_and_no_other(name: str) -> None:
    page = plain()[name]
    names = [item.name for item in page.items if isinstance(item, Button)]
    bar = [tool for tool in page.screen.tools if not tool.startswith("lang_")]
    assert sorted(names) == sorted([*page.screen.buttons, *bar])


def test_a_covered_page_goes_with_a_touch_anywhere() -> None:
    covered = [page for page in plain().values() if isinstance(page.screen, Result) and page.screen.covered]
    assert any(Anywhere("close") in page.items for page in covered)


def test_the_whole_page_is_the_state_and_each_has_a_sign_of_its_own() -> None:
    theme = THEMES["normal"]
    for page in plain().values():
        signs = {item.drawing for item in page.items if isinstance(item, Picture)}
        ground = next(item.colour for item in page.items if isinstance(item, Panel))
        match page.screen:
            case Result():
                assert ground == theme.done.ground
                assert "check" in signs
            case Custody():  # white, and never the sign of a registered arrival
                assert ground == theme.custody.ground == PAPER
                assert "clock" in signs and not signs & {"check", "attention"}
            case Counter():
                assert ground == theme.counter.ground
                assert "attention" in signs
            case Off():
                assert ground == theme.off.ground
                assert signs & {"moon", "closed"}
            case _:
                assert ground == theme.work.ground
                assert not signs & {"check", "attention", "moon", "closed"}


def test_large_letters_are_larger_and_none_smaller_than_they_were() -> None:
    by_size = [dict(pages(Combination(Look(size=size), UPRIGHT))) for size in ("normal", "large")]
    shares = []
    for usual, large in zip(*(found.values() for found in by_size), strict=True):
        before, after = (letters_mm(page, "body") for page in (usual, large))
        if before:
            shares.append(after / before)
    assert min(shares) >= 1
    assert sum(share >= 1.1 for share in shares) >= 0.94 * len(shares)


def letters_mm(page: Laid, role: str) -> float:
    """The height of the capitals of a role; 0 where the page has none."""
    runs = (run for each in page.letterings() if each.role == role for line in each.block.lines for run in line.runs)
    return max((run.capital_mm for run in runs if not run.ruby), default=0.0)


def test_one_appointment_that_has_no_room_is_one_and_not_several() -> None:
    screen = dict(screens(Look("en")))["many"]
    assert isinstance(screen, Result)
    page = laid(replace(screen, appointments=screen.appointments[:6]), Combination(Look("en"), UPRIGHT))
    assert "1 more appointment." in "".join(each.text for each in page.letterings())


def test_typed_digits_are_dots_and_never_numbers() -> None:
    for page in plain().values():
        if isinstance(page.screen, Keys):
            full = [item for item in page.items if isinstance(item, Panel) and item.colour == THEMES["normal"].card.ink]
            assert len(full) == page.screen.typed


def test_a_notice_changes_only_its_zone() -> None:
    leaving = [page for page in plain().values() if is_leaving(page.screen.timeout)]
    assert leaving
    for page in leaving:
        assert page.calm is not None
        assert MORE_TIME in page.screen.buttons or page.screen.name == "done"
        assert list(measure_page.moves(page)) == [0.0]


@pytest.mark.parametrize("kind", [AwaitingTap, Done, AtCounter])
def test_every_page_warns_at_least_20_seconds_before_it_goes(kind: type) -> None:
    rules = Rules()
    assert rules.warn_s >= 20
    assert duration_s(rules, kind) >= rules.warn_s


def test_long_names_of_hospitals_keep_the_strip_in_order() -> None:
    name = "社会医療法人財団 架空記念 架空中央総合医療センター附属架空病院"
    for look in (Look(), Look("vi")):
        chosen = Combination(look, UPRIGHT, replace(STAND, hospital=name))
        for variant, screen in screens(look):
            if variant == "plain":
                page = laid(screen, chosen)
                assert not [
                    rule.name for rule in RULES if (worst := rule.worst(page)) is not None and not rule.keeps(worst)
                ]


class TestRules:
    """Each rule finds what it is there for."""

    def planted(self, **changes: object) -> Laid:
        page = next(page for name, page in plain().items() if "-counter-leaving" in name)
        return replace(page, **changes)  # type: ignore[arg-type]

    def broken(self, page: Laid) -> set[str]:
        found = set()
        for rule in RULES:
            figure = rule.worst(page)
            if figure is not None and not rule.keeps(figure):
                found.add(rule.name)
        return found

    def test_the_page_itself_breaks_none(self) -> None:
        assert self.broken(self.planted()) == set()

    def test_small_letters_and_two_sizes(self) -> None:
        page = self.planted()
        at, text = next(
            (n, item) for n, item in enumerate(page.items) if isinstance(item, Text) and item.role == "body"
        )
        runs = tuple(replace(run, capital_mm=4.0) for run in text.text.lines[0].runs)
        lines = (replace(text.text.lines[0], runs=runs), *text.text.lines[1:])
        items = list(page.items)
        items[at] = replace(text, text=replace(text.text, lines=lines))
        assert {"letters", "sizes_of_a_role_more_than_one"} <= self.broken(replace(page, items=tuple(items)))

    def test_what_stands_out_overlaps_or_moves(self) -> None:
        page = self.planted()
        at, text = next(
            (n, item) for n, item in enumerate(page.items) if isinstance(item, Text) and item.role == "body"
        )
        items = list(page.items)
        items[at] = replace(text, box=replace(text.box, x=-9.0, y=text.box.y + 11))
        found = self.broken(replace(page, items=tuple(items)))
        assert {"letters_beyond_their_panel", "things_that_move_with_the_notice"} <= found

    def test_small_and_close_buttons(self) -> None:
        items = (*self.planted().items, Button(Box(10, 100, 15, 30), "one"), Button(Box(27, 100, 40, 30), "other"))
        assert {"buttons", "gaps_of_buttons"} <= self.broken(self.planted(items=items))

    def test_what_is_not_on_the_page(self) -> None:
        page = self.planted()
        fewer = tuple(item for item in page.items if not (isinstance(item, Text) and item.role == "title"))
        assert "sentences_not_on_the_page" in self.broken(replace(page, items=fewer))

    def test_weak_ink(self) -> None:
        page = self.planted()
        pale = tuple(replace(item, colour="#888888") if isinstance(item, Text) else item for item in page.items)
        assert "contrast_of_letters" in self.broken(replace(page, items=pale))

    def test_what_cannot_be_reached(self) -> None:
        seated = Combination(Look(wheelchair=True), UPRIGHT, replace(STAND, mounting_cm=104.0))
        screen = next(screen for _, screen in screens(seated.look))
        assert "buttons_above_reach" in self.broken(laid(screen, seated))

    def test_contrast_is_measured_as_wcag_does(self) -> None:
        assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
        assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)

    def test_a_finding_keeps_the_worst_of_its_pages(self) -> None:
        finding = Finding(next(rule for rule in RULES if rule.name == "buttons"))
        for name, figure in (("a", 25.0), ("b", 19.0), ("c", 22.0)):
            finding.add(name, figure)
        assert finding.as_json() | {"worst": 19.0, "where": "b", "broken": 1, "keeps": False} == finding.as_json()


def test_pages_look_as_they_did() -> None:
    """What differs is to be looked at: `kiosk screens --pictures`; then `python -m tests.ui.golden` writes it anew."""
    kept = json.loads(golden.FILE.read_text(encoding="utf-8"))
    now = golden.hashes()
    assert sorted(name for name in kept.keys() | now.keys() if kept.get(name) != now.get(name)) == []


def test_what_a_site_has_is_drawn_a_phone_at_the_reader_and_the_slip_where_it_comes_out() -> None:
    stand = replace(STAND, reader="drop", reader_side="left", slip_at="left-top")
    combination = Combination(Look(), DISPLAYS[1], stand)
    wording = replace(WORDING, phone_card=True, phone_mynumber=True)
    drawn: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for variant, kiosk in specimens():
        screen = screen_of(kiosk, wording)
        page = laid(screen, combination)
        found = {(item.drawing, item.variant) for item in page.items if isinstance(item, Picture)}
        drawn[screen.name] |= found
        broken = [rule.name for rule in RULES if (figure := rule.worst(page)) is not None and not rule.keeps(figure)]
        assert broken == [], (screen.name, variant)
    assert ("phone", "") in drawn["choose_card"] & drawn["insert_card"]
    assert {("phone", "card"), ("reader", "drop left")} <= drawn["tap_reader"]
    assert ("slip", "left-top") in drawn["done"] & drawn["printing"]
