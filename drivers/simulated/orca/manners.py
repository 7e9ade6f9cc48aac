"""How one installation of ORCA is, as the next hospital's is not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

JAPAN: Final = ZoneInfo("Asia/Tokyo")


def now() -> datetime:
    """The time of day in Japan."""
    return datetime.now(JAPAN)


@dataclass
class Manners:
    """Knobs of the installation, to be set at any time.

    `prefix`: "/api" at WebORCA, "" else; `wrong_path`: the status of any other path. `patient_digits`: zero padding of
    patient numbers in answers; `code_digits`: of Api_Result (2 or 4). `has_query`: acceptmodv2 knows Request_Number 00
    (2024-11 and later; else 91). `serialises`: nobody else gets between the look for a double and the entry, `race_s`
    is how long that takes. `rows_max`: of a list of the day, more is 20; `patient_rows_max`: of appointlst2v2.
    `pads`: arrays of masters are filled with empty records. `chunked`: bodies have no length in front. `clock`: of the
    server (aware); answers and the HTTP header Date follow it.
    """

    prefix: str = ""
    wrong_path: Literal[404, 405] = 404
    patient_digits: int = 5
    code_digits: Literal[2, 4] = 2
    has_query: bool = True
    serialises: bool = False
    race_s: float = 0.0
    rows_max: int = 500
    patient_rows_max: int = 50
    pads: bool = True
    chunked: bool = True
    clock: Callable[[], datetime] = now
