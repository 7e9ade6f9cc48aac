"""Every English sentence about a wrong site.toml has its Japanese in assets/texts/ja/config.toml, and none is idle.

The English is read from the sources, so that a sentence which somebody adds without its Japanese is found here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from kiosk.words import texts
from tests import ROOT
from tests.words.test_site_words import english_in

WORDS = texts.load("config")
PLACE = re.compile(r"\{\w+\}")
WORD = re.compile(r"[A-Za-z]{2,}")
# Two words beside one another make a sentence of ours; one alone is a name, unless it is raised.
SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")


@dataclass(frozen=True)
class Said:
    """A sentence in a source, `{}` for what is filled in. `tables`: which of the catalogue must have it."""

    where: str
    english: str
    tables: tuple[str, ...]


# An exception's text stands at one place of the problem's line.
RAISED = {"Refused": ("why",), "BadAddress": ("why",), "Broken": ("problem",), "Unusable": ("secret",)}
WHOLE_LINES = ("agreement.py", "site_needs.py", "apply.py")
ADDRESSES = "address.py"
EXPECTED = ("checks.py", "day_checks.py", "network_checks.py")
# What looks like a sentence and is none of a problem's, and why.
NOT_TOLD = {
    "a Secret is not pickled": "an error of a programmer",
    "at line ([0-9]+)": "a pattern",
    "not a usable name": "what follows `cannot be read` is not repeated",
    "whole number": "begins [got], whose sentences the examples cover",
    "date or time": "as above",
}
# [got] is put together of parts, the others quote Python; both are covered by the examples.
NOT_IN_SOURCES = ("got", "toml", "python")


def sources() -> Iterator[tuple[Path, ast.AST]]:
    files = sorted((ROOT / "kiosk" / "config").glob("*.py"))
    files += sorted((ROOT / "drivers").glob(f"*/{ADDRESSES}"))
    yield from ((file, ast.parse(file.read_text(encoding="utf-8"))) for file in files)
    for name, function in (("kiosk/appliance/site/apply.py", "_names"), ("drivers/share/protocol.py", "name_fault")):
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        yield from (
            (ROOT / name, node) for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function
        )


def skeleton(node: ast.AST) -> str | None:
    """A text of the source, `{}` for what is filled in; the drivers' grammar by the word it begins with."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            grammar = isinstance(part.value, ast.Name) and part.value.id == "_EXPECTED"
            parts.append("expected {}" if grammar else "{}")
        else:
            parts.append(str(skeleton(part)))
    return "".join(parts)


def raised_in(tree: ast.AST, tables: Mapping[str, tuple[str, ...]]) -> dict[int, tuple[str, ...]]:
    """By the text's node, the tables for what is raised; `tables`: those of each exception."""
    return {
        id(text): tables[node.exc.func.id]
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
        if node.exc.func.id in tables
        for text in node.exc.args
    }


def tables_of(file: Path) -> tuple[str, ...]:
    """Where a sentence of `file` that is not raised must be."""
    if file.name in WHOLE_LINES:
        return ("problem",)
    if file.name in EXPECTED:
        return ("expected", "share")
    return ("fault",) if file.name == "terms.py" else tuple(WORDS)


def said(
    trees: Iterable[tuple[Path, ast.AST]],
    raises: Mapping[str, tuple[str, ...]],
    tables: Callable[[Path], tuple[str, ...]],
    told: Callable[[str], bool],
) -> Iterator[Said]:
    """The sentences in `trees`. `told`: whether a text that looks like one is one."""
    for file, tree in trees:
        raised = raised_in(tree, raises)
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = skeleton(node)
            if text is None or id(node) in parts | docs or not told(text):
                continue
            if file.name == ADDRESSES:  # as checks._url takes them over
                text = text.partition("expected ")[0].rstrip("; ")
            if (WORD if id(node) in raised else SENTENCE).search(text):
                where = f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
                yield Said(where, text, raised.get(id(node), tables(file)))


SAID = list(said(sources(), RAISED, tables_of, lambda text: text not in NOT_TOLD))
SENTENCES = [(table, english) for table, sentences in WORDS.items() for english in sentences]


def fits(sentence: str, text: str) -> bool:
    """Whether the catalogue's sentence is that of the source; one without words of its own fits nothing."""
    pattern = ".*".join(re.escape(part) for part in PLACE.split(sentence))
    return bool(WORD.search(PLACE.sub("", sentence)) and re.fullmatch(pattern, text))


def assert_one_sentence(
    english: str, japanese: str, written: str = "", unsaid: tuple[str, ...] = ("{unsaid}", "{column}")
) -> None:
    """`japanese` is Japanese but for the names in `written`, and fills in what `english` does but for `unsaid`."""
    assert english_in(PLACE.sub(" ", japanese), written) == []
    places, filled = set(PLACE.findall(english)), set(PLACE.findall(japanese))
    assert filled <= places
    assert places - filled <= {*unsaid}


def test_the_search_sees_the_sources() -> None:
    """Every test below would pass on an empty list."""
    files = {each.where.partition(":")[0] for each in SAID}
    assert {"kiosk/config/reading.py", "kiosk/config/installed.py", "drivers/share/protocol.py"} <= files
    assert len(files) == 13
    assert len(SAID) > 110


@pytest.mark.parametrize("each", SAID, ids=[each.where for each in SAID])
def test_every_sentence_of_the_sources_has_its_japanese(each: Said) -> None:
    found = [sentence for table in each.tables for sentence in WORDS[table] if fits(sentence, each.english)]
    assert found, f"assets/texts/ja/config.toml, one of {each.tables}: {each.english}"


def test_the_catalogue_has_no_sentence_that_nobody_says() -> None:
    ours = [(table, text) for table, text in SENTENCES if table not in NOT_IN_SOURCES]
    worded = [(table, text) for table, text in ours if SENTENCE.search(PLACE.sub("", text))]
    assert [text for table, text in worded if not any(fits(text, each.english) for each in SAID)] == []


@pytest.mark.parametrize(("table", "english"), SENTENCES, ids=[f"{table}-{text[:40]}" for table, text in SENTENCES])
def test_a_japanese_sentence_is_one_and_fills_in_what_the_english_does(table: str, english: str) -> None:
    assert_one_sentence(english, WORDS[table][english])


def test_every_table_of_the_catalogue_is_used() -> None:
    assert {f"{{{table}}}" for table in WORDS} - {"{problem}"} <= {
        place for _, english in SENTENCES for place in PLACE.findall(english)
    }
