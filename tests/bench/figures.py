"""What came out: medians, ratios to the floor, aims met or not; as Markdown and as JSON. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

Cell = float | int | str | None


def p95(values: Sequence[float]) -> float:
    """The value that one of twenty is above; of few values, the greatest."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


@dataclass(frozen=True)
class Aim:
    """A promise beside the figure that it was compared with: `text` holds both."""

    text: str
    met: bool

    def __str__(self) -> str:
        return f"{self.text}: {'met' if self.met else '**not met**'}"


def at_most(value: float, limit: float, text: str) -> Aim:
    """{} in `text` becomes the limit as a number of this run."""
    return Aim(text.format(cell(limit)), value <= limit)


def at_least(value: float, limit: float, text: str) -> Aim:
    """{} in `text` becomes the value."""
    return Aim(text.format(cell(value)), value >= limit)


def steady(values: Sequence[float]) -> Aim:
    """The aim that holds for every span: few stragglers, and near."""
    middle = statistics.median(values)
    return at_most(p95(values), 2 * middle, "p95 ≤ 2 × median")


@dataclass(frozen=True)
class Row:
    """One line of a table: cells in the order of the table's columns."""

    name: str
    cells: tuple[Cell, ...]
    aims: tuple[Aim, ...] = ()


@dataclass(frozen=True)
class Table:
    """`columns` without the first, which holds the rows' names, and without the aims."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def markdown(self) -> str:
        with_aims = any(row.aims for row in self.rows)
        head = (self.title, *self.columns, *(["aims"] if with_aims else []))
        lines = [_line(head), _line(["---"] + ["---:"] * len(self.columns) + (["---"] if with_aims else []))]
        for row in self.rows:
            aims = ["; ".join(map(str, row.aims))] if with_aims else []
            lines.append(_line([row.name, *map(cell, row.cells), *aims]))
        return "\n".join(lines)


SPREAD = ("n", "median", "p95", "max", "× floor")


def spread(name: str, values: Sequence[float], floor: float | None, aims: tuple[Aim, ...] = ()) -> Row:
    """A row of a table with the columns SPREAD; `floor`: the median that the ratio is to. Without values, dashes."""
    if not values:
        return Row(name, (0, None, None, None, None), aims)
    middle = statistics.median(values)
    ratio = middle / floor if floor is not None and floor > 0 else None
    return Row(name, (len(values), middle, p95(values), max(values), ratio), aims)


@dataclass(frozen=True)
class Section:
    """One part of a run. `how`: what was measured, in words; `notes`: what came in between."""

    part: str
    title: str
    how: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        blocks = [f"### {self.title}", f"`python -m tests.bench {self.part}`. {' '.join(self.how.split())}"]
        blocks += [table.markdown() for table in self.tables]
        blocks += ["\n".join(f"- {note}" for note in self.notes)] if self.notes else []
        return "\n\n".join(blocks)


def cell(value: Cell) -> str:
    """Three figures that mean something, thousands with commas; a dash for what was not measured."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def as_json(machine: dict[str, Any], sections: Sequence[Section]) -> dict[str, Any]:
    """The same numbers, not rounded."""
    return {"machine": machine, "sections": [asdict(section) for section in sections]}


def as_markdown(machine: dict[str, Any], sections: Sequence[Section]) -> str:
    """The whole answer of a run."""
    aims = [aim for section in sections for table in section.tables for row in table.rows for aim in row.aims]
    met = sum(aim.met for aim in aims)
    head = ", ".join(f"{what}: {cell(value)}" for what, value in machine.items())
    return "\n\n".join([f"{head}. Aims met: {met} of {len(aims)}.", *(each.markdown() for each in sections)]) + "\n"


def insert(document: str, text: str) -> str:
    """`document` with `text` in the place of what stood between the two marks; ValueError without them."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"no place for tables: it has not both {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}"


BEGIN = "<!-- tables of tests.bench -->"
END = "<!-- end of tables of tests.bench -->"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
