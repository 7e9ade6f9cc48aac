"""What every test run shares: a header that names the peers' versions, and the rule that CI skips no peer.

`KEEP=dir tests/run ...` keeps of each failed test, in dir/<test id>/: the folders of its fixtures (tmp_path, and those
of shared fixtures) as they were when it failed, the logs of its servers and processes, and output.txt with all that
pytest has of it. Tests that passed leave nothing there; without KEEP nothing is copied anywhere. See `tests.keep`.

It must never hold fixtures: a test builds what it needs where a reader sees it, or imports it from `tests.peers`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests import keep, peers
from tests.contract import options, running
from tests.peers import samba

# A busy machine is slow, not wrong: neither a deadline nor the time that examples take to be made fails a test.
settings.register_profile("kiosk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kiosk")
SLOWEST_FILES = 15
IN_CI = os.environ.get("CI") == "true"


def pytest_report_header() -> list[str]:
    """One line a peer, so that a log tells what the tests ran against."""
    lines = [f"CI: {IN_CI} (a missing peer {'fails' if IN_CI else 'is skipped'})"]
    lines += [f"{program}: {_version(program)}" for program in ("smbd", "smbclient", "psql", "zbarimg")]
    return lines


def _version(program: str) -> str:
    if shutil.which(program) is None:
        return "missing (deploy/setup --dev installs it)"
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "does not answer"
    return (done.stdout.strip() or done.stderr.strip() or "version unknown").splitlines()[0]


def pytest_configure(config: pytest.Config) -> None:
    """Debian's smbd is in /usr/sbin, which ordinary users have not on their PATH; KEEP has hooks of its own."""
    path = os.environ.get("PATH", "").split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join([*path, *(p for p in ("/usr/sbin", "/sbin") if p not in path)])
    options.adapter(config)  # an adapter that must not be asked ends it here
    folder = keep.wanted()
    if folder is not None:
        config.pluginmanager.register(keep.Keeper(folder))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without those marked `slow_desk`, unless -m names them. Files marked `long` first: one that began last would be
    waited for while the other workers have nothing to do.
    """
    if "slow_desk" not in config.option.markexpr:
        slow = [item for item in items if item.get_closest_marker("slow_desk")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow_desk")]
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Beside pytest's slowest tests the slowest files, to find those that should be `long`; the contract's table."""
    running.write_table(terminalreporter)
    if not terminalreporter.config.option.durations:
        return
    seconds: defaultdict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.location[0]] += report.duration
    terminalreporter.section(f"slowest {SLOWEST_FILES} files")
    for file in sorted(seconds, key=lambda file: -seconds[file])[:SLOWEST_FILES]:
        terminalreporter.write_line(f"{seconds[file]:7.1f}s {file}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a vendor names: the adapter that the contract suite is to ask."""
    options.add(parser)


def pytest_sessionfinish() -> None:
    """In each worker: the servers that its tests had together end with it."""
    samba.end_shared()
    peers.shared.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """CI=true: a skipped peer test fails. An expected failure (xfail) is no skip, nor what a peer does not promise."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail") and running.NOT_ASKED not in _reason(report.longrepr)
    if IN_CI and skipped and item.get_closest_marker("peers"):
        report.outcome = "failed"
        report.longrepr = f"CI skips no peer test: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """CI=true: a file that skips itself as a whole fails too; its markers are not known yet, so peers or not."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"CI skips no test file: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
