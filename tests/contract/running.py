"""How pytest asks behaviours of a subject, and the table of results at the end of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest

from tests.contract.behaviour import Behaviour
from tests.contract.behaviours import every
from tests.contract.subject import Subject

NOT_ASKED = "not asked: "
_PROPERTY = "contract"
_SIGNS = {"passed": "ok", "failed": "FAILED", "skipped": "–"}


def each_of(*rooms: str) -> pytest.MarkDecorator:
    """The test is of each behaviour in these modules of `behaviours`, or in all."""
    asked = [each for each in every() if not rooms or each.ask.__module__.rpartition(".")[2] in rooms]
    return pytest.mark.parametrize("behaviour", asked, ids=lambda each: each.name.replace(" ", "_"))


each_behaviour = each_of()


def ask(behaviour: Behaviour, subject: Subject, record_property: Callable[[str, object], None]) -> None:
    """Ask it, or skip what the subject does not promise. For the table the result goes by `record_property`."""
    record_property(_PROPERTY, [subject.name, behaviour.name])
    reason = behaviour.not_asked(subject)
    if reason:
        pytest.skip(NOT_ASKED + reason)
    behaviour.ask_of(subject)


def write_table(reporter: pytest.TerminalReporter) -> None:
    """A row for each behaviour, a column for each subject: "ok", "FAILED", or "–" for what was not asked."""
    results: dict[tuple[str, str], str] = {}
    for outcome, reports in reporter.stats.items():
        for report in reports:
            if outcome not in {*_SIGNS, "error"} or not isinstance(report, pytest.TestReport):
                continue
            for name, value in report.user_properties:
                if name == _PROPERTY and isinstance(value, (list, tuple)):
                    results[str(value[0]), str(value[1])] = _SIGNS.get(outcome, "FAILED")
    if not results:
        return
    subjects = sorted({subject for subject, _ in results})
    rows = [each.name for each in every() if any((subject, each.name) in results for subject in subjects)]
    width = max(len(row) for row in rows)
    reporter.section("contract suite")
    reporter.write_line(f"{'':{width}}  " + "  ".join(subjects))
    for row in rows:
        cells = (f"{results.get((subject, row), ''):{len(subject)}}" for subject in subjects)
        reporter.write_line(f"{row:{width}}  " + "  ".join(cells))
    totals: defaultdict[str, list[str]] = defaultdict(list)
    for (subject, _), sign in results.items():
        totals[subject].append(sign)
    for subject in subjects:
        signs = totals[subject]
        counted = ", ".join(f"{signs.count(sign)} {word}" for sign, word in _WORDS.items())
        reporter.write_line(f"{subject}: {counted}")


_WORDS = {"ok": "kept", "FAILED": "broken", "–": "not asked"}
