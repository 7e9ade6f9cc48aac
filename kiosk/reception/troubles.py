"""What can be wrong at the reception for a while, as one closed set of codes. Pure.

Each code is at once a staff code (`screens.STAFF`), an id of the event log, a problem of `kiosk status`, a label of
`kiosk_trouble` and a condition of the alarm command. They are said and ended by `Board.trouble`.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Trouble = Literal[
    "disk_full",
    "reservations_down",  # the database cannot be asked
    "reservations_lost",  # a damaged one was put aside and made again; until staff acknowledge it
    "reference_numbers_refused",
    "imports",
    "disk_low",
    "reservations_backup_old",  # nothing of the last days would come back
]
# The worst first.
TROUBLES: Final[tuple[Trouble, ...]] = get_args(Trouble)
