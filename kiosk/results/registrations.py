"""The registration of one reference number (照会番号): the bytes of the request, and what the terminal's answer says.

`OQSsiimm01req_<yyyyMMdd><NNNN>.xml` → `OQSsiimm01res_` with the same tail (interface OQS-IF-003). Must never do I/O,
never raise on the bytes of an answer, and never take for registered what is in doubt.

Source of the format: YUKI-ENT/MynaReception (specification and tests of its registration, an answer of a real terminal
of 2026-09-30); the official interface specification was not available. Codes of errors are not public: they are shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

ANSWER_MAX_BYTES: Final = 65_536
INSURER_CHARS: Final = 8
_REQUEST_NAME = re.compile(r"OQSsiimm01req_[0-9]{12}\.xml", re.ASCII)

# registered: by the terminal's word, all of it ours. failed: refused with `code`. not_ours: an answer to somebody
# else's request. unsure: neither yes nor no; a person must look. incomplete: not a whole document (yet).
Verdict = Literal["registered", "failed", "not_ours", "unsure", "incomplete"]


@dataclass(frozen=True)
class Insurance:
    """The insurance of a result, as its record writes it. `insurer` keeps its leading blanks or has none.

    `symbol` and `branch`: None where the record has none; a branch is never invented.
    """

    insurer: str = field(repr=False)
    symbol: str | None = field(repr=False)
    identification: str = field(repr=False)
    branch: str | None = field(repr=False)


@dataclass(frozen=True)
class Request:
    """One request. `file`: its name. `institution`: 10 digits. `identifier`: ours, comes back in the answer.

    `number`: the reference number to register, 1–50 characters.
    """

    file: str
    institution: str
    identifier: str
    number: str = field(repr=False)
    insurance: Insurance = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """`code`: the terminal's, of plain characters, "" when it gave none; `message`: its words, at most 200 characters.

    Both are foreign text. `why`: of unsure and not_ours, what did not fit: identifier · institution · number ·
    insurance · repeated · segment · status · unreadable.
    """

    verdict: Verdict
    code: str = ""
    message: str = field(repr=False, default="")
    why: str = ""


def request_file(day: str, number: int) -> str:
    """The name of a request. `day`: yyyyMMdd; `number`: 1–9999 of that day."""
    return f"OQSsiimm01req_{day}{number:04d}.xml"


def answer_file(request: str) -> str:
    """The name of the answer to the request file `request`. ValueError: no name of a request."""
    if not _REQUEST_NAME.fullmatch(request):
        raise ValueError("not the name of a registration request")
    return request.replace("req_", "res_", 1)
