"""The rule of the house, read from the source with `ast` and compared with two tables.

A room imports rooms of the floors below its own, never one beside it: `FLOORS`. What else is kept, and from whom, is in
`RULES`. A library that is in no row is refused, so a new dependency is a decision. Imports inside functions and under
TYPE_CHECKING count: they are arrows too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from tests import ROOT

OURS = ("kiosk", "drivers", "assets")

# Rooms of kiosk/. `fleet` is to come: a line too.
FLOORS = (
    ("process", "typography", "machine", "visit", "results"),  # know no other room
    ("words",),  # sentences with their readings
    ("config", "screens", "tables"),
    ("slip",),  # says what the screen says
    ("courier", "appointments", "ui", "desk", "his", "fleet"),  # lines: they meet in the reception only
    ("reception",),  # joins
    ("operations",),  # looks at all and changes nothing
    ("appliance", "demo", "__main__", "import_child"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


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

RULES: dict[str, Reach | Kept] = {
    "drivers know nothing of the hospital": Reach(
        ("drivers",), never=("kiosk", "assets"), why="a driver serves any program; the kiosk is told through protocols"
    ),
    "the visit is pure": Reach(
        ("kiosk.visit",),
        only=(
            *("__future__", "collections.abc", "dataclasses", "datetime", "enum", "typing"),
            "kiosk.visit",
        ),
        why="step(kiosk, event, now) can be walked through in a test, every pair of it",
    ),
    "pure modules stay pure": Reach(
        (
            "kiosk.screens",
            "kiosk.slip.content",
            "kiosk.slip.sheet",
            "kiosk.results.names",
            "kiosk.results.documents",
            "kiosk.results.eligibility",
            "kiosk.desk.people.gate",
            "kiosk.desk.people.roles",
            "kiosk.results.registrations",
            "kiosk.desk.registration",
            "kiosk.desk.acts",
            "kiosk.desk.japanese",
            "kiosk.desk.pages",
            "kiosk.desk.search",
            "kiosk.desk.web.words",
            "kiosk.results.records",
            "kiosk.results.changes",
            "kiosk.results.subsidies",
            "kiosk.results.certificate_*",
            "kiosk.results.pmh_names",
            "kiosk.results.spelling",
            "kiosk.desk.compare",
            "kiosk.desk.visits",
            "kiosk.appliance.technician.pages",
            "kiosk.appliance.technician.state",
            "kiosk.appliance.technician.step",
            "kiosk.words.eras",
            "kiosk.words.problems",
            "kiosk.operations.status_rows",
            "kiosk.operations.status_text",
        ),
        never=OUTSIDE,
        why="what is shown, printed and read must follow from arguments alone",
    ),
    "accounts know no patient": Reach(
        ("kiosk.desk.people",),
        never=("kiosk.results", "kiosk.visit", "kiosk.slip", "drivers.reservations"),
        why="accounts, sessions and the audit chain hold no patient's data",
    ),
    "what services do follows from site.toml": Reach(
        ("kiosk.appliance.site.firewall", "kiosk.appliance.site.services", "kiosk.config.installed"),
        never=tuple(name for name in OUTSIDE if name != "pathlib"),
        why="the firewall of a site can be read in a test, without a machine",
    ),
    "patients' values reach no driver": Reach(
        ("kiosk.screens", "kiosk.ui", "kiosk.slip", "kiosk.words", "kiosk.typography"),
        never=("drivers",),
        why="what is shown is a value; who shows it needs no device",
    ),
    "nobody imports the command line": Kept(("kiosk.__main__",), by=(), why="the one place that knows every part"),
    "the visit has few readers": Kept(
        ("kiosk.visit",),
        by=("kiosk.visit", "kiosk.screens", "kiosk.slip", "kiosk.reception", "kiosk.ui", "kiosk.__main__"),
        why="config, results and courier must not grow into the patient's line",
    ),
    "simulated parts are for the demo": Kept(
        ("drivers.simulated",),
        by=("drivers.simulated", "kiosk.demo", "kiosk.__main__"),
        why="no hospital's kiosk may run on a simulated printer by accident",
    ),
    "one XML reader": Kept(("lxml",), by=("kiosk.results",), why="one place to keep hostile XML out"),
    "one Kivy": Kept(("kivy", "kivymd"), by=("kiosk.ui", "kiosk.demo.panel"), why="`--headless` runs where no Kivy is"),
    "one SMB": Kept(
        ("smbprotocol", "smbclient", "spnego"),
        by=("drivers.share.smb", "drivers.simulated.terminal"),
        why="the library's faults are met in one place",
    ),
    "one PostgreSQL": Kept(
        ("pg8000",), by=("drivers.reservations.postgresql",), why="one place that ends what hangs on a connection"
    ),
    "one ESC/POS": Kept(("escpos", "usb"), by=("drivers.printer",), why="bytes for the printer come from one place"),
    "few serial lines": Kept(
        ("serial",), by=("drivers.card_reader", "drivers.printer", "drivers.simulated"), why="devices only"
    ),
    "few picture makers": Kept(
        ("PIL",), by=("kiosk.slip", "kiosk.ui", "drivers.printer", "drivers.simulated"), why="slips and screens"
    ),
    "one barcode maker": Kept(("barcode", "qrcode"), by=("kiosk.slip.barcode",), why="slips only"),
    "one breaker of lines": Kept(("budoux",), by=("kiosk.typography.breaking",), why="paper and glass break alike"),
    "one Prometheus": Kept(
        ("prometheus_client",), by=("kiosk.operations.metrics",), why="no figure where a patient's data is at hand"
    ),
    "one cipher": Kept(
        ("cryptography",),
        by=("kiosk.process.sealing", "kiosk.desk.certificate"),
        why="one place that keeps a key, and one that reads a certificate's days and names",
    ),
    "one web server": Kept(
        ("starlette", "uvicorn", "jinja2", "markupsafe"),
        by=("kiosk.desk.web",),
        why="what the pages say are values; HTTP and HTML are one place",
    ),
    "one decoder": Kept(("msgspec",), by=("kiosk.process.json_values",), why="one place that bears other versions"),
    "no import by name": Kept(
        ("importlib.import_module", "importlib.util", "runpy", "imp"),
        by=("drivers.reservations.opening",),
        why="an arrow that no test can see; a site loads the adapters that it names, and no other",
    ),
}
LIBRARIES = tuple(name for rule in RULES.values() if isinstance(rule, Kept) for name in rule.what)


@cache
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


def room(name: str) -> str | None:
    """The room that a dotted name lies in; None outside kiosk/ and for the package itself."""
    parts = name.split(".")
    return parts[1] if parts[0] == "kiosk" and len(parts) > 1 else None


def climbs(module: str, target: str) -> bool:
    """True if `module` importing `target` is no arrow to a floor below, nor within one room."""
    here, there = room(module), room(target)
    if here is None or there is None or here == there or within(target, ("kiosk.__version__",)):
        return False
    return here not in FLOOR or there not in FLOOR or FLOOR[there] >= FLOOR[here]


def breaks(rule: Reach | Kept, module: str, target: str) -> bool:
    """True if `module` importing `target` is against `rule`."""
    if isinstance(rule, Kept):
        return within(target, rule.what) and not within(module, rule.by)
    if not within(module, rule.who):
        return False
    return within(target, rule.never) or (rule.only is not None and not within(target, rule.only))


def known(target: str) -> bool:
    """True for the standard library, our own packages and the libraries that a rule names."""
    return target.split(".", maxsplit=1)[0] in {*sys.stdlib_module_names, *OURS} or within(target, LIBRARIES)


def modules() -> dict[str, Path]:
    found = {}
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def arrows() -> tuple[tuple[str, str], ...]:
    """Each module with each name that it imports."""
    return tuple(
        (module, target)
        for module, path in modules().items()
        for target in imports(module, path.read_text(encoding="utf-8"), is_package=path.name == "__init__.py")
    )


PLANTED = [
    # module, source, the rule that must find it
    ("drivers.share.smb", "from kiosk import config", "drivers know nothing of the hospital"),
    ("drivers.printer", "def f():\n    import kiosk.slip", "drivers know nothing of the hospital"),
    ("kiosk.visit.step", "import time", "the visit is pure"),
    ("kiosk.visit.step", "from collections import deque", "the visit is pure"),
    ("kiosk.visit.step", "from kiosk.process.event_log import EventLog", "the visit is pure"),
    ("kiosk.visit.step", "from ..process import event_log", "the visit is pure"),
    ("kiosk.visit", "from . import step\nfrom .. import process", "the visit is pure"),
    ("kiosk.slip.content", "from pathlib import Path", "pure modules stay pure"),
    ("kiosk.screens.views", "import os.path", "pure modules stay pure"),
    ("kiosk.results.names", "from os import path", "pure modules stay pure"),
    ("kiosk.desk.people.gate", "import time", "pure modules stay pure"),
    ("kiosk.desk.people.audit", "from kiosk.results import eligibility", "accounts know no patient"),
    ("kiosk.appliance.site.firewall", "import socket", "what services do follows from site.toml"),
    ("kiosk.ui.window", "import drivers.printer", "patients' values reach no driver"),
    ("kiosk.reception.loop", "from kiosk.__main__ import main", "nobody imports the command line"),
    ("kiosk.config", "from kiosk.visit.state import Rules", "the visit has few readers"),
    ("kiosk.reception.loop", "from drivers.simulated import printer", "simulated parts are for the demo"),
    ("kiosk.config", "import lxml.etree as etree", "one XML reader"),
    ("kiosk.his.served", "import pg8000.native", "one PostgreSQL"),
    ("kiosk.reception.headless", "if 1:\n    from kivy.app import App", "one Kivy"),
    ("kiosk.courier", "import smbclient", "one SMB"),
    ("drivers.share.folder", "from smbprotocol.open import Open", "one SMB"),
    ("kiosk.slip.picture", "from escpos.printer import Dummy", "one ESC/POS"),
    ("drivers.share", "import serial", "few serial lines"),
    ("kiosk.courier.deliver", "from PIL import Image", "few picture makers"),
    ("drivers.printer", "import qrcode", "one barcode maker"),
    ("kiosk.ui.lettering", "import budoux", "one breaker of lines"),
    ("kiosk.reception.loop", "from prometheus_client import Counter", "one Prometheus"),
    ("kiosk.desk.registration_store", "from cryptography.fernet import Fernet", "one cipher"),
    ("kiosk.desk.pages", "from starlette.responses import Response", "one web server"),
    ("kiosk.operations.report", "import msgspec", "one decoder"),
    ("kiosk.reception.loop", "from importlib import import_module", "no import by name"),
    ("kiosk.reception.loop", "__import__('kivy')", "no import by name"),
]
CLIMBING = [
    ("kiosk.visit.step", "from kiosk.words.texts import Texts"),  # beside it
    ("kiosk.process.locks", "from kiosk.config import Config"),
    ("kiosk.screens.views", "from kiosk.reception import loop"),
    ("kiosk.courier.deliver", "from kiosk.appointments import fetch"),  # two lines
    ("kiosk.courier", "from . import deliver\nfrom .. import ui"),
    ("kiosk.desk.feed", "from kiosk.courier import ledger"),
    ("kiosk.his.hub", "from kiosk.desk import visits"),
    ("kiosk.reception.board", "def f():\n    from kiosk.operations import status"),
    ("kiosk.operations.status", "import kiosk.appliance.machine.places"),
    ("kiosk.appliance.root.verbs", "from kiosk.demo import hospital"),
    ("kiosk.courier.watch", "import kiosk.attic"),  # a room that is in no row
    ("kiosk.attic", "from kiosk.process import locks"),
]


def test_no_room_imports_one_beside_or_above_it() -> None:
    found = sorted({f"{module} imports {target}" for module, target in arrows() if climbs(module, target)})
    assert found == []


@pytest.mark.parametrize(("module", "source"), CLIMBING)
def test_a_planted_arrow_upwards_is_found(module: str, source: str) -> None:
    targets = imports(module, source, is_package=module == "kiosk.courier")
    assert any(climbs(module, target) for target in targets)


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
    assert {found for name in names if (found := room(name))} == set(FLOOR) - {"fleet"}
    assert any(within(name, ("drivers",)) for name in names)
    assert len(set(arrows())) > 20


@pytest.mark.parametrize(("module", "source", "rule"), PLANTED)
def test_a_planted_violation_is_found(module: str, source: str, rule: str) -> None:
    is_package = module in {"kiosk.visit", "kiosk.courier", "drivers.printer"}
    targets = list(imports(module, source, is_package=is_package))
    assert any(breaks(RULES[rule], module, target) for target in targets)


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for _, _, rule in PLANTED} == set(RULES)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("kiosk.visit.step", "from __future__ import annotations\nimport dataclasses\nfrom .state import Start"),
        (
            "kiosk.visit.step",
            "from collections.abc import Callable\nfrom datetime import time\nimport kiosk.visit.state",
        ),
        ("kiosk.results.documents", "from lxml import etree"),
        ("kiosk.reception.loop", "from kiosk.visit.step import step\nfrom kiosk.courier import line\nimport time"),
        ("kiosk.desk.feed", "from kiosk.results import watch\nfrom kiosk import __version__"),
        ("kiosk.his.outbox", "from kiosk.process import event_log\nfrom drivers import reservations"),
        ("kiosk.desk.web.render", "from jinja2 import Environment\nfrom kiosk.desk import pages"),
        ("kiosk.fleet.report", "from kiosk.config import Config"),
        ("kiosk.__main__", "from kiosk.reception import loop\nfrom drivers.simulated import printer"),
        ("drivers.share.smb.file", "from smbprotocol.open import Open"),
        ("kiosk.slip.picture", "from PIL import Image\nfrom importlib import resources"),
        ("kiosk.slip.barcode", "import qrcode\nfrom barcode.codabar import CODABAR\nfrom PIL import ImageDraw"),
    ],
)
def test_an_allowed_import_passes(module: str, source: str) -> None:
    for target in imports(module, source, is_package=False):
        assert known(target)
        assert not climbs(module, target)
        assert not [name for name, rule in RULES.items() if breaks(rule, module, target)]


def test_an_unknown_library_is_found() -> None:
    assert not known("requests")
    assert not known("tests.peers")
    assert not known("lxmlx")
