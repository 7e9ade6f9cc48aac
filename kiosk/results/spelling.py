"""When two texts of the terminal's documents say the same, however they are spelt; and dates in every form they have.

Insurers, municipalities and machines write the same name with other widths, blanks, sizes of kana and hyphens, and put
● for what their character set lacks. Folding is for comparing only: nobody is to see a folded text, and no folded name
says who somebody is.

Source of the spellings: the Digital Agency's deck (kana size, ●, 丁目 and 番地) and open readers of such files (NFKC,
blanks, kana size).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Final

HIDDEN: Final = "●"  # a character that an insurer's system does not have

# Small kana; and signs that the two character sets of these files map to different code points.
_ONE_SPELLING: Final = str.maketrans(
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ〜‖",  # as NFKC leaves them
    "あいうえおつやゆよわかけアイウエオツヤユヨワカケ~∥",
)
_TO_KATAKANA: Final = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_HYPHENS: Final = re.compile("[‐‑‒–—―−]")
_LONG_AS_HYPHEN: Final = re.compile("(?<=[0-9])ー(?=[0-9])")
# Blanks, invisible characters, and selectors of a character's variant.
_UNSEEN: Final = re.compile(
    "[\\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]+"
)

_DIGITS: Final = {each: value for value, each in enumerate("〇一二三四五六七八九")} | {
    "零": 0, "壱": 1, "壹": 1, "弐": 2, "貳": 2, "参": 3, "參": 3, "伍": 5,
}  # fmt: skip
_UNITS: Final = {"十": 10, "拾": 10, "百": 100}
_NUMERALS: Final = "".join((*_DIGITS, *_UNITS))
_KANJI_NUMBER: Final = re.compile(f"(?<![{_NUMERALS}])[{_NUMERALS}]{{1,8}}(?=丁目|丁|番|号|の|ノ|-|[0-9]|$)")
# Written or left out before the name of a part of a municipality.
_OAZA: Final = re.compile("(?<=[市区町村])大字")
_BLOCK_WORDS: Final = re.compile("(?<=[0-9])(?:丁目|番地の|番地ノ|番地|番の|番|号室|号|の|ノ)")
_LOOSE_HYPHEN: Final = re.compile("(?<!-)-+(?=[^0-9-]|$)")

_ERAS: Final = {
    "明治": 1867,
    "大正": 1911,
    "昭和": 1925,
    "平成": 1988,
    "令和": 2018,
    "明": 1867,
    "大": 1911,
    "昭": 1925,
    "平": 1988,
    "令": 2018,
    "M": 1867,
    "T": 1911,
    "S": 1925,
    "H": 1988,
    "R": 2018,
}
_MONTH_AND_DAY: Final = "[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?"
_MIDNIGHT: Final = r"(?:T?00:00(?::00(?:\.0+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
_DATE: Final = re.compile(rf"([0-9]{{4}})(?:([0-9]{{2}})([0-9]{{2}})|{_MONTH_AND_DAY}{_MIDNIGHT})")
_ERA_DATE: Final = re.compile(rf"(明治|大正|昭和|平成|令和|[明大昭平令MTSHR])\.?([0-9]{{1,2}}|元){_MONTH_AND_DAY}")
# 1 明治 to 5 令和, as in forms for insurers.
_ERA_NUMBER_DATE: Final = re.compile("([1-5])(0[1-9]|[1-9][0-9])([0-9]{2})([0-9]{2})")
_ERA_NUMBERS: Final = (1867, 1911, 1925, 1988, 2018)
_LONGEST_DATE: Final = 40
_TIME_OF_DAY: Final = r"([01][0-9]|2[0-3]):?[0-5][0-9]:?[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_MOMENT: Final = re.compile(rf"(.{{8,10}}?)T?{_TIME_OF_DAY}")
_THOUSANDS: Final = re.compile("(?<![0-9,.])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")


def fold(text: str) -> str:
    """`text` for comparing: widths, blanks, kana sizes, hyphens and 1,000 made one; a date in its eight digits."""
    day = as_date(text)
    return day.isoformat().replace("-", "") if day else _folded(text)


def fold_day(text: str) -> str:
    """A day, with those of `as_known_day`; what is none as `fold` does."""
    day = as_known_day(text)
    return day.isoformat().replace("-", "") if day else fold(text)


def fold_kana(text: str) -> str:
    """A reading: hiragana is katakana, too."""
    return _folded(text).translate(_TO_KATAKANA)


def fold_address(text: str) -> str:
    """An address: 一丁目２番３号, 壱丁目2番地3 and 1-2-3 are one; 大字 before a name says nothing."""
    plain = _OAZA.sub("", _folded(text))
    spelt = _KANJI_NUMBER.sub(lambda found: str(_number(found[0])), plain)
    return _LOOSE_HYPHEN.sub("", _BLOCK_WORDS.sub("-", spelt))


def is_hidden(text: str) -> bool:
    """Whether characters of it are missing, so that it cannot be compared."""
    return HIDDEN in text


def as_date(text: str) -> date | None:
    """The day that `text` says and nothing else: 20260331, 2026-03-31, 2026/3/31, 令和8年3月31日, R8.3.31."""
    plain = _short(text)
    if found := _DATE.fullmatch(plain):
        return _date(int(found[1]), found[2] or found[4], found[3] or found[5])
    if found := _ERA_DATE.fullmatch(plain):
        return _date(_ERAS[found[1]] + (1 if found[2] == "元" else int(found[2])), found[3], found[4])
    return None


def as_known_day(text: str) -> date | None:
    """The same, and by the number of its era: 5080331 is 2026-03-31. Only of what is known to be a day: seven digits
    may be anybody's number.
    """
    found = _ERA_NUMBER_DATE.fullmatch(_short(text))
    return _date(_ERA_NUMBERS[int(found[1]) - 1] + int(found[2]), found[3], found[4]) if found else as_date(text)


def is_moment(text: str) -> bool:
    """Whether `text` is a day with the time of day, to the second: when something was written or asked, no term."""
    found = _MOMENT.fullmatch(_short(text))
    return found is not None and as_date(found[1]) is not None and as_date(text) is None


def _short(text: str) -> str:
    """`text` without blanks and widths; "" where it is longer than any date."""
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text)) if len(text) <= _LONGEST_DATE else ""


def _date(year: int, month: str, day: str) -> date | None:
    try:
        return date(year, int(month), int(day))
    except ValueError:
        return None


def _folded(text: str) -> str:
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).translate(_ONE_SPELLING)
    plain = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), plain)
    return _LONG_AS_HYPHEN.sub("-", _HYPHENS.sub("-", plain))


def _number(kanji: str) -> int:
    """二十三 is 23, and so is 二三."""
    if not any(each in _UNITS for each in kanji):
        return int("".join(str(_DIGITS[each]) for each in kanji))
    total, digit = 0, 0
    for each in kanji:
        if each in _UNITS:
            total, digit = total + (digit or 1) * _UNITS[each], 0
        else:
            digit = _DIGITS[each]
    return total + digit
