"""What a technician wants to know of an ORCA at installation, without writing anything: each point told apart.

Nobody's number is asked: patients need not be known to whom it is told.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from drivers.reservations.adapter import Settings

Point = Literal[
    "host",  # is there anybody at that name and port?
    "tls",  # its certificate, ours, and the files of them
    "prefix",  # does the API answer under this path?
    "login",  # user and password
    "clock",  # its clock beside ours
    "departments",  # and doctors: the one of site.toml is among them
    "day_list",  # the day's appointments and receptions
    "look_up",  # of a patient's number that nobody has
]
Verdict = Literal["ok", "bad", "not_tried"]


@dataclass(frozen=True)
class Finding:
    """`what`: for staff, in English, without patient data. `code`, `numbers`: the same, for who says it in another
    language; `numbers` in the units of the code's name (`_s`: seconds).
    """

    point: Point
    verdict: Verdict
    what: str = ""
    code: str = ""
    number: float = 0


def probe(url: str, settings: Settings, day: date, until: float) -> tuple[Finding, ...]:
    """One finding for each point, in that order; what cannot be tried after a bad one is `not_tried`.

    Ends by `until` (time.monotonic()). Raises BadAddress.
    """
    raise NotImplementedError
