"""What is asked of one IPP printer, and what its answers mean: each request a method, each answer a value.

Owns the attribute names, and which of a printer's reasons is which of ours. Must never retry, or decide what to do.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from drivers.page_printer import DocumentKind, NotReady, PrinterStatus, Ready, Reason, ipp
from drivers.page_printer.address import IppAddress, Paper
from drivers.page_printer.ipp import Attributes, Group, Operation, PrinterState, Status, Tag, attribute
from drivers.page_printer.transport import NoAnswer, exchange

CONNECT_S: Final = 5.0
ANSWER_S: Final = 5.0
SEND_S: Final = 20.0
"""A page of some 100 kB and its answer; a printer that wakes up takes its time."""

_MEDIA: Final[dict[Paper, str]] = {"a4": "iso_a4_210x297mm", "a5": "iso_a5_148x210mm"}
_TYPES: Final[dict[DocumentKind, str]] = {"pdf": "application/pdf", "jpeg": "image/jpeg"}
_A5 = re.compile(r"(^|[^a-z0-9])a5($|[^a-z0-9])")
_SEVERITY = re.compile(r"-(error|warning|report)$")
# RFC 8011 5.4.12 and the PWG's registry; what is to be done first stands first.
_REASONS: Final[tuple[tuple[Reason, tuple[str, ...]], ...]] = (
    ("printer_stopped", ("paused", "moving-to-paused", "deactivated")),
    ("printer_offline", ("offline", "connecting-to-device", "shutdown", "timed-out", "cups-remote-stopped")),
    ("cover_open", ("cover-open", "door-open", "interlock-open", "input-tray-missing")),
    ("paper_jam", ("media-jam",)),
    ("paper_out", ("media-empty", "media-needed")),
    ("toner_out", ("toner-empty", "marker-supply-empty")),
    ("printer_stopped", ("stopping", "stopped-partly")),
)
_ASKED: Final = (
    "printer-state", "printer-state-reasons", "printer-state-message", "printer-is-accepting-jobs",
    "document-format-supported", "media-default", "media-ready", "media-supported", "sides-supported",
    "print-scaling-supported", "print-color-mode-supported", "job-cancel-after-supported",
)  # fmt: skip
# What CUPS 2.4 says of a printer that its queue cannot reach, in the language of the job, which is English; as a reason
# it has that only for a moment.
_UNREACHED = ("may not exist or is unavailable", "is not responding", "Unable to locate printer")
_REFUSED_JOB = ("document-", "unsupported-", "job-password", "account-", "conflicting-")


Offers: TypeAlias = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Printer:
    """What a printer says of itself. `state`: a `PrinterState`; `reason`: what keeps it from printing.

    `hint`: what it warns of; another tray may have paper. `offers`: what it takes of the wishes for a job, as pairs of
    attribute and value.
    """

    status: PrinterStatus
    state: int
    reason: Reason | None
    hint: Reason | None
    offers: Offers


@dataclass(frozen=True)
class Job:
    """What a printer says of a job. `state`: a `JobState`; `refused`: it could not or may not print it as it is."""

    state: int
    refused: bool = False


class Requests:
    """The requests to one printer, as `user`. Each raises NoAnswer, and ends within its bounds."""

    def __init__(self, address: IppAddress, user: str) -> None:
        self._address = address
        self._user = user

    def printer(self) -> Printer:
        """Its state, and what it takes."""
        wanted = attribute("requested-attributes", Tag.KEYWORD, *_ASKED)
        answer = self._ask(Operation.GET_PRINTER_ATTRIBUTES, (wanted,))
        if answer.code >= Status.ERROR:
            raise NoAnswer("printer_refused", sent=False)
        return _printer(answer.group(Group.PRINTER), self._address)

    def print_job(
        self, name: str, document: bytes, ready: Ready, offers: Offers, cancel_after_s: int
    ) -> tuple[int, int | None]:
        """Give it the document: the status, and the job's id where the printer took it."""
        operation = (
            attribute("job-name", Tag.NAME, name),
            attribute("document-format", Tag.MEDIA_TYPE, _TYPES[ready.kind]),
        )
        wishes = (
            attribute("media", Tag.KEYWORD, _MEDIA[ready.paper]),
            attribute("sides", Tag.KEYWORD, "one-sided"),
            attribute("print-scaling", Tag.KEYWORD, "none"),
            attribute("print-color-mode", Tag.KEYWORD, "monochrome"),
        )
        # What a printer does not offer it might answer with a warning, or with its own idea of the next best.
        job = [wish for wish in wishes if (wish.name, wish.values[0]) in offers]
        if ("job-cancel-after", "") in offers:
            # For the queue to cancel it where this program, or its machine, ends before it can.
            job.append(attribute("job-cancel-after", Tag.INTEGER, cancel_after_s))
        answer = self._ask(Operation.PRINT_JOB, operation, job, document)
        return answer.code, _number(answer.group(Group.JOB), "job-id")

    def job(self, job_id: int) -> Job | None:
        """How the job stands; None when the printer knows it no more."""
        wanted = attribute("requested-attributes", Tag.KEYWORD, "job-state", "job-state-reasons")
        answer = self._ask(Operation.GET_JOB_ATTRIBUTES, (_job(job_id), wanted))
        if answer.code in (Status.NOT_FOUND, Status.GONE):
            return None
        found = answer.group(Group.JOB)
        state = _number(found, "job-state")
        if answer.code >= Status.ERROR or state is None:
            raise NoAnswer("printer_silent", sent=True)
        reasons = tuple(str(reason) for reason in found.get("job-state-reasons", ()))
        return Job(state, refused=any(reason.startswith(_REFUSED_JOB) for reason in reasons))

    def cancel(self, job_id: int) -> None:
        """Ask for the job to be cancelled; whether it was, `job` says."""
        self._ask(Operation.CANCEL_JOB, (_job(job_id),))

    def unfinished(self, prefix: str) -> dict[str, int]:
        """Name and id of the jobs of this user that are not done and whose name begins with `prefix`."""
        asked = (
            attribute("which-jobs", Tag.KEYWORD, "not-completed"),
            attribute("my-jobs", Tag.BOOLEAN, True),
            attribute("requested-attributes", Tag.KEYWORD, "job-id", "job-name", "job-originating-user-name"),
        )
        answer = self._ask(Operation.GET_JOBS, asked)
        if answer.code >= Status.ERROR and answer.code != Status.NOT_FOUND:
            raise NoAnswer("printer_refused", sent=False)
        found = {}
        for tag, each in answer.groups:
            name, job_id = _text(each, "job-name"), _number(each, "job-id")
            # Some printers answer with everybody's jobs, whatever is asked.
            ours = _text(each, "job-originating-user-name", self._user) == self._user
            if tag == Group.JOB and ours and name.startswith(prefix) and job_id is not None:
                found[name] = job_id
        return found

    def _ask(
        self,
        operation: Operation,
        attributes: Iterable[ipp.Attribute],
        job: Iterable[ipp.Attribute] = (),
        document: bytes = b"",
    ) -> ipp.Message:
        first = [attribute("printer-uri", Tag.URI, self._address.uri)]
        rest = list(attributes)
        if rest and rest[0].name == "job-id":  # RFC 8011 4.1.5: the target's attributes come first
            first.append(rest.pop(0))
        first.append(attribute("requesting-user-name", Tag.NAME, self._user))
        groups: list[tuple[Group, Iterable[ipp.Attribute]]] = [(Group.OPERATION, (*first, *rest))]
        if job := list(job):
            groups.append((Group.JOB, job))
        request = ipp.encode(operation, 1, groups, document)
        return exchange(self._address, request, connect_s=CONNECT_S, answer_s=SEND_S if document else ANSWER_S)


