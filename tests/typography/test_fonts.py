"""Each language has its own letters: Chinese shapes, Korean syllables, Vietnamese marks, and bold that is bold."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from importlib.resources import files

import pytest
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.statisticsPen import StatisticsPen
from fontTools.ttLib import TTFont

from kiosk.typography.coverage import MISSING
from kiosk.typography.font_files import font_file, path
from kiosk.typography.fonts import advance, chain, em_of, pieces
from kiosk.typography.ruby import parts
from kiosk.words.departments import standard
from kiosk.words.texts import LANGUAGES, load, sentences

LAST = "NotoSansCJKjp-Regular.otf"
# Languages name themselves, each in its own letters.
NAMES_OF_LANGUAGES = "languages"
ALL_FONTS = sorted(one.name for one in files("assets").joinpath("fonts").iterdir() if one.name.endswith(("ttf", "otf")))


def words_of(language: str) -> Iterator[str]:
    for key, sentence in sentences(load("patient", language)):
        if key.split(".")[0] not in (NAMES_OF_LANGUAGES, "staff", "slip_staff"):
            yield from (part.base for part in parts(sentence))
    for table in ("department", "kind"):
        for japanese, names in standard(table).items():
            yield japanese if language.startswith("ja") else names[language]


def script(character: str) -> str:
    """The first word of its Unicode name: HANGUL, CJK, LATIN."""
    return unicodedata.name(character, "").split()[0] if character.strip() else ""


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_character_of_every_text_is_drawn_by_the_font_of_its_language(language: str, bold: bool) -> None:
    fonts = chain(language, bold=bold)
    own = {"CJK": fonts[0], "HANGUL": fonts[0], "LATIN": f"NotoSans-{'Bold' if bold else 'Regular'}.ttf"}
    for text in words_of(language):
        for piece in pieces(text, fonts):
            assert MISSING not in piece.text, text
            assert piece.font != LAST, (text, piece.text)
            for character in piece.text:
                assert piece.font == own.get(script(character), piece.font), (text, character)


def outline(font: str, character: str) -> list[object]:
    with TTFont(path(font), lazy=True) as opened:
        glyphs = opened.getGlyphSet()
        pen = DecomposingRecordingPen(glyphs)
        glyphs[opened.getBestCmap()[ord(character)]].draw(pen)
        return list(pen.value)


@pytest.mark.parametrize("character", "直骨角门今化真")
def test_chinese_is_drawn_in_its_own_shapes_and_names_are_japanese(character: str) -> None:
    (words,) = pieces(character, chain("zh_hans"))
    (name,) = pieces(character, chain("zh_hans", name=True))
    assert words.font == "NotoSansSC-Regular.otf" and name.font != words.font
    assert outline(words.font, character) != outline(LAST, character)


def test_a_korean_name_is_bold_where_it_should_be_in_every_language() -> None:
    for language in LANGUAGES:
        assert [piece.font for piece in pieces("한지민", chain(language, bold=True, name=True))] == [
            "NotoSansKR-Bold.otf"
        ]


def ink(font: str, letters: str) -> float:
    """The inked area of the letters, in square ems."""
    with TTFont(path(font), lazy=True) as opened:
        glyphs, cmap = opened.getGlyphSet(), opened.getBestCmap()
        total = 0.0
        for letter in letters:
            pen = StatisticsPen(glyphs)
            glyphs[cmap[ord(letter)]].draw(pen)
            total += abs(pen.area) / opened["head"].unitsPerEm ** 2
    return total


@pytest.mark.parametrize(
    ("language", "letters"),
    [("ja", "診察受付お取り"), ("zh_hans", "请报到窗口"), ("ko", "접수창구"), ("vi", "Đăngký"), ("en", "Arrival")],
)
def test_bold_is_bold(language: str, letters: str) -> None:
    bold, regular = chain(language, bold=True)[0], chain(language)[0]
    assert ink(bold, letters) > 1.12 * ink(regular, letters)


def test_letters_of_latin_words_have_their_tails_and_are_of_one_font_in_every_language() -> None:
    for language in LANGUAGES:
        found = pieces("受付 Apply 3 階", chain(language))
        assert [piece.font for piece in found if "Apply" in piece.text] == ["NotoSans-Regular.ttf"]
    with TTFont(path("NotoSans-Bold.ttf"), lazy=True) as font:
        glyphs, cmap = font.getGlyphSet(), font.getBestCmap()
        for letter in "gjpqyặỵ":
            pen = BoundsPen(glyphs)
            glyphs[cmap[ord(letter)]].draw(pen)
            assert pen.bounds is not None
            assert pen.bounds[1] < -0.15 * font["head"].unitsPerEm
            assert pen.bounds[1] > -0.32 * font["head"].unitsPerEm, "within the line"


@pytest.mark.parametrize("font", ALL_FONTS)
def test_characters_and_widths_are_those_of_the_file(font: str) -> None:
    with TTFont(path(font), lazy=True) as opened:
        cmap, widths, units = opened.getBestCmap(), opened["hmtx"], opened["head"].unitsPerEm
        read = font_file(font)
        for code in range(0x20, 0x30000, 5):
            character = chr(code)
            assert read.has(character) == (code in cmap)
            assert read.advance(character) == (widths[cmap[code]][0] / units if code in cmap else 0.0)
    assert advance("H1", font) == read.advance("H") + read.advance("1")


def test_capitals_are_as_high_as_was_asked() -> None:
    for language in LANGUAGES:
        for font in chain(language):
            with TTFont(path(font), lazy=True) as opened:
                glyphs = opened.getGlyphSet()
                pen = BoundsPen(glyphs)
                glyphs[opened.getBestCmap()[ord("H")]].draw(pen)
                assert pen.bounds is not None
                high = pen.bounds[3] / opened["head"].unitsPerEm * em_of(6.1, font)
            assert 6.05 <= high <= 6.3, font


def test_the_fonts_that_are_made_for_the_screen_are_not_kerned() -> None:
    """A kerned text would not be as wide as the sum of its letters."""
    for language in LANGUAGES:
        for font in chain(language):
            with TTFont(path(font), lazy=True) as opened:
                assert "kern" not in opened
                features = opened["GPOS"].table.FeatureList.FeatureRecord if "GPOS" in opened else []
                assert "kern" not in {one.FeatureTag for one in features}


def test_a_variation_selector_takes_no_room() -> None:
    assert font_file("BIZUDPGothic-Regular.ttf").advance("\U000e0100") == 0.0
