"""The import arrows of the design, read from the source with `ast` and compared with one table.

    ui → screens → flow ← runtime → eligibility, slip, courier, journal → driver protocols

`drivers` knows the standard library and one device library each, never `kiosk`. A library that is in no row is refused,
so a new dependency is a decision. Imports inside functions and under TYPE_CHECKING count: they are arrows too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests import ROOT

OURS = ("kiosk", "drivers", "assets")


@dataclass(frozen=True)
class Reach:
    """Modules named by `who` import nothing of `never`; with `only`, nothing that is not in it."""

    who: tuple[str, ...]
    why: str
    only: tuple[str, ...] | None = None
    never: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """`what` is imported only by modules named by `by`."""

    what: tuple[str, ...]
    by: tuple[str, ...]
    why: str


# What touches the outside, the clock or chance. A pure module is one that can be tested as a table.
OUTSIDE = (
    "asyncio", "io", "logging", "multiprocessing", "os", "pathlib", "queue", "random", "secrets", "select", "selectors",
    "shutil", "signal", "socket", "sqlite3", "subprocess", "tempfile", "threading", "time",
)  # fmt: skip

# The loop, and the workers that carry out its commands and answer with its events.
RUNTIME = ("kiosk.reception.assembly", "kiosk.reception.loop*", "kiosk.surroundings", "kiosk.reception.worker*")

RULES: dict[str, Reach | Kept] = {
    "drivers know nothing of the hospital": Reach(
        ("drivers",), never=("kiosk", "assets"), why="a driver serves any program; the kiosk is told through protocols"
    ),
    "the flow is pure": Reach(
        ("kiosk.visit",),
        only=("__future__", "collections.abc", "dataclasses", "datetime", "enum", "kiosk.visit", "typing"),
        why="step(state, event, now) can be walked through in a test, every pair of it",
    ),
    "pure modules stay pure": Reach(
        (
            "kiosk.screens.screens*",
            "kiosk.slip.content",
            "kiosk.results.names",
            "kiosk.results.eligibility",
            "kiosk.appliance.pages_*",
            "kiosk.words.sentences",
            "kiosk.operations.status_rows",
        ),
        never=OUTSIDE,
        why="what is shown, printed and read must follow from arguments alone",
    ),
    "what services are told follows from site.toml": Reach(
        ("kiosk.appliance.site.services", "kiosk.config.installed"),
        never=tuple(name for name in OUTSIDE if name != "pathlib"),
        why="the firewall of a site can be read in a test, without a machine",
    ),
    "screens look at the flow only": Reach(
        ("kiosk.screens.screens*",),
        never=(
            "drivers",
            *RUNTIME,
            "kiosk.courier*",
            "kiosk.process.event_log*",
            "kiosk.ui*",
            "kiosk.reception.headless*",
        ),
        why="ui → screens → flow",
    ),
    "the file's line does not know the patient's": Reach(
        (
            "kiosk.courier*",
            "kiosk.results.eligibility*",
            "kiosk.process.event_log*",
            "kiosk.slip.content*",
            "kiosk.results.names*",
        ),
        never=("kiosk.visit*", *RUNTIME, "kiosk.screens.screens*", "kiosk.ui*", "kiosk.reception.headless*"),
        why="delivery must run when screen, printer and reservations are down",
    ),
    "the window draws screens only": Reach(
        ("kiosk.ui*",),
        never=("drivers", *RUNTIME, "kiosk.courier*", "kiosk.process.event_log*"),
        why="no business in it",
    ),
    "nobody imports the command line": Kept(("kiosk.__main__",), by=(), why="the one place that knows every part"),
    "the flow has few readers": Kept(
        ("kiosk.visit*",),
        by=(
            "kiosk.visit*",
            "kiosk.screens.screens*",
            *RUNTIME,
            "kiosk.reception.headless*",
            "kiosk.ui*",
            "kiosk.__main__",
        ),
        why="screens → flow ← runtime",
    ),
    "simulated parts are for the demo": Kept(
        ("drivers.simulated",),
        by=("drivers.simulated", "kiosk.demo*", "kiosk.__main__"),
        why="no hospital's kiosk may run on a simulated printer by accident",
    ),
    "one XML reader": Kept(("lxml",), by=("kiosk.results.eligibility",), why="one place to keep hostile XML out"),
    "one Kivy": Kept(("kivy", "kivymd"), by=("kiosk.ui*",), why="`--headless` runs where no Kivy is"),
    "one SMB": Kept(
        ("smbprotocol", "smbclient", "spnego"),
        by=("drivers.share.smb.share*", "drivers.simulated.terminal*"),
        why="the library's faults are met in one place",
    ),
    "one ESC/POS": Kept(("escpos", "usb"), by=("drivers.printer",), why="bytes for the printer come from one place"),
    "few serial lines": Kept(
        ("serial",), by=("drivers.card_reader*", "drivers.printer", "drivers.simulated"), why="devices only"
    ),
    "few picture makers": Kept(
        ("PIL",), by=("kiosk.slip_*", "kiosk.ui*", "drivers.printer", "drivers.simulated"), why="slips and screens"
    ),
    "one barcode maker": Kept(("barcode", "qrcode"), by=("kiosk.slip.barcode*",), why="slips only"),
    "one reader of fonts": Kept(
        ("fontTools",), by=("kiosk.typography.coverage*",), why="which font has which character"
    ),
    "the reception runs without the appliance": Kept(
        ("kiosk.appliance",),
        by=("kiosk.appliance*", "kiosk.appliance.technician.layout"),
        why="a plain PC has none of it",
    ),
    "one Prometheus": Kept(
        ("prometheus_client",),
        by=("kiosk.operations.metrics*",),
        why="no figure is gathered where a patient's data is at hand",
    ),
    "no import by name": Kept(
        ("importlib.import_module", "importlib.util", "runpy", "imp"), by=(), why="an arrow that no test can see"
    ),
}
LIBRARIES = tuple(name for rule in RULES.values() if isinstance(rule, Kept) for name in rule.what)


def within(name: str, patterns: tuple[str, ...]) -> bool:
    """True if the dotted `name` is one of `patterns` (`*` allowed) or lies under one of them."""
    return any(fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*") for pattern in patterns)


def imports(module: str, source: str, *, is_package: bool) -> Iterator[str]:
    """Dotted names of all that `source` imports, as far as known: `from a import b` gives `a.b`."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Name) and node.id == "__import__":
            yield "importlib.import_module"


