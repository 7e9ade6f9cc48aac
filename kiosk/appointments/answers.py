"""What an import or a restore of appointments came to, as a value: for the command line, and for the appliance, which
runs the commands with `--json`.

Owns the codes of drivers' exceptions in the catalogue `import`. Must never put what stands in a file into a value.
"""

from __future__ import annotations

from typing import Final

from drivers.reservations import ReservationsDown
from drivers.reservations.csv_file import NAMED_IN_MESSAGE, BadCsv
from kiosk.words.problems import Parameter, Problem

CATALOGUE: Final = "import"
NO_FOLDER: Final = Problem("down.folder")
ON_SERVER: Final = Problem("restored.on_server")
INCOMPLETE: Final = Problem("restored.incomplete")


def imported(rows: int, days: int) -> Problem:
    """An import that ended well."""
    return Problem("done.imported" if rows else "done.nothing", {"rows": rows, "days": days})


def refused(error: BadCsv | ReservationsDown) -> Problem:
    """An import that changed nothing; or a restore."""
    if isinstance(error, ReservationsDown):
        return Problem(f"down.{error.code}", error.parameters, english=str(error))
    names = {name: _named(value) for name, value in error.fault.parameters.items()}
    reason = Problem(f"reason.{error.fault.code}", names)
    if error.line is None:
        return Problem("refused.file", {"reason": reason}, english=str(error))
    parts: dict[str, Parameter] = {"line": error.line, "reason": reason}
    if not error.others:
        return Problem("refused.line", parts, english=str(error))
    parts |= {"count": len(error.others), "lines": error.others[:NAMED_IN_MESSAGE]}
    code = "refused.many_lines" if len(error.others) > NAMED_IN_MESSAGE else "refused.lines"
    return Problem(code, parts, english=str(error))


def _named(value: int | str | tuple[str, ...]) -> Parameter:
    """A column by a code of its own: a text would not be taken by `from_json`."""
    if isinstance(value, tuple):
        return tuple(Problem(f"column.{name}") for name in value)
    return Problem(f"column.{value}") if isinstance(value, str) else value
