"""The repository as a whole: what may lie in it, what no file may name, and that locks, lists and limits agree.

Reads the files git knows or would add; what .gitignore names is nobody's business.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests import ROOT

TOP_LEVEL = {
    ".ci", ".gitattributes", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "assets",
    "deploy", "drivers", "kiosk", "pyproject.toml", "tests",
}  # fmt: skip
FILE_MAX_BYTES = 20 * 1024 * 1024
MODULE_MAX_LINES = 400  # one idea may have so many
FUNCTION_MAX_LINES = 50
SCRIPTS = (
    "deploy/demo",
    "deploy/setup",
    "deploy/install",
    "deploy/uninstall",
    "tests/run",
    "tests/desk_slow",
    ".ci/run",
)

# Each pattern is written so that it does not find itself here.
REGISTRY_HOSTS = re.compile(
    r"pypi\.[o]rg|python[h]osted\.org|registry\.[n]pmjs|deb\.[d]ebian\.org|security\.[d]ebian\.org|proxy\.[g]olang",
    re.IGNORECASE,
)
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:[w]ork|[r]oot|[U]sers|opt/[p]ypi|opt/[w]heels|tmp/[s]pec)/|\.\./[s]hared/")
UNFINISHED = re.compile(r"\b(?:[T]ODO|[F]IXME|[X]XX)\b")
# For each of them the field has a word: reported, received, state, message, decided, again, patient.
DIALECT = {"told", "heard", "shown", "said", "judge", "judged", "facts", "anew", "whom"}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "base", "common"}


def files() -> list[Path]:
    """Paths of all files of the repository, tracked or about to be, relative to its top."""
    done = subprocess.run(
        # A clone that belongs to another user (a container's volume) is read all the same.
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return [Path(name) for name in names if (ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    """Every file that is text. Latin-1, because samples in other encodings are to be searched too."""
    found = []
    for path in files():
        raw = (ROOT / path).read_bytes()
        if b"\0" not in raw[:8192]:
            found.append((path, raw.decode("latin-1")))
    return found


def hits(pattern: re.Pattern[str], within: list[tuple[Path, str]]) -> list[str]:
    return [
        f"{path}:{number}"
        for path, text in within
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def python_modules() -> list[Path]:
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in {"kiosk", "drivers", "assets"}]


def test_the_search_sees_the_repository() -> None:
    """Every test below would pass on an empty list."""
    assert {"pyproject.toml", "deploy/setup", "tests/run"} <= {path.as_posix() for path in files()}


def test_the_top_level_holds_what_the_design_names_and_no_more() -> None:
    assert {path.parts[0] for path in files()} - TOP_LEVEL == set()


def test_no_file_is_too_large_for_a_clone() -> None:
    assert [str(path) for path in files() if (ROOT / path).stat().st_size > FILE_MAX_BYTES] == []


def test_no_file_names_a_package_registry() -> None:
    """A hospital's mirror is chosen by its own settings of pip and apt, never by us."""
    assert hits(REGISTRY_HOSTS, texts()) == []


def test_no_file_names_a_folder_of_a_developers_machine() -> None:
    assert hits(MACHINE_PATHS, texts()) == []


def test_nothing_is_left_for_later_in_a_comment() -> None:
    ours = [(path, text) for path, text in texts() if path.parts[:2] != ("tests", "data") and path.name != "LICENSE"]
    assert hits(UNFINISHED, ours) == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (REGISTRY_HOSTS, "--index-url https://pypi" + ".org/simple"),
        (REGISTRY_HOSTS, "deb http://deb.debian" + ".org/debian bookworm main"),
        (MACHINE_PATHS, "see /wo" + "rk/main/tests"),
        (MACHINE_PATHS, 'open("/ro' + 'ot/x")'),
        (MACHINE_PATHS, "vectors from ../sha" + "red/vectors"),
        (UNFINISHED, "# TO" + "DO: later"),
    ],
)
def test_a_planted_name_is_found(pattern: re.Pattern[str], text: str) -> None:
    assert hits(pattern, [(Path("x"), f"first\n{text}\n")]) == ["x:2"]


@pytest.mark.parametrize("text", ["frame/work/it", "https://example.invalid/root/x", "/var/lib/kiosk", "/tmp/kiosk"])
def test_an_ordinary_path_is_not_taken_for_a_developers(text: str) -> None:
    assert hits(MACHINE_PATHS, [(Path("x"), text)]) == []


def test_no_module_grows_past_the_limit() -> None:
    found = {str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in python_modules()}
    assert {path: lines for path, lines in found.items() if lines > MODULE_MAX_LINES} == {}


