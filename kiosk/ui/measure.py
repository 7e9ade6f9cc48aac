"""`kiosk screens --measure`: every page in every look on every display held against the rules; the worst of each.

Owns which pages those are. Made-up people only; the rules are in measure_page.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import product
from multiprocessing import get_context
from typing import Any, Final, get_args

from kiosk.screens.names import MORE_TIME
from kiosk.screens.views import Screen, is_leaving
from kiosk.ui.frame import Stand
from kiosk.ui.measure_laid import Laid
from kiosk.ui.measure_page import RULES, Rule
from kiosk.ui.measure_pixels import PIXEL_RULES, Painted, PixelRule, painted
from kiosk.ui.pages import page
from kiosk.ui.pictures import DISPLAYS, STAND, Size, screens
from kiosk.ui.scale import glass_mm, millimetre_px
from kiosk.visit.rules import LANGUAGES, Language, Look, Theme
from kiosk.visit.rules import Size as LetterSize
from kiosk.words import texts

# Of displays whose page is as large as they are: how high the lower edge hangs, at most so that all can be reached.
HUNG: Final = (DISPLAYS[1], DISPLAYS[2])
HUNG_CM: Final = (75.0, 85.0)
# Nobody needs to know where it is: of a page that keeps a rule.
_FAULTS_MAX: Final = 8


@dataclass
class Finding:
    """The worst figure of one rule: on how many pages it was taken, and which ones broke it."""

    rule: Rule | PixelRule
    pages: int = 0
    worst: float | None = None
    where: str = ""
    broken: list[str] = field(default_factory=list)

    def add(self, name: str, figure: float) -> None:
        self.pages += 1
        worse = self.worst is None or (figure < self.worst if self.rule.at_least else figure > self.worst)
        if worse:
            self.worst, self.where = figure, name
        if not self.rule.keeps(figure):
            self.broken.append(name)

    def join(self, other: Finding) -> None:
        """Add what was found on other pages."""
        if other.worst is not None:
            pages = self.pages + other.pages
            self.add(other.where, other.worst)
            self.pages = pages
            self.broken += [name for name in other.broken if name != other.where]

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule.name,
            "worst": None if self.worst is None else round(self.worst, 2),
            "limit": self.rule.limit,
            "at": "least" if self.rule.at_least else "most",
            "unit": self.rule.unit,
            "keeps": not self.broken,
            "pages": self.pages,
            "where": self.where,
            "broken": len(self.broken),
        }


@dataclass(frozen=True)
class Combination:
    """One look on one display at one kiosk."""

    look: Look
    display: Size
    stand: Stand = STAND

    def __str__(self) -> str:
        look = self.look
        mounting = "" if self.stand.mounting_cm is None else f" {self.stand.mounting_cm:g}cm"
        seat = " wheelchair" if look.wheelchair else ""
        return f"{look.language} {look.theme} {look.size}{seat} {self.display}{mounting}"


def combinations(
    languages: Sequence[Language] = LANGUAGES,
    themes: Sequence[Theme] = get_args(Theme),
    sizes: Sequence[LetterSize] = get_args(LetterSize),
    displays: Sequence[Size] = DISPLAYS,
) -> Iterator[Combination]:
    """All of these, standing and sitting."""
    for language, theme, size, wheelchair, display in product(languages, themes, sizes, (False, True), displays):
        yield Combination(Look(language, theme, size, wheelchair), display)


def pages(combination: Combination) -> Iterator[tuple[str, Laid]]:
    """Every page with its name."""
    for number, (variant, screen) in enumerate(screens(combination.look), 1):
        yield f"{number:03}-{screen.name}-{variant} {combination}", laid(screen, combination)


def laid(screen: Screen, combination: Combination) -> Laid:
    """One page, and the same without the notice."""
    display, words = combination.display, texts.load("patient", screen.look.language)
    side = (display.width_px, display.height_px, display.diagonal_inch)
    unit, stand = millimetre_px(*side), replace(combination.stand, glass_mm=glass_mm(*side))
    width, height = display.width_px / unit, display.height_px / unit
    items = page(screen, words, stand, width, height)
    calm = None
    if is_leaving(screen.timeout):
        calm = page(without_notice(screen), words, stand, width, height)
    return Laid(screen, words, stand, width, height, items, calm)


def without_notice(screen: Screen) -> Screen:
    """The screen as it was before time began to run out."""
    others = tuple(name for name in screen.buttons if name != MORE_TIME)
    changes: Any = {"timeout": screen.timeout and replace(screen.timeout, warned=False), "buttons": others}
    return replace(screen, **changes)


def measured(chosen: Iterable[Combination], rules: Sequence[Rule] = RULES) -> list[Finding]:
    """Every page of these, and what came of it."""
    findings = [Finding(rule) for rule in rules]
    for combination in chosen:
        for name, laid_page in pages(combination):
            _add(findings, name, laid_page)
    return findings


def _add(findings: Iterable[Finding], name: str, page: Laid | Painted) -> None:
    for finding in findings:
        figure = finding.rule.worst(page)  # type: ignore[arg-type]
        if figure is not None:
            finding.add(name, figure)


def everything(languages: Sequence[Language], themes: Sequence[Theme], sizes: Sequence[LetterSize]) -> list[Finding]:
    """The same for all that these looks give, on the usual displays and on ones that hang low and high.

    Takes minutes: each processor has its share.
    """
    found = [Finding(rule) for rule in (*RULES, *PIXEL_RULES)]
    parts = [(language, theme, sizes) for language, theme in product(languages, themes)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for part in pool.map(_of_one_theme, *zip(*parts, strict=True)):
            for finding, other in zip(found, part, strict=True):
                finding.join(other)
    return found


def _of_one_theme(language: Language, theme: Theme, sizes: Sequence[LetterSize]) -> list[Finding]:
    hung = (
        replace(each, stand=replace(STAND, mounting_cm=cm))
        for each in combinations((language,), (theme,), sizes, HUNG)
        for cm in HUNG_CM
        if each.look.wheelchair
    )
    values, pixels = [Finding(rule) for rule in RULES], [Finding(rule) for rule in PIXEL_RULES]
    known: set[int] = set()
    for combination in (*combinations((language,), (theme,), sizes), *hung):
        for name, laid_page in pages(combination):
            _add(values, name, laid_page)
            if (fingerprint := hash(laid_page.items)) not in known:  # many look the same, sitting and standing
                known.add(fingerprint)
                _add(pixels, name, painted(laid_page))
    return [*values, *pixels]


def table(findings: Sequence[Finding]) -> Iterator[str]:
    """A line for each rule, and below it where it is broken."""
    for each in findings:
        rule = each.rule
        worst = "-" if each.worst is None else f"{each.worst:.2f}"
        sign, verdict = ("≥" if rule.at_least else "≤"), "" if not each.broken else f"  BROKEN on {len(each.broken)}"
        yield f"{rule.name:36} {worst:>8} {sign} {rule.limit:g} {rule.unit:3} {each.where}{verdict}"
        yield from (f"    {name}" for name in each.broken[:_FAULTS_MAX])


def as_json(findings: Sequence[Finding]) -> Iterator[str]:
    """The same, a JSON object a line."""
    return (json.dumps(each.as_json(), ensure_ascii=False) for each in findings)
