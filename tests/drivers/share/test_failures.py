"""What can go wrong with a share: a closed set of codes, each with its kind and its English sentence."""

from __future__ import annotations

import ast
import json
import string
from collections.abc import Iterator

import pytest

from drivers.share import Refused, ShareError, Unfit, failures
from drivers.share.failures import FAILURES, failure
from drivers.share.protocol import NameFault, check_name, check_pattern, folder_parts
from tests import ROOT

WHERE = "smb://192.0.2.10/kiosk-face"
TABLES = ("_MEANINGS", "_REFUSED", "_LOGON")
SOURCES = [*(ROOT / "drivers" / "share").rglob("*.py"), *(ROOT / "drivers" / "simulated").glob("*.py")]


def strings(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def codes_used() -> Iterator[str]:
    """What is handed to `failure`, and what the tables of errnos and NTSTATUS hold."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "failure":
                yield from strings(node.args[0])
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in TABLES:
                yield from filter(str.isidentifier, strings(node.value))  # not the reasons beside them
    yield from ("server_refused", "session_ended", "logon_refused", "system_refused")  # what stands nowhere else


def statuses() -> list[int]:
    tables = [value for value in vars(failures).values() if isinstance(value, dict | frozenset)]
    numbers = {each for table in tables for each in table if isinstance(each, int)}
    return sorted(numbers | set().union(*failures._MEANINGS.values()) | {0xC0FFEE00})


def test_every_code_is_used_and_every_code_used_is_one() -> None:
    assert set(codes_used()) == set(FAILURES)


@pytest.mark.parametrize("code", FAILURES)
def test_a_failure_says_where_what_and_is_a_value(code: str) -> None:
    kind, sentence = FAILURES[code]
    places = {place: f"<{place}>" for _, place, _, _ in string.Formatter().parse(sentence) if place}
    error = failure(code, WHERE, **places)
    assert type(error) is kind
    assert str(error).startswith(f"{WHERE}: ") and all(place in str(error) for place in places.values())
    assert (error.code, error.parameters) == (code, {"where": WHERE, **places})


@pytest.mark.parametrize("meaning", [failures.fault, failures.folder_fault, failures.logon_fault])
def test_every_answer_of_a_server_is_one_failure_with_its_number(meaning: object) -> None:
    assert callable(meaning) and len(statuses()) > 40
    for status in statuses():
        error = meaning(status, WHERE)
        assert isinstance(error, ShareError) and error.code in FAILURES
        named = 0xC000003A if meaning is failures.folder_fault and error.code == "folder_missing" else status
        assert error.parameters["status"] == f"{named:08X}"


def test_parameters_are_plain_values() -> None:
    for check in (check_name, check_pattern, folder_parts):
        with pytest.raises(Unfit) as refused:
            check("a:b", WHERE)
        assert json.loads(json.dumps(refused.value.parameters)) == {"where": WHERE, "why": str(NameFault.SEPARATOR)}


def test_a_code_of_nobody_is_a_bug_and_a_failure_without_one_stands_for_itself() -> None:
    with pytest.raises(KeyError):
        failure("no_such_code", WHERE)
    assert (str(Refused("no")), Refused("no").code, Refused("no").parameters) == ("no", "", {})
