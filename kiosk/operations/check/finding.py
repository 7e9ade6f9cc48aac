"""One line of `kiosk check`: what was looked at, what came out, and what to do.

Owns how a finding is worded: `assets/texts/ja/check.toml`. Must never hold a password, a patient's data or the name of
somebody else's file.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from kiosk.words import texts
from kiosk.words.problems import Parameter, Problem, word

Result = Literal["OK", "NG", "SKIP"]
_CODE_COLUMNS = 30
_CATALOGUE: Final = "check"


@dataclass(frozen=True)
class Finding:
    """`code` is a stable ASCII name; `what` came out and what to do, `remedy`, are worded for the technician.

    NG always has a remedy; an OK with one is a hint.
    """

    code: str
    result: Result
    what: Problem
    remedy: Problem | None = None

    @property
    def message(self) -> str:
        """What came out, in Japanese."""
        return in_japanese(self.what)

    def do(self, *, no_shell: bool = False) -> str:
        """What to do, in Japanese; "" for nothing. `no_shell`: on a machine where nobody can type a command."""
        if self.remedy is None:
            return ""
        table, _, key = self.remedy.code.partition(".")
        if no_shell and key in texts.load(_CATALOGUE)[table]["no_shell"]:
            return in_japanese(Problem(f"{table}.no_shell.{key}", self.remedy.parameters))
        return in_japanese(self.remedy)

    def line(self, *, no_shell: bool = False) -> str:
        """The finding as one line of text."""
        do = self.do(no_shell=no_shell)
        advice = f" → {do}" if do else ""
        return " ".join(f"{self.result:<4} {self.code:<{_CODE_COLUMNS}} {self.message}{advice}".splitlines())


Findings = Generator[Finding, None, None]


def ok(code: str, what: str, do: str = "", /, **parameters: Parameter) -> Finding:
    """It is as it should be. `what`, `do` (a hint): codes of the catalogue; `parameters`: of both."""
    return _finding(code, "OK", what, do, parameters)


def ng(code: str, what: str, do: str, /, **parameters: Parameter) -> Finding:
    """It is not."""
    return _finding(code, "NG", what, do, parameters)


def skip(code: str, what: str, do: str = "", /, **parameters: Parameter) -> Finding:
    """It was not looked at, and why."""
    return _finding(code, "SKIP", what, do, parameters)


def in_japanese(what: Problem) -> str:
    """A sentence of the check."""
    return word(what, _CATALOGUE, "ja")


def as_json(findings: Iterable[Finding], *, no_shell: bool = False) -> dict[str, Any]:
    """`{"ok": …, "checks": [{"code", "result", "message", "do"} …]}`; ok: nothing is NG."""
    checks = [
        {"code": each.code, "result": each.result, "message": each.message, "do": each.do(no_shell=no_shell)}
        for each in findings
    ]
    return {"ok": all(check["result"] != "NG" for check in checks), "checks": checks}


def _finding(code: str, result: Result, what: str, do: str, parameters: dict[str, Parameter]) -> Finding:
    return Finding(code, result, Problem(what, parameters), Problem(do, parameters) if do else None)
