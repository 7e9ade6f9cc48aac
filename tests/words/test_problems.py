"""Problems as values: every code of the sources has its sentence in both languages, and no sentence is idle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import chain
from string import Formatter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.page_printer import Reason
from drivers.reservations import csv_file
from drivers.reservations.postgresql import failures
from drivers.reservations.sqlite.file import DatabaseTrouble
from drivers.share.protocol import NameFault
from kiosk.config.reading import SETTINGS
from kiosk.words import texts
from kiosk.words.problems import Problem, from_json, sentence, to_json, word
from tests import ROOT

# Exceptions of drivers: the table of their codes, and which argument is the code.
DRIVERS = {"BadAddress": ("why", 0), "BadRecord": ("reason", 0), "ReservationsDown": ("down", 1)}
OTHER_DRIVERS = {
    *(f"why.{fault.code}" for fault in NameFault),
    *(f"down.{trouble.name.lower()}" for trouble in DatabaseTrouble),
    *(f"down.{code}" for code in failures.CODES), "down.import_broken",
    *(f"column.{name}" for name in (*csv_file.REQUIRED, *csv_file.OPTIONAL)),
    *(f"print_reason.{reason}" for reason in get_args(Reason)),
    "reason.few_columns", "reason.many_columns",
}  # fmt: skip
# Not an address that site.toml can hold.
NEVER = {"why.no_password"}
# English that is Python's or a driver's as a whole, and what the appliance alone says.
WITHOUT_ENGLISH = re.compile(
    r"why\.(regex|regex_at|unclosed_quote)|toml\.(?!brackets).*|refused\..*|command\..*|refusal\..*|done\.well"
)
# What Japanese does not repeat: words of the system, and what cannot be used in front of the screen.
UNSAID = {
    "problem.unreadable": {"reason"}, "secret.unreadable": {"reason"}, "secret.open_to_others": {"mode", "file"},
    "restored.put_aside": {"file"}, "done.nothing": {"rows", "days"},
}  # fmt: skip
BOTH = ("config", "import", "people")
JAPANESE_ONLY = ("check", "services", "desk")


def sources() -> Iterator[ast.AST]:
    for path in chain((ROOT / "kiosk").rglob("*.py"), (ROOT / "drivers").rglob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def codes(catalogue: str, language: str) -> dict[str, str]:
    """The sentences of a catalogue by code; without variants, which have a table of their own in a table."""
    tables = texts.load(catalogue, language).items()
    rows = ((name, key, text) for name, table in tables if name != "join" for key, text in table.items())
    return {f"{name}.{key}": text for name, key, text in rows if isinstance(text, str)}


def used() -> tuple[set[str], set[str]]:
    """Codes of the kiosk, as far as they look like one of a catalogue's; codes of the drivers."""
    tables = {code.partition(".")[0] for catalogue in (*BOTH, *JAPANESE_ONLY) for code in codes(catalogue, "ja")}
    # A page of the desk has the name of a file, which is no code.
    shape = re.compile(rf"(?:{'|'.join(sorted(tables))})\.(?!html)[a-z][a-z0-9_]*")
    ours: set[str] = set()
    drivers = set(OTHER_DRIVERS)
    for node in sources():
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and shape.fullmatch(node.value):
            ours.add(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in DRIVERS:
            table, at = DRIVERS[node.func.id]
            code = node.args[at] if len(node.args) > at else None
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                drivers.add(f"{table}.{code.value}")
    return ours, drivers - NEVER


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_code_has_its_sentences_and_no_sentence_is_idle() -> None:
    ours, drivers = used()
    assert len(ours) > 120 and len(drivers) > 60
    japanese = set(chain.from_iterable(codes(each, "ja") for each in (*BOTH, *JAPANESE_ONLY)))
    english = set(chain.from_iterable(codes(each, "en") for each in BOTH))
    assert ours | drivers == japanese
    only = {code for each in JAPANESE_ONLY for code in codes(each, "ja")}
    assert {code for code in ours - only if not WITHOUT_ENGLISH.fullmatch(code)} - drivers == english


@pytest.mark.parametrize("catalogue", BOTH)
def test_both_languages_fill_in_the_same(catalogue: str) -> None:
    english, japanese = codes(catalogue, "en"), codes(catalogue, "ja")
    for code, text in english.items():
        assert places(japanese[code]) == places(text) - UNSAID.get(code, set()), code


def test_what_is_expected_of_every_key_is_worded_in_both_languages() -> None:
    for table, settings in SETTINGS.items():
        for key, setting in settings.items():
            where = Problem("where.table", {"table": table})
            missing = Problem("problem.missing", {"where": where, "key": key, "expected": setting.check.expected})
            assert f"[{table}] {key}: missing, expected " in word(missing, "config", "en")
            assert f"[{table}] {key}: 書かれていません。" in word(missing, "config", "ja")


def test_parts_are_worded_first_and_lists_are_joined() -> None:
    problem = Problem("nearest.elsewhere", {"homes": ("[a]", "[b]"), "more": 1})
    assert word(problem, "config", "en") == "it is known in [a] and [b]"
    assert word(problem, "config", "ja") == "[a] か [b] の項目です"
    quoted = Problem("closest.one", {"name": "{braces} {0}"})
    assert word(quoted, "config", "ja") == "近い名前: {braces} {0}"
    assert word(Problem("toml.value", english="Invalid value"), "config", "en") == "Invalid value"


def test_a_code_without_a_sentence_and_a_place_without_a_parameter_are_faults() -> None:
    for problem in (Problem("closest.tomorrow"), Problem("closest"), Problem(""), Problem("closest.one")):
        with pytest.raises(KeyError):
            word(problem, "config", "en")


# --- between processes -----------------------------------------------------------------------------------------------


def test_a_problem_passes_to_another_process() -> None:
    reason = Problem("reason.header_lacks", {"columns": (Problem("column.doctor"), Problem("column.place"))})
    problem = Problem("refused.line", {"line": 4, "reason": reason})
    assert from_json(to_json(problem), "import", "ja") == problem
    aside = Problem("restored.put_aside", {"file": "reservations.db.broken-1"})
    assert from_json(to_json(aside), "import", "ja") == Problem("restored.put_aside")


@pytest.mark.parametrize(
    "line",
    [
        "", "null", "5", "[]", "{}", "5000 of 10000 lines", "ValueError: ZZ-9911,2026-01-15,9:00",
        '{"code": "done.imported"}', '{"code": "done.imported", "parameters": {}}',
        '{"code": "done.imported", "parameters": {"rows": "ZZ-9911", "days": 1}}',
        '{"code": "done.imported", "parameters": {"rows": true, "days": 1}}',
        '{"code": "done.imported", "parameters": {"rows": 99999999999999999999, "days": 1}}',
        '{"code": "done.imported", "parameters": {"rows": [1], "days": 1}}',
        '{"code": "done.imported", "parameters": [1, 2]}', '{"code": 5, "parameters": {}}',
        '{"code": "ZZ-9911", "parameters": {}}', '{"code": "done", "parameters": {}}',
        '{"code": "refused.file", "parameters": {"reason": "ZZ-9911"}}',
        '{"code": "refused.file", "parameters": {"reason": {"code": "ZZ-9911", "parameters": {}}}}',
        '{"code": "restored.no_backup", "parameters": {"name": "ZZ-9911"}}',
        "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_answer_of_ours_is_not_taken(line: str) -> None:
    assert from_json(line, "import", "ja") is None


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)
    )
)
def test_no_line_of_another_program_makes_it_fail(value: object) -> None:
    assert from_json(repr(value), "import", "ja") is None


def test_a_code_is_no_way_to_other_tables() -> None:
    assert sentence(texts.load("import"), "done.nothing")
    for code in ("join", "join.lines.strip", "done.imported.format"):
        with pytest.raises((KeyError, TypeError)):
            sentence(texts.load("import"), code)
