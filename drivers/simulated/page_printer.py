"""An office printer on a loopback port that speaks IPP, with fault knobs. For the demo and for tests.

    >>> from drivers.page_printer import open_page_printer
    >>> class Blank:
    ...     def render(self, paper, kind):
    ...         return b"%PDF-1.4 nothing"
    >>> with SimulatedPagePrinter() as device:
    ...     printer = open_page_printer(device.url)
    ...     printed = printer.print(Blank())
    ...     device.fault = "paper_out"
    ...     empty = printer.print(Blank())
    ...     [page.kind for page in device.pages]
    ['pdf']
    >>> printed, empty
    (Printed(), NotPrinted(reason='paper_out', maybe_out=False))

Owns the device's end of the line. Must never be imported by anything that runs in a hospital. Its jobs advance when
somebody asks: a page is printed as soon as nothing stands against it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Final, Literal, Self

from drivers.page_printer import DocumentKind, ipp
from drivers.page_printer.ipp import Attribute, Group, JobState, Operation, PrinterState, Status, Tag, attribute

Fault = Literal[
    "paper_out", "cover_open", "paper_jam", "toner_out", "paused", "unreachable", "unreachable_queue", "slow_and_low"
]
_REASONS: Final[dict[Fault, str]] = {
    "paper_out": "media-empty-error",
    "cover_open": "door-open-error",
    "paper_jam": "media-jam-error",
    "toner_out": "toner-empty-error",
    "paused": "paused",
    "unreachable": "connecting-to-device",
    "unreachable_queue": "none",  # CUPS says it in a message
    "slow_and_low": "media-empty-warning",  # it prints for ever, and one of its trays is empty
}
_UNREACHED: Final = "The printer may not exist or is unavailable at this time."
_GOES_ON: Final = ("unreachable", "unreachable_queue", "slow_and_low")  # a queue or printer with these is not stopped
_KINDS: Final[dict[str, DocumentKind]] = {"application/pdf": "pdf", "image/jpeg": "jpeg"}
_FINAL: Final = (JobState.CANCELED, JobState.ABORTED, JobState.COMPLETED)
_PATH: Final = "/ipp/print"


@dataclass
class PageJob:
    """One job that was taken. `wishes`: the attributes of its job group."""

    job_id: int
    name: str
    user: str
    kind: DocumentKind
    document: bytes = field(repr=False)
    wishes: ipp.Attributes
    due: float
    state: JobState = JobState.PENDING


class SimulatedPagePrinter:
    """A printer at `url`; a context manager. `stop` switches it off, `start` on again at the same port.

    Knobs, to be set at any time: `fault`; `stopped` (whether the fault has stopped it before anything is sent, or only
    holds up the job that is there); `page_s` (how long a page takes); `others_first` (jobs of others are before ours);
    `one_at_a_time` (answers "busy" to a second job); `accepting`; `silent` (takes everything, answers nothing);
    `lost_answers` (so many pages to come are taken, and the connection is cut before the answer); `forgets` (knows no
    job that is done); `cannot_cancel`; `formats`, `media_default`, `media_ready`; `http_status`.
    `jobs`: all that were taken; `pages`: those that came out; `requests`: the operations, in order.
    """

    def __init__(self, *, port: int = 0) -> None:
        self.fault: Fault | None = None
        self.stopped = True
        self.page_s = 0.0
        self.others_first = False
        self.one_at_a_time = False
        self.accepting = True
        self.silent = False
        self.lost_answers = 0
        self.forgets = False
        self.cannot_cancel = False
        self.formats: tuple[str, ...] = ("application/pdf", "image/jpeg")
        self.media_default = "iso_a4_210x297mm"
        self.media_ready: tuple[str, ...] = ("iso_a4_210x297mm",)
        self.http_status = 200
        self.jobs: list[PageJob] = []
        self.requests: list[Operation] = []
        self.url = ""
        self._port = port
        self._lock = threading.RLock()
        self._server: ThreadingHTTPServer | None = None
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Open the port and set `url`."""
        self._ended.clear()
        printer = self

        class Handler(_Handler):
            device: ClassVar[SimulatedPagePrinter] = printer

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        self.url = f"ipp://127.0.0.1:{self._port}{_PATH}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Switch off: nobody answers any more. What it had taken and not printed is still there after `start`."""
        self._ended.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def pages(self) -> list[PageJob]:
        """The jobs that came out."""
        self._advance()
        return [job for job in self.jobs if job.state == JobState.COMPLETED]

    def answer(self, message: ipp.Message) -> bytes | None:
        """What a request is answered with; None: nothing."""
        if self.silent:
            self._ended.wait()
            return None
        with self._lock:
            self._advance()
            operation = Operation(message.code)
            self.requests.append(operation)
            return self._answer(operation, message)

    def _answer(self, operation: Operation, message: ipp.Message) -> bytes | None:
        match operation:
            case Operation.GET_PRINTER_ATTRIBUTES:
                return ipp.encode(
                    Status.OK, message.request_id, [(Group.OPERATION, ()), (Group.PRINTER, self._itself())]
                )
            case Operation.PRINT_JOB:
                return self._take(message)
            case Operation.GET_JOBS:
                user = message.group(Group.OPERATION).get("requesting-user-name")
                open_jobs = [job for job in self.jobs if job.state not in _FINAL and (job.user,) == user]
                groups = [(Group.JOB, _described(job)) for job in open_jobs]
                return ipp.encode(Status.OK, message.request_id, [(Group.OPERATION, ()), *groups])
        wanted = message.group(Group.OPERATION).get("job-id", (0,))[0]
        job = next((job for job in self.jobs if job.job_id == wanted), None)
        if job is None or (self.forgets and job.state in _FINAL):
            return ipp.encode(Status.NOT_FOUND, message.request_id, [(Group.OPERATION, ())])
        status = Status.OK
        if operation == Operation.CANCEL_JOB:
            status = self._cancel(job)
        return ipp.encode(status, message.request_id, [(Group.OPERATION, ()), (Group.JOB, _described(job))])

    def _cancel(self, job: PageJob) -> Status:
        if job.state in _FINAL:
            return Status.NOT_POSSIBLE
        if not self.cannot_cancel:
            job.state = JobState.CANCELED
        return Status.OK

    def _take(self, message: ipp.Message) -> bytes | None:
        asked = message.group(Group.OPERATION)
        if not self.accepting:
            return ipp.encode(Status.NOT_ACCEPTING_JOBS, message.request_id, [(Group.OPERATION, ())])
        if self.one_at_a_time and any(job.state not in _FINAL for job in self.jobs):
            return ipp.encode(Status.BUSY, message.request_id, [(Group.OPERATION, ())])
        job = PageJob(
            job_id=len(self.jobs) + 1,
            name=str(asked["job-name"][0]),
            user=str(asked["requesting-user-name"][0]),
            kind=_KINDS[str(asked["document-format"][0])],
            document=message.data,
            wishes=message.group(Group.JOB),
            due=time.monotonic() + self.page_s,
        )
        self.jobs.append(job)
        if self.lost_answers:
            self.lost_answers -= 1
            return None
        return ipp.encode(Status.OK, message.request_id, [(Group.OPERATION, ()), (Group.JOB, _described(job))])

    def _advance(self) -> None:
        with self._lock:
            for job in self.jobs:
                if job.state in _FINAL:
                    continue
                if self.others_first or self.fault == "paused":
                    job.state = JobState.PENDING
                elif self.fault is not None:
                    job.state = JobState.PROCESSING if self.fault in _GOES_ON else JobState.PROCESSING_STOPPED
                else:
                    job.state = JobState.COMPLETED if time.monotonic() >= job.due else JobState.PROCESSING

    def _itself(self) -> Iterator[Attribute]:
        waiting = any(job.state not in _FINAL for job in self.jobs)
        if self.fault is not None and self.fault not in _GOES_ON and (self.stopped or waiting):
            state = PrinterState.STOPPED
        else:
            state = PrinterState.PROCESSING if waiting or self.others_first else PrinterState.IDLE
        reason = "none"
        if self.fault is not None and (self.stopped or waiting):
            reason = _REASONS[self.fault]
        yield attribute("printer-state", Tag.ENUM, state)
        yield attribute("printer-state-reasons", Tag.KEYWORD, reason)
        if self.fault == "unreachable_queue" and waiting:
            yield attribute("printer-state-message", Tag.TEXT, _UNREACHED)
        yield attribute("printer-is-accepting-jobs", Tag.BOOLEAN, self.accepting)
        yield attribute("document-format-supported", Tag.MEDIA_TYPE, *self.formats)
        yield attribute("media-default", Tag.KEYWORD, self.media_default)
        yield attribute("media-ready", Tag.KEYWORD, *self.media_ready)
        yield attribute("media-supported", Tag.KEYWORD, "iso_a4_210x297mm", "iso_a5_148x210mm", "na_letter_8.5x11in")
        yield attribute("sides-supported", Tag.KEYWORD, "one-sided", "two-sided-long-edge")
        yield attribute("print-scaling-supported", Tag.KEYWORD, "auto", "fit", "none")


class _Handler(BaseHTTPRequestHandler):
    device: ClassVar[SimulatedPagePrinter]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.close_connection = True
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.device.answer(ipp.decode(body)) if self.device.http_status == 200 else b""
        if answer is None:
            return
        with suppress(OSError):  # who asked has gone
            self.send_response(self.device.http_status)
            self.send_header("Content-Type", "application/ipp")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing: a request line is of no use, and standard error is the program's."""


def _described(job: PageJob) -> tuple[Attribute, ...]:
    return (
        attribute("job-id", Tag.INTEGER, job.job_id),
        attribute("job-name", Tag.NAME, job.name),
        attribute("job-originating-user-name", Tag.NAME, job.user),
        attribute("job-state", Tag.ENUM, job.state),
        attribute("job-state-reasons", Tag.KEYWORD, "none"),
    )
