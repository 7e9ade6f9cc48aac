"""One line of `kiosk check`: what was looked at, what came out, and what to do.

Owns the words of a finding. Must never hold a password, a patient's data or the name of somebody else's file.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Result = Literal["OK", "NG", "SKIP"]
_CODE_COLUMNS = 30


@dataclass(frozen=True)
class Finding:
    """`code` is a stable ASCII name, `message` and `do` Japanese for the technician.

    NG always says in `do` what to do; an OK with a `do` is a hint.
    """

    code: str
    result: Result
    message: str
    do: str = ""

    def line(self) -> str:
        """The finding as one line of text."""
        advice = f" → {self.do}" if self.do else ""
        return " ".join(f"{self.result:<4} {self.code:<{_CODE_COLUMNS}} {self.message}{advice}".splitlines())


Findings = Generator[Finding, None, None]


def ok(code: str, message: str, do: str = "") -> Finding:
    """It is as it should be; `do`: a hint."""
    return Finding(code, "OK", message, do)


def ng(code: str, message: str, do: str) -> Finding:
    """It is not."""
    return Finding(code, "NG", message, do)


def skip(code: str, message: str, do: str = "") -> Finding:
    """It was not looked at, and why."""
    return Finding(code, "SKIP", message, do)


def as_json(findings: Iterable[Finding]) -> dict[str, Any]:
    """`{"ok": …, "checks": [{"code", "result", "message", "do"} …]}`; ok: nothing is NG."""
    checks = [asdict(finding) for finding in findings]
    return {"ok": all(check["result"] != "NG" for check in checks), "checks": checks}