def breaks(rule: Reach | Kept, module: str, target: str) -> bool:
    """True if `module` importing `target` is against `rule`."""
    if isinstance(rule, Kept):
        return within(target, rule.what) and not within(module, rule.by)
    if not within(module, rule.who):
        return False
    return within(target, rule.never) or (rule.only is not None and not within(target, rule.only))


def known(target: str) -> bool:
    """True for the standard library, our own packages and the libraries that a rule names."""
    return target.split(".")[0] in {*sys.stdlib_module_names, *OURS} or within(target, LIBRARIES)


def modules() -> dict[str, Path]:
    found = {}
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def arrows() -> Iterator[tuple[str, str]]:
    for module, path in modules().items():
        source = path.read_text(encoding="utf-8")
        for target in imports(module, source, is_package=path.name == "__init__.py"):
            yield module, target


@pytest.mark.parametrize("name", RULES)
def test_no_module_breaks_the_rule(name: str) -> None:
    rule = RULES[name]
    found = sorted({f"{module} imports {target}" for module, target in arrows() if breaks(rule, module, target)})
    assert not found, f"{name} ({rule.why}): " + "; ".join(found)


def test_every_library_is_named_in_a_rule() -> None:
    found = sorted({f"{module} imports {target}" for module, target in arrows() if not known(target)})
    assert not found, "a library that no rule of this file allows: " + "; ".join(found)


def test_the_rules_look_at_the_real_packages() -> None:
    """An empty tree would pass every rule."""
    names = modules()
    assert any(within(name, ("kiosk.visit",)) for name in names)
    assert any(within(name, ("drivers",)) for name in names)
    assert len(set(arrows())) > 20


