"""Values in the patient's words: a time of day, a day, a doctor. The same for screens and slips.

`texts` is the patient's catalogue. Must never decide what is shown, only how it reads.
"""

from __future__ import annotations

from datetime import date, time

from kiosk.words.texts import Texts


def word_clock(at: time, texts: Texts) -> str:
    """`09:05`."""
    return str(texts["dates"]["clock"]).format(hour=at.hour, minute=at.minute)


def word_day(day: date, pattern: str, texts: Texts, at: time | None = None) -> str:
    """The day by `pattern`, a sentence of `texts`; `at` is for patterns that have an hour, too."""
    weekday = texts["dates"]["weekdays"][day.weekday()]
    hour, minute = (at.hour, at.minute) if at else (0, 0)
    return pattern.format(year=day.year, month=day.month, day=day.day, weekday=weekday, hour=hour, minute=minute)


def word_doctor(doctor: str, texts: Texts) -> str:
    """`佐藤 先生`, and a name that is written so already as it is; "" for none."""
    pattern = str(texts["parts"]["doctor"])
    title = pattern.replace("{doctor}", "").strip()
    return doctor if not doctor or doctor.endswith(title) else pattern.format(doctor=doctor)
