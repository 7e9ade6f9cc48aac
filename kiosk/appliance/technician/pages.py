"""State -> Page: what the appliance's pages show, in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from unicodedata import east_asian_width

from kiosk.appliance.technician import step
from kiosk.appliance.technician.state import Choice, Front, Gone, Menu, Pin, Report, State, Sure, Working
from kiosk.screens.names import KEYS
from kiosk.screens.views import Timeout, is_leaving
from kiosk.ui.theme import Mood
from kiosk.words.texts import Texts

# A list is shown in parts of this many rows; fewer where each row is a button.
ROWS: Final = 8
OPTIONS: Final = 4
# Full-width characters that are still read easily in one row of the smallest display.
ROW_CHARS: Final = 80

Layout = Literal["report", "pad", "menu", "choice", "sure", "leaving"]


@dataclass(frozen=True)
class Row:
    """`mark`: OK, NG, SKIP, or none."""

    text: str
    mark: str = ""


@dataclass(frozen=True)
class Page:
    """A view for people who work with the machine. `remarks`: the lines that are no row.

    `typed`: how many digits of the PIN. `swapped`: the buttons change their sides. `foot`: a small line at the bottom;
    `part`: of how many.
    """

    name: str
    title: str
    mood: Mood
    remarks: tuple[str, ...] = field(repr=False, default=())
    buttons: tuple[str, ...] = ()
    typed: int = 0
    timeout: Timeout | None = None
    layout: Layout = "report"
    rows: tuple[Row, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    swapped: bool = False
    percent: int | None = None
    part: tuple[int, int] = (0, 1)
    foot: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """All its words, but for the rows of a job that goes on."""
        rows = () if self.mood == "wait" else self.rows
        return (*self.remarks, *(f"{row.mark} {row.text}".strip() for row in rows))


def as_json(page: Page) -> dict[str, Any]:
    """The fields of a JSON line, but for the time: those of the patient's screens, as far as there are such here."""
    return {
        "screen": page.name,
        "title": page.title,
        "lines": list(page.lines),
        "buttons": list(page.buttons),
        "reason": None,
        "notes": [],
        "leaving": is_leaving(page.timeout),
        "unavailable": [],
        "staff": [],
    }


def page_of(state: State, texts: Texts, now: float) -> Page:
    """The page for a state; `now` decides whether it is about to go."""
    page = _page(state, texts)
    until = step.leaves_at(state)
    if until is None:
        return page
    if state.requested.kind == "technician" and now >= until - step.WARN_S:
        buttons = ("more_time", "close")
        timeout = Timeout(until, warned=True)
        return Page("leaving", page.title, "ask", buttons=buttons, timeout=timeout, layout="leaving")
    return replace(page, timeout=Timeout(until) if state.requested.kind == "provisioned" else None)


def _page(state: State, texts: Texts) -> Page:
    stage = state.stage
    match stage:
        case Front():
            return _front(state, stage, texts)
        case Pin():
            return _pin(stage, state.machine.locked_s, texts)
        case Menu():
            title = texts["menu"]["title"]
            return Page("menu", title, "ask", buttons=(*step.menu(state), "close"), layout="menu", foot=_foot(state))
        case Working():
            name, title, remarks = f"working_{stage.job}", texts["jobs"][stage.job], (texts["results"]["running"],)
            return Page(name, title, "wait", remarks, rows=_rows(stage.rows)[-ROWS:], percent=stage.percent)
        case Report():
            return _report(state, stage, texts)
        case Choice():
            return _choice(state, stage, texts)
        case Sure():
            return _sure(stage, texts)
        case Gone():
            return Page("gone", texts["gone"]["title"], "wait", tuple(texts["gone"]["lines"]))


def _front(state: State, front: Front, texts: Texts) -> Page:
    requested, buttons = state.requested, step.buttons_of_front(state)
    match requested.kind:
        case "no_site":
            words = texts["no_site"]
            if requested.checking:
                return Page("checking", words["title_checking"], "wait", tuple(words["lines_checking"]))
            remarks = tuple(words["lines_wrong"] if requested.wrong else words["lines"])
            usb = _rows(state.machine.refused_usb)
            rows = (*_rows(requested.wrong, "NG"), *((Row(words["usb"]), *usb) if usb else ()))
            mood: Mood = "counter" if requested.wrong else "ask"
            title = words["title_wrong"] if requested.wrong else words["title"]
            return _in_parts(Page("no_site", title, mood, remarks, foot=_foot(state)), rows, front.part, buttons)
        case "provisioned":
            words = texts["provisioned"]
            clean = "accepted_wrong" if requested.wrong else "accepted"
            title = words[clean] if requested.accepted else words["refused"]
            mood = "good" if requested.accepted and not requested.wrong else "counter"
            rows = (*_rows(requested.wrong, "NG"), *_rows(requested.taken, "OK"))
            return _in_parts(Page("provisioned", title, mood, foot=_foot(state)), rows, front.part, buttons)
        case "recovery":
            words = texts["recovery"]
            known = requested.reason in ("missing", "unlock", "fsck", "mount")
            reason = words[requested.reason if known else "unknown"]
            stick = () if state.machine.stick else (words["no_stick"],)
            rows = tuple(Row(text) for text in (*words["lines"], *stick))
            page = Page("recovery", words["title"], "counter", (reason,), foot=_foot(state))
            return _in_parts(page, rows, front.part, buttons)
        case "installer":
            words = texts["installer"]
            return Page("installer", words["title"], "ask", tuple(words["lines"]), buttons)
        case _:
            words = texts["updating"]
            return Page("updating", words["title"], "wait", tuple(words["lines"]), percent=requested.percent)