def _job(job_id: int) -> ipp.Attribute:
    return attribute("job-id", Tag.INTEGER, job_id)


def _number(attributes: Attributes, name: str) -> int | None:
    value = next(iter(attributes.get(name, ())), None)
    return value if type(value) is int else None


def _text(attributes: Attributes, name: str, without: str = "") -> str:
    return str(next(iter(attributes.get(name, ())), without))


def _printer(found: Attributes, address: IppAddress) -> Printer:
    state = _number(found, "printer-state") or PrinterState.IDLE
    keywords = tuple(str(each) for each in found.get("printer-state-reasons", ()))
    hint = _reason(_SEVERITY.sub("", each) for each in keywords)
    reason = hint if state == PrinterState.STOPPED else _reason(_without_warnings(keywords))
    message = _text(found, "printer-state-message")
    if reason is None and state == PrinterState.PROCESSING and any(each in message for each in _UNREACHED):
        reason = "printer_offline"
    offers = {
        (name.removesuffix("-supported"), str(value))
        for name, values in found.items()
        for value in values or ("",)
        if name.endswith("-supported")
    }
    return Printer(_status(found, state, reason, address), state, reason, hint, frozenset(offers))


def _status(found: Attributes, state: int, reason: Reason | None, address: IppAddress) -> PrinterStatus:
    if found.get("printer-is-accepting-jobs") == (False,):
        return NotReady("printer_refused")
    if state == PrinterState.STOPPED:
        return NotReady(reason or "printer_stopped")
    types = found.get("document-format-supported", (_TYPES["pdf"],))
    kind: DocumentKind | None = next((kind for kind, name in _TYPES.items() if name in types), None)
    if kind is None:
        return NotReady("printer_refused")
    return Ready(_paper(found) if address.paper == "printer" else address.paper, kind)


def _paper(found: Attributes) -> Paper:
    """A5 where it lies in the printer and A4 does not, or where it is the usual paper."""
    ready = [str(media) for media in found.get("media-ready", ())]
    usual = _text(found, "media-default")
    if any(_A5.search(media) for media in ready) and not any("a4" in media for media in ready):
        return "a5"
    return "a5" if _A5.search(usual) else "a4"


def _without_warnings(keywords: Iterable[str]) -> Iterator[str]:
    """What keeps a printer from printing; needing paper for the job, or being out of reach, is more than a warning."""
    for keyword in keywords:
        severity, base = _SEVERITY.search(keyword), _SEVERITY.sub("", keyword)
        if severity is None or severity[1] == "error" or base in ("media-needed", "offline", "connecting-to-device"):
            yield base


def _reason(keywords: Iterable[str]) -> Reason | None:
    """The first of our reasons."""
    bases = set(keywords)
    return next((reason for reason, ours in _REASONS if bases.intersection(ours)), None)
