"""Templates and their words; rows are rendered once for all browsers.

Owns Jinja2. Must never mark a patient's or a municipality's text as safe.
"""

from __future__ import annotations

import hashlib
import threading
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from kiosk.desk import japanese
from kiosk.desk.pages import Against, Arrival, Group, Header, Item, Row, Subsidies, Unserved, Unsettled
from kiosk.desk.search import folded
from kiosk.desk.visits import State
from kiosk.desk.web import words
from kiosk.results.spelling import as_date

STATIC: Final = {"desk.css": "text/css", "desk.js": "text/javascript", "icon.svg": "image/svg+xml"}
FONTS: Final = ("BIZUDPGothic-Regular.ttf", "BIZUDPGothic-Bold.ttf", "BIZUDGothic-Regular.ttf")
_KEPT_ROWS: Final = 4000


def static(name: str) -> bytes:
    """The bytes of a file of STATIC."""
    return (files("assets") / "desk" / name).read_bytes()


def font(name: str) -> bytes:
    """The bytes of a font of FONTS."""
    return (files("assets") / "fonts" / name).read_bytes()


def _version() -> str:
    return hashlib.sha256(b"".join(static(name) for name in STATIC)).hexdigest()[:12]


def _explain(row: Row) -> str:
    """The sentence about the subsidies of a visit, "" where there is nothing to explain."""
    sentences = words.WORDS["against_text"]
    if row.subsidies not in (Subsidies.none, Subsidies.fetched):
        return str(sentences[row.subsidies])
    if row.against in (Against.missing, Against.fewer):
        return str(sentences[row.against])
    if words.is_blind(row):
        return str(sentences["unknown"])
    return str(sentences["none"]) if row.subsidies is Subsidies.none else ""


def _grouped(items: Iterable[Item]) -> list[tuple[Group, list[Item]]]:
    listed = list(items)
    found = [(group, [item for item in listed if item.group is group]) for group in Group]
    return [(group, members) for group, members in found if members]


class _Environment(Environment):
    """One that finds a word of a table before a method of the table: `w.button.copy`."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def _environment() -> Environment:
    def load(name: str) -> str:
        return (files("assets") / "desk" / name).read_text(encoding="utf-8")

    made = _Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=words.visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        clock=lambda at: f"{at:%H:%M}",
        moment=lambda at: f"{at:%m/%d %H:%M:%S}",
        as_date=as_date,
        short_day=japanese.short_day,
        long_day=japanese.long_day,
        today=japanese.today,
        age=japanese.age,
        folded=folded,
        nfkc=lambda kana: unicodedata.normalize("NFKC", kana),
        grouped=_grouped,
        problem=words.problem,
    )
    made.globals.update(
        w=words.WORDS,
        version=_version(),
        eligibility=words.eligibility,
        subsidy=words.subsidy,
        state=words.state,
        printed=words.printed,
        certificate=words.certificate,
        sent=lambda which: words.chip("sent", which),
        cancelled=words.chip("state", State.cancelled),
        explain=_explain,
    )
    return made


class Renderer:
    """Pages and rows as HTML. May be used from any thread."""

    def __init__(self) -> None:
        self._environment = _environment()
        self._lock = threading.Lock()
        # By visit, `acting` and `reasons`: the row as it was last, and its HTML.
        self._rows: dict[tuple[int, bool, bool], tuple[Row, date, Markup]] = {}

    def page(self, template: str, **values: Any) -> str:
        """A whole page; `values` are the template's."""
        nothing = {"user": None, "head": None, "notice": None, "theme": "", "refresh": "", "here": "", "token": ""}
        return self._environment.get_template(template).render({**nothing, **values})

    def rows(self, rows: Iterable[Row], day: date, *, acting: bool, reasons: bool) -> dict[int, Markup]:
        """Each row's HTML by `seq`. `acting`: with links and buttons; `reasons`: for 要確認."""
        with self._lock:  # who comes second finds the work done
            if len(self._rows) > _KEPT_ROWS:
                self._rows.clear()
            return {row.seq: self._row(row, day, acting, reasons) for row in rows}

    def arrivals(self, arrivals: tuple[Arrival, ...], *, acting: bool) -> Markup:
        """The rows of 患者受付登録一覧."""
        return Markup(self._parts.arrivals(arrivals, acting)).strip()  # noqa: S704 - the macro has escaped

    def others(self, unserved: tuple[Unserved, ...], unsettled: tuple[Unsettled, ...], *, acting: bool) -> Markup:
        """The rows of 要確認 that are no visits."""
        made = self._parts.unsettled(unsettled, acting), self._parts.unserved(unserved, acting)
        return Markup("").join(made).strip()

    def banners(self, head: Header, *, acting: bool) -> str:
        """The banners of a page."""
        return self._environment.get_template("banners.html").render(head=head, can=lambda _: acting)

    def _row(self, row: Row, day: date, acting: bool, reasons: bool) -> Markup:
        key = (row.seq, acting, reasons)
        made = self._rows.get(key)
        if made is None or made[:2] != (row, day):
            html = Markup(self._parts.row(row, day, acting, reasons)).strip()  # noqa: S704 - the macro has escaped
            made = self._rows[key] = (row, day, html)
        return made[2]

    @property
    def _parts(self) -> Any:
        return self._environment.get_template("parts.html").module


def at(when: datetime) -> str:
    """9:41:05, for the line that says when the list was last brought."""
    return f"{when:%H:%M:%S}"