def _pin(pin: Pin, locked_s: int, texts: Texts) -> Page:
    words = texts["pin"]
    if locked_s and not pin.asked:
        pin = Pin(outcome="locked", number=-(-locked_s // 60))
    remarks = (str(words[pin.outcome]).format(left=pin.number, minutes=pin.number),) if pin.outcome else ()
    buttons = (*KEYS, "clear", "ok", "close")
    return Page("pin", words["title"], "ask", remarks, buttons, typed=len(pin.digits), layout="pad")


def _report(state: State, report: Report, texts: Texts) -> Page:
    words = texts["results"]
    good = report.ok and report.well and not any(row.startswith("NG ") for row in report.rows)
    if not report.ok:
        remark = f"{words['wrong']}{_why(report.reason, texts)}"
    else:
        rows_only = report.job in ("status", "acknowledge", "network", "events")  # the rows are all there is to say
        usual = words.get(f"{report.job}_ok", words["ok"])
        if rows_only:
            usual = "" if report.rows else words["nothing"]
        remark = _why(report.reason, texts) or (usual if good else words.get(f"{report.job}_wrong", words["wrong"]))
    page = Page(f"report_{report.job}", texts["jobs"][report.job], "good" if good else "counter")
    page = replace(page, remarks=(remark,)) if remark else replace(page, mood="ask")
    return _in_parts(page, _rows(report.rows), report.part, step.buttons_of_report(state, report))


def _why(reason: str, texts: Texts) -> str:
    """A word that has a sentence; a sentence of root's own; else nothing."""
    sentence = texts["reasons"].get(reason)
    return str(sentence) if sentence else "" if reason.isascii() else reason


def _choice(state: State, choice: Choice, texts: Texts) -> Page:
    words = texts["installer" if choice.job == "write_disk" else "updates"]
    page = Page(f"choose_{choice.job}", words["title"], "ask", layout="choice")
    last = "disks" if state.requested.kind == "installer" else "back"
    lines = words.get("lines", []) if choice.options else [words["none"]]
    parts = max(1, -(-len(choice.options) // OPTIONS))
    part = min(choice.part, parts - 1)
    options = list(enumerate(choice.options))[part * OPTIONS : (part + 1) * OPTIONS]
    labels = tuple((f"option_{at}", option.label) for at, option in options)
    buttons = (*(name for name, _ in labels), *_turning(part, parts), last)
    return replace(page, buttons=buttons, labels=labels, remarks=tuple(lines), part=(part, parts))


def _sure(sure: Sure, texts: Texts) -> Page:
    words = texts["sure"]
    question, *more = words[sure.job]
    again = (words["again_disk" if sure.job == "write_disk" else "again"],) if sure.again else ()
    remarks = (*((sure.option.label,) if sure.option else ()), *more, *again)
    page = Page("sure_again" if sure.again else "sure", question, "counter", remarks, ("no", "yes"))
    yes = texts["buttons"].get(sure.job) if sure.again else None
    return replace(page, layout="sure", swapped=sure.again, labels=(("yes", yes),) if yes else ())


def _in_parts(page: Page, rows: tuple[Row, ...], part: int, buttons: tuple[str, ...]) -> Page:
    parts = max(1, -(-len(rows) // ROWS))
    part = min(part, parts - 1)
    rows = rows[part * ROWS : (part + 1) * ROWS]
    return replace(page, rows=rows, part=(part, parts), buttons=(*_turning(part, parts), *buttons))


def _turning(part: int, parts: int) -> tuple[str, ...]:
    return (*(("prev",) if part else ()), *(("next",) if part < parts - 1 else ()))


def _foot(state: State) -> str:
    machine = state.machine
    return "　".join(text for text in (machine.version, machine.slot) if text)


def _rows(texts: tuple[str, ...], mark: str = "") -> tuple[Row, ...]:
    """A row for each text, several for a long one; `OK `, `NG ` and `SKIP ` at its beginning become its mark."""
    found: list[Row] = []
    for text in texts:
        word, _, rest = text.partition(" ")
        own = word if word in ("OK", "NG", "SKIP") and rest else ""
        pieces = _pieces(" ".join(rest.split()) if own else text)
        found.append(Row(pieces[0], own or mark))
        found += [Row(piece) for piece in pieces[1:]]
    return tuple(found)


def _pieces(text: str) -> list[str]:
    """Broken at a blank or a mark, where there is one in the second half."""
    pieces: list[str] = []
    while (end := _fits(text)) < len(text):
        at = max(text.rfind(mark, end // 2, end) for mark in " 　。、→") + 1
        end = at or end
        pieces.append(text[:end].strip())
        text = text[end:].strip()
    return [*pieces, text]


def _fits(text: str) -> int:
    """How many letters from the beginning go into one row."""
    width = 0.0
    for at, letter in enumerate(text):
        width += 1.0 if east_asian_width(letter) in "WFA" else 0.5
        if width > ROW_CHARS:
            return at
    return len(text)
