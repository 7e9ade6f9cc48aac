"""The appliance's sentences: every code in its programs has one with just its places, every sentence is used, and
none stands in the code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from kiosk.appliance.machine.refused_usb import RefusedDevice
from kiosk.words import texts
from tests import ROOT

SOURCES = sorted((ROOT / "kiosk" / "appliance").rglob("*.py"))
WORDS = texts.load("technician")
# Of pages, of which each is worded where it is made up (`technician.pages`, and the texts of buttons in `kiosk.ui`).
PAGES = {
    "moods", "leaving", "staff", "no_site", "provisioned", "recovery", "updating", "pin", "menu", "gone", "installer",
    "updates", "sure", "jobs", "results", "reasons", "buttons",
}  # fmt: skip
# Their problems are worded from the catalogues of site.toml, of services and of imports.
OTHERS = {ROOT / "kiosk/appliance" / name for name in ("site/apply.py", "site/outcomes.py")}
CALLS = {"line", "Problem", "Failure"}


def places(call: ast.Call) -> set[str]:
    found: set[str] = set()
    for keyword in call.keywords:
        found |= {keyword.arg} if keyword.arg else set(RefusedDevice._fields)
    for argument in call.args[1:]:
        assert isinstance(argument, ast.Dict)
        found |= {key.value for key in argument.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return found


def codes(node: ast.expr) -> Iterator[str]:
    """Those of `"a" if … else "b"` both; of an f-string its beginning and `*`."""
    match node:
        case ast.Constant(value=str(code)):
            yield code
        case ast.IfExp():
            yield from codes(node.body)
            yield from codes(node.orelse)
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]):
            yield f"{start}*"


def used() -> Iterator[tuple[str, set[str]]]:
    for path in set(SOURCES) - OTHERS:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            target.id: list(codes(node.value))
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name) and target.id == "code"
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS and node.args:
                first = node.args[0]
                found = named.get(first.id, []) if isinstance(first, ast.Name) else list(codes(first))
                yield from ((code, places(node)) for code in found)


def matching(code: str) -> list[str]:
    table, _, key = code.partition(".")
    return [f"{table}.{key}"] if not key.endswith("*") else [f"{table}.{each}" for each in WORDS[table]]


def sentence(code: str) -> str:
    table, _, key = code.partition(".")
    return str(WORDS[table][key])


def test_every_code_has_a_sentence_that_asks_for_no_more_than_it_is_given() -> None:
    found = list(used())
    assert len(found) > 60
    for code, given in found:
        # What one of two sentences does not ask for, the other may.
        for each in matching(code) if not code.startswith("site.*") else ():
            wanted = {name for _, name, _, _ in Formatter().parse(sentence(each)) if name is not None}
            assert wanted <= given, each


def test_every_sentence_is_used() -> None:
    named = {each for code, _ in used() for each in ([code] if "*" not in code else matching(code))}
    lines = {f"{table}.{key}" for table in WORDS.keys() - PAGES for key in WORDS[table]}
    assert lines - named == set()


@pytest.mark.parametrize("path", sorted(SOURCES), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_japanese_stands_in_the_code(path: Path) -> None:
    tree: Any = ast.parse(path.read_text(encoding="utf-8"))
    literals = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert [text for text in literals if re.search("[぀-ヿ一-鿿]", text)] == []
