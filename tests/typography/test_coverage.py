"""Which font draws which character: quickly for what one font draws, and the same then."""

from __future__ import annotations

import random

import pytest
from fontTools.ttLib import TTFont

from kiosk.typography.coverage import MISSING, Chain, Piece, one_font, pieces
from kiosk.typography.font_files import path

SECOND = "NotoSansCJKjp-Regular.otf"
CHAINS: tuple[Chain, ...] = (("BIZUDGothic-Regular.ttf", SECOND), ("BIZUDPGothic-Bold.ttf", SECOND), (SECOND,))
LETTERS = "内科佐藤0123ABgq、。（ー〒℃①ｱ 𠮷김葛\U000e0100\ufe0f\u3099か\u0301é"


def by_cluster(text: str, chain: Chain) -> tuple[Piece, ...]:
    """With a letter at the end that no bundled font has, every cluster is looked at."""
    *drawn, missing = pieces(f"{text}\U0001f600", chain)
    rest = missing.text[:-1]
    return (*drawn, Piece(missing.font, rest)) if rest else tuple(drawn)


@pytest.mark.parametrize("chain", CHAINS)
def test_a_text_of_one_font_has_the_same_pieces_as_looked_at_letter_by_letter(chain: Chain) -> None:
    chance = random.Random(3)
    for _ in range(2000):
        text = "".join(chance.choices(LETTERS, k=chance.randint(0, 12)))
        assert pieces(text, chain) == by_cluster(text, chain), text.encode("unicode_escape")
        assert one_font(text, chain) == one_font(f"{text}\U0001f600", chain)


def test_a_mark_or_a_selector_is_never_drawn_alone() -> None:
    chain = CHAINS[0]
    assert [piece.text for piece in pieces("か\u3099", chain)] == ["が"]
    assert [piece.text for piece in pieces("内\ufe0f科", chain)] == ["内科"]


@pytest.mark.parametrize("name", sorted({name for chain in CHAINS for name in chain}))
def test_a_font_has_the_characters_and_variants_that_another_reader_finds(name: str) -> None:
    chance = random.Random(5)
    with TTFont(path(name)) as font:
        table = font["cmap"]
        characters = set(table.getBestCmap())
        [selectors] = [each.uvsDict for each in table.tables if each.format == 14]
    variants = {(base, selector) for selector, bases in selectors.items() for base, _ in bases}
    near = {code + step for code in chance.sample(sorted(characters), 2000) for step in (-1, 0, 1)}
    for code in {*near, 0, 0xFFFF, 0x10FFFF} - {ord(MISSING), *range(0xD800, 0xE000)}:
        drawn = pieces(chr(code), (name,), selectors=False)  # of a selector alone: nothing
        assert [each.text != MISSING for each in drawn] == [code in characters] * len(drawn), hex(code)
    for base, selector in (*chance.sample(sorted(variants), 2000), *zip(near, selectors, strict=False)):
        both = chr(base) + chr(selector)
        assert (pieces(both, (name,))[0].text == both) == ((base, selector) in variants), (hex(base), hex(selector))
