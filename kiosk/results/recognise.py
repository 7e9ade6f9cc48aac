"""What a file's bytes say: whether they are a whole document, and which other file they belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kiosk.results import eligibility
from kiosk.results import names as result_files
from kiosk.results.eligibility import Eligibility, SubsidyFailed, Unreadable


@dataclass(frozen=True)
class Reading:
    """`whole`: a complete document. `provable`: bytes of this kind can show that they are whole (XML can, .err cannot).

    `request` is the lower-case subsidy request name the file belongs to or asks for, or "".
    """

    whole: bool
    provable: bool = True
    why: str = ""
    request: str = ""
    failed: bool = False
    refused: bool = False
    result: Eligibility | None = field(repr=False, default=None)


Reader = Callable[[str, bytes], Reading]


def result_reader(max_bytes: int) -> Reader:
    """Reads eligibility results of at most `max_bytes`."""

    def read(name: str, raw: bytes) -> Reading:
        answer = eligibility.read(raw, max_bytes)
        if isinstance(answer, Unreadable):
            return Reading(whole=False, why=answer.why)
        return Reading(
            whole=True,
            request=(answer.subsidy.request or "").lower(),
            refused=answer.subsidy.refused,
            result=answer,
        )

    return read


def subsidy_reader(max_bytes: int) -> Reader:
    """Reads subsidy results, and error files, which are opaque."""

    def read(name: str, raw: bytes) -> Reading:
        request = result_files.request_key(name) or ""
        answer = eligibility.read_subsidy(name, raw, max_bytes)
        if isinstance(answer, Unreadable):
            return Reading(whole=False, why=answer.why, request=request)
        failed = isinstance(answer, SubsidyFailed)
        return Reading(whole=True, provable=not failed, request=request, failed=failed)

    return read
