"""When the site opens next."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kiosk.reception.surroundings import next_opening
from kiosk.visit.state import Opening
from tests.site_toml import Site, with_

ZONE = ZoneInfo("Asia/Tokyo")
# 2026-01-15 is a Thursday.
HOURS = (
    with_("site", 'closed_days = ["2026-01-19"]')
    + "[[hours]]\ndays = ['mon', 'thu']\nopen = '8:30'\nclose = '12:00'\n"
    + "[[hours]]\ndays = ['thu']\nopen = '13:05'\nclose = '17:00'\n"
)


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("now", "opening"),
    [
        (local(15, 7), Opening(local(15, 8, 30), is_today=True)),
        (local(15, 12, 30), Opening(local(15, 13, 5), is_today=True)),
        (local(15, 18), Opening(local(22, 8, 30), is_today=False)),
        (local(22, 0), Opening(local(22, 8, 30), is_today=True)),
    ],
    ids=["before the first hours", "at noon", "a closed day lies between", "the day has come"],
)
def test_the_next_opening_is_the_first_that_no_closed_day_takes(
    now: datetime, opening: Opening, tmp_path: Path
) -> None:
    assert next_opening(Site(tmp_path).load(HOURS), now) == opening


def test_a_site_that_stays_closed_for_a_month_names_no_day(tmp_path: Path) -> None:
    mondays = ", ".join(f'"2026-{day}"' for day in ("01-19", "01-26", "02-02", "02-09"))
    hours = "[[hours]]\ndays = ['mon']\nopen = '8:30'\nclose = '12:00'\n"
    assert next_opening(Site(tmp_path).load(with_("site", f"closed_days = [{mondays}]") + hours), local(15, 7)) is None