PLANTED = [
    # module, source, the rule that must find it
    ("drivers.share.smb.share", "from kiosk import config", "drivers know nothing of the hospital"),
    ("drivers.printer", "def f():\n    import kiosk.slip.content", "drivers know nothing of the hospital"),
    ("kiosk.visit.step", "import time", "the flow is pure"),
    ("kiosk.visit.step", "from collections import deque", "the flow is pure"),
    ("kiosk.visit.step", "from kiosk.process.event_log import record", "the flow is pure"),
    ("kiosk.visit.step", "from ..journal import record", "the flow is pure"),
    ("kiosk.visit", "from . import step\nfrom .. import journal", "the flow is pure"),
    ("kiosk.slip.content", "from pathlib import Path", "pure modules stay pure"),
    ("kiosk.screens.screens.texts", "import os.path", "pure modules stay pure"),
    ("kiosk.results.names", "from os import path", "pure modules stay pure"),
    ("kiosk.appliance.site.services.firewall", "import socket", "what services are told follows from site.toml"),
    ("kiosk.screens.screens", "from kiosk import runtime", "screens look at the flow only"),
    ("kiosk.courier.deliver", "from kiosk.visit import events", "the file's line does not know the patient's"),
    ("kiosk.courier", "from . import deliver\nfrom .. import screens", "the file's line does not know the patient's"),
    ("kiosk.ui.window", "import kiosk.reception.loop", "the window draws screens only"),
    ("kiosk.reception.loop", "from kiosk.__main__ import main", "nobody imports the command line"),
    ("kiosk.config", "from kiosk.visit.state import Rules", "the flow has few readers"),
    ("kiosk.reception.loop", "from drivers.simulated import printer", "simulated parts are for the demo"),
    ("kiosk.config", "import lxml.etree as etree", "one XML reader"),
    ("kiosk.reception.headless", "if 1:\n    from kivy.app import App", "one Kivy"),
    ("kiosk.courier", "import smbclient", "one SMB"),
    ("drivers.share.folder", "from smbprotocol.open import Open", "one SMB"),
    ("kiosk.slip.picture", "from escpos.printer import Dummy", "one ESC/POS"),
    ("drivers.share", "import serial", "few serial lines"),
    ("kiosk.slip.content", "from PIL import Image", "few picture makers"),
    ("drivers.printer", "import qrcode", "one barcode maker"),
    ("kiosk.slip.picture", "from fontTools.ttLib import TTFont", "one reader of fonts"),
    ("kiosk.reception.assembly", "from kiosk.appliance import stage", "the reception runs without the appliance"),
    ("kiosk.reception.loop", "from prometheus_client import Counter", "one Prometheus"),
    ("kiosk.reception.loop", "from importlib import import_module", "no import by name"),
    ("kiosk.reception.loop", "__import__('kivy')", "no import by name"),
]


@pytest.mark.parametrize(("module", "source", "rule"), PLANTED)
def test_a_planted_violation_is_found(module: str, source: str, rule: str) -> None:
    is_package = module.count(".") < 1 or module in {"kiosk.visit", "kiosk.courier", "drivers.printer"}
    targets = list(imports(module, source, is_package=is_package))
    assert any(breaks(RULES[rule], module, target) for target in targets)


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for _, _, rule in PLANTED} == set(RULES)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("kiosk.visit.step", "from __future__ import annotations\nimport dataclasses\nfrom .facts import Start"),
        (
            "kiosk.visit.step",
            "from collections.abc import Callable\nfrom datetime import time\nimport kiosk.visit.state",
        ),
        ("kiosk.results.eligibility", "from lxml import etree"),
        ("kiosk.results.eligibility.reading", "from lxml import etree"),
        ("kiosk.reception.loop.loop", "from kiosk.visit import step\nfrom kiosk import courier, journal\nimport time"),
        ("kiosk.__main__", "from kiosk import runtime\nfrom drivers.simulated import printer"),
        ("drivers.share.smb_open", "from smbprotocol.open import Open"),
        ("kiosk.slip.picture", "from PIL import Image\nfrom importlib import resources"),
        ("kiosk.slip.barcode", "import qrcode\nfrom barcode.codabar import CODABAR\nfrom PIL import ImageDraw"),
    ],
)
def test_an_allowed_import_passes(module: str, source: str) -> None:
    for target in imports(module, source, is_package=False):
        assert known(target)
        assert not [name for name, rule in RULES.items() if breaks(rule, module, target)]


def test_an_unknown_library_is_found() -> None:
    assert not known("requests")
    assert not known("tests.peers")
    assert not known("lxmlx")
