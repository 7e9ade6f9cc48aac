"""Makes the smaller Noto fonts in assets/fonts from Debian's, each with the characters that it is there for.

    python deploy/make_fonts.py [--from /usr/share/fonts]

Needs fonts-noto-core and fonts-noto-cjk (`deploy/setup --dev`). The same packages give the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

INTO = Path(__file__).resolve().parent.parent / "assets" / "fonts"

# Latin with every mark of Vietnamese and Portuguese, punctuation, currency, arrows.
LATIN = (*range(0x20, 0x7F), *range(0xA0, 0x250), *range(0x300, 0x370), *range(0x1E00, 0x1F00), *range(0x2000, 0x2070),
         *range(0x20A0, 0x20C0), *range(0x2100, 0x2200))  # fmt: skip
# What stands between the letters of Chinese and Korean.
MARKS = (*range(0x20, 0x7F), 0xB7, *range(0x2010, 0x2028), *range(0x2030, 0x203C), *range(0x2460, 0x2474),
         *range(0x3000, 0x3020), *range(0xFF01, 0xFF61))  # fmt: skip


def _level_1() -> Iterable[int]:
    """The 3,755 common characters of GB 2312: rows 16 to 55."""
    for row in range(0xB0, 0xD8):
        for cell in range(0xA1, 0xFF):
            yield from map(ord, bytes((row, cell)).decode("gb2312", "ignore"))


def _syllables() -> Iterable[int]:
    """The 2,350 syllables of KS X 1001."""
    for row in range(0xB0, 0xC9):
        for cell in range(0xA1, 0xFF):
            yield from map(ord, bytes((row, cell)).decode("euc_kr", "ignore"))


@dataclass(frozen=True)
class Font:
    """`source`: a file of Debian's; `face`: which of a collection, or -1. `features`: of the layout, kept."""

    name: str
    source: str
    face: int
    characters: tuple[int, ...]
    features: tuple[str, ...] = ()


_CHINESE = (*MARKS, *_level_1())
_KOREAN = (*MARKS, *_syllables())
FONTS = (
    *(
        Font(f"NotoSans{name}-{weight}.otf", f"NotoSansCJK-{weight}.ttc", face, characters)
        for name, face, characters in (("SC", 2, _CHINESE), ("KR", 1, _KOREAN))
        for weight in ("Regular", "Bold")
    ),
    *(
        Font(f"NotoSans-{weight}.ttf", f"NotoSans-{weight}.ttf", -1, LATIN, ("ccmp", "mark", "mkmk"))
        for weight in ("Regular", "Bold")
    ),
)


def make(font: Font, source: Path, target: Path) -> None:
    """One font file from one of Debian's."""
    options = Options(
        layout_features=list(font.features),
        notdef_outline=True,  # a mistake in our choice of font must be seen as a box, never as a blank
        hinting=False,
        name_IDs=["*"],
        name_languages=["*"],
        font_number=font.face,
    )
    with TTFont(source, fontNumber=font.face, lazy=True, recalcTimestamp=False) as whole:
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=font.characters)
        subsetter.subset(whole)
        _index(whole)
        whole.save(target)


def _index(font: TTFont) -> None:
    """Characters as runs of glyphs (format 12), the one way in which the kiosk looks them up."""
    table = CmapSubtable.newSubtable(12)
    table.platformID, table.platEncID, table.language, table.cmap = 3, 10, 0, font.getBestCmap()
    font["cmap"].tables.append(table)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description="Make the smaller Noto fonts in assets/fonts from Debian's.")
    parser.add_argument("--from", dest="folder", type=Path, default=Path("/usr/share/fonts"), help="where fonts lie")
    folder = parser.parse_args().folder
    for font in FONTS:
        found = sorted(folder.rglob(font.source))
        if not found:
            sys.stderr.write(f"{font.source} is not in {folder}: install fonts-noto-core and fonts-noto-cjk\n")
            return 1
        make(font, found[0], INTO / font.name)
        sys.stdout.write(f"{font.name}: {(INTO / font.name).stat().st_size:,} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
