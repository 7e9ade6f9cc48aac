"""What stays whatever the clock says: the newest months in which anything came.

A clock that is years ahead, and whatever is written meanwhile, must not let go of what is to be kept: it adds a month
or two, and every month in which anything came before it counts as one.
"""

from __future__ import annotations

import sqlite3
from typing import Final

# By an index on the column, a look for each month.
_NTH_NEWEST: Final = """
    WITH RECURSIVE found (month, n) AS (
        SELECT substr(max({column}), 1, 7), 1 FROM {table}
        UNION ALL SELECT (SELECT substr(max({column}), 1, 7) FROM {table} WHERE {column} < month), n + 1 FROM found
        WHERE month IS NOT NULL AND n < ?1
    ) SELECT month FROM found WHERE n = ?1 AND month IS NOT NULL
"""


def kept_from(connection: sqlite3.Connection, table: str, column: str, months: int) -> str:
    """The oldest (2026-01) of the newest `months` months that have a row; "": there are not so many.

    What is smaller may go. `table`, `column`: our own names; the column holds ISO days or times.
    """
    row = connection.execute(_NTH_NEWEST.format(table=table, column=column), (months,)).fetchone()
    return str(row[0]) if row else ""
