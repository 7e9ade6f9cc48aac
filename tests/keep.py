"""What a failed test leaves behind where KEEP=dir asks for it: its folders, its peers' logs, its output.

Owns dir/<test id>/ of the tests that failed. Must never keep anything of a test that passed, or be needed for a test.

    log_of("smbd", peer.log)     a peer whose log is read when a test fails; known for as long as the peer lives
    last_log("smbd", peer.log)   the same of a peer that ends now, before its test may have failed
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

_FOLDERS = pytest.StashKey[set[Path]]()
_REPORTS = pytest.StashKey[list[pytest.TestReport]]()

_living: list[tuple[str, weakref.WeakMethod[Callable[[], str]]]] = []
_ended: list[tuple[str, str]] = []  # name, text; of the test that runs


def wanted() -> Path | None:
    """The folder of KEEP, or None."""
    named = os.environ.get("KEEP")
    return Path(named).absolute() if named else None


def log_of(name: str, read: Callable[[], str]) -> None:
    """`read`, a method of the peer, gives its log as it is now. It may raise OSError when there is none any more."""
    if wanted():
        _living.append((name, weakref.WeakMethod(read)))


def last_log(name: str, read: Callable[[], str]) -> None:
    """The whole log of a peer that ends now: its test may fail later."""
    if wanted():
        _living[:] = [each for each in _living if each[1]() != read]
        with suppress(OSError):
            _ended.append((name, read()))


def folder_name(test_id: str) -> str:
    """One name for a file system from a pytest node id; two ids never have the same one."""
    plain = re.sub(r"[^\w.=-]+", "_", test_id, flags=re.ASCII).strip("_")[:150]
    return f"{plain}-{hashlib.sha256(test_id.encode()).hexdigest()[:8]}"


class Keeper:
    """The hooks. `folder`: of KEEP; `base`: pytest's own temporary folder, of which nothing outside is copied."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, request: pytest.FixtureRequest) -> Generator[None, object, object]:
        """Remember the folders of a fixture: it is one, or an object that has some."""
        value = yield
        base = _base_of(request.config)
        for path in _paths(value):
            if base in path.parents:
                own = base / path.relative_to(base).parts[0]
                request.node.stash.setdefault(_FOLDERS, set()).add(own)
        return value

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        item.stash[_REPORTS] = []
        _ended.clear()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Folders are copied while the test's servers and mounts are there; logs when they have ended."""
        report = yield
        reports = item.stash[_REPORTS]
        before = any(each.failed for each in reports)
        reports.append(report)
        place = self.folder / folder_name(item.nodeid)
        if report.failed and not before:
            shutil.rmtree(place, ignore_errors=True)  # of an earlier run
            place.mkdir(parents=True)
            for node in item.listchain():
                for folder in node.stash.get(_FOLDERS, set()):
                    _copy(folder, place / folder.name)
        if report.when == "teardown" and (before or report.failed):
            _write_logs(place)
            (place / "output.txt").write_text("".join(map(_text, reports)), encoding="utf-8", errors="backslashreplace")
        return report


def _base_of(config: pytest.Config) -> Path:
    factory: Any = config._tmp_path_factory  # type: ignore[attr-defined] # what pytest's own fixture gives
    return Path(factory.getbasetemp())


def _paths(value: object) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    else:
        yield from (each for each in getattr(value, "__dict__", {}).values() if isinstance(each, Path))


def _copy(folder: Path, to: Path) -> None:
    """What can be copied: sockets and pipes cannot, and a test may have made files that vanish or cannot be read."""
    with suppress(OSError):  # shutil.Error, which names them after all others were copied, is one
        shutil.copytree(folder, to, symlinks=True)


def _write_logs(place: Path) -> None:
    found = list(_ended)
    for name, reference in _living:
        read = reference()
        if read is not None:
            with suppress(OSError):
                found.append((name, read()))
    for number, (name, text) in enumerate(found, 1):
        (place / f"{number:02}-{name}.log").write_text(text, encoding="utf-8", errors="backslashreplace")


def _text(report: pytest.TestReport) -> str:
    lines = [f"== {report.nodeid}: {report.when} {report.outcome}\n", report.longreprtext, "\n"]
    for title, text in report.sections:
        if title.endswith(report.when):  # each report has those of the earlier ones as well
            lines += [f"-- {title}\n", text, "\n"]
    return "".join(lines)