def long_functions(source: str) -> dict[str, int]:
    return {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 >= FUNCTION_MAX_LINES
    }


def test_no_function_grows_past_the_limit() -> None:
    found = {
        f"{path}: {name}": lines
        for path in python_modules()
        for name, lines in long_functions((ROOT / path).read_text(encoding="utf-8")).items()
    }
    assert found == {}


def test_a_long_function_is_found() -> None:
    body = "    x = 1\n"
    assert long_functions("def f():\n" + body * (FUNCTION_MAX_LINES - 1)) == {"f": FUNCTION_MAX_LINES}
    assert long_functions("def f():\n" + body * (FUNCTION_MAX_LINES - 2)) == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in python_modules() if VAGUE_NAMES & {*path.with_suffix("").parts}] == []


def test_every_module_says_what_it_owns() -> None:
    found = [str(path) for path in python_modules() if not ast.get_docstring(ast.parse((ROOT / path).read_bytes()))]
    assert found == []


def identifiers(source: str) -> set[str]:
    """What `source` names by itself: functions, classes, arguments, variables, attributes."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                found.add(name)
    return found


def dialect_in(source: str) -> set[str]:
    return {
        name
        for name in identifiers(source)
        if DIALECT & set(re.findall("[a-z]+", re.sub("([A-Z])", r"_\1", name).lower()))
    }


def test_names_are_the_fields_words() -> None:
    found = {f"{path}: {name}" for path in python_modules() for name in dialect_in((ROOT / path).read_text("utf-8"))}
    assert found == set()


@pytest.mark.parametrize(
    "name", ["def told(): ...", "class BeginAnew: ...", "x.last_shown = 1", "def f(*, whom): ...", "said = 1"]
)
def test_a_name_of_the_dialect_is_found(name: str) -> None:
    assert dialect_in(name)
    assert not dialect_in("def update(shares, judgement, artefacts): unsaid_parts = old = 1")


def test_every_rule_that_is_off_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    rules = re.findall(r'^(?:"[^"]+" = \[)?\s*"[A-Z]+[0-9]*"[],].*$', text, re.MULTILINE)
    assert len(rules) > 40
    assert [rule for rule in rules if not re.search(r"# \w", rule)] == []


def test_scripts_can_be_started() -> None:
    assert [name for name in SCRIPTS if not os.access(ROOT / name, os.X_OK)] == []


# --- packages ------------------------------------------------------------------------------------------------------


def pins(name: str) -> dict[str, str]:
    """Package → version of a lock file."""
    text = (ROOT / "deploy" / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+) \\$", text, re.MULTILINE))


def wanted(lines: list[str]) -> set[str]:
    return {line.strip() for line in lines if line.strip() and not line.startswith(("#", "-"))}


def test_the_lock_is_made_from_the_projects_own_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = wanted((ROOT / "deploy/requirements.in").read_text(encoding="utf-8").splitlines())
    assert set(project["project"]["dependencies"]) == listed - {*project["build-system"]["requires"], "wheel"}
    assert set(project["build-system"]["requires"]) <= listed


@pytest.mark.parametrize("kind", ["requirements", "requirements-dev"])
def test_every_wanted_package_is_locked(kind: str) -> None:
    listed = wanted((ROOT / f"deploy/{kind}.in").read_text(encoding="utf-8").splitlines())
    assert listed
    assert {re.split(r"[<>=]", line)[0] for line in listed} <= set(pins(f"{kind}.txt"))


def test_tests_run_on_the_versions_that_hospitals_get() -> None:
    run, dev = pins("requirements.txt"), pins("requirements-dev.txt")
    assert run
    assert {name: dev.get(name) for name in run} == run


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_holds_pins_with_hashes_and_nothing_else(name: str) -> None:
    text = (ROOT / "deploy" / name).read_text(encoding="utf-8")
    entries = re.split(r"^(?=\S)", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)
    entry = re.compile(r"[a-z0-9.-]+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n\s*")
    assert [part for part in entries if part.strip() and not entry.fullmatch(part)] == []
    assert "//" not in text


def test_the_licence_list_names_what_is_installed() -> None:
    text = (ROOT / "deploy/LICENCES.md").read_text(encoding="utf-8")
    run, dev = text.split("## Needed to test only")
    table = re.compile(r"^\| ([a-z0-9.-]+) \| (\d\S*) \|", re.MULTILINE)
    assert dict(table.findall(run)) == pins("requirements.txt")
    only_dev = {name: pin for name, pin in pins("requirements-dev.txt").items() if name not in pins("requirements.txt")}
    assert dict(table.findall(dev)) == only_dev
