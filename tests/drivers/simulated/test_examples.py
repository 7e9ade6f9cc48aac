"""Each simulated part opens with an example, and what it shows is what happens."""

from __future__ import annotations

import doctest
import importlib
import io
from types import ModuleType

import pytest

from drivers.simulated.smb_server import PROGRAMS
from tests import ROOT
from tests.peers import need

ON_A_SERVER = ("drivers.simulated.smb_server", "drivers.simulated.tcp_proxy")  # they need Debian's smbd
PARTS = sorted(path for path in (ROOT / "drivers" / "simulated").glob("[!_]*") if path.suffix == ".py" or path.is_dir())
MODULES = [*(f"drivers.simulated.{path.stem}" for path in PARTS), "tests.peers.receipt_computer"]


def example(module: ModuleType) -> doctest.DocTest:
    """That of the module's docstring, run among the module's own names."""
    names = dict(vars(module))
    return doctest.DocTestParser().get_doctest(module.__doc__ or "", names, module.__name__, None, 0)


def failures(test: doctest.DocTest) -> str:
    """What was expected and what came; "": the example holds."""
    report = io.StringIO()
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.REPORT_NDIFF)
    runner.run(test, out=report.write)
    return report.getvalue()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.peers] if name in ON_A_SERVER else []) for name in MODULES]
)
def test_the_example_of_each_part_holds(name: str) -> None:
    for program in PROGRAMS if name in ON_A_SERVER else ():
        need(program)
    test = example(importlib.import_module(name))
    assert len(test.examples) >= 3, "an example that shows the part at work"
    assert any(each.want for each in test.examples), "and says what comes of it"
    assert failures(test) == ""


def test_an_example_that_does_not_hold_fails() -> None:
    planted = ModuleType("planted", ">>> 1 + 1\n3\n")
    assert "Failed example" in failures(example(planted))
