"""What a technician wants to know of a system or a book at installation, each point told apart; nothing is written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, get_args

from drivers.reservations.adapter import Settings

Point = Literal[
    "host",  # is there anybody at that name and port?
    "tls",  # its certificate, ours, and the files of them
    "prefix",  # does it answer under the path of the url?
    "login",  # user, password, rights
    "clock",  # its clock beside ours
    "schema",  # of a book: is it of this version?
    "departments",  # and doctors: the one of site.toml is among them
    "day_list",  # the day's appointments and receptions
    "look_up",  # of a patient's number that nobody has
]
POINTS: Final[tuple[Point, ...]] = get_args(Point)
Verdict = Literal["ok", "bad", "not_tried"]


@dataclass(frozen=True)
class Finding:
    """`what`: for staff, in English, without patient data. `code`, `number`: the same, for who says it in another
    language; `number` in the unit of the code's name (`_s`: seconds).
    """

    point: Point
    verdict: Verdict
    what: str = ""
    code: str = ""
    number: float = 0


# (url, settings, day, until) → the points that it has, in the order of POINTS; what cannot be tried after a bad one is
# `not_tried`. Ends by `until` (time.monotonic()). Raises BadAddress.
Probe = Callable[[str, Settings, date, float], tuple[Finding, ...]]
