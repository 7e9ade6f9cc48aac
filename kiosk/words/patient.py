"""Values in the patient's words: a time of day, a day, a doctor, a place. The same for screens and slips.

`texts` is the patient's catalogue in any language; what it gives may hold ruby. Must never decide what is shown, only
how it reads.
"""

from __future__ import annotations

import re
from datetime import date, time
from typing import Final
from unicodedata import normalize

from kiosk.typography import ruby
from kiosk.words.texts import Texts

_TITLE: Final = "先生"
# A place as most hospitals write it, whole: `A棟1階2番窓口`, `地下1階`, `3番窓口`.
_PLACE: Final = re.compile(r"(?:([A-Z0-9]{1,2})棟)?(地下)?(?:(\d{1,2})階)?(?:(\d{1,3})番窓口)?")


def word_clock(at: time, texts: Texts) -> str:
    """`09:05`, `9:05 AM`, `오전 9:05`."""
    dates = texts["dates"]
    half = dates["halves"][at.hour // 12]
    return str(dates["clock"]).format(hour=at.hour, hour12=at.hour % 12 or 12, minute=at.minute, half=half)


def word_day(day: date, pattern: str, texts: Texts, at: time | None = None) -> str:
    """The day by `pattern`, a sentence of `texts`; `at` is for patterns that have a time, too."""
    days = texts["days"]
    return pattern.format(
        year=day.year,
        month=texts["dates"]["months"][day.month - 1],
        day=days.get(str(day.day), days["other"]).format(day=day.day),
        weekday=texts["dates"]["weekdays"][day.weekday()],
        clock=word_clock(at, texts) if at else "",
    )


def word_doctor(doctor: str, texts: Texts) -> str:
    """`佐藤 先生`, `Dr. 佐藤`; a name with its title already is not given another; "" for none."""
    name = ruby.name(doctor.removesuffix(_TITLE).strip())
    return name and str(texts["parts"]["doctor"]).format(doctor=name)


def word_window(window: str, texts: Texts) -> str:
    """`2番窓口`, `Window 2`; "" for none."""
    return window and str(texts["parts"]["window"]).format(window=window)


def word_floor(floor: int, texts: Texts) -> str:
    """`1階`, `Floor 1`; below the ground, `floor` < 0, `地下1階`; "" for 0: not known."""
    pattern = str(texts["parts"]["floor" if floor > 0 else "basement"])
    return pattern.format(floor=abs(floor)) if floor else ""


def place_parts(place: str) -> tuple[str, int, str]:
    """Building, floor (below the ground < 0) and window of a place in Japanese words; "" and 0 for what is not there.

    Nothing of a place that has other words as well: its parts would not be the way.
    """
    found = _PLACE.fullmatch("".join(normalize("NFKC", place).split()))
    if found is None or (found[2] and not found[3]):
        return "", 0, ""
    floor = int(found[3] or 0)
    return found[1] or "", -floor if found[2] else floor, found[4] or ""


def word_building(building: str, texts: Texts) -> str:
    """`A棟`, `Building A` for a letter or a number; a name stays as the hospital writes it."""
    short = len(building) <= 2 and building.isascii() and building.isalnum()
    return str(texts["parts"]["building"]).format(building=building) if short else ruby.name(building)
